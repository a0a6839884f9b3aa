// Answers: does a tier behind memory do what `OuterTier` in `lib/store/store.ts` says?
// Owns: the contract suite, which every such tier passes: `outerContract(name, makeTier)`.
// Leaves out: what a tier promises beyond it (`disk*.test.ts`), targets as such (`targets.test.ts`).
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { StoredBody, StoredHead, StoredResponse } from "../../lib/message.ts";
import type { InvalidationTarget } from "../../lib/rfc9111/cache-groups.ts";
import { FieldBlock, fieldName } from "../../lib/store/field-block.ts";
import type { MaybePromise, OuterTier } from "../../lib/store/store.ts";
import { EVERYTHING, prefixTarget, softly, tagTarget } from "../../lib/store/targets.ts";
import { headFor, KEY } from "./contract.ts";

/** A new, empty tier, well and with room enough. */
export type MakeOuter = () => MaybePromise<OuterTier>;

/** A stored response with these bytes; `fields` are added to those of `headFor`. */
export function response(
  key: string,
  body: string | Uint8Array,
  { language, fields = {} }: { language?: string; fields?: Record<string, string> } = {},
): StoredResponse {
  const head = headFor(key, language);
  const more = Object.entries(fields).map(
    ([name, value]) => `\r\n${fieldName(name.toLowerCase())}: ${value}`,
  );
  const text =
    [...head.fields].map(([name, value]) => `\r\n${fieldName(name.toLowerCase())}: ${value}`).join("") +
    more.join("");
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return {
    ...{ ...head, fields: new FieldBlock(text), sizeBytes: 0 },
    body: { kind: "complete", bytes: bytes as Uint8Array<ArrayBuffer> },
  };
}

/** How many it says that it has; of a shared tier only its server knows, and `expected` is believed. */
function responsesIn(tier: OuterTier, expected: number): number {
  return tier.name === "shared" ? expected : tier.stats().responses;
}

