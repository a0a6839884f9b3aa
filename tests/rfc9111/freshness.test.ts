// Answers: whether a response is fresh for as long as §4.2 says.
// Owns: the claims about `lib/rfc9111/freshness.ts` (§4.2, §4.2.1, §4.2.2, §5.3).
// Leaves out: reading directives (`cache-control.test.ts`), age (`age.test.ts`), stale responses (`stale.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { responseDirectives } from "../../lib/rfc9111/cache-control.ts";
import {
  freshnessLifetime,
  heuristicLifetime,
  isFresh,
  isHeuristicallyCacheable,
  untilExpires,
} from "../../lib/rfc9111/freshness.ts";
import { deltaSeconds, MAX_DELTA, type EpochSeconds } from "../../lib/rfc9111/time.ts";
import { at, dateAt, fieldText, NOW, RULES, storedResponse } from "./test-values.ts";

const DAY = 86_400;

function facts(fields: Record<string, string>, status = 200) {
  const headers = new Headers(fields);
  return { status, fields: headers, directives: responseDirectives(headers), dateValue: NOW };
}

describe("§4.2.1 the freshness lifetime", () => {
  test.each([
    [
      "s-maxage beats max-age in a shared cache",
      { "cache-control": "max-age=1, s-maxage=60" },
      60,
      "s-maxage",
    ],
    ["s-maxage beats Expires", { "cache-control": "s-maxage=60", expires: dateAt(5) }, 60, "s-maxage"],
    ["s-maxage=0 beats max-age", { "cache-control": "max-age=60, s-maxage=0" }, 0, "s-maxage"],
    ["invalid s-maxage is stale", { "cache-control": "max-age=60, s-maxage=x" }, 0, "s-maxage"],
    ["max-age beats Expires", { "cache-control": "max-age=60", expires: dateAt(5) }, 60, "max-age"],
    ["max-age=0 beats Expires", { "cache-control": "max-age=0", expires: dateAt(60) }, 0, "max-age"],
    [
      "max-age beats the heuristic",
      { "cache-control": "max-age=0", "last-modified": dateAt(-DAY) },
      0,
      "max-age",
    ],
    ["max-age saturates at 2^31", { "cache-control": "max-age=99999999999" }, MAX_DELTA as number, "max-age"],
    ["Expires counts from Date", { expires: dateAt(60) }, 60, "expires"],
    ["invalid Expires beats the heuristic", { expires: "0", "last-modified": dateAt(-DAY) }, 0, "expires"],
    ["the heuristic comes last", { "last-modified": dateAt(-1000) }, 100, "heuristic"],
    ["nothing gives no lifetime", {}, 0, "none"],
    ["an unknown directive gives no lifetime", { "cache-control": "foo=60" }, 0, "none"],
  ] as const)("%s", (_, fields, seconds, source) => {
    const lifetime = freshnessLifetime(facts(fields), RULES.heuristic);
    expect(lifetime).toEqual({ seconds: deltaSeconds(seconds), source });
  });

  test("RFC 9213 §2.2 a targeted field makes a cache ignore Expires and Cache-Control", () => {
    const targeted = {
      "cdn-cache-control": "must-revalidate",
      "cache-control": "max-age=60",
      expires: dateAt(60),
    };
    expect(freshnessLifetime(facts(targeted), RULES.heuristic).source).toBe("none");
  });

  test("RFC 9213 §2.2 a targeted max-age beats s-maxage of Cache-Control", () => {
    const targeted = { "cdn-cache-control": "max-age=60", "cache-control": "s-maxage=5" };
    expect(freshnessLifetime(facts(targeted), RULES.heuristic).seconds).toBe(deltaSeconds(60));
  });
});

describe("§5.3 Expires", () => {
  test.each([
    ["in the future", dateAt(60), 60],
    ["equal to Date", dateAt(0), 0],
    ["in the past", dateAt(-60), 0],
    ["0", "0", 0],
    ["-1", "-1", 0],
    ["empty", "", 0],
    ["a number of seconds", "60", 0],
    ["in a zone that is not GMT (§4.2)", dateAt(60).replace("GMT", "UTC"), 0],
    ["in letters of any case (§4.2)", dateAt(60).toLowerCase(), 60],
    ["in ISO 8601", "2037-01-01T00:00:00Z", 0],
    ["far away", "Fri, 31 Dec 9999 23:59:59 GMT", MAX_DELTA as number],
  ])("%s gives so many seconds", (_, expires, seconds) => {
    expect(untilExpires(expires, NOW)).toBe(deltaSeconds(seconds));
  });

  test("two Expires field lines are the first or stale (§4.2.1)", () => {
    expect([0, 60]).toContain(untilExpires(`${dateAt(60)}, ${dateAt(9000)}`, NOW) as number);
  });
});

