// Answers: which of two places in the purge log comes first?
// Owns: ids of the log as numbers, and how a place is written where the log itself may be lost and begun anew.
// Leaves out: reading the log (`purge-log.ts`).

/** A place in the log: all up to it, itself included. Another generation is another log. */
export interface Position {
  readonly id: string;
  readonly generation: string;
}

/** In front of all entries. */
export const BEGINNING = "0-0";

/** Less than 0 where `one` comes before `other`; `ms-seq` is two numbers. What is no id comes first. */
export function compareIds(one: string, other: string): number {
  const [oneMs, oneSeq] = numbersOf(one);
  const [otherMs, otherSeq] = numbersOf(other);
  if (oneMs !== otherMs) return oneMs < otherMs ? -1 : 1;
  return oneSeq === otherSeq ? 0 : oneSeq < otherSeq ? -1 : 1;
}

/** As text, to be kept with what it says something about. */
export function positionText({ id, generation }: Position): string {
  return `${id}@${generation}`;
}

/** Back; `undefined` where the text is none. Never throws. */
export function parsePosition(text: string): Position | undefined {
  const match = /^(\d{1,20}-\d{1,20})@([\w-]+)$/.exec(text);
  return match === null ? undefined : { id: match[1] ?? "", generation: match[2] ?? "" };
}

/** 64 bits each: more than a number holds exactly. */
function numbersOf(id: string): readonly [bigint | number, bigint | number] {
  const match = /^(\d+)-(\d+)$/.exec(id);
  if (match === null) return [0, 0];
  return [exactly(match[1] ?? ""), exactly(match[2] ?? "")];
}

function exactly(digits: string): bigint | number {
  return digits.length > 15 ? BigInt(digits) : Number(digits);
}
