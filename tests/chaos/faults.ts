// Answers: what the origin does wrong, with which request, and when it is away altogether.
// Owns: the table of faults and how often each of them comes; all of it drawn from the seed.
// Leaves out: doing it (`origin-answer.ts`, `origin.ts`).
import { Dice } from "./dice.ts";

/** What an origin can do wrong with one request. */
export type FaultKind =
  | "none"
  /** The connection is reset or closed before the head, or within it. */
  | "reset-before-head"
  | "close-before-head"
  | "half-head"
  | "garbage-head"
  /** Silence beyond the deadline, before the head or within the body. */
  | "stall-before-head"
  | "stall-in-body"
  /** The body ends at some byte, by FIN or by RST. */
  | "close-in-body"
  | "reset-in-body"
  | "length-too-long"
  | "length-too-short"
  | "broken-chunk"
  | "error-500"
  | "error-502"
  | "error-503"
  /** A 206 for other bytes than those asked for; a 206 that nobody asked for; one that is longer than it says. */
  | "part-of-other-bytes"
  | "part-unasked"
  | "part-too-long";

/** What is unkind, and yet no fault: a client must see nothing of it. */
export type Mood = "swift" | "drips" | "late" | "closes-after";

/** What is decided for one request. */
export interface Behaviour {
  readonly fault: FaultKind;
  readonly mood: Mood;
  /** Where in the body it happens, as a share of its length. */
  readonly share: number;
  /** For all further numbers that the fault needs. */
  readonly dice: Dice;
}

const FAULTS: readonly (readonly [FaultKind, number])[] = [
  ["none", 70],
  ["reset-before-head", 1],
  ["close-before-head", 1],
  ["half-head", 1],
  ["garbage-head", 1],
  ["stall-before-head", 0.7],
  ["stall-in-body", 0.8],
  ["close-in-body", 4],
  ["reset-in-body", 2],
  ["length-too-long", 1.5],
  ["length-too-short", 0.7],
  ["broken-chunk", 5],
  ["error-500", 1],
  ["error-502", 0.5],
  ["error-503", 1.5],
  ["part-of-other-bytes", 3],
  ["part-unasked", 0.8],
  ["part-too-long", 3],
];

const MOODS: readonly (readonly [Mood, number])[] = [
  ["swift", 6],
  ["drips", 1],
  ["late", 2],
  ["closes-after", 1],
];

/** What the origin does with the `arrival`th coming of a request. */
export function behaviourFor(seed: number, requestId: string, arrival: number): Behaviour {
  const dice = new Dice(seed, "origin", requestId, arrival);
  return { fault: dice.weighted(FAULTS), mood: dice.weighted(MOODS), share: dice.next(), dice };
}

/** Whether the connection that comes as `number` is reset before anything is read from it. */
export function refusesConnection(seed: number, number: number): boolean {
  return new Dice(seed, "connection", number).chance(0.01);
}

/** For how many milliseconds the origin is there, then away, in turn, without end. */
export function* outages(seed: number): Generator<{ readonly thereMs: number; readonly awayMs: number }> {
  for (let number = 0; ; number++) {
    const dice = new Dice(seed, "outage", number);
    yield { thereMs: dice.between(4_000, 12_000), awayMs: dice.between(500, 2_000) };
  }
}
