// Answers: whether numbers of seconds and HTTP-dates are read as the RFCs write them.
// Owns: the claims about `lib/rfc9111/time.ts` (§1.2.2, §4.2, RFC 9110 §5.6.7).
// Leaves out: what the times mean (`age.test.ts`, `freshness.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  deltaSeconds,
  epochSeconds,
  formatHttpDate,
  MAX_DELTA,
  parseDeltaSeconds,
  parseHttpDate,
  type EpochSeconds,
} from "../../lib/rfc9111/time.ts";
import { at, fieldText, LONG_TEXTS, NOW, quickestMs, TOO_LONG_MS } from "./test-values.ts";

/** The moment of the examples in RFC 9110 §5.6.7. */
const EXAMPLE = epochSeconds(Date.UTC(1994, 10, 6, 8, 49, 37));

describe("§1.2.2 delta-seconds", () => {
  test.each([
    ["0", 0],
    ["60", 60],
    ["0060", 60],
    ["2147483647", 2_147_483_647],
    ["2147483648", MAX_DELTA],
    ["2147483649", MAX_DELTA],
    ["99999999999999999999", MAX_DELTA],
    ["9".repeat(400), MAX_DELTA],
  ])("%s is a span, saturating at 2^31", (value, seconds) => {
    expect(parseDeltaSeconds(value)).toBe(deltaSeconds(seconds));
  });

  test.each(["", "-1", "+1", "1.0", "1e3", " 1", "1 ", "0x10", "1,2", "one", "\u0661", "1\n"])(
    "%j is no span",
    (value) => {
      expect(parseDeltaSeconds(value)).toBeUndefined();
    },
  );

  test.each([
    [-1, 0],
    [Number.NaN, 0],
    [Number.NEGATIVE_INFINITY, 0],
    [1.9, 1],
    [2 ** 31 + 1, 2 ** 31],
    [Number.POSITIVE_INFINITY, 2 ** 31],
  ])("arithmetic that gives %p gives the span %p", (seconds, span) => {
    expect(deltaSeconds(seconds) as number).toBe(span);
  });

  test("parts of a second of the clock are dropped", () => {
    expect(epochSeconds(1999) as number).toBe(1);
  });
});

describe("RFC 9110 §5.6.7 HTTP-date", () => {
  test.each([
    ["IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT"],
    ["rfc850-date", "Sunday, 06-Nov-94 08:49:37 GMT"],
    ["asctime-date", "Sun Nov  6 08:49:37 1994"],
    ["any case of letters (§4.2)", "sUN, 06 nOV 1994 08:49:37 gmt"],
  ])("%s is read", (_, value) => {
    expect(parseHttpDate(value, NOW)).toBe(EXAMPLE);
  });

  test("a leap second is a second", () => {
    const midnight = epochSeconds(Date.UTC(2017, 0, 1));
    expect(parseHttpDate("Sat, 31 Dec 2016 23:59:60 GMT", NOW)).toBe(midnight);
  });

  test("29 February is a day of leap years", () => {
    const day = epochSeconds(Date.UTC(2024, 1, 29));
    expect(parseHttpDate("Thu, 29 Feb 2024 00:00:00 GMT", NOW)).toBe(day);
    expect(parseHttpDate("Wed, 29 Feb 2023 00:00:00 GMT", NOW)).toBeUndefined();
  });

  test.each([
    ["0"],
    [""],
    ["Sun, 06 Nov 1994 08:49:37"],
    ["Sun, 06 Nov 1994 08:49:37 UTC"],
    ["Sun, 06 Nov 1994 08:49:37 EST"],
    ["Sun, 06 Nov 1994 08:49:37 +0000"],
    ["Sun, 6 Nov 1994 08:49:37 GMT"],
    ["Sun, 06 Nov 94 08:49:37 GMT"],
    ["Sun, 00 Nov 1994 08:49:37 GMT"],
    ["Sun, 31 Nov 1994 08:49:37 GMT"],
    ["Sun, 06 Foo 1994 08:49:37 GMT"],
    ["Sun, 06 Nov 1994 24:00:00 GMT"],
    ["Sun, 06 Nov 1994 08:60:37 GMT"],
    ["Sun, 06 Nov 1994 08:49:61 GMT"],
    ["Sun, 06 Nov 1994 8:49:37 GMT"],
    ["Sun, 06  Nov 1994 08:49:37 GMT"],
    ["Sun 06 Nov 1994 08:49:37 GMT"],
    ["1994-11-06T08:49:37Z"],
    ["784111777"],
    ["Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT"],
  ])("%j is no HTTP-date", (value) => {
    expect(parseHttpDate(value, NOW)).toBeUndefined();
  });

  // NOW is in 2027.
  test.each([
    ["00", 2000],
    ["26", 2026],
    ["27", 2027],
    ["76", 2076],
    ["78", 1978],
    ["99", 1999],
  ])("a two-digit year %s means %i, at most 50 years ahead", (digits, year) => {
    const moment = parseHttpDate(`Sunday, 01-Jan-${digits} 00:00:00 GMT`, NOW);
    expect(moment).toBe(epochSeconds(Date.UTC(year, 0, 1)));
  });

  test("a moment more than 50 years ahead by days only is the past century's", () => {
    const moment = parseHttpDate("Friday, 31-Dec-77 23:59:59 GMT", NOW);
    expect(moment).toBe(epochSeconds(Date.UTC(1977, 11, 31, 23, 59, 59)));
  });

  test("what is written is an IMF-fixdate", () => {
    expect(formatHttpDate(EXAMPLE)).toBe("Sun, 06 Nov 1994 08:49:37 GMT");
  });
});

describe("laws of time", () => {
  const moments = fc
    .integer({ min: Date.UTC(1000, 0, 1) / 1000, max: Date.UTC(9999, 11, 31) / 1000 })
    .map((seconds) => seconds as EpochSeconds);

  test("RFC 9110 §5.6.7 what is written is read as the same moment", () => {
    fc.assert(fc.property(moments, (moment) => parseHttpDate(formatHttpDate(moment), NOW) === moment));
  });

  test("RFC 9110 §5.6.7 the asctime form of a moment is read as the same moment", () => {
    fc.assert(
      fc.property(moments, (moment) => {
        const [, day, month, year, time] = /^..., (..) (...) (....) (.{8}) GMT$/.exec(
          formatHttpDate(moment),
        )!;
        const asctime = `Mon ${month} ${day!.replace(/^0/, " ")} ${time} ${year}`;
        return parseHttpDate(asctime, NOW) === moment;
      }),
    );
  });

  test("a two-digit year is never more than 50 years ahead", () => {
    const years = fc.integer({ min: 0, max: 99 }).map((year) => String(year).padStart(2, "0"));
    fc.assert(
      fc.property(years, fc.integer({ min: 0, max: 2 ** 31 }), (digits, now) => {
        const moment = parseHttpDate(`Monday, 01-Jan-${digits} 00:00:00 GMT`, now as EpochSeconds)!;
        return new Date(moment * 1000).getUTCFullYear() <= new Date(now * 1000).getUTCFullYear() + 50;
      }),
    );
  });

  test("parsing never throws", () => {
    fc.assert(
      fc.property(fieldText, (text) => {
        parseHttpDate(text, at(0));
        parseDeltaSeconds(text);
      }),
    );
  });

  test.each(LONG_TEXTS)("16 KB of %s are parsed quickly", (_, text) => {
    expect(quickestMs(() => [parseHttpDate(text, NOW), parseDeltaSeconds(text)])).toBeLessThan(TOO_LONG_MS);
  });
});
