// Answers: is each request told once, with its times, and does the one in the background leave its conditions behind?
// Owns: the claims about `lib/visit.ts`.
// Leaves out: what is reported (`proxy-cache-status.test.ts`).
import { describe, expect, test } from "bun:test";
import { OriginError, type OriginErrorCode } from "../lib/errors.ts";
import { Events, type CacheEvent, type Storage } from "../lib/events.ts";
import { Visit } from "../lib/visit.ts";
import { presented } from "./larder-under-test.ts";

const ANSWER = { status: 200, fields: new Headers({ age: "7" }), body: null };
const REPORT = { word: "HIT", ttl: 53 } as const;

function visiting(fields: Record<string, string> = {}) {
  const heard: CacheEvent[] = [];
  const events = new Events();
  const clock = { nowMs: 1000 };
  const context = { events, clockMs: () => clock.nowMs };
  return { heard, events, clock, visit: new Visit(presented("HEAD", "/a", fields), context) };
}

describe("an event", () => {
  test("tells method, URI, status, report, age and duration, and the answer is handed on as it is", () => {
    const { heard, events, clock, visit } = visiting();
    events.on((event) => heard.push(event));
    clock.nowMs = 1250;
    expect(visit.done(ANSWER, REPORT)).toBe(ANSWER);
    expect(heard).toEqual([
      {
        kind: "answered",
        method: "HEAD",
        uri: "http://larder.test/a",
        status: 200,
        report: REPORT,
        ageSeconds: 7,
        durationMs: 250,
        background: false,
      },
    ]);
  });

  test("has no age where the answer has none", () => {
    const { heard, events, visit } = visiting();
    events.on((event) => heard.push(event));
    visit.done({ ...ANSWER, fields: new Headers() }, REPORT);
    expect(heard[0]).not.toHaveProperty("ageSeconds");
  });

  test("waits for the storing; the duration is that of the answer", async () => {
    const { heard, events, clock, visit } = visiting();
    events.on((event) => heard.push(event));
    const storing = Promise.withResolvers<Storage>();
    visit.done(ANSWER, REPORT, storing.promise);
    clock.nowMs = 9000;
    expect(heard).toEqual([]);
    storing.resolve({ kind: "not-stored", reason: "too-large" });
    await storing.promise;
    expect(heard).toMatchObject([{ durationMs: 0, storage: { kind: "not-stored", reason: "too-large" } }]);
  });

  test("is not made where nobody listens", () => {
    const { heard, visit } = visiting();
    visit.done(ANSWER, REPORT);
    expect(heard).toEqual([]);
  });

  test("tells a fault with its trace", () => {
    const { heard, events, visit } = visiting();
    events.on((event) => heard.push(event));
    visit.fault(new Error("broken"));
    visit.fault("odd");
    expect(heard[0]).toMatchObject({ kind: "fault", uri: "http://larder.test/a" });
    expect(heard[0]?.kind === "fault" && heard[0].message).toContain("visit.test.ts");
    expect(heard[1]).toMatchObject({ message: "odd" });
  });
});

test("RFC 5861 §3 in the background it is a plain GET with the fields that select", () => {
  const conditions = {
    "if-none-match": '"1"',
    "if-modified-since": "x",
    range: "bytes=0-1",
    "if-range": '"1"',
  };
  const { heard, events, visit } = visiting({ ...conditions, "cache-control": "max-stale", accept: "a/b" });
  events.on((event) => heard.push(event));
  const background = visit.inBackground();
  expect([background.presented.method, background.request.method, background.presented.body]).toEqual([
    "GET",
    "GET",
    null,
  ]);
  expect([...background.presented.fields.keys()]).toEqual(["accept", "host"]);
  expect(background.request.directives.maxStale).toBeUndefined();
  background.done(ANSWER, REPORT);
  expect(heard).toMatchObject([{ background: true, method: "GET" }]);
});

describe("a second try", () => {
  const FAILURE = new OriginError("origin-unreachable", "gone");
  const visitOf = (method: string, body?: string): Visit =>
    new Visit(presented(method, "/a", {}, body), { events: new Events(), clockMs: () => 0 });

  test.each([
    ["GET", true],
    ["HEAD", true],
    ["OPTIONS", true],
    ["POST", false],
    ["PUT", false],
    ["DELETE", false],
    ["PATCH", false],
    ["PURGE", false],
  ])("RFC 9110 §9.2.1 of %s: %p", (method, mayTry) => {
    expect(visitOf(method).mayTryAgain(FAILURE)).toBe(mayTry);
  });

  test("there is none with content, which is used up", () => {
    expect(visitOf("OPTIONS", "content").mayTryAgain(FAILURE)).toBe(false);
  });

  const CODES = {
    ...{ "origin-unreachable": true, "origin-incomplete": true, "origin-corrupt": true },
    ...{ "origin-failed": false, "origin-timeout": false, "origin-malformed": false, "origin-busy": false },
    ...{ "breaker-open": false, "no-origin": false, loop: false },
  } satisfies Record<OriginErrorCode, boolean>;

  test.each(Object.entries(CODES))("after %s: %p", (code, mayTry) => {
    const failure = new OriginError(code as OriginErrorCode, "no");
    const visit = visitOf("GET");
    expect([visit.mayTryAgain(failure), visit.failed]).toEqual([mayTry, mayTry ? failure : undefined]);
  });

  test("after what is no failure of an origin there is none", () => {
    for (const error of [new Error("a bug"), "text", undefined])
      expect(visitOf("GET").mayTryAgain(error)).toBe(false);
  });

  test("is the last one, and the first failure is the one that is told", () => {
    const visit = visitOf("GET");
    expect([visit.mayTryAgain(FAILURE), visit.mayTryAgain(FAILURE)]).toEqual([true, false]);
    expect(visit.mayTryAgain(new OriginError("origin-corrupt", "no"))).toBe(false);
    expect(visit.failed).toBe(FAILURE);
  });
});
