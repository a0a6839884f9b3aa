// Answers: what does nobody record, but every cache meets?
// Owns: made-up traces, the same in every run: popularity that shifts, scans, loops, sizes of all kinds.
// Leaves out: recorded ones (`trace.ts`).
import { Dice } from "../../chaos/dice.ts";
import { traceOf, type Trace } from "./trace.ts";

type Request = readonly [name: number | string, sizeBytes: number];
type Make = (dice: Dice) => (request: number) => Request;

const REQUESTS = 100_000;
const OBJECTS = 15_000;

const TRACES: readonly (readonly [name: string, make: Make])[] = [
  ["equal sizes", (dice) => sized(popular(dice, 0.9), () => 1000)],
  ["sizes of any popularity", (dice) => sized(popular(dice, 0.9), spread)],
  ["heavy-tailed sizes", (dice) => sized(popular(dice, 0.7), heavyTailed)],
  ["a tenth is huge", (dice) => sized(popular(dice, 0.8), (object) => (object % 10 === 7 ? 1e6 : 5000))],
  ["the popular are large", (dice) => sized(popular(dice, 0.9), (object) => 2e6 / (object + 10) ** 0.7)],
  ["popularity shifts", (dice) => shifting(dice, spread)],
  ["popularity shifts, equal sizes", (dice) => shifting(dice, () => 1000)],
  ["scans in between", (dice) => mixed(popular(dice, 0.8), (at) => at % 20_000 < 5000)],
  ["half is asked for once", (dice) => mixed(popular(dice, 0.9), () => dice.chance(0.5))],
  ["a loop", () => (at) => [at % 5000, 1000]],
  ["news", (dice) => sized((at) => Math.max(0, Math.floor(at / 4) + OBJECTS - logarithmic(dice)), spread)],
];

/** All of them; about a tenth of a second each to make. */
export function* syntheticTraces(): Generator<Trace> {
  for (const [name, make] of TRACES) {
    const requestAt = make(new Dice(name));
    yield traceOf(
      name,
      Array.from({ length: REQUESTS }, (_, at) => requestAt(at)),
    );
  }
}

/** Zipf: the object of rank n is asked for n^-skew times as often as the first. */
function popular(dice: Dice, skew: number): () => number {
  let sum = 0;
  const sums = Float64Array.from({ length: OBJECTS }, (_, rank) => (sum += (rank + 1) ** -skew));
  return () => {
    const wanted = dice.next() * sum;
    let [least, most] = [0, OBJECTS - 1];
    while (least < most) {
      const middle = (least + most) >> 1;
      if (sums[middle]! < wanted) least = middle + 1;
      else most = middle;
    }
    return least;
  };
}

function sized(objectAt: (request: number) => number, sizeOf: (object: number) => number) {
  return (request: number): Request => {
    const object = objectAt(request);
    return [object, Math.ceil(sizeOf(object))];
  };
}

function shifting(dice: Dice, sizeOf: (object: number) => number) {
  const next = popular(dice, 0.9);
  return sized((at) => (next() + Math.floor(at / 15_000) * 3331) % OBJECTS, sizeOf);
}

function mixed(next: () => number, isStranger: (request: number) => boolean) {
  const known = sized(next, spread);
  return (at: number): Request => (isStranger(at) ? [`once ${at}`, Math.ceil(spread(at))] : known(at));
}

/** From 50 bytes to 20 kB, each order of magnitude as likely; the same for the same object. */
function spread(object: number): number {
  return 50 * Math.exp(6 * new Dice("size", object).next());
}

function heavyTailed(object: number): number {
  return Math.min(3e6, 1000 / (1 - new Dice("size", object).next()) ** 0.9);
}

function logarithmic(dice: Dice): number {
  return Math.floor(Math.exp(dice.next() * Math.log(OBJECTS)));
}
