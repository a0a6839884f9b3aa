// Answers: does the disk tier take no more than it may?
// Owns: the claims about the size of its files, what leaves first, and a queue that is full.
// Leaves out: a disk that is full (`disk-crash.test.ts`), the contract (`disk.test.ts`).
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import { EVERYTHING } from "../../lib/store/targets.ts";
import { NOW } from "../rfc9111/test-values.ts";
import { headFor, KEY } from "./contract.ts";
import { all, diskRig, eventually, fileBytes } from "./disk-rig.ts";
import { patterned, response, textsFor, written } from "./outer-contract.ts";
import type { StoredResponse } from "../../lib/message.ts";
import type { EpochSeconds } from "../../lib/rfc9111/time.ts";

const { newFolder, lines, disk } = diskRig();

describe("disk: bounds", () => {
  test("the files stay within their size, however much is put; what is used stays longest", async () => {
    const folder = newFolder();
    const sizeBytes = 16 * 2 ** 20;
    const tier = await disk(folder, { sizeBytes });
    const favourite = `${KEY}/favourite`;
    tier.put(response(favourite, patterned(10_000, 1)));
    tier.used(new Map([[favourite, 50]]));
    let most = 0;
    for (let at = 0; at < 4000; at++) {
      const length = at % 40 === 0 ? 400_000 : 10_000;
      tier.put(response(`${KEY}/${at}`, new Uint8Array(length).fill(at)));
      if (at % 50 === 0) await written(tier);
      most = Math.max(most, fileBytes(folder));
    }
    await written(tier);
    expect(most).toBeLessThan(sizeBytes * 1.05);
    expect(most).toBeGreaterThan(sizeBytes * 0.7);
    expect(tier.stats().evictions).toBeGreaterThan(1000);
    expect(await tier.recall(favourite, all)).toHaveLength(1);
    expect(await tier.recall(`${KEY}/3999`, all)).toHaveLength(1);
    expect(await tier.recall(`${KEY}/1`, all)).toHaveLength(0);
    expect([lines, tier.stats().skipped]).toEqual([[], 0]);
  }, 60_000);

  test("where room is needed, what has been stale for long leaves before what is used as often", async () => {
    const week = 7 * 86_400_000;
    const tier = await disk(newFolder(), { sizeBytes: 2 ** 23, clockMs: () => NOW * 1000 + week + 61_000 });
    const stale = response(`${KEY}/stale`, patterned(10_000, 1));
    const fresh = (at: number): StoredResponse => {
      const one = response(`${KEY}/${at}`, patterned(10_000, at));
      return { ...one, staleAt: (one.staleAt + 120) as EpochSeconds };
    };
    for (let at = 0; tier.stats().evictions === 0; at++) {
      tier.put(at === 100 ? stale : fresh(at));
      if (at % 20 === 0) await written(tier);
    }
    expect(await tier.recall(stale.key, all)).toEqual([]);
    expect(await tier.recall(`${KEY}/99`, all)).toHaveLength(1);
  });

  test("the file shrinks when much has been removed", async () => {
    const folder = newFolder();
    const tier = await disk(folder);
    for (let at = 0; at < 20; at++) {
      tier.put(response(`${KEY}/${at}`, patterned(1_000_000, at)));
      await written(tier);
    }
    expect(await tier.remove(EVERYTHING)).toBe(20);
    await eventually(() => tier.stats().storedBytes < 30_000_000 && tier.stats().responses === 0);
    const db = new Database(join(folder, "larder.sqlite"), { readonly: true });
    await eventually(() => Number(db.query("PRAGMA page_count").values()[0]![0]) < 400);
    db.close();
    await tier.close();
    expect(fileBytes(folder)).toBeLessThan(4_000_000);
  });

  test("where the queue is full, what comes is left out, and what it supersedes goes all the same", async () => {
    const tier = await disk(newFolder(), { queueBytes: 100_000 });
    tier.put(response(KEY, "old"));
    await written(tier);
    for (let at = 0; at < 20; at++) tier.put(response(`${KEY}/${at}`, new Uint8Array(10_000)));
    tier.put(response(KEY, new Uint8Array(10_000)));
    expect(tier.stats().skipped).toBeGreaterThan(5);
    await written(tier);
    expect(await textsFor(tier, KEY)).toEqual([]);
    const writer = tier.write(headFor(KEY), undefined)!;
    let isRefused = false;
    for (let at = 0; at < 20; at++) isRefused ||= writer.write(new Uint8Array(10_000)) === false;
    expect(isRefused).toBe(true);
    await written(tier);
    tier.put(response(KEY, "new"));
    await written(tier);
    expect(await textsFor(tier, KEY)).toEqual(["new"]);
    expect(lines).toEqual([]);
  });

  test("variants of one key are bounded in number", async () => {
    const tier = await disk();
    for (let at = 0; at < 100; at++) tier.put(response(KEY, `${at}`, { language: `l${at}` }));
    await written(tier);
    const found = await textsFor(tier, KEY);
    expect([found.length, found[0], found.at(-1), tier.stats().responses]).toEqual([64, "36", "99", 64]);
  });
});