/** Settles when nothing waits to be written. */
export async function written(tier: OuterTier): Promise<void> {
  while (tier.stats().queued > 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** All bytes of a body, wherever they are. */
export async function bytesOf(body: StoredBody): Promise<Buffer> {
  if (body.kind === "complete") return Buffer.from(body.bytes);
  if (body.kind === "blob") return Buffer.from(await body.blob.arrayBuffer());
  if (body.kind === "partial") throw new Error("it is partial");
  const stream = body.read(0, body.length - 1);
  if (stream === undefined) throw new Error("it is gone");
  return Buffer.from(await new Response(stream).arrayBuffer());
}

/** What is found for a key, as texts; those that are softly purged with a `~` in front. */
export async function textsFor(tier: OuterTier, key: string): Promise<string[]> {
  const found = await tier.recall(key, () => true);
  return Promise.all(
    found.map(async ({ body, isPurged }) => `${isPurged === true ? "~" : ""}${await bytesOf(body)}`),
  );
}

/** The claims, for one tier. */
export function outerContract(name: string, makeTier: MakeOuter): void {
  describe(`${name}: the contract of a tier behind memory`, () => {
    let tier: OuterTier;
    beforeEach(async () => void (tier = await makeTier()));
    afterEach(() => tier.close());
    const it = (): OuterTier => tier;
    keeping(it);
    superseding(it);
    removing(it);
    laws(it);
  });
}

const all = (): boolean => true;
const valuesOf = (language: string): string | undefined => headFor(KEY, language).selecting?.values;

function keeping(tier: () => OuterTier): void {
  test("an empty tier finds nothing, and counts the question", async () => {
    expect(await textsFor(tier(), KEY)).toEqual([]);
    expect(tier().stats()).toMatchObject({
      isWell: true,
      responses: 0,
      queued: 0,
      skipped: 0,
      recalls: 1,
      found: 0,
    });
  });

  test("what was put is found, head and bytes, and counted", async () => {
    const put = response(KEY, "tea", {
      fields: { ETag: '"1"', "Last-Modified": "Fri, 15 Jan 2027 07:00:00 GMT" },
    });
    tier().put(put);
    await written(tier());
    const [found] = await tier().recall(KEY, all);
    for (const name of [
      "key",
      "status",
      "directives",
      "selecting",
      "bornAt",
      "staleAt",
      "dateValue",
    ] as const)
      expect(found![name]).toEqual(put[name]);
    expect([...found!.fields]).toEqual([...put.fields]);
    expect({ ...found!.validators, etag: found!.validators.etag }).toMatchObject({ etag: '"1"' });
    expect(found!.lifetime).toBe(put.lifetime);
    expect(await bytesOf(found!.body)).toEqual(Buffer.from("tea"));
    expect(found!.sizeBytes).toBeGreaterThan(0);
    expect([responsesIn(tier(), 1), tier().stats().found]).toEqual([1, 1]);
  });

  test("odd bytes of header fields come back as they were", async () => {
    const odd = 'caf\xe9 \x80\xff "\\" \t,;= ' + "x".repeat(5000);
    tier().put(response(KEY, "tea", { fields: { "X-Odd": odd, "X-Empty": "" } }));
    await written(tier());
    const [found] = await tier().recall(KEY, all);
    expect(found!.fields.get("x-odd")).toBe(odd);
    expect(found!.fields.get("x-empty")).toBe("");
  });

  test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 300_000, 1_000_000])(
    "a body of %d bytes",
    async (length) => {
      const bytes = patterned(length, length);
      const put = response(KEY, bytes);
      tier().put(put);
      tier().put({ ...put, key: `${KEY}/blob`, body: { kind: "blob", blob: new Blob([bytes]) } });
      await written(tier());
      for (const key of [KEY, `${KEY}/blob`]) {
        const [found] = await tier().recall(key, all);
        expect((await bytesOf(found!.body)).equals(bytes)).toBe(true);
      }
    },
  );

  test("a part of a larger buffer is not taken for all of it, and what happens to it later does not matter", async () => {
    const larger = patterned(20_000, 1);
    const part = larger.subarray(5000, 15_000);
    tier().put(response(KEY, part));
    await written(tier());
    const [found] = await tier().recall(KEY, all);
    expect((await bytesOf(found!.body)).equals(part)).toBe(true);
    expect(larger.length).toBe(20_000);
  });

  test("only what fits is found; each head is seen once", async () => {
    for (const language of ["de", "en", "fr"]) tier().put(response(KEY, language, { language }));
    await written(tier());
    const seen: StoredHead[] = [];
    const found = await tier().recall(
      KEY,
      (head) => seen.push(head) > 0 && head.selecting?.values === valuesOf("en"),
    );
    expect(await Promise.all(found.map(({ body }) => bytesOf(body).then(String)))).toEqual(["en"]);
    const values = seen.map(({ selecting }) => selecting?.values);
    expect(values.toSorted()).toEqual(["de", "en", "fr"].map(valuesOf));
  });

  test("uses of what is stored, and of what is not, do no harm", async () => {
    tier().put(response(KEY, "tea"));
    tier().used?.(
      new Map([
        [KEY, 5],
        [`${KEY}/none`, 1],
      ]),
    );
    await written(tier());
    expect(await textsFor(tier(), KEY)).toEqual(["tea"]);
  });
}

