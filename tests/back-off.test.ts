// Answers: how long is a validation that failed left alone?
// Owns: the claims about `lib/back-off.ts`, with a clock that is a number.
// Leaves out: what is validated (`background.test.ts`).
import { describe, expect, test } from "bun:test";
import { BackOff } from "../lib/back-off.ts";

const NOW_MS = 1_800_000_000_000;

describe("failures in a row", () => {
  test("are paused after for 1, 2, 4, 8, 10, 10 … seconds, and counted", () => {
    const backOff = new BackOff();
    let nowMs = NOW_MS;
    for (const [at, seconds] of [1, 2, 4, 8, 10, 10, 10].entries()) {
      const retryMs = seconds * 1000;
      expect(backOff.mayTry("a", nowMs)).toBe(true);
      expect(backOff.failed("a", nowMs)).toEqual({ failures: at + 1, retryMs });
      expect([0, retryMs - 1, retryMs].map((ms) => backOff.mayTry("a", nowMs + ms))).toEqual([
        false,
        false,
        true,
      ]);
      nowMs += retryMs;
    }
  });

  test("however many there are, the pause stays at 10 s", () => {
    const backOff = new BackOff();
    for (let failures = 1; failures < 1100; failures++) backOff.failed("a", NOW_MS);
    expect(backOff.failed("a", NOW_MS)).toEqual({ failures: 1100, retryMs: 10_000 });
  });

  test("are of one key: others may be tried", () => {
    const backOff = new BackOff();
    backOff.failed("a", NOW_MS);
    expect([backOff.mayTry("a", NOW_MS), backOff.mayTry("b", NOW_MS)]).toEqual([false, true]);
    expect(backOff.failed("b", NOW_MS)).toEqual({ failures: 1, retryMs: 1000 });
  });

  test("are forgotten with a success, and begin anew", () => {
    const backOff = new BackOff();
    for (let time = 0; time < 3; time++) backOff.failed("a", NOW_MS);
    backOff.succeeded("a");
    backOff.succeeded("never failed");
    expect(backOff.mayTry("a", NOW_MS)).toBe(true);
    expect(backOff.failed("a", NOW_MS)).toEqual({ failures: 1, retryMs: 1000 });
  });

  test("are not forgotten by waiting: the next one is the next in the row", () => {
    const backOff = new BackOff();
    backOff.failed("a", NOW_MS);
    expect(backOff.mayTry("a", NOW_MS + 3_600_000)).toBe(true);
    expect(backOff.failed("a", NOW_MS + 3_600_000)).toEqual({ failures: 2, retryMs: 2000 });
  });
});

test("10,000 keys are remembered: the one that failed longest ago is forgotten first", () => {
  const backOff = new BackOff();
  for (let key = 0; key < 10_000; key++) backOff.failed(`${key}`, NOW_MS);
  expect([backOff.mayTry("0", NOW_MS), backOff.mayTry("9999", NOW_MS)]).toEqual([false, false]);
  // It failed again: now it is the last one.
  backOff.failed("0", NOW_MS);
  backOff.failed("one more", NOW_MS);
  expect(["0", "1", "2", "one more"].map((key) => backOff.mayTry(key, NOW_MS))).toEqual([
    false,
    true,
    false,
    false,
  ]);
});
