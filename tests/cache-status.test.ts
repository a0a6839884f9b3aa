// Answers: does Cache-Status say what happened, in a form that others can read?
// Owns: the claims about `lib/cache-status.ts` (RFC 9211), read back with a parser of Structured Fields (RFC 9651).
// Leaves out: what happened (`proxy-*.test.ts`), the words in the log (`log.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseList, Token } from "structured-headers";
import {
  cacheStatusMember,
  passReport,
  reuseReport,
  storeReport,
  validatedReport,
  type OutcomeWord,
  type Report,
} from "../lib/cache-status.ts";
import type { ForwardReason } from "../lib/rfc9111/reuse.ts";
import { at, forwarding, storedResponse } from "./rfc9111/test-values.ts";

const WORDS: readonly OutcomeWord[] = ["HIT", "STALE", "VALIDATED", "MISS", "PASS", "REFUSED", "ERROR"];
const REASONS: readonly ForwardReason[] = [
  ...(["bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"] as const),
];

/** The one member, as others read it: its name and its parameters. */
function read(value: string): { name: string; parameters: Record<string, unknown> } {
  const members = parseList(value);
  expect(members).toHaveLength(1);
  const [name, parameters] = members[0]!;
  expect(name).toBeInstanceOf(Token);
  const plain = [...parameters].map(([key, item]) => [key, item instanceof Token ? item.toString() : item]);
  return { name: String(name), parameters: Object.fromEntries(plain) };
}

describe("RFC 9211: the parameters of each report", () => {
  test.each<[string, Report, Record<string, unknown>]>([
    ["a hit", { word: "HIT", ttl: 48 }, { hit: true, ttl: 48 }],
    [
      "a stale hit",
      { word: "STALE", ttl: -5, detail: "max-stale" },
      { hit: true, ttl: -5, detail: "max-stale" },
    ],
    [
      "a stale answer after a failure is no hit",
      { word: "STALE", fwd: "stale", ttl: -5, detail: "origin-timeout" },
      { fwd: "stale", ttl: -5, detail: "origin-timeout" },
    ],
    [
      "a validation",
      { word: "VALIDATED", fwd: "stale", fwdStatus: 304, ttl: 60 },
      { fwd: "stale", "fwd-status": 304, ttl: 60 },
    ],
    [
      "a miss that is stored",
      { word: "MISS", fwd: "uri-miss", fwdStatus: 200, stored: true, ttl: 60 },
      { fwd: "uri-miss", "fwd-status": 200, stored: true, ttl: 60 },
    ],
    ["one that is not", { word: "MISS", fwd: "vary-miss", stored: false }, { fwd: "vary-miss" }],
    [
      "one that followed",
      { word: "MISS", fwd: "uri-miss", collapsed: true },
      { fwd: "uri-miss", collapsed: true },
    ],
    [
      "one that tried to",
      { word: "MISS", fwd: "uri-miss", collapsed: false },
      { fwd: "uri-miss", collapsed: false },
    ],
    ["a pass", { word: "PASS", fwd: "method", fwdStatus: 201 }, { fwd: "method", "fwd-status": 201 }],
    ["a refusal", { word: "REFUSED", detail: "host" }, { detail: "host" }],
    ["an error", { word: "ERROR", fwd: "uri-miss", detail: "loop" }, { fwd: "uri-miss", detail: "loop" }],
  ])("%s", (_, report, parameters) => {
    expect(read(cacheStatusMember(report))).toEqual({ name: "larder", parameters });
  });

  test("every report is one member of a list, with hit or fwd but never both", () => {
    const optional = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
    const report = fc.record({
      word: fc.constantFrom(...WORDS),
      fwd: optional(...REASONS),
      fwdStatus: fc.option(fc.integer({ min: 200, max: 599 }), { nil: undefined }),
      stored: optional(true, false),
      collapsed: optional(true, false),
      ttl: fc.option(fc.integer({ min: -(2 ** 33), max: 2 ** 33 }), { nil: undefined }),
      detail: fc.option(fc.string({ unit: "binary" }), { nil: undefined }),
    });
    fc.assert(
      fc.property(report, (given) => {
        const made = cacheStatusMember(
          Object.fromEntries(
            Object.entries(given).filter(([, value]) => value !== undefined),
          ) as unknown as Report,
        );
        const { parameters } = read(made);
        expect("hit" in parameters && "fwd" in parameters).toBe(false);
        for (const [name, value] of [
          ["fwd", given.fwd],
          ["fwd-status", given.fwdStatus],
          ["ttl", given.ttl],
        ] as const) {
          expect(parameters[name]).toBe(value);
        }
        expect(parameters["collapsed"]).toBe(given.collapsed);
        expect(parameters["stored"] === true).toBe(given.stored === true);
        expect(typeof parameters["detail"]).toBe(given.detail === undefined ? "undefined" : "string");
        // RFC 9211 §2: caches add themselves to the end of what is there.
        expect(parseList(`"other"; hit, ${made}`)).toHaveLength(2);
        expect(new Headers({ "cache-status": made }).get("cache-status")).toBe(made);
      }),
      { numRuns: 500 },
    );
  });
});

describe("details with odd characters", () => {
  test.each([
    ["no-store", "no-store"],
    ["*", "*"],
    ["", ""],
    ["two words", "two words"],
    ["9lives", "9lives"],
    ['a "quoted" \\ word', 'a "quoted" \\ word'],
    ["a;b=c, d", "a;b=c, d"],
    ["café ✓", "caf? ?"],
    ["line\r\nend\u0000", "line??end?"],
    ["\u{1f36f}", "??"],
  ])("%j reads %j", (detail, text) => {
    expect(read(cacheStatusMember({ word: "ERROR", detail })).parameters["detail"]).toBe(text);
  });

  test("what is printable comes back as it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii" }), (detail) => {
        expect(read(cacheStatusMember({ word: "ERROR", detail })).parameters["detail"]).toBe(detail);
      }),
    );
  });
});

describe("the report of", () => {
  const stored = storedResponse({ fields: { "cache-control": "max-age=60" } });

  test("a reuse counts down what is left, below 0 where it is stale", () => {
    expect(reuseReport(stored, at(12))).toEqual({ word: "HIT", ttl: 48 });
    expect(reuseReport(stored, at(70), "max-stale")).toEqual({
      word: "STALE",
      ttl: -10,
      detail: "max-stale",
    });
  });

  test("a validation", () => {
    const asked = forwarding({ why: "stale", nominated: [stored] });
    expect(validatedReport(stored, asked, at(0))).toEqual({
      word: "VALIDATED",
      fwd: "stale",
      fwdStatus: 304,
      ttl: 60,
    });
  });

  test.each([undefined, false, true])("what is stored, collapsed: %p", (collapsed) => {
    const report = storeReport(stored, { forwarding: forwarding(), collapsed }, 200);
    expect(report).toEqual({
      ...{ word: "MISS", fwd: "uri-miss", fwdStatus: 200, stored: true, ttl: 60 },
      ...(collapsed !== undefined && { collapsed }),
    });
  });

  test.each(REASONS)("what is passed on because of %s: PASS where nothing could have been stored", (why) => {
    const forwarded = { forwarding: forwarding({ why }), collapsed: undefined };
    const word = why === "method" || why === "bypass" ? "PASS" : "MISS";
    expect(passReport(forwarded, 200, "no-store")).toEqual({
      word,
      fwd: why,
      fwdStatus: 200,
      detail: "no-store",
    });
    expect(passReport(forwarded, 200, why)).toEqual({ word, fwd: why, fwdStatus: 200 });
  });
});