function superseding(tier: () => OuterTier): void {
  test("§4.1 a variant supersedes itself and no other; the last one is at the end", async () => {
    for (const [language, text] of [
      ["de", "1"],
      ["en", "2"],
      ["de", "3"],
    ] as const)
      tier().put(response(KEY, text, { language }));
    await written(tier());
    expect(await textsFor(tier(), KEY)).toEqual(["2", "3"]);
    tier().put(response(KEY, "4"));
    await written(tier());
    expect(await textsFor(tier(), KEY)).toEqual(["2", "3", "4"]);
    tier().put(response(KEY, "5"));
    await written(tier());
    expect(await textsFor(tier(), KEY)).toEqual(["2", "3", "5"]);
    expect(responsesIn(tier(), 3)).toBe(3);
  });

  test("drop forgets the variant, and no other", async () => {
    for (const language of ["de", "en"]) tier().put(response(KEY, language, { language }));
    tier().put(response(`${KEY}/b`, "b"));
    tier().drop(headFor(KEY, "de"));
    tier().drop(headFor(KEY));
    await written(tier());
    expect([await textsFor(tier(), KEY), await textsFor(tier(), `${KEY}/b`)]).toEqual([["en"], ["b"]]);
    expect(responsesIn(tier(), 2)).toBe(2);
  });

  test("a large body that is superseded while it is on its way does not come back", async () => {
    tier().put(response(KEY, patterned(1_000_000, 1)));
    tier().put(response(KEY, "small"));
    await written(tier());
    expect(await textsFor(tier(), KEY)).toEqual(["small"]);
    tier().put(response(KEY, patterned(1_000_000, 2)));
    tier().drop(headFor(KEY));
    await written(tier());
    expect(await textsFor(tier(), KEY)).toEqual([]);
  });

  test("never is something older found than what was put", async () => {
    tier().put(response(KEY, "old"));
    await written(tier());
    tier().put(response(KEY, "new"));
    for (let time = 0; time < 20; time++) {
      expect(await textsFor(tier(), KEY)).not.toContain("old");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await written(tier());
    expect(await textsFor(tier(), KEY)).toEqual(["new"]);
  });
}

const ORIGIN = "http://larder.test";

/** What is put before each removal: key, fields. */
const STORED: readonly (readonly [path: string, fields: Record<string, string>])[] = [
  ["/a", { "Cache-Tag": "red, blue", "Cache-Groups": '"g"' }],
  ["/a/b", { "Surrogate-Key": "red" }],
  ["/a/b/c", { xkey: "green" }],
  ["/b", { "Cache-Groups": '"g", "red"' }],
];

const REMOVALS: readonly (readonly [what: string, target: InvalidationTarget, gone: readonly string[]])[] = [
  ["a URI", `${ORIGIN}/a`, ["/a"]],
  ["a URI that is not stored", `${ORIGIN}/`, []],
  ["a tag", tagTarget("red"), ["/a", "/a/b"]],
  ["a tag in other letters", tagTarget("Red"), []],
  ["RFC 9875 a group", `${ORIGIN}\ng`, ["/a", "/b"]],
  ["RFC 9875 a group of another origin", "http://other.test\ng", []],
  ["a prefix", prefixTarget(`${ORIGIN}/a/`), ["/a/b", "/a/b/c"]],
  ["everything", EVERYTHING, ["/a", "/a/b", "/a/b/c", "/b"]],
];

function removing(tier: () => OuterTier): void {
  const state = async (): Promise<Record<string, string[]>> => {
    const found = STORED.map(async ([path]) => [path, await textsFor(tier(), ORIGIN + path)] as const);
    return Object.fromEntries(await Promise.all(found));
  };
  const expected = (gone: readonly string[], mark: string): Record<string, string[]> =>
    Object.fromEntries(
      STORED.map(([path]) => [path, !gone.includes(path) ? [path] : mark === "" ? [] : [mark + path]]),
    );

  const counted = (target: InvalidationTarget, gone: readonly string[]): number =>
    tier().name === "shared" && target.includes("\n") ? 0 : gone.length;

  describe.each(REMOVALS)("%s", (_, target, gone) => {
    beforeEach(async () => {
      for (const [path, fields] of STORED) tier().put(response(ORIGIN + path, path, { fields }));
      await written(tier());
    });

    test("is removed: not found from the call on, counted in the end", async () => {
      const removed = tier().remove(target);
      expect(await state()).toEqual(expected(gone, ""));
      expect(await removed).toBe(counted(target, gone));
      expect(await state()).toEqual(expected(gone, ""));
      expect(await tier().remove(target)).toBe(0);
    });

    test("is removed softly: found marked from the call on", async () => {
      const removed = tier().remove(softly(target));
      expect(await state()).toEqual(expected(gone, "~"));
      expect(await removed).toBe(counted(target, gone));
      expect(await state()).toEqual(expected(gone, "~"));
      expect(responsesIn(tier(), STORED.length)).toBe(STORED.length);
    });
  });

  test("what was put before is removed with it, also where it is large; what is put later stays", async () => {
    const fields = { "Cache-Tag": "red" };
    tier().put(response(KEY, "1", { fields }));
    tier().put(response(`${KEY}/large`, patterned(500_000, 1), { fields }));
    const removed = tier().remove(tagTarget("red"));
    tier().put(response(`${KEY}/2`, "2", { fields }));
    expect(await removed).toBeGreaterThanOrEqual(counted(tagTarget("red"), [KEY]));
    await written(tier());
    expect(await textsFor(tier(), KEY)).toEqual([]);
    expect(await textsFor(tier(), `${KEY}/large`)).toEqual([]);
    expect(await textsFor(tier(), `${KEY}/2`)).toEqual(["2"]);
  });

  test("what is softly purged and then validated is as good as new", async () => {
    tier().put(response(KEY, "1"));
    expect(await tier().remove(softly(KEY))).toBe(1);
    const [found] = await tier().recall(KEY, all);
    expect(found!.isPurged).toBe(true);
    tier().put({ ...found!, body: found!.body, isPurged: false, key: KEY });
    await written(tier());
    expect(await textsFor(tier(), KEY)).toEqual(["1"]);
  });

  test("many removals at once are all answered", async () => {
    for (let at = 0; at < 50; at++) tier().put(response(`${KEY}/${at}`, `${at}`));
    const counts = await Promise.all(Array.from({ length: 60 }, (_, at) => tier().remove(`${KEY}/${at}`)));
    expect(counts).toEqual(Array.from({ length: 60 }, (_, at) => (at < 50 ? 1 : 0)));
  });
}

function laws(tier: () => OuterTier): void {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("put" as const),
      key: fc.nat(3),
      tag: fc.nat(2),
      size: fc.constantFrom(1, 100, 70_000),
    }),
    fc.record({ kind: fc.constant("drop" as const), key: fc.nat(3) }),
    fc.record({ kind: fc.constant("uri" as const), key: fc.nat(3) }),
    fc.record({ kind: fc.constant("tag" as const), tag: fc.nat(2) }),
    fc.constant({ kind: "wait" as const }),
  );
  test("any order of put, drop and remove ends as in a Map", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        await tier().remove(EVERYTHING);
        const model = new Map<number, { tag: number; bytes: Buffer }>();
        for (const [at, one] of steps.entries()) {
          if (one.kind === "put") {
            const bytes = patterned(one.size, at);
            model.set(one.key, { tag: one.tag, bytes });
            tier().put(response(`${KEY}/${one.key}`, bytes, { fields: { xkey: `t${one.tag}` } }));
          } else if (one.kind === "drop") {
            model.delete(one.key);
            tier().drop(headFor(`${KEY}/${one.key}`));
          } else if (one.kind === "uri") {
            model.delete(one.key);
            void tier().remove(`${KEY}/${one.key}`);
          } else if (one.kind === "tag") {
            for (const [key, { tag }] of model) if (tag === one.tag) model.delete(key);
            void tier().remove(tagTarget(`t${one.tag}`));
          } else await written(tier());
        }
        await written(tier());
        for (let key = 0; key < 4; key++) {
          const found = await tier().recall(`${KEY}/${key}`, all);
          const bodies = await Promise.all(found.map(({ body }) => bytesOf(body)));
          expect(bodies.map(hashOf)).toEqual(model.has(key) ? [hashOf(model.get(key)!.bytes)] : []);
        }
        expect(responsesIn(tier(), model.size)).toBe(model.size);
      }),
      { numRuns: 25 },
    );
  });
}

function hashOf(bytes: Uint8Array): string {
  return `${bytes.length}:${Bun.hash.xxHash64(bytes)}`;
}

/** Bytes that differ from place to place and from seed to seed. */
export function patterned(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0, state = seed * 2_654_435_761 + 1; at < length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
