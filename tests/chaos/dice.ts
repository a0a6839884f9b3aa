// Answers: what chance decides, the same for the same seed and name.
// Owns: the seeded generator; nothing else in this folder may be random.
// Leaves out: what is decided (`faults.ts`, `request-plan.ts`, `objects.ts`).

/** A generator of its own for each name, so that the order in which things happen changes nothing that it decides. */
export class Dice {
  #state: number;

  /** `names` say what is decided: the seed first, then such as `"client", 7, "request", 3`. */
  constructor(...names: readonly (string | number)[]) {
    this.#state = Number(Bun.hash.xxHash32(names.join("/")));
  }

  /** A number from 0 to 1, 1 excluded (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** @throws where there is nothing to pick from. */
  pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.next() * from.length)];
    if (picked === undefined) throw new Error("there is nothing to pick from");
    return picked;
  }

  /** @throws where there is nothing to pick from. */
  weighted<T>(rows: readonly (readonly [item: T, weight: number])[]): T {
    let left = this.next() * rows.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [item, weight] of rows) {
      left -= weight;
      if (left < 0) return item;
    }
    throw new Error("there is nothing to pick from");
  }
}
