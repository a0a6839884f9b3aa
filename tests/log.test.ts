// Answers: what does a person, or a machine, read about a request?
// Owns: the claims about `lib/log.ts`: the line of each word, JSON, silence, and colours on a terminal only.
// Leaves out: which word a request gets (`proxy-*.test.ts`), the origin's log (`origin-log.test.ts`).
import { describe, expect, test } from "bun:test";
import type { OutcomeWord, Report } from "../lib/cache-status.ts";
import type { CacheEvent } from "../lib/events.ts";
import { logListener, prettyLine, type LogStyle } from "../lib/log.ts";
import { readableBytes } from "../lib/readable-bytes.ts";

type Answered = Extract<CacheEvent, { kind: "answered" }>;

const URI = "http://localhost:8001/menu";

function answered(report: Report, particulars: Partial<Answered> = {}): Answered {
  return {
    ...{ kind: "answered", method: "GET", uri: URI, status: 200, report, durationMs: 3, background: false },
    ...particulars,
  };
}

const MISS: Report = { word: "MISS", fwd: "uri-miss", fwdStatus: 200, stored: true, ttl: 60 };
const STORED = { kind: "stored", bytes: 1234, freshSeconds: 60 } as const;

const LINES: readonly (readonly [line: string, event: CacheEvent])[] = [
  ["MISS uri-miss, stored 1.2 kB, fresh 60 s  GET {} 200  3 ms", answered(MISS, { storage: STORED })],
  ["HIT age 12, fresh 48 s more  GET {} 200  3 ms", answered({ word: "HIT", ttl: 48 }, { ageSeconds: 12 })],
  [
    "VALIDATED stale, fresh 60 s more  GET {} 200  3 ms",
    answered({ word: "VALIDATED", fwd: "stale", fwdStatus: 304, ttl: 60 }, { ageSeconds: 0 }),
  ],
  [
    "STALE age 70, stale for 10 s, while-revalidate  GET {} 200  3 ms",
    answered({ word: "STALE", ttl: -10, detail: "while-revalidate" }, { ageSeconds: 70 }),
  ],
  [
    "STALE age 70, stale for 10 s, stale, origin-unreachable  GET {} 200  3 ms",
    answered({ word: "STALE", fwd: "stale", ttl: -10, detail: "origin-unreachable" }, { ageSeconds: 70 }),
  ],
  [
    "PASS method  POST {} 201  3 ms",
    answered({ word: "PASS", fwd: "method", fwdStatus: 201 }, { method: "POST", status: 201 }),
  ],
  [
    "PURGED 2 stored  PURGE {} 200  3 ms",
    answered({ word: "PURGED", detail: "2 stored" }, { method: "PURGE" }),
  ],
  ["REFUSED host  GET {} 400  3 ms", answered({ word: "REFUSED", detail: "host" }, { status: 400 })],
  [
    "ERROR uri-miss, origin-timeout  GET {} 504  3 ms",
    answered({ word: "ERROR", fwd: "uri-miss", detail: "origin-timeout" }, { status: 504 }),
  ],
  [
    "MISS uri-miss, not stored: no-store  GET {} 200  3 ms",
    answered({ word: "MISS", fwd: "uri-miss", fwdStatus: 200, detail: "no-store" }),
  ],
  ["MISS uri-miss, collapsed  GET {} 200  3 ms", answered({ ...MISS, collapsed: true })],
  [
    "MISS uri-miss, not collapsed, stored 1.2 kB, fresh 60 s  GET {} 200  3 ms",
    answered({ ...MISS, collapsed: false }, { storage: STORED }),
  ],
  [
    "MISS uri-miss, broke off: 3 bytes came, 4 were announced  GET {} 200  3 ms",
    answered(MISS, { storage: { kind: "broken", message: "3 bytes came, 4 were announced" } }),
  ],
  [
    "MISS uri-miss, not stored: too-large  GET {} 200  3 ms",
    answered(MISS, { storage: { kind: "not-stored", reason: "too-large" } }),
  ],
  [
    "VALIDATED stale, fresh 60 s more  GET {} 200  in the background  250 ms",
    answered(
      { word: "VALIDATED", fwd: "stale", fwdStatus: 304, ttl: 60 },
      { background: true, durationMs: 250 },
    ),
  ],
  [
    "HIT age 0, fresh 60 s more  HEAD {} 200  <1 ms",
    answered({ word: "HIT", ttl: 60 }, { method: "HEAD", durationMs: 0 }),
  ],
  ["INVALIDATED {}  2 stored", { kind: "invalidated", uri: URI, removed: 2 }],
  [
    "INVALIDATED http://larder.test group menu  2 stored",
    { kind: "invalidated", uri: "http://larder.test", group: "menu", removed: 2 },
  ],
  ["INVALIDATED {} softly  1 stored", { kind: "invalidated", uri: URI, soft: true, removed: 1 }],
  ["INVALIDATED tag menu  3 stored", { kind: "invalidated", tag: "menu", removed: 3 }],
  ["INVALIDATED prefix {} softly  3 stored", { kind: "invalidated", prefix: URI, soft: true, removed: 3 }],
  ["INVALIDATED everything  9 stored", { kind: "invalidated", all: true, removed: 9 }],
  ["INVALIDATED everything softly  9 stored", { kind: "invalidated", all: true, soft: true, removed: 9 }],
  ["UNCOLLAPSED {}  for 10 s: private", { kind: "uncollapsed", uri: URI, seconds: 10, reason: "private" }],
  ["RESUMED {}  at byte 1234567", { kind: "resumed", uri: URI, at: 1_234_567 }],
  [
    "REVALIDATION FAILED {}  3 in a row, not again for 4 s",
    { kind: "revalidation-failed", uri: URI, failures: 3, retryMs: 4000 },
  ],
  [
    "BREAKER http://origin.test  open, 5 failures in a row",
    { kind: "breaker", origin: "http://origin.test", state: "open", failures: 5 },
  ],
  [
    "BREAKER http://origin.test  closed, 0 failures in a row",
    { kind: "breaker", origin: "http://origin.test", state: "closed", failures: 0 },
  ],
  [
    "HEALTH http://origin.test  not well: status 500",
    { kind: "health", origin: "http://origin.test", healthy: false, detail: "status 500" },
  ],
  [
    "HEALTH http://origin.test  well: status 200",
    { kind: "health", origin: "http://origin.test", healthy: true, detail: "status 200" },
  ],
  ["FAULT {}  it is broken", { kind: "fault", uri: URI, message: "it is broken" }],
];

