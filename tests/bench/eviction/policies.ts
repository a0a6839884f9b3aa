// Answers: what do the known policies do with a trace?
// Owns: LRU, S3-FIFO, GDSF and Belady's, small; they share nothing with Larder's but the heap.
// Leaves out: SIEVE (`sieve.ts`), Larder's own (`larder.ts`), the loop that they are in (`simulate.ts`).
import { SlotHeap } from "../../../lib/store/heap.ts";
import type { Policy } from "./simulate.ts";
import type { Trace } from "./trace.ts";

/** The one used longest ago leaves: nginx, Varnish. */
export function lru(): Policy {
  const objects = new Set<number>();
  const use = (object: number): void => {
    objects.delete(object);
    objects.add(object);
  };
  return { hit: use, add: use, evict: () => taken(objects) };
}

/** A small queue on probation, a main one that is a clock, and ghosts (Yang et al., SOSP 2023). */
export function s3Fifo({ sizesBytes }: Trace, capacityBytes: number): Policy {
  const small = new Set<number>();
  const main = new Set<number>();
  const ghosts = new Set<number>();
  const uses = new Uint8Array(sizesBytes.length);
  let [smallBytes, ghostBytes] = [0, 0];
  const remember = (object: number): void => {
    ghosts.add(object);
    ghostBytes += sizesBytes[object]!;
    while (ghostBytes > 0.9 * capacityBytes) ghostBytes -= sizesBytes[taken(ghosts)]!;
  };
  const fromSmall = (): number | undefined => {
    const object = taken(small);
    smallBytes -= sizesBytes[object]!;
    const isUsed = uses[object]! > 1;
    uses[object] = 0;
    if (isUsed) main.add(object);
    else remember(object);
    return isUsed ? undefined : object;
  };
  const fromMain = (): number | undefined => {
    const object = taken(main);
    if (uses[object] === 0) return object;
    uses[object]!--;
    main.add(object);
    return undefined;
  };
  return {
    hit: (object) => void (uses[object] = Math.min(3, uses[object]! + 1)),
    add: (object) => {
      uses[object] = 0;
      const isGhost = ghosts.delete(object);
      (isGhost ? main : small).add(object);
      if (isGhost) ghostBytes -= sizesBytes[object]!;
      else smallBytes += sizesBytes[object]!;
    },
    evict: () => {
      for (;;) {
        const isSmall = small.size > 0 && (smallBytes > 0.1 * capacityBytes || main.size === 0);
        const object = isSmall ? fromSmall() : fromMain();
        if (object !== undefined) return object;
      }
    },
  };
}

/** Uses per byte over a level that rises to that of each that leaves (Cherkasova, 1998). */
export function gdsf({ sizesBytes }: Trace): Policy {
  const order = new SlotHeap();
  const uses = new Float64Array(sizesBytes.length);
  let level = 0;
  const priority = (object: number): number => level + uses[object]! / sizesBytes[object]!;
  return {
    hit: (object) => {
      uses[object]!++;
      order.rekey(object, priority(object));
    },
    add: (object) => {
      uses[object] = 1;
      order.insert(object, priority(object));
    },
    evict: () => {
      level = order.firstKey;
      return takenFrom(order);
    },
  };
}

/** So many are looked at for one to leave; of more, so many spread over all. */
const LOOKED_AT = 4096;

/**
 * Knows the future: what is never asked for again does not come in, and of the others the one leaves that would take up
 * the most bytes for the longest time. Optimal for equal sizes.
 */
export function belady({ objects, sizesBytes }: Trace): Policy {
  const nextOfRequest = new Float64Array(objects.length);
  const nextOf = new Float64Array(sizesBytes.length).fill(Infinity);
  for (let request = objects.length - 1; request >= 0; request--) {
    nextOfRequest[request] = nextOf[objects[request]!]!;
    nextOf[objects[request]!] = request;
  }
  const isEqual = sizesBytes.every((size) => size === sizesBytes[0]);
  const policy = isEqual ? furthest() : costliest(sizesBytes);
  return {
    hit: (object, request) => policy.hit(object, nextOfRequest[request]!),
    wants: (_, request) => nextOfRequest[request] !== Infinity,
    add: (object, request) => policy.add(object, nextOfRequest[request]!),
    evict: (request) => policy.evict(request),
  };
}

/** As a policy, but told when each object is asked for next, instead of now. */
function furthest(): Policy {
  const order = new SlotHeap();
  return {
    hit: (object, next) => order.rekey(object, -next),
    add: (object, next) => order.insert(object, -next),
    evict: () => takenFrom(order),
  };
}

/** The same for unequal sizes: no order lasts from one request to the next, so it looks at them all. */
function costliest(sizesBytes: Float64Array): Policy {
  const next = new Float64Array(sizesBytes.length);
  const all: number[] = [];
  return {
    hit: (object, at) => void (next[object] = at),
    add: (object, at) => {
      next[object] = at;
      all.push(object);
    },
    evict: (request) => {
      let [place, most] = [0, -1];
      const stride = Math.ceil(all.length / LOOKED_AT);
      for (let at = request % stride; at < all.length; at += stride) {
        const cost = (next[all[at]!]! - request) * sizesBytes[all[at]!]!;
        if (cost > most) [place, most] = [at, cost];
      }
      const object = all[place]!;
      const last = all.pop()!;
      if (place < all.length) all[place] = last;
      return object;
    },
  };
}

function taken(objects: Set<number>): number {
  const object = objects.values().next().value!;
  objects.delete(object);
  return object;
}

function takenFrom(order: SlotHeap): number {
  const object = order.first!;
  order.remove(object);
  return object;
}
