// Answers: what does SIEVE do with a trace? It was Larder's own policy before sizes counted.
// Owns: SIEVE (Zhang et al., NSDI 2024): a queue in order of arrival, and a hand that passes who was used.
// Leaves out: the loop that it is in (`simulate.ts`).
import type { Policy } from "./simulate.ts";
import type { Trace } from "./trace.ts";

const NONE = -1;

/** The hand goes from old to new and takes the first object not used since it passed. */
export function sieve({ sizesBytes }: Trace): Policy {
  const isUsed = new Uint8Array(sizesBytes.length);
  const newer = new Int32Array(sizesBytes.length);
  const older = new Int32Array(sizesBytes.length);
  let [newest, oldest, hand] = [NONE, NONE, NONE];
  const unlink = (object: number): void => {
    const [after, before] = [newer[object]!, older[object]!];
    if (after === NONE) newest = before;
    else older[after] = before;
    if (before === NONE) oldest = after;
    else newer[before] = after;
  };
  return {
    hit: (object) => void (isUsed[object] = 1),
    add: (object) => {
      [isUsed[object], newer[object], older[object]] = [0, NONE, newest];
      if (newest === NONE) oldest = object;
      else newer[newest] = object;
      newest = object;
    },
    evict: () => {
      let object = hand === NONE ? oldest : hand;
      while (isUsed[object] === 1) {
        isUsed[object] = 0;
        object = newer[object] === NONE ? oldest : newer[object]!;
      }
      hand = newer[object]!;
      unlink(object);
      return object;
    },
  };
}
