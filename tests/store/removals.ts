// Answers: does a storage tier remove, or mark, what a target means, all of it and nothing else?
// Owns: the claims about `remove` by tag, prefix and everything, and softly: `storeRemovals(name, makeStore)`.
// Leaves out: groups (`grouping.ts`), several removals at once (`removals-at-once.ts`), what targets mean (`targets.test.ts`).
import { describe, expect, test } from "bun:test";
import type { StoredHead, StoredResponse } from "../../lib/message.ts";
import { epochSeconds } from "../../lib/rfc9111/time.ts";
import type { Store } from "../../lib/store/store.ts";
import { EVERYTHING, prefixTarget, softly, tagTarget } from "../../lib/store/targets.ts";
import { headFor, KEY, type MakeStore, ROOMY, settledStats, store, textsFor } from "./contract.ts";

/** Room for thousands. */
export const SPACIOUS = { budgetBytes: 2 ** 26, maxObjectBytes: 2 ** 20 };

/** The head of a response with these tags. */
export function tagged(key: string, tags: string, language?: string): StoredHead {
  const head = headFor(key, language);
  return { ...head, fields: new Headers([...head.fields, ["surrogate-key", tags]]) };
}

/** So many keys. */
export function keysOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${KEY}/${at}`);
}

/** All that is found for these keys. */
export async function foundFor(tier: Store, keys: readonly string[]): Promise<StoredResponse[]> {
  const found: StoredResponse[] = [];
  for (const key of keys) found.push(...(await tier.lookup(key)));
  return found;
}

/** The claims, for one tier whose clock is that of the machine. */
export function storeRemovals(name: string, makeStore: MakeStore): void {
  describe(`${name}: removals`, () => {
    ofEachKind(makeStore);
    ofThousands(makeStore);
    softRemovals(makeStore);
  });
}

const TEXTS = ["", "/a", "/a/b", "/ab", "2"];

function ofEachKind(makeStore: MakeStore): void {
  test.each<[string, string, string[]]>([
    ["a URI", `${KEY}/a`, ["/a"]],
    ["a tag", tagTarget("t"), ["/a", "/ab"]],
    ["a tag of one", tagTarget("u"), ["/a"]],
    ["a tag of none", tagTarget("T"), []],
    ["a prefix", prefixTarget(`${KEY}/a`), ["/a", "/a/b", "/ab"]],
    ["a prefix that is a key", prefixTarget(`${KEY}/a/b`), ["/a/b"]],
    ["a prefix of none", prefixTarget("http://other.test/"), []],
    ["everything", EVERYTHING, TEXTS],
  ])("%s is removed, and counted; all others stay", async (_, target, gone) => {
    const tier = await makeStore(ROOMY);
    const tags: Record<string, string> = { "/a": "t u", "/ab": "t", "/a/b": "v" };
    for (const path of TEXTS) store(tier, tagged(KEY + path, tags[path] ?? ""), path);
    const left = TEXTS.filter((path) => !gone.includes(path));
    expect(await tier.remove(target)).toBe(gone.length);
    const texts = await Promise.all(TEXTS.map((path) => textsFor(tier, KEY + path)));
    expect(texts.flat()).toEqual(left);
    expect((await settledStats(tier)).responses).toBe(left.length);
    expect(await tier.remove(target)).toBe(0);
    await tier.remove(EVERYTHING);
    expect(await settledStats(tier)).toMatchObject({ responses: 0, storedBytes: 0 });
  });

  test("variants count one by one; those without the tag stay", async () => {
    const tier = await makeStore(ROOMY);
    for (const [language, tags] of [
      ["en", "t"],
      ["de", "t u"],
      ["fr", "u"],
    ] as const)
      store(tier, tagged(KEY, tags, language), language);
    expect(await tier.remove(tagTarget("t"))).toBe(2);
    expect(await textsFor(tier, KEY)).toEqual(["fr"]);
    expect(await tier.remove(prefixTarget(KEY))).toBe(1);
  });

  test("a response with a hundred tags is found by each, once, and leaves nothing behind", async () => {
    const tier = await makeStore(ROOMY);
    const tags = Array.from({ length: 100 }, (_, at) => `tag-${at}`);
    for (const tag of tags) {
      store(tier, tagged(KEY, tags.join(" ")), tag);
      expect(await tier.remove(tagTarget(tag))).toBe(1);
      expect(await tier.remove(tagTarget("tag-0"))).toBe(0);
    }
    expect(await settledStats(tier)).toMatchObject({ responses: 0, storedBytes: 0 });
  });

  test("a tag that an update takes away or brings counts from then on", async () => {
    const tier = await makeStore(ROOMY);
    const [left, came] = ["/a", "/b"].map((path) => store(tier, tagged(KEY + path, "t"), path));
    const retagged = (stored: StoredResponse, tags: string): StoredResponse => ({
      ...stored,
      fields: tagged(stored.key, tags).fields,
    });
    tier.replace(left!, retagged(left!, "u"));
    tier.replace(came!, retagged(came!, "t u"));
    expect(await tier.remove(tagTarget("t"))).toBe(1);
    expect((await foundFor(tier, [left!.key, came!.key])).map(({ key }) => key)).toEqual([left!.key]);
  });
}

const MANY: readonly (readonly [string, string])[] = [
  ["a tag", tagTarget("t")],
  ["a prefix", prefixTarget(`${KEY}/`)],
  ["everything", EVERYTHING],
];

function ofThousands(makeStore: MakeStore): void {
  test.each(MANY)("of 5000 of %s nothing is found from the call on; what comes stays", async (_, target) => {
    const tier = await makeStore(SPACIOUS);
    const keys = keysOf(5000);
    for (const key of keys) store(tier, tagged(key, "t u"), "old");
    const removing = tier.remove(target);
    expect((await foundFor(tier, keys)).length).toBe(0);
    const [first, last] = [keys[0]!, keys.at(-1)!];
    for (const key of [first, last, `${KEY}/new`]) store(tier, tagged(key, "t"), "new");
    // The last one had been replaced before its turn came.
    expect(await removing).toBeGreaterThanOrEqual(4998);
    for (const key of [first, last, `${KEY}/new`]) expect(await textsFor(tier, key)).toEqual(["new"]);
    expect((await settledStats(tier)).responses).toBe(3);
    expect(await tier.remove(target)).toBe(3);
    expect(await settledStats(tier)).toMatchObject({ responses: 0, storedBytes: 0 });
  });

  test("what is under way on its way in stays too: the store cannot know whether it is meant", async () => {
    const tier = await makeStore(SPACIOUS);
    for (const key of keysOf(1000)) store(tier, tagged(key, "t"), "old");
    const writer = tier.write(tagged(KEY, "t"), undefined)!;
    writer.write(new TextEncoder().encode("new"));
    const removing = tier.remove(EVERYTHING);
    writer.commit();
    expect(await removing).toBe(1000);
    expect(await textsFor(tier, KEY)).toEqual(["new"]);
  });

  test.each(MANY)("and of %s, softly, nothing is found unmarked", async (_, target) => {
    const tier = await makeStore(SPACIOUS);
    const keys = keysOf(5000);
    for (const key of keys) store(tier, tagged(key, "t"), "old");
    const before = tier.stats();
    const removing = tier.remove(softly(target));
    expect((await foundFor(tier, keys)).filter(({ isPurged }) => isPurged !== true).length).toBe(0);
    expect(await removing).toBe(5000);
    const found = await foundFor(tier, keys);
    expect([found.length, found.every(({ isPurged }) => isPurged === true)]).toEqual([5000, true]);
    expect(await settledStats(tier)).toEqual(before);
  });
}

const KINDS: readonly (readonly [string, string])[] = [
  ["a URI", KEY],
  ["a group", "http://larder.test\ng"],
  ...MANY,
  ["a prefix that is the key", prefixTarget(KEY)],
].filter(([name]) => name !== "a prefix") as [string, string][];

function softRemovals(makeStore: MakeStore): void {
  const head = (): StoredHead => {
    const one = tagged(KEY, "t");
    return { ...one, fields: new Headers([...one.fields, ["cache-groups", '"g"'], ["etag", '"1"']]) };
  };

  test.each(KINDS)("%s, softly: the same bytes, marked, and stale from now on", async (_, target) => {
    const tier = await makeStore(ROOMY);
    const old = store(tier, head(), "tea")!;
    store(tier, headFor("http://other.test/"), "other");
    const before = tier.stats();
    expect(await tier.remove(softly(target))).toBe(target === EVERYTHING ? 2 : 1);
    const [found, ...others] = await tier.lookup(KEY);
    expect([found?.isPurged, others.length, await textsFor(tier, KEY)]).toEqual([true, 0, ["tea"]]);
    expect(found!.staleAt).toBeLessThanOrEqual(epochSeconds(Date.now()));
    expect(found).toMatchObject({ validators: old.validators, bornAt: old.bornAt, body: old.body });
    expect([...found!.fields]).toEqual([...old.fields]);
    expect(await settledStats(tier)).toEqual(before);
    expect((await tier.lookup("http://other.test/"))[0]?.isPurged === true).toBe(target === EVERYTHING);
  });

  test.each(KINDS)("%s, softly twice is once; then for good", async (_, target) => {
    const tier = await makeStore(ROOMY);
    store(tier, head(), "tea");
    await tier.remove(softly(target));
    const [once] = await tier.lookup(KEY);
    expect(await tier.remove(softly(target))).toBeLessThanOrEqual(1);
    const [twice] = await tier.lookup(KEY);
    expect({ ...twice!, memo: undefined, slot: 0 }).toEqual({ ...once!, memo: undefined, slot: 0 } as never);
    expect(await tier.remove(target)).toBe(1);
    expect([
      await textsFor(tier, KEY),
      (await settledStats(tier)).responses,
      (await settledStats(tier)).storedBytes,
    ]).toEqual([[], 0, 0]);
    expect(await tier.remove(softly(target))).toBe(0);
  });

  test("the one that was given out before is marked as well; what replaces it is not", async () => {
    const tier = await makeStore(ROOMY);
    const old = store(tier, head(), "tea")!;
    await tier.remove(softly(KEY));
    const [marked] = await tier.lookup(KEY);
    expect(marked?.isPurged).toBe(true);
    expect(tier.replace(marked!, { ...old, isPurged: undefined })).toBe(true);
    expect((await tier.lookup(KEY))[0]?.isPurged === true).toBe(false);
  });

  test("one that is stale already is not stale any later", async () => {
    const tier = await makeStore(ROOMY);
    const stale = { ...head(), staleAt: epochSeconds(1000) };
    store(tier, stale, "tea");
    await tier.remove(softly(KEY));
    expect((await tier.lookup(KEY))[0]).toMatchObject({ staleAt: 1, isPurged: true });
  });

  test("variants keep their order", async () => {
    const tier = await makeStore(ROOMY);
    for (const language of ["en", "de", "fr"]) store(tier, headFor(KEY, language), language);
    expect(await tier.remove(softly(KEY))).toBe(3);
    expect(await textsFor(tier, KEY)).toEqual(["en", "de", "fr"]);
  });
}