const WORDS = [
  "HIT",
  "MISS",
  "VALIDATED",
  "STALE",
  "PASS",
  "REFUSED",
  "PURGED",
  "ERROR",
] as const satisfies OutcomeWord[];

describe("a line for people", () => {
  test.each(LINES)("%s", (line, event) => {
    expect(prettyLine(event, false)).toBe(line.replace("{}", URI));
  });

  test("each word has a line here", () => {
    const words = LINES.flatMap(([, event]) => (event.kind === "answered" ? [event.report.word] : []));
    expect([...new Set(words)].sort()).toEqual([...WORDS].sort());
  });

  test("each kind of event has a line here", () => {
    const kinds = {
      ...{ answered: true, invalidated: true, uncollapsed: true, resumed: true, "revalidation-failed": true },
      ...{ breaker: true, health: true, fault: true },
    } satisfies Record<CacheEvent["kind"], true>;
    expect([...new Set(LINES.map(([, { kind }]) => kind as string))].sort()).toEqual(
      Object.keys(kinds).sort(),
    );
  });

  test("only answers are in colour", () => {
    for (const [line, event] of LINES) {
      if (event.kind !== "answered") expect(prettyLine(event, true)).toBe(line.replace("{}", URI));
    }
  });

  test.each(WORDS)("%s is in colour where colours are wanted, and says the same", (word) => {
    const event = answered({ word, ttl: 1 });
    const coloured = prettyLine(event, true);
    expect(coloured).toMatch(new RegExp(`^\x1b\\[3\\dm${word}\x1b\\[0m`));
    expect(Bun.stripANSI(coloured)).toBe(prettyLine(event, false));
  });

  test("a line is a line: nothing that a request or an origin sent ends it or moves the cursor", () => {
    const odd = "\u009b2J\u007f\x1b[31m\n";
    const event = answered(
      { ...MISS, detail: odd },
      { uri: `/${odd}`, storage: { kind: "broken", message: `it broke ${odd}` } },
    );
    expect(prettyLine(event, false)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
    const steps: CacheEvent[] = [
      { kind: "uncollapsed", uri: odd, seconds: 1, reason: odd },
      { kind: "invalidated", tag: odd, removed: 1 },
      { kind: "invalidated", uri: odd, group: odd, removed: 1 },
      { kind: "resumed", uri: odd, at: 1 },
      { kind: "revalidation-failed", uri: odd, failures: 1, retryMs: 1 },
      { kind: "health", origin: odd, healthy: false, detail: odd },
      { kind: "fault", uri: odd, message: odd },
    ];
    for (const step of steps) expect(prettyLine(step, true)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  });

  test("what is stored though it is stale is fresh for 0 s, not for less", () => {
    const storage = { ...STORED, freshSeconds: -5 };
    expect(prettyLine(answered(MISS, { storage }), false)).toContain("fresh 0 s");
  });
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [1234, "1.2 kB"],
  [65_536, "65.5 kB"],
  [999_999, "1.0 MB"],
  [2_500_000, "2.5 MB"],
  [3 * 10 ** 9, "3.0 GB"],
  [4 * 10 ** 15, "4000.0 TB"],
])("%d bytes read %s", (bytes, text) => {
  expect(readableBytes(bytes)).toBe(text);
});

describe("who gets which log", () => {
  const written = (style: LogStyle, isTerminal: boolean): string[] | undefined => {
    const lines: string[] = [];
    const listener = logListener(style, isTerminal, (line) => void lines.push(line));
    for (const [, event] of LINES) listener?.(event);
    return listener === undefined ? undefined : lines;
  };

  test("off has no listener at all, so that no event is even made", () => {
    expect([written("off", true), written("off", false), written("auto", false)]).toEqual([
      ...[undefined, undefined, undefined],
    ]);
  });

  test("auto on a terminal is pretty, with colours", () => {
    expect(written("auto", true)).toEqual(LINES.map(([, event]) => prettyLine(event, true)));
    expect(written("pretty", true)).toEqual(written("auto", true)!);
  });

  test("pretty into a file or a pipe has no colours", () => {
    expect(written("pretty", false)).toEqual(LINES.map(([line]) => line.replace("{}", URI)));
  });

  test.each([true, false])(
    "json is one object a line, the event with its time, on a terminal (%p) too",
    (isTerminal) => {
      const before = Date.now();
      for (const [at, line] of written("json", isTerminal)!.entries()) {
        expect(line).not.toMatch(/\n|\x1b/);
        const { time, ...event } = JSON.parse(line);
        expect(event).toEqual(LINES[at]![1] as unknown as Record<string, unknown>);
        expect(new Date(time).toISOString()).toBe(time);
        expect(Date.parse(time)).toBeGreaterThanOrEqual(before);
      }
    },
  );
});
