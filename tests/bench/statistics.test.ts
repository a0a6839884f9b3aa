// Answers: do medians, quantiles and ratios say what they are called?
// Owns: the claims about `statistics.ts`.
// Leaves out: how they are printed (`table.test.ts`).
import { expect, test } from "bun:test";
import { median, pairedRatio, quantile } from "./statistics.ts";

test("the median is the middle, or between the two in the middle", () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([7]), median([])]).toEqual([2, 2.5, 7, Number.NaN]);
});

test("a quantile is the nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
  expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile(hundred, 1)]).toEqual([50, 99, 100]);
  expect([quantile([5], 0.99), quantile([], 0.5)]).toEqual([5, Number.NaN]);
});

test("a ratio is taken round by round: a slow round slows both sides", () => {
  expect(pairedRatio([100, 10, 120], [50, 5, 60])).toEqual({ median: 2, min: 2, max: 2, isNoisy: false });
});

test("rounds that differ by more than 15 % are noisy", () => {
  expect(pairedRatio([100, 115], [100, 100])?.isNoisy).toBe(false);
  expect(pairedRatio([100, 116], [100, 100])?.isNoisy).toBe(true);
});

test("there is no ratio of rounds that one of them did not take part in", () => {
  expect([pairedRatio([1, 2], [1]), pairedRatio([], [])]).toEqual([undefined, undefined]);
});
