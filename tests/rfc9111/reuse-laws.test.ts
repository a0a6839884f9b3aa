// Answers: whether no combination of directives and moments makes the cache reuse what it must not.
// Owns: the laws of `decide` in `lib/rfc9111/reuse.ts`, against the words of §4.2.4 and §5.2.1.
// Leaves out: single cases (`reuse.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decide, requestFacts, type Decision } from "../../lib/rfc9111/reuse.ts";
import { RULES, at, fieldText, request, storedResponse } from "./test-values.ts";

const seconds = fc.nat(100);
const maybe = fc.option(seconds, { nil: undefined });
const rarely = fc.integer({ min: 0, max: 5 }).map((number) => number === 0);

/** A stored response, what the request asks for, and the moment: each with its directives as plain values. */
const situations = fc.record({
  maxAge: seconds,
  sMaxage: fc.option(seconds, { nil: undefined, freq: 1 }),
  staleWhileRevalidate: maybe,
  noCache: rarely,
  mustRevalidate: rarely,
  proxyRevalidate: rarely,
  hasTag: fc.boolean(),
  asked: fc.record({
    maxAge: maybe,
    maxStale: fc.option(fc.oneof(seconds, fc.constant("any" as const)), { nil: undefined }),
    minFresh: maybe,
    noCache: rarely,
  }),
  age: fc.nat(250),
});

type Situation = typeof situations extends fc.Arbitrary<infer Value> ? Value : never;

function directives(values: Record<string, number | boolean | "any" | undefined>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => (typeof value === "number" ? `${name}=${value}` : name))
    .join(", ");
}

function decisionOn(situation: Situation, onlyIfCached = false): Decision {
  const { asked } = situation;
  const cacheControl = directives({
    "max-age": situation.maxAge,
    "s-maxage": situation.sMaxage,
    "stale-while-revalidate": situation.staleWhileRevalidate,
    "no-cache": situation.noCache,
    "must-revalidate": situation.mustRevalidate,
    "proxy-revalidate": situation.proxyRevalidate,
  });
  const tag: Record<string, string> = situation.hasTag ? { etag: '"1"' } : {};
  const stored = storedResponse({ fields: { "cache-control": cacheControl, ...tag } });
  const presented = directives({
    "max-age": asked.maxAge,
    "max-stale": asked.maxStale,
    "min-fresh": asked.minFresh,
    "no-cache": asked.noCache,
    "only-if-cached": onlyIfCached,
  });
  return decide(request({ "cache-control": presented }), [stored], at(situation.age), RULES);
}

/** Seconds past the freshness lifetime (§4.2.1); negative while it is fresh. */
function staleness({ sMaxage, maxAge, age }: Situation): number {
  return age - (sMaxage ?? maxAge);
}

function isProhibited({ noCache, mustRevalidate, proxyRevalidate, sMaxage }: Situation): boolean {
  return noCache || mustRevalidate || proxyRevalidate || sMaxage !== undefined;
}

describe("laws of reuse", () => {
  test("§4.2.4 a stale response is reused only where it is not prohibited and somebody allows it", () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const decision = decisionOn(situation);
        if (decision.kind !== "reuse" || staleness(situation) < 0) return;
        expect(isProhibited(situation)).toBe(false);
        const { asked, staleWhileRevalidate } = situation;
        const byClient = asked.maxStale === "any" || staleness(situation) <= (asked.maxStale ?? -1);
        expect(byClient || staleness(situation) <= (staleWhileRevalidate ?? -1)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test("§4.2.4 a reused response is marked as stale exactly where it is", () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const decision = decisionOn(situation);
        if (decision.kind === "reuse") expect(decision.stale !== undefined).toBe(staleness(situation) >= 0);
      }),
    );
  });

  test("§5.2.1.4, §5.2.2.4 nothing is reused where either side says no-cache", () => {
    fc.assert(
      fc.property(situations, (situation) => {
        return decisionOn(situation).kind !== "reuse" || !(situation.noCache || situation.asked.noCache);
      }),
    );
  });

  test("§5.2.1.1, §5.2.1.3 nobody gets an older response, or a less fresh one, than was asked for", () => {
    fc.assert(
      fc.property(situations, (situation) => {
        if (decisionOn(situation).kind !== "reuse") return;
        const { asked, age } = situation;
        expect(age).toBeLessThanOrEqual(asked.maxAge ?? age);
        if (asked.maxStale === undefined)
          expect(-staleness(situation)).toBeGreaterThanOrEqual(asked.minFresh ?? -1000);
      }),
    );
  });

  test("§4.2 a fresh response is reused where nobody asks for more", () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const { noCache, asked } = situation;
        const asksForMore = asked.noCache || asked.maxAge !== undefined || asked.minFresh !== undefined;
        if (noCache || asksForMore || staleness(situation) >= 0) return;
        expect(decisionOn(situation).kind).toBe("reuse");
      }),
    );
  });

  test("§5.2.1.7 only-if-cached changes nothing but forwarding into refusing", () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const [freely, onlyIfCached] = [decisionOn(situation), decisionOn(situation, true)];
        expect(onlyIfCached.kind).toBe(freely.kind === "forward" ? "refuse" : "reuse");
      }),
    );
  });

  test("§4.3.1 what is nominated has a validator", () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const decision = decisionOn(situation);
        return decision.kind !== "forward" || decision.nominated.length === 0 || situation.hasTag;
      }),
    );
  });

  test("§4 nothing that a client sends makes it throw", () => {
    const names = fc.constantFrom(
      "cache-control",
      "range",
      "if-range",
      "if-match",
      "accept-language",
      "accept",
    );
    const stored = storedResponse({
      fields: { "cache-control": "max-age=60", vary: "accept, accept-language" },
    });
    fc.assert(
      fc.property(fc.dictionary(names, fieldText), (fields) => {
        const presented = requestFacts("GET", { get: (name) => fields[name] ?? null });
        expect(["reuse", "forward", "refuse"]).toContain(decide(presented, [stored], at(0), RULES).kind);
      }),
    );
  });
});
