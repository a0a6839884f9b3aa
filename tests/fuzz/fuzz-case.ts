// Answers: what goes over the connection of one case, in which pieces, and how it ends.
// Owns: the case of a seed and a number: the same two always make the same case.
// Leaves out: sending it (`conversation.ts`), judging what comes (`oracle.ts`).
import { mutateBytes } from "./byte-mutations.ts";
import { Chance } from "./chance.ts";
import { mutate } from "./mutations.ts";
import { readRequests, type RequestRun } from "./request-reader.ts";
import { rendered, validRequest } from "./request-shapes.ts";

/** Bytes that are sent before their answers are waited for, in the pieces in which they are written. */
export interface Flight {
  readonly pieces: readonly string[];
  /** All that was sent up to its end, read by the letter. */
  readonly run: RequestRun;
}

/** How the client leaves: it asks once more, has what it wanted, ends its side, or is gone at once. */
export type Leave = "asks-again" | "is-content" | "half-closes" | "is-gone";

/** One connection. */
export interface FuzzCase {
  readonly number: number;
  readonly flights: readonly Flight[];
  readonly leave: Leave;
  /** All that is sent, read by the letter. */
  readonly run: RequestRun;
  /** How many requests were made, before any of them was mutated. */
  readonly size: number;
}

/** The case of that number. */
export function caseOf(seed: number, number: number): FuzzCase {
  const chance = new Chance(seed, number);
  const size = chance.weighted([
    [40, 1],
    [25, 2],
    [15, 3],
    [10, 4],
    [10, 5],
  ]);
  const isHostile = chance.is(0.7);
  const texts = Array.from({ length: size }, (_, place) => requestText(chance, { number, place, isHostile }));
  const flights = chance.is(0.5) ? [texts.join("")] : texts;
  const leave = chance.weighted<Leave>([
    [88, "asks-again"],
    [6, "half-closes"],
    [6, "is-gone"],
  ]);
  return caseFrom(
    number,
    flights.map((text) => pieces(text, chance)),
    { leave, size },
  );
}

/** A case that sends these pieces; one list for each flight. */
export function caseFrom(
  number: number,
  flights: readonly (readonly string[])[],
  { leave, size }: Pick<FuzzCase, "leave" | "size">,
): FuzzCase {
  let sent = "";
  const read = flights.map((written) => {
    sent += written.join("");
    return { pieces: written, run: readRequests(sent) };
  });
  return { number, flights: read, leave, run: readRequests(sent), size };
}

function requestText(
  chance: Chance,
  {
    number,
    place,
    isHostile,
  }: { readonly number: number; readonly place: number; readonly isHostile: boolean },
): string {
  const draft = validRequest(chance, number, place);
  if (!isHostile || chance.is(0.3)) return rendered(draft);
  for (
    let times = chance.weighted([
      [60, 1],
      [20, 2],
      [10, 3],
      [20, 0],
    ]);
    times > 0;
    times--
  )
    mutate(draft, chance);
  let text = rendered(draft);
  for (
    let times = chance.weighted([
      [70, 0],
      [20, 1],
      [10, 3],
    ]);
    times > 0;
    times--
  )
    text = mutateBytes(text, chance);
  return text;
}

/** One write, two, a few, or one for each byte. */
function pieces(text: string, chance: Chance): string[] {
  const count = chance.weighted([
    [70, 1],
    [15, 2],
    [10, chance.between(3, 10)],
    [5, text.length],
  ]);
  if (count >= text.length && text.length <= 120) return [...text];
  const cuts = Array.from({ length: Math.min(count, 60) - 1 }, () => chance.between(0, text.length)).sort(
    (a, b) => a - b,
  );
  return [0, ...cuts]
    .map((cut, at) => text.slice(cut, cuts[at] ?? text.length))
    .filter((piece) => piece !== "");
}
