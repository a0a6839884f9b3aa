// Answers: how often does a cache of so many bytes have what is asked for?
// Owns: the loop over a trace, what a policy is, and the counting.
// Leaves out: the policies (`policies.ts`, `larder.ts`) and the traces (`trace.ts`).
import type { Trace } from "./trace.ts";

/** What a policy does while a trace is played; objects and requests are numbered from 0. */
export interface Policy {
  /** An object that is in was asked for. */
  hit(object: number, request: number): void;
  /** Whether an object that is not in is worth it at all; where this is missing, always. */
  wants?(object: number, request: number): boolean;
  add(object: number, request: number): void;
  /** Names an object and takes it out. */
  evict(request: number): number;
}

/** A policy for a trace and a cache of so many bytes. */
export type MakePolicy = (trace: Trace, capacityBytes: number) => Policy;

/** Shares of the requests, and of the bytes asked for, that the cache had; 0 to 1. */
export interface HitRatios {
  readonly objects: number;
  readonly bytes: number;
}

/** Plays a trace to a cache; what is larger than all of it passes. */
export function simulate(trace: Trace, capacityBytes: number, makePolicy: MakePolicy): HitRatios {
  const { objects, sizesBytes } = trace;
  const policy = makePolicy(trace, capacityBytes);
  const isIn = new Uint8Array(sizesBytes.length);
  let [usedBytes, hits, hitBytes, askedBytes] = [0, 0, 0, 0];
  objects.forEach((object, request) => {
    const size = sizesBytes[object]!;
    askedBytes += size;
    if (isIn[object] === 1) {
      hits++;
      hitBytes += size;
      return policy.hit(object, request);
    }
    if (size > capacityBytes || policy.wants?.(object, request) === false) return;
    while (usedBytes + size > capacityBytes) {
      const victim = policy.evict(request);
      isIn[victim] = 0;
      usedBytes -= sizesBytes[victim]!;
    }
    policy.add(object, request);
    isIn[object] = 1;
    usedBytes += size;
  });
  return { objects: hits / Math.max(1, objects.length), bytes: hitBytes / Math.max(1, askedBytes) };
}
