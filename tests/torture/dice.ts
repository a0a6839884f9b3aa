// Answers: what is drawn next?
// Owns: numbers that come again with the same seed.
// Leaves out: what is drawn with them.

/** One number after the other, from 0 up to and without 1. */
export type Dice = () => number;

/** The same numbers for the same seed (mulberry32). */
export function diceFrom(seed: number): Dice {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
