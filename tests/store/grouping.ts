// Answers: does a storage tier remove a group, all of it and nothing else?
// Owns: the claims about groups (RFC 9875) of `lib/store/store.ts`, for every tier: `storeGroups(name, makeStore)`.
// Leaves out: the rest of the contract (`contract.ts`), what the fields say (`../rfc9111/cache-groups.test.ts`).
import { describe, expect, test } from "bun:test";
import type { StoredHead } from "../../lib/message.ts";
import { originOf } from "../../lib/rfc9111/cache-groups.ts";
import { headFor, KEY, type MakeStore, ROOMY, settledStats, store, textsFor } from "./contract.ts";

/** A group, as `remove` takes it, and the head of a member. */
const GROUP = `${originOf(KEY)}\nx`;
const inGroups = (key: string, groups: string): StoredHead => {
  const head = headFor(key);
  const fields = new Headers([...head.fields]);
  fields.set("cache-groups", groups);
  return { ...head, fields };
};

/** The claims, for one tier. */
export function storeGroups(name: string, makeStore: MakeStore): void {
  describe(`${name}: groups`, () => {
    test("RFC 9875 remove takes all members of a group, says how many, and leaves all others", async () => {
      const tier = await makeStore(ROOMY);
      for (const [name, field] of [
        ["a", '"x"'],
        ["b", '"y", "x"'],
        ["c", '"y"'],
        ["d", '"X"'],
      ] as const)
        store(tier, inGroups(`${KEY}/${name}`, field), name);
      store(tier, headFor(KEY), "none");
      expect(await tier.remove(`http://other.test\nx`)).toBe(0);
      expect(await tier.remove(GROUP)).toBe(2);
      expect(await tier.remove(GROUP)).toBe(0);
      const left = await Promise.all(["/a", "/b", "/c", "/d", ""].map((path) => textsFor(tier, KEY + path)));
      expect(left.flat()).toEqual(["c", "d", "none"]);
      expect(await tier.remove(GROUP.replace(/x$/, "y"))).toBe(1);
    });

    test("RFC 9875 who has left a group before, or came to it with an update, is counted so", async () => {
      const tier = await makeStore(ROOMY);
      const [gone, left] = ["/a", "/b"].map((path) => store(tier, inGroups(KEY + path, '"x"'), "tea")!);
      const came = store(tier, headFor(`${KEY}/c`), "tea")!;
      await tier.remove(gone!.key);
      await tier.replace(left!, { ...left!, fields: new Headers({ "cache-groups": '"y"' }) });
      await tier.replace(came, { ...came, fields: new Headers({ "cache-groups": '"x"' }) });
      expect(await tier.remove(GROUP)).toBe(1);
      expect([await tier.lookup(left!.key), await tier.lookup(came.key)].map(({ length }) => length)).toEqual(
        [1, 0],
      );
    });

    test("RFC 9875 nothing of a large group is found from the call on; what comes meanwhile stays", async () => {
      const tier = await makeStore({ budgetBytes: 2 ** 26, maxObjectBytes: 2 ** 20 });
      const keys = Array.from({ length: 5000 }, (_, at) => `${KEY}/${at}`);
      for (const key of keys) store(tier, inGroups(key, '"x", "y"'), "tea");
      const before = tier.stats().storedBytes;
      const removing = tier.remove(GROUP);
      const found = await Promise.all(keys.map((key) => tier.lookup(key)));
      expect(found.every(({ length }) => length === 0)).toBe(true);
      const last = keys.at(-1)!;
      store(tier, inGroups(last, '"x"'), "soup");
      expect(await textsFor(tier, last)).toEqual(["soup"]);
      // The last one had been replaced before its turn came.
      expect(await removing).toBeGreaterThanOrEqual(4999);
      expect(await textsFor(tier, last)).toEqual(["soup"]);
      expect([
        (await settledStats(tier)).responses,
        (await settledStats(tier)).storedBytes < before / 4000,
      ]).toEqual([1, true]);
      expect(await tier.remove(GROUP)).toBe(1);
      expect([(await settledStats(tier)).responses, (await settledStats(tier)).storedBytes]).toEqual([0, 0]);
    });
  });
}
