// Answers: which of many keys is asked for next, where few are popular and many are not.
// Owns: Zipf's law over ranks from 1, and chance that is the same in every run.
// Leaves out: what the keys are called (`bodies.ts`).

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws ranks from 1 to `keys`: rank r comes in proportion to 1 / r^exponent. */
export function zipf(keys: number, exponent: number, next: () => number): () => number {
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let rank = 1; rank <= keys; rank++) sums[rank - 1] = sum += rank ** -exponent;
  return () => {
    const point = next() * sum;
    let [low, high] = [0, keys - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] ?? sum) > point) high = middle;
      else low = middle + 1;
    }
    return low + 1;
  };
}
