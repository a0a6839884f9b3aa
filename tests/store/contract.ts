// Answers: does a storage tier do what `lib/store/store.ts` says?
// Owns: the contract suite, which every tier passes: `storeContract(name, makeStore)`.
// Leaves out: limits, counts and budget (`budget.ts`), what a tier promises beyond the contract.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { StoredBody, StoredHead, StoredResponse } from "../../lib/message.ts";
import type { MaybePromise, Store, StoreStats, Writer } from "../../lib/store/store.ts";
import { bytesOf, complete, partial, storedResponse } from "../rfc9111/test-values.ts";

/** Limits of the tier under test, in bytes. */
export interface StoreLimits {
  readonly budgetBytes: number;
  readonly maxObjectBytes: number;
}

/** A new, empty tier with these limits. */
export type MakeStore = (limits: StoreLimits) => MaybePromise<Store>;

export const KEY = "http://larder.test/menu";
/** Limits that no test of the contract comes near. */
export const ROOMY: StoreLimits = { budgetBytes: 4_000_000, maxObjectBytes: 1_000_000 };

/** The head of a response for a key; `language` makes it a variant, selected by Accept-Language. */
export function headFor(key: string, language?: string): StoredHead {
  const fields = { "cache-control": "max-age=60", "content-type": "text/plain" };
  const {
    body: _,
    sizeBytes: __,
    ...head
  } = storedResponse(
    language === undefined
      ? { fields }
      : { fields: { ...fields, vary: "accept-language" }, request: { "accept-language": language } },
  );
  return { ...head, key };
}

/** Writes a response in one chunk. */
export function store(to: Store, head: StoredHead, text: string): StoredResponse | undefined {
  const writer = open(to, head);
  writer.write(bytesOf(text));
  return writer.commit();
}

/** The bytes of a small body as text; parts of a partial one are joined by `|`. */
export function textOf(body: StoredBody): string {
  if (body.kind === "blob" || body.kind === "outside") throw new Error("that is no small body");
  const decoder = new TextDecoder();
  if (body.kind === "complete") return decoder.decode(body.bytes);
  return body.parts.map(({ bytes }) => decoder.decode(bytes)).join("|");
}

