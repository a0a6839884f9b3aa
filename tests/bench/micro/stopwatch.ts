// Answers: how long one call of a function takes.
// Owns: the warm-up, the size of a batch, and the median over batches.
// Leaves out: which functions (`../engine-adapter.ts`).
import { median } from "../statistics.ts";

/** Nanoseconds of one call: the median of the batches, the fastest and the slowest of them. */
export interface Timing {
  readonly medianNs: number;
  readonly minNs: number;
  readonly maxNs: number;
}

/** How thorough to be. */
export interface Care {
  readonly warmUpMs: number;
  readonly batchMs: number;
  readonly batches: number;
}

/** Enough for the optimising compiler to be done, and for what a busy machine does to a batch to fall out. */
export const CAREFUL: Care = { warmUpMs: 200, batchMs: 20, batches: 15 };

/** What was given back last: a call whose value nobody takes could be left out. */
let taken: unknown;

/** Times a function. Garbage that it makes is part of what it costs. */
export function timed(call: () => unknown, { warmUpMs, batchMs, batches }: Care): Timing {
  let calls = 0;
  for (const endMs = performance.now() + warmUpMs; performance.now() < endMs; calls += 100) batch(call, 100);
  const perBatch = Math.max(100, Math.round((calls / warmUpMs) * batchMs));
  const ns = Array.from({ length: batches }, () => (1e6 * batch(call, perBatch)) / perBatch);
  return { medianNs: median(ns), minNs: Math.min(...ns), maxNs: Math.max(...ns) };
}

/** What was given back last, for whoever wants to see that something was. */
export function lastTaken(): unknown {
  return taken;
}

function batch(call: () => unknown, count: number): number {
  const startMs = performance.now();
  for (let left = count; left > 0; left--) taken = call();
  return performance.now() - startMs;
}