describe("§4.2.2 the heuristic", () => {
  test.each([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501])(
    "RFC 9110 §15.1 %i is heuristically cacheable",
    (status) => {
      expect(isHeuristicallyCacheable(status, facts({}).directives)).toBe(true);
    },
  );

  test.each([201, 202, 302, 303, 307, 400, 401, 403, 412, 416, 418, 500, 502, 503, 504, 299, 599])(
    "RFC 9110 §15.1 %i is not, unless it is marked public",
    (status) => {
      expect(isHeuristicallyCacheable(status, facts({}).directives)).toBe(false);
      expect(isHeuristicallyCacheable(status, facts({ "cache-control": "public" }).directives)).toBe(true);
    },
  );

  test.each([
    ["is a share of the time since Last-Modified", { "last-modified": dateAt(-1000) }, 200, 100],
    ["is capped", { "last-modified": dateAt(-1000 * DAY) }, 200, DAY],
    ["is 0 where Last-Modified is ahead of Date", { "last-modified": dateAt(1000) }, 200, 0],
    ["is 0 without Last-Modified", {}, 200, 0],
    ["is 0 where Last-Modified is no date", { "last-modified": "yesterday" }, 200, 0],
    ["is 0 for a status that does not allow it", { "last-modified": dateAt(-1000) }, 302, 0],
    [
      "is for any status marked public",
      { "last-modified": dateAt(-1000), "cache-control": "public" },
      302,
      100,
    ],
  ])("%s", (_, fields: Record<string, string>, status, seconds) => {
    expect(heuristicLifetime(facts(fields, status), RULES.heuristic)).toBe(deltaSeconds(seconds));
  });
});

describe("§4.2 freshness", () => {
  test.each([
    ["before the lifetime is over", 59, true],
    ["when the lifetime equals the age: it must exceed it", 60, false],
    ["afterwards", 61, false],
  ])("%s", (_, seconds, fresh) => {
    expect(isFresh(storedResponse(), at(seconds))).toBe(fresh);
  });

  test("§4.2.3 the age at which a response came counts", () => {
    const stored = storedResponse({ fields: { "cache-control": "max-age=60", age: "50" } });
    expect([isFresh(stored, at(9)), isFresh(stored, at(10))]).toEqual([true, false]);
  });

  test("§4.2.1 a response with a lifetime of 0 is never fresh", () => {
    expect(isFresh(storedResponse({ fields: { "cache-control": "max-age=0" } }), NOW)).toBe(false);
  });
});

describe("laws of freshness", () => {
  const spans = fc.integer({ min: 0, max: 2 ** 32 });
  const moments = fc.integer({ min: 0, max: 2 ** 33 }).map((seconds) => seconds as EpochSeconds);
  const withMaxAge = (seconds: number) =>
    storedResponse({ fields: { "cache-control": `max-age=${seconds}` } });

  test("§4.2 once stale, stale for ever", () => {
    fc.assert(
      fc.property(moments, moments, spans, (staleAt, now, later) => {
        return isFresh({ staleAt }, now) || !isFresh({ staleAt }, (now + later) as EpochSeconds);
      }),
    );
  });

  test("§4.2 a larger lifetime never makes a response stale earlier", () => {
    fc.assert(
      fc.property(spans, spans, moments, (lifetime, more, now) => {
        return !isFresh(withMaxAge(lifetime), now) || isFresh(withMaxAge(lifetime + more), now);
      }),
    );
  });

  test("§4.2 a larger Age never makes a response fresh for longer", () => {
    fc.assert(
      fc.property(spans, spans, spans, (lifetime, age, more) => {
        const aged = (seconds: number) =>
          storedResponse({ fields: { "cache-control": `max-age=${lifetime}`, age: String(seconds) } });
        return aged(age + more).staleAt <= aged(age).staleAt;
      }),
    );
  });

  test("§5.3 whatever Expires says, the lifetime is a span", () => {
    fc.assert(
      fc.property(fieldText, moments, (expires, dateValue) => {
        const seconds = untilExpires(expires, dateValue);
        return seconds >= 0 && seconds <= MAX_DELTA;
      }),
    );
  });
});
