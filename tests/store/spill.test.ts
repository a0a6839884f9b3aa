// Answers: does a body that is too large for memory get outside of it, byte for byte, or leave nothing behind?
// Owns: the claims about `lib/store/spill.ts`, and about bodies outside of memory in `lib/store/tiers.ts`.
// Leaves out: answers from such bodies (`../proxy-outside.test.ts`), readers meanwhile (`../fill-body-spill.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { StoredResponse } from "../../lib/message.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { TieredStore } from "../../lib/store/tiers.ts";
import { bytesOf, NOW } from "../rfc9111/test-values.ts";
import { headFor, KEY, store, textOf, textsFor } from "./contract.ts";
import { kept, ScriptedTier, Shelf } from "./scripted-tier.ts";

const FROM = 50_000;

/** Memory for bodies of less than FROM bytes, and a shelf. */
function onShelf(shelf = new Shelf()) {
  const clockMs = (): number => NOW * 1000;
  const memory = new MemoryStore({ budgetBytes: 500_000, maxObjectBytes: FROM - 1 }, clockMs);
  const outer = [new ScriptedTier("disk"), new ScriptedTier("shared")] as const;
  const parts = {
    memory,
    outer,
    openOutside: shelf.open,
    outsideFromBytes: FROM,
    maxObjectBytes: Infinity,
    clockMs,
  };
  return { shelf, memory, outer, tiered: new TieredStore(parts) };
}

async function bytesIn({ body }: StoredResponse): Promise<Buffer> {
  if (body.kind !== "outside") throw new Error(`it is ${body.kind}`);
  return Buffer.from(await new Response(body.read(0, body.length - 1)).arrayBuffer());
}

const LARGE = crypto.getRandomValues(new Uint8Array(60_000));

/** Writes all of it in chunks; whether all were taken. */
function write(tiered: TieredStore, bytes: Uint8Array, length: number | undefined, chunk = 7000) {
  const writer = tiered.write(headFor(KEY), length);
  let isTaken = writer !== undefined;
  for (let at = 0; at < bytes.length && isTaken; at += chunk)
    isTaken = writer?.write(bytes.subarray(at, at + chunk)) !== false;
  return { writer, isTaken };
}

