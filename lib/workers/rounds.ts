// Answers: when has an invalidation reached all workers?
// Owns: the supervisor's side: who has been told, who has not answered, and what becomes of who does not.
// Leaves out: the worker's side and the race between both (`invalidations.ts`).
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import type { ToWorker } from "./messages.ts";

/** A worker, as far as invalidations are concerned. */
export interface Hearer {
  readonly send: (message: ToWorker) => void;
  /** Ends its process at once. It must be called `left` here when that has ended, and not before. */
  readonly end: () => void;
}

interface Round {
  readonly targets: readonly InvalidationTarget[];
  readonly waiting: Set<Hearer>;
  readonly removed: number[];
  readonly finish: () => void;
}

/** The invalidations under way. */
export class Rounds {
  readonly #deadlineMs: number;
  readonly #hearers: () => Iterable<Hearer>;
  readonly #rounds = new Map<number, Round>();
  #lastRound = 0;

  /**
   * @param hearers all workers that have been told to listen and have not left
   * @param deadlineMs milliseconds that a worker has; one that does not answer by then could go on serving what was
   * invalidated, so it is ended
   */
  constructor(hearers: () => Iterable<Hearer>, deadlineMs: number) {
    this.#hearers = hearers;
    this.#deadlineMs = deadlineMs;
  }

  /** A worker asks all others to remove these. */
  begin(from: Hearer, id: number, targets: readonly InvalidationTarget[]): void {
    const number = ++this.#lastRound;
    const waiting = new Set<Hearer>();
    const timer = setTimeout(() => {
      for (const hearer of waiting) hearer.end();
    }, this.#deadlineMs);
    const removed = targets.map(() => 0);
    const finish = (): void => {
      clearTimeout(timer);
      this.#rounds.delete(number);
      for (const hearer of this.#hearers()) {
        if (hearer !== from) hearer.send({ kind: "settled", round: number });
      }
      from.send({ kind: "invalidated", id, removed });
    };
    const round = { targets, waiting, removed, finish };
    this.#rounds.set(number, round);
    for (const hearer of this.#hearers()) if (hearer !== from) this.#tell(hearer, number, round);
    if (waiting.size === 0) finish();
  }

  /**
   * A worker is about to listen that was not there when these began: it has nothing stored, but must not ask one that
   * has not heard of them yet.
   */
  joined(hearer: Hearer): void {
    for (const [number, round] of this.#rounds) this.#tell(hearer, number, round);
  }

  /** A worker has carried one out. */
  carriedOut(hearer: Hearer, number: number, removed: readonly number[]): void {
    const round = this.#rounds.get(number);
    if (round?.waiting.has(hearer) !== true) return;
    for (const [at, count] of removed.entries()) round.removed[at] = (round.removed[at] ?? 0) + count;
    this.#doneBy(hearer, round);
  }

  /** The process of a worker has ended: nothing can be had from it any more. */
  left(hearer: Hearer): void {
    for (const round of [...this.#rounds.values()]) this.#doneBy(hearer, round);
  }

  #tell(hearer: Hearer, number: number, round: Round): void {
    round.waiting.add(hearer);
    hearer.send({ kind: "invalidate", round: number, targets: round.targets });
  }

  #doneBy(hearer: Hearer, { waiting, finish }: Round): void {
    if (waiting.delete(hearer) && waiting.size === 0) finish();
  }
}
