// Answers: what is drawn at random, so that the same seed and number always draw the same.
// Owns: the generator of random numbers and the ways to draw from it.
// Leaves out: what is drawn (`request-shapes.ts`, `mutations.ts`, `fuzz-case.ts`).

/** Random draws that depend on a seed and a stream only: a case can be drawn again without those before it. */
export class Chance {
  #state: number;

  constructor(seed: number, stream: number) {
    this.#state = mixed(mixed(seed >>> 0) ^ Math.imul(stream + 1, 0x9e3779b1));
  }

  /** 0 to 1, 1 excluded. */
  share(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mixed(this.#state) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.share() * (high - low + 1));
  }

  /** True in that share of all draws, 0 to 1. */
  is(share: number): boolean {
    return this.share() < share;
  }

  /** One of several, each as likely as the others. @throws where there is none. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.between(0, items.length - 1)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }

  /** One text of a table of texts and their weights. */
  weighted<T>(rows: readonly (readonly [weight: number, item: T])[]): T {
    let left = this.share() * rows.reduce((sum, [weight]) => sum + weight, 0);
    const row = rows.find(([weight]) => (left -= weight) < 0) ?? rows.at(-1);
    if (row === undefined) throw new RangeError("nothing to pick from");
    return row[1];
  }

  /** So many characters of an alphabet, or any bytes as latin1. */
  text(length: number, alphabet?: string): string {
    const one = (): string =>
      alphabet === undefined
        ? String.fromCharCode(this.between(0, 255))
        : (alphabet[this.between(0, alphabet.length - 1)] ?? "");
    return Array.from({ length }, one).join("");
  }
}

/** The finalizer of MurmurHash3: every bit of the input changes half the bits of the output. */
function mixed(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