describe("a body that is too large for memory", () => {
  test.each([LARGE.length, undefined])("goes outside, %p bytes announced", async (length) => {
    const { shelf, memory, tiered } = onShelf();
    const { writer, isTaken } = write(tiered, LARGE, length);
    expect([isTaken, tiered.lookup(KEY), memory.stats().pendingBytes]).toEqual([true, [], 0]);
    const stored = writer?.commit();
    expect(stored?.body.kind).toBe("outside");
    const [found] = tiered.lookup(KEY);
    expect((await bytesIn(found!)).equals(LARGE)).toBe(true);
    expect([shelf.done, shelf.opened]).toEqual([[`commit ${LARGE.length}`], 1]);
    // Its head is in memory, its bytes are not.
    expect(memory.stats().storedBytes).toBeLessThan(5000);
  });

  test("law: byte for byte, however it is cut, whatever was announced", async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cuts, fc.boolean(), async (lengths, isAnnounced) => {
        const { tiered } = onShelf();
        const whole = crypto.getRandomValues(new Uint8Array(lengths.reduce((sum, one) => sum + one, 0)));
        const writer = tiered.write(headFor(KEY), isAnnounced ? whole.length : undefined)!;
        let at = 0;
        for (const length of lengths) writer.write(whole.subarray(at, (at += length)));
        const isLarge = whole.length >= FROM;
        expect(writer.keepsBytes).toBe(!isLarge);
        const stored = writer.commit()!;
        expect(stored.body.kind).toBe(isLarge ? "outside" : whole.length < 32_768 ? "complete" : "blob");
        if (isLarge) expect((await bytesIn(stored)).equals(whole)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("of unknown length is kept by memory until it turns out to be", () => {
    const { shelf, tiered } = onShelf();
    const writer = tiered.write(headFor(KEY), undefined)!;
    expect([writer.write(new Uint8Array(FROM - 1)) !== false, writer.keepsBytes]).toEqual([true, true]);
    expect([shelf.opened, writer.ready?.()]).toEqual([0, undefined]);
    expect([writer.write(new Uint8Array(1)) !== false, writer.keepsBytes]).toEqual([true, false]);
    expect(shelf.opened).toBe(1);
    writer.abort();
    writer.abort();
    expect([shelf.done, tiered.stats().pendingBytes]).toEqual([["abort"], 0]);
  });

  test("takes the place of what it supersedes, in every tier", () => {
    const { outer, tiered } = onShelf();
    store(tiered, headFor(KEY), "old");
    write(tiered, LARGE, LARGE.length).writer?.commit();
    expect(tiered.lookup(KEY).map(({ body }) => body.kind)).toEqual(["outside"]);
    // What is on disk belongs to the shelf; the other tier must not bring back the old one.
    expect(outer[1].kept).toEqual([]);
  });

  test("is put into the other tiers by nobody, but for its new head when it is freshened", () => {
    const { outer, tiered } = onShelf();
    const stored = write(tiered, LARGE, LARGE.length).writer!.commit()!;
    const [found] = tiered.lookup(KEY);
    expect(outer.flatMap(({ deeds }) => deeds).filter((deed) => deed.startsWith("put"))).toEqual([]);
    expect(tiered.replace(found!, { ...stored, status: 203 })).toBe(true);
    expect(outer[0].kept).toMatchObject([{ status: 203, body: stored.body }]);
  });

  test("commits once: nothing more can be written, committed or aborted", async () => {
    const { shelf, outer, tiered } = onShelf();
    const { writer } = write(tiered, LARGE, undefined);
    writer?.commit();
    const deeds = outer.map((tier) => [...tier.deeds]);
    expect([writer?.write(bytesOf("x")), writer?.commit()]).toEqual([false, undefined]);
    writer?.abort();
    expect(outer.map((tier) => tier.deeds)).toEqual(deeds);
    expect([shelf.done.length, tiered.lookup(KEY).length]).toEqual([1, 1]);
  });
});

describe("a body of which memory had more than can wait outside", () => {
  /** Memory has had seven chunks when the eighth goes outside, where one may wait. */
  const crowded = () => {
    const shelf = new Shelf();
    [shelf.isSlow, shelf.queue] = [true, 7000];
    const parts = onShelf(shelf);
    const writer = parts.tiered.write(headFor(KEY), undefined)!;
    for (let at = 0; at < 56_000; at += 7000)
      expect(writer.write(LARGE.subarray(at, at + 7000))).not.toBe(false);
    return { ...parts, writer };
  };

  test("goes there as it can be written, before more is asked for", async () => {
    const { shelf, tiered, writer } = crowded();
    let isReady = false;
    const ready = writer.ready?.()?.then(() => (isReady = true));
    for (let chunk = 0; chunk < 8; chunk++) {
      expect([shelf.unwritten, isReady]).toEqual([7000, false]);
      shelf.writeOut();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ready;
    expect([writer.write(LARGE.subarray(56_000)) !== false, writer.commit()?.body.kind]).toEqual([
      true,
      "outside",
    ]);
    expect((await bytesIn(tiered.lookup(KEY)[0]!)).equals(LARGE)).toBe(true);
  });

  test("is refused where nobody waits for that", () => {
    const { shelf, writer } = crowded();
    expect([writer.write(LARGE.subarray(56_000)), writer.commit()]).toEqual([false, undefined]);
    const other = crowded();
    expect([other.writer.commit(), other.tiered.lookup(KEY)]).toEqual([undefined, []]);
    expect([shelf.done, other.shelf.done]).toEqual([[], []]);
  });

  test("is forgotten where it is aborted meanwhile", async () => {
    const { shelf, outer, writer } = crowded();
    const ready = writer.ready?.();
    writer.abort();
    shelf.writeOut();
    await ready;
    expect([shelf.unwritten, shelf.done, outer[0].deeds]).toEqual([0, ["abort"], []]);
  });

  test("is lost where the room ends meanwhile: more is refused then", async () => {
    const { shelf, outer, writer } = crowded();
    shelf.room = 20_000;
    const ready = writer.ready?.();
    for (let chunk = 0; chunk < 8; chunk++) {
      shelf.writeOut();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ready;
    expect([writer.write(LARGE.subarray(56_000)), outer[0].deeds]).toEqual([false, [`drop ${KEY}`]]);
  });
});

describe("that cannot go outside", () => {
  test("is refused at once where its length says so", () => {
    const shelf = new Shelf();
    shelf.room = 1000;
    const { outer, tiered } = onShelf(shelf);
    expect(tiered.write(headFor(KEY), LARGE.length)).toBeUndefined();
    expect(outer.map(({ deeds }) => deeds)).toEqual([[`drop ${KEY}`], [`drop ${KEY}`]]);
  });

  test.each([
    ["there is no room from the start", 0, undefined],
    ["the room ends while what memory had is written", 30_000, undefined],
    ["the room ends later", 55_000, undefined],
  ])("is aborted where %s; what it was to supersede goes", async (_, room, length) => {
    const shelf = new Shelf();
    shelf.room = room;
    const { outer, tiered } = onShelf(shelf);
    for (const tier of outer) tier.kept = [kept("old")];
    const { writer, isTaken } = write(tiered, LARGE, length);
    expect([isTaken, writer?.write(bytesOf("x")), writer?.commit()]).toEqual([false, false, undefined]);
    writer?.abort();
    expect(tiered.lookup(KEY)).toEqual([]);
    expect(outer.map((tier) => tier.kept)).toEqual([[], []]);
    expect(tiered.stats().pendingBytes).toBe(0);
  });

  test("though it came to its end: the same", () => {
    const shelf = new Shelf();
    const { outer, tiered } = onShelf(shelf);
    for (const tier of outer) tier.kept = [kept("old")];
    const open = shelf.open(headFor(KEY), undefined)!;
    const writer = new TieredStore({
      ...{ memory: new MemoryStore({ budgetBytes: 1, maxObjectBytes: 1 }), outer },
      ...{
        openOutside: () => ({ ...open, commit: () => undefined }),
        outsideFromBytes: 1,
        maxObjectBytes: Infinity,
        clockMs: Date.now,
      },
    }).write(headFor(KEY), 3)!;
    writer.write(bytesOf("new"));
    expect(writer.commit()).toBeUndefined();
    expect([outer.map((tier) => tier.kept), shelf.done]).toEqual([[[], []], ["abort"]]);
    expect(tiered.lookup(KEY)).toEqual([]);
  });

  test("is aborted without a trace: what was there before stays", () => {
    const { outer, tiered } = onShelf();
    store(tiered, headFor(KEY), "old");
    write(tiered, LARGE, undefined).writer?.abort();
    expect(outer.map((tier) => tier.kept.map(({ body }) => textOf(body)))).toEqual([["old"], ["old"]]);
  });

  test("what comes in parts neither: they are put together in memory", () => {
    const { shelf, tiered } = onShelf();
    const { writer } = write(tiered, LARGE, undefined);
    const finish = (bytes: Uint8Array<ArrayBuffer>) => ({
      head: headFor(KEY),
      body: { kind: "complete", bytes } as const,
    });
    expect(writer?.commit(finish)).toBeUndefined();
    expect([shelf.done, tiered.lookup(KEY)]).toEqual([["abort"], []]);
  });
});

test("a body outside that is gone is not found, and neither is its head any more", async () => {
  const { shelf, memory, tiered } = onShelf();
  write(tiered, LARGE, LARGE.length).writer?.commit();
  store(tiered, headFor(KEY, "en"), "small");
  expect(tiered.lookup(KEY).length).toBe(2);
  shelf.isGone = true;
  expect(await textsFor(tiered, KEY)).toEqual(["small"]);
  expect(memory.stats().responses).toBe(1);
});

test("what is for another process to store outside is not stored here", () => {
  const { shelf, outer, tiered } = onShelf();
  expect(tiered.write(headFor(KEY), LARGE.length, "elsewhere")).toBeUndefined();
  const writer = tiered.write(headFor(KEY), undefined, "elsewhere")!;
  expect(writer.write(LARGE)).toBe(false);
  expect([shelf.opened, outer[0].deeds, outer[1].deeds]).toEqual([0, [], []]);
});
