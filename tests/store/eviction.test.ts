// Answers: does the eviction order do what SIEVE's paper says?
// Owns: the claims about `lib/store/eviction.ts`, among them that it equals a naive one, operation by operation.
// Leaves out: when room is needed (`contract.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Sieve } from "../../lib/store/eviction.ts";

/** SIEVE as in the paper's figure, with a plain list: index 0 is the oldest. */
class NaiveSieve {
  #items: { readonly item: number; visited: boolean }[] = [];
  #hand = 0;

  add(item: number): void {
    if (this.#items.some((one) => one.item === item)) this.touch(item);
    else this.#items.push({ item, visited: false });
  }

  touch(item: number): void {
    for (const one of this.#items) if (one.item === item) one.visited = true;
  }

  remove(item: number): void {
    const at = this.#items.findIndex((one) => one.item === item);
    if (at < 0) return;
    this.#items.splice(at, 1);
    if (at < this.#hand) this.#hand--;
    // Behind the newest the hand has nowhere to stand: it starts again at the oldest, whatever is added meanwhile.
    if (this.#hand === this.#items.length) this.#hand = 0;
  }

  victim(): number | undefined {
    if (this.#items.length === 0) return undefined;
    while (this.#items[this.#hand]!.visited) {
      this.#items[this.#hand]!.visited = false;
      this.#hand = (this.#hand + 1) % this.#items.length;
    }
    return this.#items[this.#hand]!.item;
  }
}

const sieveOf = (...items: string[]): Sieve<string> => {
  const sieve = new Sieve<string>();
  for (const item of items) sieve.add(item);
  return sieve;
};

/** Takes out all items, in the order in which they leave. */
function drain<T>(sieve: { victim(): T | undefined; remove(item: T): void }): T[] {
  const left: T[] = [];
  for (let item = sieve.victim(); item !== undefined; item = sieve.victim()) {
    left.push(item);
    sieve.remove(item);
  }
  return left;
}

describe("SIEVE", () => {
  test("without use, the oldest leaves first", () => {
    expect(drain(sieveOf("a", "b", "c"))).toEqual(["a", "b", "c"]);
    expect(new Sieve<string>().victim()).toBeUndefined();
  });

  test("what was used is spared once, where it stands", () => {
    const sieve = sieveOf("a", "b", "c", "d");
    sieve.touch("a");
    sieve.touch("c");
    expect(drain(sieve)).toEqual(["b", "d", "a", "c"]);
  });

  test("the hand stays where it is: what comes later waits until it has gone round", () => {
    const sieve = sieveOf("a", "b", "c");
    sieve.touch("a");
    expect(sieve.victim()).toBe("b");
    sieve.remove("b");
    sieve.add("d");
    expect(drain(sieve)).toEqual(["c", "d", "a"]);
  });

  test("the victim stays in until it is removed, and asking twice does not spare it", () => {
    const sieve = sieveOf("a", "b");
    expect([sieve.victim(), sieve.victim()]).toEqual(["a", "a"]);
    sieve.touch("a");
    expect(sieve.victim()).toBe("b");
  });

  test("where all were used, the one under the hand leaves", () => {
    const sieve = sieveOf("a", "b", "c");
    for (const item of ["a", "b", "c"]) sieve.touch(item);
    expect(drain(sieve)).toEqual(["a", "b", "c"]);
  });

  test("what is added again counts as used; what is not in can be neither used nor removed", () => {
    const sieve = sieveOf("a", "b");
    sieve.add("a");
    sieve.touch("z");
    sieve.remove("z");
    expect(drain(sieve)).toEqual(["b", "a"]);
    sieve.remove("a");
    expect(sieve.victim()).toBeUndefined();
  });

  test("it equals a naive one, operation by operation", () => {
    const item = fc.nat({ max: 9 });
    const operation = fc.oneof(
      fc.record({ kind: fc.constantFrom("add" as const, "touch" as const, "remove" as const), item }),
      fc.record({ kind: fc.constantFrom("evict" as const, "look" as const), item }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 100, size: "max" }), (operations) => {
        const [sieve, naive] = [new Sieve<number>(), new NaiveSieve()];
        for (const { kind, item } of operations) {
          if (kind !== "evict" && kind !== "look") {
            sieve[kind](item);
            naive[kind](item);
            continue;
          }
          const victim = sieve.victim();
          expect(victim).toBe(naive.victim());
          if (kind === "look" || victim === undefined) continue;
          sieve.remove(victim);
          naive.remove(victim);
        }
        expect(drain(sieve)).toEqual(drain(naive));
      }),
      { numRuns: 500 },
    );
  });

  test("each operation costs the same however many items are in", () => {
    const sieve = new Sieve<number>();
    const startMs = performance.now();
    for (let item = 0; item < 100_000; item++) sieve.add(item);
    for (let item = 0; item < 100_000; item += 2) sieve.touch(item);
    for (let item = 100_000; item < 200_000; item++) {
      sieve.remove(sieve.victim()!);
      sieve.add(item);
    }
    for (let item = 199_999; item >= 0; item--) sieve.remove(item);
    // Half a million operations: about 0.1 s; one that looks through all items would need minutes.
    expect(performance.now() - startMs).toBeLessThan(3000);
    expect(sieve.victim()).toBeUndefined();
  });
});

describe("where some may not leave", () => {
  const but =
    (...held: string[]) =>
    (item: string): boolean =>
      !held.includes(item);

  test("the next that may leaves, and those that may not keep their places", () => {
    const sieve = sieveOf("a", "b", "c", "d");
    expect(sieve.victim(but("a", "b"))).toBe("c");
    sieve.remove("c");
    expect(drain(sieve)).toEqual(["d", "a", "b"]);
  });

  test("one that may and was used is spared once, as always", () => {
    const sieve = sieveOf("a", "b", "c");
    sieve.touch("b");
    expect(sieve.victim(but("a"))).toBe("c");
    const used = sieveOf("a", "b", "c");
    for (const item of ["a", "b", "c"]) used.touch(item);
    expect(used.victim(but("a"))).toBe("b");
  });

  test("asking ends where none may leave, and then all are in still", () => {
    for (const items of [[], ["a"], ["a", "b", "c"]]) {
      const sieve = sieveOf(...items);
      for (const item of items) sieve.touch(item);
      let asked = 0;
      const none = (): boolean => (asked++, false);
      expect(sieve.victim(none)).toBeUndefined();
      expect(asked).toBeLessThanOrEqual(2 * items.length);
      expect(drain(sieve)).toEqual(items);
    }
  });

  test("the hand goes on from there: asking again does not look at the same ones again", () => {
    const sieve = new Sieve<number>();
    for (let item = 0; item < 10_000; item++) sieve.add(item);
    let asked = 0;
    const isLate = (item: number): boolean => (asked++, item >= 5000);
    for (let item = 5000; item < 10_000; item++) {
      expect(sieve.victim(isLate)).toBe(item);
      sieve.remove(item);
    }
    expect(asked).toBe(10_000);
  });

  test("the victim may leave, and there is one where any may", () => {
    const operation = fc.record({
      kind: fc.constantFrom("add" as const, "touch" as const, "remove" as const, "evict" as const),
      item: fc.nat({ max: 9 }),
      held: fc.uniqueArray(fc.nat({ max: 9 })),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 100, size: "max" }), (operations) => {
        const [sieve, items] = [new Sieve<number>(), new Set<number>()];
        for (const { kind, item, held } of operations) {
          if (kind !== "evict") sieve[kind](item);
          if (kind === "add") items.add(item);
          if (kind === "remove") items.delete(item);
          if (kind !== "evict") continue;
          const victim = sieve.victim((each) => !held.includes(each));
          const free = [...items].filter((each) => !held.includes(each));
          if (victim === undefined) expect(free).toEqual([]);
          else expect(free).toContain(victim);
          if (victim !== undefined) sieve.remove(victim);
          if (victim !== undefined) items.delete(victim);
        }
        expect(drain(sieve).sort()).toEqual([...items].sort());
      }),
      { numRuns: 300 },
    );
  });
});
