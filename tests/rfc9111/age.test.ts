// Answers: whether the age of a response is the one of §4.2.3.
// Owns: the claims about `lib/rfc9111/age.ts` (§4.2.3, §5.1).
// Leaves out: how old is too old (`freshness.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ageValue, correctedInitialAge, currentAge } from "../../lib/rfc9111/age.ts";
import { deltaSeconds, MAX_DELTA, type EpochSeconds } from "../../lib/rfc9111/time.ts";
import { at, fieldText, LONG_TEXTS, NOW, quickestMs, storedResponse, TOO_LONG_MS } from "./test-values.ts";

describe("§5.1 Age", () => {
  test.each([
    ["is 0 where the field is absent", null, 0],
    ["is its number of seconds", "60", 60],
    ["is the first member of a list", "60, 5", 60],
    ["saturates at 2^31", "99999999999", MAX_DELTA],
    ["is ignored where it is negative", "-1", 0],
    ["is ignored where it is a decimal", "1.5", 0],
    ["is ignored where it is no number", "abc", 0],
    ["is ignored where its first member is no number", "abc, 60", 0],
    ["is ignored where it is quoted", '"60"', 0],
    ["is ignored where it is empty", "", 0],
    ["is ignored where it has parameters", "60;foo=bar", 0],
  ])("%s", (_, age, seconds) => {
    expect(ageValue(age)).toBe(deltaSeconds(seconds));
  });
});

describe("§4.2.3 corrected_initial_age", () => {
  test.each([
    ["is 0 for a response from the origin without delay", { age: 0, date: 0, asked: 0, came: 0 }, 0],
    ["is apparent_age where there is no Age", { age: 0, date: -30, asked: 0, came: 0 }, 30],
    ["is age_value where the origin's clock is ahead", { age: 20, date: 30, asked: 0, came: 0 }, 20],
    ["adds the response delay to age_value", { age: 20, date: 0, asked: -5, came: 0 }, 25],
    ["is the response delay at least", { age: 0, date: 0, asked: -5, came: 0 }, 5],
    [
      "is the greater of apparent_age and corrected_age_value",
      { age: 20, date: -40, asked: -5, came: 0 },
      40,
    ],
    ["takes the delay into account before it compares", { age: 38, date: -40, asked: -5, came: 0 }, 43],
    ["is never negative", { age: 0, date: 30, asked: 0, came: 0 }, 0],
    ["counts no delay where the clock was set back", { age: 10, date: 0, asked: 5, came: 0 }, 10],
    ["saturates at 2^31", { age: 2 ** 31, date: 0, asked: -5, came: 0 }, 2 ** 31],
  ])("%s", (_, { age, date, asked, came }, seconds) => {
    const initial = correctedInitialAge({
      ageValue: deltaSeconds(age),
      dateValue: at(date),
      requestTime: at(asked),
      responseTime: at(came),
    });
    expect(initial).toBe(deltaSeconds(seconds));
  });
});

describe("§4.2.3 current_age", () => {
  test("is corrected_initial_age plus resident_time", () => {
    const stored = storedResponse({ fields: { age: "20" } });
    expect(currentAge(stored.bornAt, at(15))).toBe(deltaSeconds(35));
  });

  test("is 0, not negative, while the clock is set back", () => {
    expect(currentAge(NOW, at(-10))).toBe(deltaSeconds(0));
  });
});

describe("laws of age", () => {
  const moments = fc.integer({ min: 0, max: 2 ** 33 }).map((seconds) => seconds as EpochSeconds);
  const spans = fc.integer({ min: 0, max: 2 ** 31 }).map(deltaSeconds);

  test("§4.2.3 it is never negative, at least age_value, and at most 2^31", () => {
    const variables = fc.record({
      ageValue: spans,
      dateValue: moments,
      requestTime: moments,
      responseTime: moments,
    });
    fc.assert(
      fc.property(variables, (facts) => {
        const age = correctedInitialAge(facts);
        return age >= facts.ageValue && age <= MAX_DELTA;
      }),
    );
  });

  test("§4.2.3 it never decreases", () => {
    fc.assert(
      fc.property(moments, moments, spans, (bornAt, now, later) => {
        const age = currentAge(bornAt, now);
        return age >= 0 && currentAge(bornAt, (now + later) as EpochSeconds) >= age;
      }),
    );
  });

  test("§4.2.3 a clock that goes on by n seconds adds n seconds", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), (first, later) => {
        return currentAge(NOW, at(first + later)) === currentAge(NOW, at(first)) + later;
      }),
    );
  });

  test("§5.1 parsing never throws and gives a span", () => {
    fc.assert(
      fc.property(fieldText, (text) => {
        const age = ageValue(text);
        return Number.isInteger(age) && age >= 0 && age <= MAX_DELTA;
      }),
    );
  });

  test.each(LONG_TEXTS)("16 KB of %s are parsed quickly", (_, text) => {
    expect(quickestMs(() => ageValue(text))).toBeLessThan(TOO_LONG_MS);
  });
});
