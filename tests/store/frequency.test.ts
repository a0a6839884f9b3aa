// Answers: is what was used before it left remembered, and no more than that?
// Owns: the claims about `lib/store/frequency.ts` and `lib/store/heap.ts`.
// Leaves out: what becomes of it (`eviction.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fingerprintOf, Frequency } from "../../lib/store/frequency.ts";
import { SlotHeap } from "../../lib/store/heap.ts";

const fingerprint = (at: number): number => fingerprintOf(`http://example.com/${at}`, undefined);

describe("what is remembered", () => {
  test("comes back once, with why it left", () => {
    const left = new Frequency();
    left.note(fingerprint(1), 3, true);
    left.note(fingerprint(2), 4, false);
    expect(left.recall(fingerprint(1))).toEqual({ uses: 3, wasEvicted: true });
    expect(left.recall(fingerprint(2))).toEqual({ uses: 4, wasEvicted: false });
    expect([left.recall(fingerprint(1)), left.recall(fingerprint(3))]).toEqual([undefined, undefined]);
  });

  test("is so many as are stored, of the last ones that left nearly all", () => {
    const left = new Frequency();
    for (let stored = 1; stored <= 10_000; stored++) left.fit(stored);
    for (let at = 0; at < 50_000; at++) left.note(fingerprint(at), 1, true);
    let [found, late] = [0, 0];
    for (let at = 0; at < 50_000; at++) {
      if (left.recall(fingerprint(at)) === undefined) continue;
      found++;
      if (at >= 45_000) late++;
    }
    expect(found).toBeLessThanOrEqual(left.room);
    expect(late).toBeGreaterThan(4800);
    expect(left.bytes).toBe(8 * left.room);
  });

  test("outlives a table that grows and shrinks", () => {
    const left = new Frequency();
    for (let at = 0; at < 16; at++) left.note(fingerprint(at), at + 1, at % 2 === 0);
    for (let stored = 1; stored <= 5000; stored++) left.fit(stored);
    const grown = left.room;
    for (let stored = 5000; stored >= 0; stored--) left.fit(stored);
    expect([grown >= 5000, left.room]).toEqual([true, 64]);
    for (let at = 0; at < 16; at++)
      expect(left.recall(fingerprint(at))).toEqual({ uses: at + 1, wasEvicted: at % 2 === 0 });
  });

  test("a variant is another one than its key, and than another variant", () => {
    const all = [undefined, "", "en", "de"].map((selecting) =>
      fingerprintOf("http://example.com/", selecting),
    );
    expect(new Set(all).size).toBe(4);
    expect(all.every((one) => Number.isInteger(one) && one >= 0 && one < 2 ** 32)).toBe(true);
  });
});

test("the heap is a sorted list, operation by operation, also while slots are renumbered", () => {
  const operation = fc.record({
    kind: fc.constantFrom("add" as const, "skip" as const, "remove" as const, "rekey" as const),
    pick: fc.nat(),
    key: fc.integer({ min: -20, max: 20 }),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200, size: "max" }), (operations) => {
      const heap = new SlotHeap();
      /** By slot; `undefined` for one that is not in the heap. */
      const keys: (number | undefined)[] = [];
      for (const { kind, pick, key } of operations) {
        const slot = pick % Math.max(1, keys.length);
        if (kind === "add") heap.insert(keys.push(key) - 1, key);
        if (kind === "skip") keys.push(undefined);
        if (kind === "rekey" && keys[slot] !== undefined) heap.rekey(slot, (keys[slot] = key));
        if (kind === "remove" && keys.length > 0) {
          heap.remove(slot);
          const last = keys.pop();
          if (slot < keys.length) keys[slot] = last;
          heap.renumber(keys.length, slot);
        }
        const present = keys.filter((one) => one !== undefined);
        expect(heap.size).toBe(present.length);
        expect(heap.firstKey).toBe(Math.min(Infinity, ...present));
        expect(keys.map((_, at) => heap.has(at))).toEqual(keys.map((one) => one !== undefined));
        if (heap.first !== undefined) expect(keys[heap.first]).toBe(heap.firstKey);
      }
    }),
    { numRuns: 300 },
  );
});