/** The state once all that was removed has left: what is not found any more may take a while. */
export async function settledStats(tier: Store): Promise<StoreStats> {
  for (let before = -1; ;) {
    const stats = tier.stats();
    if (stats.responses === before) return stats;
    before = stats.responses;
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The claims of the contract, for one tier. */
export function storeContract(name: string, makeStore: MakeStore): void {
  describe(`${name}: the contract of a store`, () => {
    writing(makeStore);
    removing(makeStore);
    variants(makeStore);
  });
}

function writing(makeStore: MakeStore): void {
  test("an empty store finds nothing and counts nothing", async () => {
    const tier = await makeStore(ROOMY);
    expect(await textsFor(tier, KEY)).toEqual([]);
    expect(tier.stats()).toEqual({
      ...{ responses: 0, storedBytes: 0, pendingBytes: 0, heldBytes: 0, evictions: 0 },
      budgetBytes: ROOMY.budgetBytes,
    });
  });

  test("what is written is seen from commit on and not before", async () => {
    const tier = await makeStore(ROOMY);
    const writer = open(tier, headFor(KEY), 6);
    expect(writer.write(bytesOf("abc"))).not.toBe(false);
    expect(writer.write(bytesOf("def"))).not.toBe(false);
    expect(await textsFor(tier, KEY)).toEqual([]);
    expect(writer.commit()?.key).toBe(KEY);
    expect(await textsFor(tier, KEY)).toEqual(["abcdef"]);
    expect(await textsFor(tier, `${KEY}/`)).toEqual([]);
  });

  test("commit gives back what lookup finds, with the head as it was", async () => {
    const tier = await makeStore(ROOMY);
    const head = headFor(KEY, "en");
    const committed = store(tier, head, "tea");
    const [found] = await tier.lookup(KEY);
    expect(found).toEqual(committed!);
    expect([...found!.fields]).toEqual([...head.fields]);
    expect(found).toMatchObject({ status: 200, staleAt: head.staleAt, selecting: head.selecting });
  });

  test("what is aborted is never seen; abort may come twice", async () => {
    const tier = await makeStore(ROOMY);
    const writer = open(tier, headFor(KEY));
    writer.write(bytesOf("abc"));
    writer.abort();
    writer.abort();
    expect(writer.write(bytesOf("def"))).toBe(false);
    expect(writer.commit()).toBeUndefined();
    expect(await textsFor(tier, KEY)).toEqual([]);
    expect(tier.stats()).toMatchObject({ responses: 0, storedBytes: 0, pendingBytes: 0 });
  });

  test("after commit nothing more can be written, committed or aborted", async () => {
    const tier = await makeStore(ROOMY);
    const writer = open(tier, headFor(KEY));
    writer.write(bytesOf("abc"));
    writer.commit();
    expect(writer.write(bytesOf("def"))).toBe(false);
    expect(writer.commit()).toBeUndefined();
    writer.abort();
    expect(await textsFor(tier, KEY)).toEqual(["abc"]);
    expect(tier.stats().pendingBytes).toBe(0);
  });

  test("a body may be empty", async () => {
    const tier = await makeStore(ROOMY);
    expect(open(tier, headFor(KEY), 0).commit()).toBeDefined();
    expect(await textsFor(tier, KEY)).toEqual([""]);
  });

  test("bytes come back as they went in, however they were cut, views of a larger buffer too", async () => {
    const chunkings = fc.array(fc.uint8Array({ maxLength: 300, size: "max" }), {
      maxLength: 12,
      size: "max",
    });
    await fc.assert(
      fc.asyncProperty(chunkings, fc.constantFrom(undefined, 0, -7, 7), async (chunks, error) => {
        const tier = await makeStore(ROOMY);
        const whole = Buffer.concat(chunks);
        const buffer = Buffer.concat([bytesOf("before"), whole, bytesOf("after")]);
        // What is announced may be wrong: that is not for the store to judge.
        const announced = error === undefined ? undefined : Math.max(0, whole.length + error);
        const writer = open(tier, headFor(KEY), announced);
        let at = "before".length;
        const kept = chunks.map(({ length }) => writer.write(buffer.subarray(at, (at += length))));
        writer.commit();
        // Readers of the first hour go on reading there.
        expect(Buffer.concat(kept as Uint8Array[]).equals(whole)).toBe(true);
        const [found] = await tier.lookup(KEY);
        expect(found?.body.kind === "complete" && Buffer.from(found.body.bytes).equals(whole)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("finish says what is stored, and sees what is stored by then", async () => {
    const tier = await makeStore(ROOMY);
    const writer = open(tier, headFor(KEY, "en"));
    writer.write(bytesOf("part"));
    store(tier, headFor(KEY, "de"), "meanwhile");
    const seen: string[] = [];
    writer.commit((bytes, stored) => {
      seen.push(new TextDecoder().decode(bytes), ...stored.map(({ body }) => textOf(body)));
      return { head: { ...headFor(KEY, "en"), status: 206 }, body: partial(9, [5, "part"]) };
    });
    expect(seen).toEqual(["part", "meanwhile"]);
    expect(await textsFor(tier, KEY)).toEqual(["meanwhile", "part"]);
    const [, found] = await tier.lookup(KEY);
    expect(found).toMatchObject({ status: 206, body: partial(9, [5, "part"]) });
  });

  test("where finish gives undefined nothing is stored and nothing replaced", async () => {
    const tier = await makeStore(ROOMY);
    store(tier, headFor(KEY), "old");
    const writer = open(tier, headFor(KEY));
    writer.write(bytesOf("new"));
    expect(writer.commit(() => undefined)).toBeUndefined();
    expect(await textsFor(tier, KEY)).toEqual(["old"]);
    expect(tier.stats().pendingBytes).toBe(0);
  });
}

function removing(makeStore: MakeStore): void {
  test("remove takes all variants of one key and says how many", async () => {
    const tier = await makeStore(ROOMY);
    for (const language of ["en", "de"]) store(tier, headFor(KEY, language), language);
    store(tier, headFor(`${KEY}/other`), "other");
    expect(await tier.remove(KEY)).toBe(2);
    expect(await tier.remove(KEY)).toBe(0);
    expect([...(await textsFor(tier, KEY)), ...(await textsFor(tier, `${KEY}/other`))]).toEqual(["other"]);
  });

  test("a list that was looked up stays as it was while the store changes", async () => {
    const tier = await makeStore(ROOMY);
    for (const language of ["en", "de"]) store(tier, headFor(KEY, language), language);
    const before = await tier.lookup(KEY);
    await tier.remove(KEY);
    store(tier, headFor(KEY, "fr"), "fr");
    expect(before.map(({ body }) => textOf(body))).toEqual(["en", "de"]);
  });

  test("replace puts a response in the place of a stored one, which is gone then", async () => {
    const tier = await makeStore(ROOMY);
    const old = store(tier, headFor(KEY), "tea")!;
    const by = { ...old, fields: new Headers({ "cache-control": "max-age=9" }) };
    expect(await tier.replace(old, by)).toBe(true);
    const [found, ...others] = await tier.lookup(KEY);
    expect([found?.fields.get("cache-control"), textOf(found!.body), others.length]).toEqual([
      "max-age=9",
      "tea",
      0,
    ]);
  });

  test("replace without a successor only removes", async () => {
    const tier = await makeStore(ROOMY);
    const old = store(tier, headFor(KEY, "en"), "en")!;
    store(tier, headFor(KEY, "de"), "de");
    expect(await tier.replace(old, undefined)).toBe(true);
    expect(await textsFor(tier, KEY)).toEqual(["de"]);
  });

  test("replace does nothing where the old one is not stored any more", async () => {
    const tier = await makeStore(ROOMY);
    const old = store(tier, headFor(KEY), "old")!;
    store(tier, headFor(KEY), "new");
    expect(await tier.replace(old, { ...old })).toBe(false);
    expect(await tier.replace(old, undefined)).toBe(false);
    expect(await textsFor(tier, KEY)).toEqual(["new"]);
    await tier.remove(KEY);
    expect(await tier.replace(old, old)).toBe(false);
    expect(await textsFor(tier, KEY)).toEqual([]);
  });

  test("add stores a response that shares its body with another one", async () => {
    const tier = await makeStore(ROOMY);
    const first = store(tier, headFor(KEY, "en"), "same")!;
    tier.add({ ...headFor(KEY, "en-GB"), body: first.body, sizeBytes: first.sizeBytes });
    expect(await textsFor(tier, KEY)).toEqual(["same", "same"]);
    await tier.replace((await tier.lookup(KEY))[0]!, undefined);
    expect(await textsFor(tier, KEY)).toEqual(["same"]);
  });

  test("touch of what is not stored does nothing", async () => {
    const tier = await makeStore(ROOMY);
    tier.touch({ ...headFor(KEY), body: complete("tea"), sizeBytes: 1 });
    expect(tier.stats().responses).toBe(0);
  });
}

function variants(makeStore: MakeStore): void {
  test("§4.1 variants stand side by side, the one stored last at the end", async () => {
    const tier = await makeStore(ROOMY);
    for (const language of ["en", "de", "fr"]) store(tier, headFor(KEY, language), language);
    expect(await textsFor(tier, KEY)).toEqual(["en", "de", "fr"]);
  });

  test.each([
    ["de", ["for all", "en", "new"]],
    [undefined, ["en", "de", "new"]],
  ])(
    "§4.1 a new response takes the place of the one selected alike, and of no other: %p",
    async (language, texts) => {
      const tier = await makeStore(ROOMY);
      store(tier, headFor(KEY), "for all");
      for (const each of ["en", "de"]) store(tier, headFor(KEY, each), each);
      store(tier, headFor(KEY, language), "new");
      expect(await textsFor(tier, KEY)).toEqual(texts);
    },
  );

  test("one key has at most 64 variants: the oldest leave", async () => {
    const tier = await makeStore(ROOMY);
    const names = Array.from({ length: 70 }, (_, at) => `x-${at}`);
    for (const language of names) store(tier, headFor(KEY, language), language);
    expect(await textsFor(tier, KEY)).toEqual(names.slice(-64));
    expect(tier.stats()).toMatchObject({ responses: 64, evictions: 6 });
  });
}

/** @throws where the store refuses. */
export function open(to: Store, head: StoredHead, lengthBytes?: number): Writer {
  const writer = to.write(head, lengthBytes);
  if (writer === undefined) throw new Error("the store refused a write");
  return writer;
}

/** The bodies that are found for a key, in order. */
export async function textsFor(tier: Store, key: string): Promise<string[]> {
  return (await tier.lookup(key)).map(({ body }) => textOf(body));
}
