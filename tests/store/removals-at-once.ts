// Answers: does each of several removals do what it says, where one begins before another is through?
// Owns: the claims about `remove` of thousands beside another, beside eviction and holding: `storeRemovalsAtOnce(name, makeStore)`.
// Leaves out: each on its own (`removals.ts`).
import { describe, expect, test } from "bun:test";
import { EVERYTHING, prefixTarget, softly, tagTarget } from "../../lib/store/targets.ts";
import { headFor, KEY, type MakeStore, settledStats, store, textsFor } from "./contract.ts";
import { foundFor, keysOf, SPACIOUS, tagged } from "./removals.ts";

const COUNT = 3000;
const KEYS = keysOf(COUNT);
const LAST = KEYS.at(-1)!;

const SLICED = [
  ["a tag", tagTarget("t")],
  ["another tag of the same", tagTarget("u")],
  ["a prefix", prefixTarget(`${KEY}/`)],
  ["everything", EVERYTHING],
] as const;

const PAIRS = SLICED.flatMap(([one, first]) =>
  [...SLICED, ["a URI", LAST] as const].map(([other, second]) => [one, other, first, second] as const),
);

/** The claims, for one tier. */
export function storeRemovalsAtOnce(name: string, makeStore: MakeStore): void {
  const full = async () => {
    const tier = await makeStore(SPACIOUS);
    for (const key of KEYS) store(tier, tagged(key, "t u"), "old");
    return tier;
  };

  describe(`${name}: removals at once`, () => {
    test.each(PAIRS)("%s softly, and %s for good meanwhile: that wins", async (_, __, soft, hard) => {
      const tier = await full();
      const softening = tier.remove(softly(soft));
      const meant = hard === LAST ? [LAST] : KEYS;
      const removing = tier.remove(hard);
      expect((await foundFor(tier, meant)).length).toBe(0);
      await Promise.all([softening, removing]);
      expect((await foundFor(tier, meant)).length).toBe(0);
      expect((await settledStats(tier)).responses).toBe(COUNT - meant.length);
    });

    test.each(PAIRS)(
      "%s for good, and %s softly meanwhile: nothing comes back",
      async (_, __, hard, soft) => {
        const tier = await full();
        const removing = tier.remove(hard);
        const softening = tier.remove(softly(soft));
        expect((await foundFor(tier, KEYS)).length).toBe(0);
        await Promise.all([softening, removing]);
        expect((await foundFor(tier, KEYS)).length).toBe(0);
        expect(await settledStats(tier)).toMatchObject({ responses: 0, storedBytes: 0 });
      },
    );

    test.each(PAIRS)(
      "%s softly, and %s softly meanwhile: all are there, marked",
      async (_, __, one, other) => {
        const tier = await full();
        const before = tier.stats();
        await Promise.all([tier.remove(softly(one)), tier.remove(softly(other))]);
        const found = await foundFor(tier, KEYS);
        expect([found.length, found.every(({ isPurged }) => isPurged === true)]).toEqual([COUNT, true]);
        expect(await settledStats(tier)).toEqual(before);
      },
    );

    test("eviction meanwhile takes nothing twice: the counts are right at the end", async () => {
      const tier = await makeStore({ budgetBytes: 4_000_000, maxObjectBytes: 2_000_000 });
      for (const key of KEYS.slice(0, 2000)) store(tier, tagged(key, "t"), "old");
      const removing = tier.remove(softly(tagTarget("t")));
      for (let at = 0; at < 5; at++) {
        await Bun.sleep(0);
        store(tier, headFor(`http://large.test/${at}`), "x".repeat(600_000));
        const { storedBytes, budgetBytes } = tier.stats();
        expect(storedBytes).toBeLessThanOrEqual(budgetBytes);
      }
      await removing;
      await tier.remove(tagTarget("t"));
      await tier.remove(EVERYTHING);
      expect(await settledStats(tier)).toMatchObject({
        responses: 0,
        storedBytes: 0,
        pendingBytes: 0,
        heldBytes: 0,
      });
    });

    test.each([false, true])("what is held stays readable and is counted (softly: %p)", async (isSoft) => {
      const tier = await full();
      const held = (await tier.lookup(LAST))[0]!;
      let told = 0;
      const release = tier.hold(held, () => told++);
      const target = isSoft ? softly(EVERYTHING) : EVERYTHING;
      expect(await tier.remove(target)).toBe(COUNT);
      expect([tier.stats().heldBytes, told]).toEqual([held.sizeBytes, 0]);
      expect(await textsFor(tier, LAST)).toEqual(isSoft ? ["old"] : []);
      release();
      release();
      expect(tier.stats().heldBytes).toBe(0);
      await tier.remove(EVERYTHING);
      // Nothing lingers: all of the room is there again.
      const room = SPACIOUS.budgetBytes - 10_000;
      const all = await makeStore({ budgetBytes: SPACIOUS.budgetBytes, maxObjectBytes: room });
      expect(store(all, headFor(KEY), "x".repeat(room - 4000))).toBeDefined();
    });
  });
}
