// Answers: may one more exchange with an origin begin now, does it wait for its turn, or is that hopeless?
// Owns: the limit of exchanges under way to one origin, and the bounded queue in front of it, first come first served.
// Leaves out: how long somebody may wait (the taker's signal), what a refused request gets instead (`proxy.ts`).

/** The right to have one exchange with an origin under way. */
export interface Place {
  /** Gives it back, to whoever waits longest; a second call does nothing. */
  release(): void;
}

/** Somebody in the queue. */
interface Waiter {
  readonly enter: (place: Place) => void;
}

/** The places of one origin. */
export class Places {
  readonly #limit: number;
  readonly #queueLimit: number;
  readonly #queue = new Set<Waiter>();
  #pending = 0;

  /** @param limit places, 0 for any number of them. @param queueLimit how many may wait for one, from 0 on. */
  constructor(limit: number, queueLimit: number) {
    this.#limit = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    this.#queueLimit = queueLimit;
  }

  /** How many places are taken. */
  get pending(): number {
    return this.#pending;
  }

  /** How many wait for one. */
  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * A place at once, where one is free; a promise of one, where there is room in the queue; else `"full"`.
   * The promise rejects with the signal's reason when that aborts while waiting, and the queue forgets the taker.
   * A place that has been handed over belongs to the taker, even where its signal aborts in the same turn: whoever gets
   * a place must release it. A signal does not take back a place that was free at once.
   */
  take(signal: AbortSignal): Place | Promise<Place> | "full" {
    const place = this.takeFree();
    if (place !== undefined) return place;
    if (this.#queue.size >= this.#queueLimit) return "full";
    return this.#wait(signal);
  }

  /** A place, where one is free at once. */
  takeFree(): Place | undefined {
    if (this.#pending >= this.#limit) return undefined;
    this.#pending += 1;
    return new TakenPlace(this.#handOver);
  }

  #wait(signal: AbortSignal): Promise<Place> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = (): void => {
        this.#queue.delete(waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        enter: (place) => {
          signal.removeEventListener("abort", leave);
          resolve(place);
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#queue.add(waiter);
    });
  }

  /** A place goes from hand to hand, so that nobody who comes in between can jump the queue. */
  readonly #handOver = (): void => {
    for (const waiter of this.#queue) {
      this.#queue.delete(waiter);
      waiter.enter(new TakenPlace(this.#handOver));
      return;
    }
    this.#pending -= 1;
  };
}

class TakenPlace implements Place {
  #giveBack: (() => void) | undefined;

  constructor(giveBack: () => void) {
    this.#giveBack = giveBack;
  }

  release(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.();
  }
}
