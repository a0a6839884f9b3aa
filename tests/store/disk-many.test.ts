// Answers: does the disk tier hold bodies that no memory holds, and remove many at a time?
// Owns: the claims about bodies in chunks, written and read as streams, and about removals that are written down.
// Leaves out: readers of what is removed (`disk-reading.test.ts`), the contract (`disk.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import { softly, tagTarget, prefixTarget, EVERYTHING } from "../../lib/store/targets.ts";
import { headFor, KEY } from "./contract.ts";
import { all, diskRig, eventually } from "./disk-rig.ts";
import { bytesOf, patterned, response, textsFor, written } from "./outer-contract.ts";
import type { OutsideBody, StoredResponse } from "../../lib/message.ts";
import type { DiskTier } from "../../lib/store/disk.ts";

const { newFolder, disk } = diskRig();

describe("disk: a body that is too large for memory", () => {
  const bytes = patterned(1_000_003, 3);
  const stored = async (tier: DiskTier, key = KEY): Promise<StoredResponse> => {
    const writer = tier.write(headFor(key), bytes.length)!;
    for (let from = 0; from < bytes.length; from += 99_999) {
      await writer.ready?.();
      expect(writer.write(bytes.subarray(from, from + 99_999))).not.toBe(false);
    }
    return writer.commit()!;
  };
  const outside = (one: StoredResponse | undefined): OutsideBody => {
    if (one?.body.kind !== "outside") throw new Error(`it is ${one?.body.kind}`);
    return one.body;
  };
  const read = (body: OutsideBody, first: number, last: number): Promise<Uint8Array> =>
    new Response(body.read(first, last)!).bytes();

  test("is there at once for who wrote it, and later for all", async () => {
    const tier = await disk(newFolder(), { inMemoryBytes: 500_000 });
    const own = await stored(tier);
    expect((await bytesOf(own.body)).equals(bytes)).toBe(true);
    await written(tier);
    const [found] = await tier.recall(KEY, all);
    expect((await bytesOf(outside(found))).equals(bytes)).toBe(true);
    expect(tier.stats().responses).toBe(1);
  });

  test.each([
    [0, 0],
    [65_535, 65_536],
    [65_536, 131_071],
    [1, 999_999],
    [1_000_002, 1_000_002],
    [300_000, 300_005],
  ])("RFC 9110 §14 bytes %d to %d", async (first, last) => {
    const tier = await disk(newFolder(), { inMemoryBytes: 500_000 });
    await stored(tier);
    await written(tier);
    const [found] = await tier.recall(KEY, all);
    expect(Buffer.from(await read(outside(found), first, last)).equals(bytes.subarray(first, last + 1))).toBe(
      true,
    );
  });

  test("RFC 9110 §14 any range is what a slice of the bytes is", async () => {
    const tier = await disk(newFolder(), { inMemoryBytes: 500_000 });
    await stored(tier);
    await written(tier);
    const [found] = await tier.recall(KEY, all);
    const place = fc.nat(bytes.length - 1);
    await fc.assert(
      fc.asyncProperty(place, place, async (a, b) => {
        const [first, last] = [Math.min(a, b), Math.max(a, b)];
        const got = Buffer.from(await read(outside(found), first, last));
        expect(got.equals(bytes.subarray(first, last + 1))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test("is not seen before it is committed, nor when it is aborted or not as long as announced", async () => {
    const tier = await disk();
    const writer = tier.write(headFor(KEY), 10)!;
    writer.write(bytes.subarray(0, 9));
    await written(tier);
    expect(await textsFor(tier, KEY)).toEqual([]);
    expect(writer.commit()).toBeUndefined();
    const aborted = tier.write(headFor(KEY), undefined)!;
    aborted.write(bytes);
    aborted.abort();
    aborted.abort();
    expect([aborted.write(bytes), aborted.commit()]).toEqual([false, undefined]);
    await written(tier);
    expect([await textsFor(tier, KEY), tier.stats().responses]).toEqual([[], 0]);
    expect(tier.write(headFor(KEY), 2 ** 28)).toBeUndefined();
  });

  test("that is removed while it is written breaks off, and is not stored", async () => {
    const tier = await disk();
    const writer = tier.write(headFor(KEY), undefined)!;
    writer.write(bytes);
    expect(await tier.remove(prefixTarget(KEY))).toBe(0);
    const own = writer.commit()!;
    expect(await bytesOf(own.body).catch(String)).toMatch(/left the disk/);
    await written(tier);
    expect([await textsFor(tier, KEY), outside(own).read(0, 1)]).toEqual([[], undefined]);
  });

  test("§4.3.4 is freshened without being written again, softly purged or not", async () => {
    const tier = await disk(newFolder(), { inMemoryBytes: 500_000 });
    const own = await stored(tier);
    const fresh = response(KEY, "", { fields: { "X-Fresh": "1" } });
    tier.put({ ...fresh, body: own.body });
    await written(tier);
    await tier.remove(softly(KEY));
    const [found] = await tier.recall(KEY, all);
    expect([found!.fields.get("x-fresh"), found!.isPurged]).toEqual(["1", true]);
    tier.put({ ...response(KEY, "", { fields: { "X-Fresh": "2" } }), body: found!.body });
    await written(tier);
    const [again] = await tier.recall(KEY, all);
    expect([again!.fields.get("x-fresh"), again!.isPurged]).toEqual(["2", false]);
    expect((await bytesOf(again!.body)).equals(bytes)).toBe(true);
    expect(tier.stats().responses).toBe(1);
    await tier.remove(KEY);
    tier.put({ ...fresh, body: again!.body });
    await written(tier);
    expect(await textsFor(tier, KEY)).toEqual([]);
  });
});

describe("disk: removing many", () => {
  const many = 3000;
  const filled = async (folder = newFolder()): Promise<DiskTier> => {
    const tier = await disk(folder);
    for (let at = 0; at < many; at++) {
      tier.put(
        response(`${KEY}/${at % 2 ? "odd" : "even"}/${at}`, `${at}`, { fields: { xkey: `all m${at % 2}` } }),
      );
      if (at % 500 === 0) await written(tier);
    }
    await written(tier);
    return tier;
  };
  const count = async (tier: DiskTier): Promise<[found: number, soft: number]> => {
    let [found, soft] = [0, 0];
    for (let at = 0; at < many; at++) {
      const [one] = await tier.recall(`${KEY}/${at % 2 ? "odd" : "even"}/${at}`, all);
      if (one !== undefined) found++;
      if (one?.isPurged === true) soft++;
    }
    return [found, soft];
  };

  test("by tag, overlapping: each is counted once; what is put meanwhile stays", async () => {
    const tier = await filled();
    const counts = await Promise.all([tier.remove(tagTarget("m1")), tier.remove(tagTarget("all"))]);
    expect(counts).toEqual([many / 2, many / 2]);
    expect(await count(tier)).toEqual([0, 0]);
    tier.put(response(`${KEY}/odd/1`, "new", { fields: { xkey: "all" } }));
    await written(tier);
    expect(await textsFor(tier, `${KEY}/odd/1`)).toEqual(["new"]);
    await eventually(() => tier.stats().responses === 1);
    expect(await textsFor(tier, `${KEY}/odd/1`)).toEqual(["new"]);
  });

  test("by prefix, after a tag that is not through: each is counted once", async () => {
    const tier = await filled();
    const targets = [tagTarget("m1"), prefixTarget(`${KEY}/odd/1`), prefixTarget(`${KEY}/`), EVERYTHING];
    const counts = await Promise.all(targets.map((target) => tier.remove(target)));
    expect(counts).toEqual([many / 2, 0, many / 2, 0]);
    expect(await count(tier)).toEqual([0, 0]);
  });

  test("is counted at once: prefix, tag and all, without what leaves already, before it has left", async () => {
    const tier = await filled();
    const none = await tier.remove(prefixTarget(`${KEY}/none`));
    const odd = await tier.remove(prefixTarget(`${KEY}/odd/`));
    expect([none, odd, tier.stats().responses > many / 2]).toEqual([0, many / 2, true]);
    for (let at = 0; at < 4; at++)
      tier.put(response(`${KEY}/odd/n${at}`, "new", { fields: { xkey: "all" } }));
    await written(tier);
    expect(await tier.remove(softly(tagTarget("all")))).toBe(many / 2 + 4);
    expect(await tier.remove(tagTarget("all"))).toBe(many / 2 + 4);
    expect([await tier.remove(EVERYTHING), tier.stats().responses > 0]).toEqual([0, true]);
    expect(await count(tier)).toEqual([0, 0]);
    await eventually(() => tier.stats().responses === 0);
  });

  test("by prefix, and all of the rest softly", async () => {
    const tier = await filled();
    expect(await tier.remove(prefixTarget(`${KEY}/odd/`))).toBe(many / 2);
    expect(await tier.remove(softly(EVERYTHING))).toBe(many / 2);
    expect(await count(tier)).toEqual([many / 2, many / 2]);
    tier.put(response(`${KEY}/even/0`, "new"));
    await written(tier);
    expect(await textsFor(tier, `${KEY}/even/0`)).toEqual(["new"]);
  });

  test("what is not through when the process ends is not found by the next one, which finishes it", async () => {
    const folder = newFolder();
    const tier = await filled(folder);
    expect(await tier.remove(tagTarget("m0"))).toBe(many / 2);
    await tier.close();
    const again = await disk(folder);
    expect(await count(again)).toEqual([many / 2, 0]);
    await eventually(() => again.stats().responses === many / 2);
    const db = new Database(join(folder, "larder.sqlite"), { readonly: true });
    await eventually(() => db.query("SELECT count(*) FROM removals").values()[0]![0] === 0);
    expect(db.query("SELECT count(*) FROM contents").values()).toEqual([[many / 2]]);
    expect(db.query("SELECT count(*) FROM labels").values()).toEqual([[many]]);
    db.close();
  });
});
