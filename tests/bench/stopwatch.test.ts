// Answers: does the stopwatch time one call, and not the loop around it or the warm-up?
// Owns: the claims about `micro/stopwatch.ts`, and about the arithmetic of memory.
// Leaves out: the functions that are timed.
import { expect, test } from "bun:test";
import { overheadOf } from "./memory/overhead.ts";
import { lastTaken, timed } from "./micro/stopwatch.ts";

const HASTY = { warmUpMs: 5, batchMs: 2, batches: 5 };

test("a call of ten microseconds takes ten or more, and its value was taken", () => {
  const busy = (): string => {
    for (const endMs = performance.now() + 0.01; performance.now() < endMs;);
    return "tea";
  };
  const { medianNs, minNs, maxNs } = timed(busy, HASTY);
  expect(medianNs).toBeGreaterThan(9000);
  expect([minNs <= medianNs, medianNs <= maxNs, lastTaken()]).toEqual([true, true, "tea"]);
});

test("what an object costs is what is there beyond its own bytes, for each", () => {
  const state = (rssBytes: number) => ({ rssBytes, heapBytes: 0 });
  const holding = {
    count: 10,
    messageBytes: 1000,
    countedBytes: 1500,
    before: state(5000),
    stored: state(8000),
    answered: state(9000),
  };
  expect(overheadOf(holding)).toEqual({ storedBytes: 200, answeredBytes: 300, countedBytes: 50 });
});
