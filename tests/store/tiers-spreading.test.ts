// Answers: does each tier behind memory have what it is to have, and nothing that has been superseded?
// Owns: the claims about what `lib/store/tiers.ts` gives to tiers behind memory, and takes from them; uses told in batches.
// Leaves out: what comes from there (`tiers.test.ts`), bodies outside of memory (`spill.test.ts`).
import { describe, expect, jest, test } from "bun:test";
import type { FillMark } from "../../lib/store/store.ts";
import { bytesOf, partial } from "../rfc9111/test-values.ts";
import { headFor, KEY, store, textOf } from "./contract.ts";
import { ScriptedTier, tiers } from "./scripted-tier.ts";

const MARK: FillMark = { fence: 1, asOf: "now" };

describe("to the tiers behind memory goes", () => {
  const one = () => {
    const tier = new ScriptedTier();
    return { tier, ...tiers(tier) };
  };
  const texts = ({ kept: all }: ScriptedTier): string[] => all.map(({ body }) => textOf(body));

  test("what is stored, with the mark of its fill, in the place of what it supersedes", () => {
    const { tier, tiered } = one();
    store(tiered, headFor(KEY), "old");
    const writer = tiered.write(headFor(KEY), 3, MARK)!;
    writer.write(bytesOf("new"));
    expect(texts(tier)).toEqual(["old"]);
    writer.commit();
    expect([texts(tier), tier.marks]).toEqual([["new"], [undefined, MARK]]);
  });

  test("what is freshened, and what is added", () => {
    const { tier, tiered } = one();
    const old = store(tiered, headFor(KEY, "en"), "tea")!;
    expect(tiered.replace(old, { ...old, status: 203 }, MARK)).toBe(true);
    tiered.add({ ...headFor(KEY, "de"), body: old.body, sizeBytes: 1 }, MARK);
    expect([tier.kept.map(({ status }) => status), tier.marks]).toEqual([
      [203, 200],
      [undefined, MARK, MARK],
    ]);
  });

  test("not what is removed: that goes there too, and so does what was to be freshened and is gone", () => {
    const { tier, memory, tiered } = one();
    const [a, b] = ["/a", "/b"].map((path) => store(tiered, headFor(KEY + path), path));
    expect(tiered.replace(a!, undefined)).toBe(true);
    expect(texts(tier)).toEqual(["/b"]);
    // Evicted, as far as memory is concerned.
    memory.replace(b!, undefined);
    expect(tiered.replace(b!, { ...b! })).toBe(false);
    expect(texts(tier)).toEqual([]);
  });

  test("no part: what it supersedes goes", () => {
    const { tier, tiered } = one();
    store(tiered, headFor(KEY), "old");
    const writer = tiered.write({ ...headFor(KEY), status: 206 }, undefined)!;
    writer.write(bytesOf("ne"));
    writer.commit(() => ({ head: { ...headFor(KEY), status: 206 }, body: partial(3, [0, "ne"]) }));
    expect([texts(tier), tier.deeds.at(-1)]).toEqual([[], `drop ${KEY}`]);
  });

  test("nothing that another process of this node has put there", () => {
    const { tier, tiered } = one();
    const writer = tiered.write(headFor(KEY), 3, "elsewhere")!;
    writer.write(bytesOf("tea"));
    const stored = writer.commit()!;
    tiered.replace(stored, { ...stored }, "elsewhere");
    expect(tier.deeds).toEqual([]);
  });

  test("nothing that is aborted: what was there stays", () => {
    const { tier, tiered } = one();
    store(tiered, headFor(KEY), "old");
    const writer = tiered.write(headFor(KEY), undefined)!;
    writer.write(bytesOf("new"));
    writer.abort();
    writer.commit();
    expect(texts(tier)).toEqual(["old"]);
  });

  test.each([[2_000_000], [undefined]])("nothing too large, of %p bytes: what was there goes", (length) => {
    const { tier, tiered } = one();
    store(tiered, headFor(KEY), "old");
    const writer = tiered.write(headFor(KEY), length);
    expect(writer?.write(new Uint8Array(2_000_000)) ?? false).toBe(false);
    expect(texts(tier)).toEqual([]);
  });

  test("the new one stays where the old one, which it has replaced, is removed after it", () => {
    const { tier, tiered } = one();
    const old = store(tiered, headFor(KEY), "old")!;
    store(tiered, headFor(KEY), "new");
    expect(tiered.replace(old, undefined)).toBe(false);
    expect(tiered.replace(old, { ...old })).toBe(false);
    expect(texts(tier)).toEqual(["new"]);
  });
});

test("uses are told in batches, each once", () => {
  jest.useFakeTimers();
  try {
    const tier = new ScriptedTier();
    const { tiered } = tiers(tier);
    const [a, b] = ["/a", "/b"].map((path) => store(tiered, headFor(KEY + path), path)!);
    jest.advanceTimersByTime(60_000);
    expect(tier.told).toEqual([]);
    for (const used of [a, b, a]) tiered.touch(used!);
    jest.advanceTimersByTime(4999);
    expect(tier.told).toEqual([]);
    jest.advanceTimersByTime(1);
    tiered.touch(b!);
    jest.advanceTimersByTime(5000);
    expect(tier.told.map((uses) => Object.fromEntries(uses))).toEqual([
      { [a!.key]: 2, [b!.key]: 1 },
      { [b!.key]: 1 },
    ]);
    for (let at = 0; at < 5010; at++) tiered.touch({ ...a!, key: `${KEY}/${at}` });
    jest.advanceTimersByTime(5000);
    expect(tier.told[2]?.size).toBe(5000);
  } finally {
    jest.useRealTimers();
  }
});
