// Answers: whether a stale response is served just where it may be.
// Owns: the claims about `lib/rfc9111/stale.ts` (§4.2.4, RFC 5861).
// Leaves out: the order of the decision (`reuse.test.ts`, `outcome.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  isOriginFailure,
  isStaleProhibited,
  mayServeForClient,
  mayServeOnError,
  mayServeWhileRevalidating,
} from "../../lib/rfc9111/stale.ts";
import { deltaSeconds, type EpochSeconds } from "../../lib/rfc9111/time.ts";
import { at, RULES, storedResponse } from "./test-values.ts";

function response(cacheControl: string, status = 200) {
  return storedResponse({ status, fields: { "cache-control": cacheControl } });
}

const PROHIBITING = ["no-cache", "must-revalidate", "proxy-revalidate", "s-maxage=60"];

const NEVER = deltaSeconds(0);

describe("§4.2.4 what prohibits serving stale", () => {
  test.each(PROHIBITING)("%s does", (directive) => {
    expect(isStaleProhibited(response(`max-age=60, ${directive}`).directives)).toBe(true);
  });

  test.each([
    "max-age=60",
    "public",
    "immutable",
    "no-transform",
    'no-cache="set-cookie"',
    "stale-if-error=5",
  ])("%s does not", (directive) => {
    expect(isStaleProhibited(response(directive).directives)).toBe(false);
  });

  test.each(PROHIBITING)("%s prohibits whatever else allows it", (directive) => {
    const stored = response(`max-age=60, stale-while-revalidate=60, stale-if-error=60, ${directive}`);
    expect(mayServeWhileRevalidating(stored, at(61), NEVER)).toBe(false);
    expect(mayServeOnError(stored, at(61), RULES.staleIfError)).toBe(false);
    expect(mayServeForClient(stored, at(61), deltaSeconds(60))).toBe(false);
  });
});

describe("RFC 5861 §3 stale-while-revalidate", () => {
  test.each([
    ["max-age=60", 89, true],
    ["max-age=60", 90, false],
    ["max-age=60, stale-while-revalidate=5", 66, false],
    ["max-age=60, stale-while-revalidate=0", 61, false],
    ["max-age=60, must-revalidate", 61, false],
    ["s-maxage=60", 61, false],
  ])(
    "the operator's 30 s are for those that do not say themselves: %s at %i s",
    (cacheControl, seconds, may) => {
      expect(mayServeWhileRevalidating(response(cacheControl), at(seconds), deltaSeconds(30))).toBe(may);
    },
  );

  test.each([
    ["at once", "max-age=60, stale-while-revalidate=30", 60, true],
    ["within its window", "max-age=60, stale-while-revalidate=30", 89, true],
    ["not behind it", "max-age=60, stale-while-revalidate=30", 91, false],
    ["not without it", "max-age=60", 60, false],
    ["not with a window of 0", "max-age=60, stale-while-revalidate=0", 61, false],
    ["not with an unreadable window", "max-age=60, stale-while-revalidate=x", 61, false],
    ["not with another directive's window", "max-age=60, stale-if-error=30", 61, false],
    ["counted from the lifetime 0 too", "max-age=0, stale-while-revalidate=30", 29, true],
  ])("%s", (_, cacheControl, seconds, may) => {
    expect(mayServeWhileRevalidating(response(cacheControl), at(seconds), NEVER)).toBe(may);
  });
});

describe("RFC 5861 §4 stale-if-error", () => {
  test.each([
    ["within its window", "max-age=60, stale-if-error=30", 200, 89, true],
    ["not behind it", "max-age=60, stale-if-error=30", 200, 91, false],
    ["its window beats the allowance", "max-age=60, stale-if-error=1000", 200, 1059, true],
    ["a window of 0 beats the allowance", "max-age=60, stale-if-error=0", 200, 61, false],
    ["§4.2.4 the allowance, where it says nothing", "max-age=60", 200, 359, true],
    ["§4.2.4 not behind the allowance", "max-age=60", 200, 361, false],
    ["a fresh response, where only the client wanted it validated", "max-age=60", 200, 10, true],
    ["a 404 is an answer", "max-age=60", 404, 61, true],
    ["an error that is an error itself is not", "max-age=60, stale-if-error=30", 503, 61, false],
  ])("%s", (_, cacheControl, status, seconds, may) => {
    expect(mayServeOnError(response(cacheControl, status), at(seconds), RULES.staleIfError)).toBe(may);
  });

  test.each([
    [500, true],
    [502, true],
    [503, true],
    [504, true],
    [501, false],
    [505, false],
    [404, false],
    [429, false],
    [200, false],
    [304, false],
  ])("%i counts as a failure of the origin: %p", (status, fails) => {
    expect(isOriginFailure(status)).toBe(fails);
  });
});

describe("§5.2.1.2 max-stale", () => {
  test.each([
    ["within it", 30, 89, true],
    ["by no more than it", 30, 90, true],
    ["not by more", 30, 91, false],
    ["any staleness", 2 ** 31, 1_000_000, true],
  ])("%s", (_, maxStale, seconds, may) => {
    expect(mayServeForClient(response("max-age=60"), at(seconds), deltaSeconds(maxStale))).toBe(may);
  });
});

describe("laws of stale", () => {
  const windows = fc.nat(1000);
  const seconds = fc.nat(3000);

  test("what may not be served stale now may not later", () => {
    fc.assert(
      fc.property(windows, windows, seconds, seconds, (revalidate, error, now, later) => {
        const stored = response(`max-age=60, stale-while-revalidate=${revalidate}, stale-if-error=${error}`);
        const rules = [
          (moment: EpochSeconds) => mayServeWhileRevalidating(stored, moment, NEVER),
          (moment: EpochSeconds) => mayServeOnError(stored, moment, RULES.staleIfError),
          (moment: EpochSeconds) => mayServeForClient(stored, moment, deltaSeconds(error)),
        ];
        return rules.every((may) => may(at(now)) || !may(at(now + later)));
      }),
    );
  });

  test("nobody gets a response that is staler than its window", () => {
    fc.assert(
      fc.property(windows, seconds, (window, now) => {
        const stored = response(`max-age=60, stale-while-revalidate=${window}, stale-if-error=${window}`);
        const staleness = now - 60;
        const may =
          mayServeWhileRevalidating(stored, at(now), NEVER) ||
          mayServeOnError(stored, at(now), RULES.staleIfError);
        return !may || staleness <= window;
      }),
    );
  });
});
