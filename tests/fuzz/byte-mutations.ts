// Answers: what is done to the bytes of requests, wherever they are.
// Owns: changes that know nothing of what they change.
// Leaves out: changes to the structure (`mutations.ts`).
import type { Chance } from "./chance.ts";

const BYTES = [
  "\r",
  "\n",
  "\r\n",
  "\0",
  " ",
  "\t",
  ":",
  "\x7f",
  "\xff",
  ",",
  ";",
  "0",
  "%",
  "\x0b",
  "\x1b",
  "\x85",
];

/** Changes bytes: sets, adds, drops, doubles or swaps some. */
export function mutateBytes(text: string, chance: Chance): string {
  const at = chance.between(0, Math.max(0, Math.min(text.length - 1, chance.is(0.8) ? 400 : text.length)));
  const [front, back] = [text.slice(0, at), text.slice(at)];
  const span = chance.between(1, 12);
  return chance.pick([
    () => front + chance.pick(BYTES) + back.slice(1),
    () => front + chance.pick(BYTES) + back,
    () => front + chance.text(1) + back.slice(1),
    () => front + back.slice(span),
    () => front + back.slice(0, span) + back,
    () => front + back.slice(1, 2) + back.slice(0, 1) + back.slice(2),
    () => front + chance.text(span) + back,
  ])();
}
