// Answers: can several processes have the same file?
// Owns: what one of them writes, removes and sets aside, as the other one sees it.
// Leaves out: one process (`disk.test.ts`), a process that is killed (`disk-crash.test.ts`).
import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDisk, type DiskTier } from "../../lib/store/disk.ts";
import { softly, tagTarget } from "../../lib/store/targets.ts";
import { headFor, KEY } from "./contract.ts";
import { patterned, response, textsFor, written } from "./outer-contract.ts";

const root = mkdtempSync(join(tmpdir(), "larder-disks-"));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
let [one, other]: DiskTier[] = [];
const lines: string[] = [];

// Each has a connection and a thread of its own, as another process would.
beforeEach(async () => {
  const folder = join(root, `${++folders}`);
  const options = { sizeBytes: 2 ** 28, warn: (line: string) => void lines.push(line) };
  [one, other] = (await Promise.all([openDisk(folder, options), openDisk(folder, options)])) as DiskTier[];
});
afterEach(async () => {
  await Promise.all([one!.close(), other!.close()]);
  expect(lines).toEqual([]);
});

test("disk: what one has stored the other finds, and what one has removed the other does not", async () => {
  one!.put(response(KEY, "tea"));
  one!.put(response(`${KEY}/large`, patterned(300_000, 1)));
  await written(one!);
  expect(await textsFor(other!, KEY)).toEqual(["tea"]);
  expect(await other!.recall(`${KEY}/large`, () => true)).toHaveLength(1);
  expect(await other!.remove(softly(KEY))).toBe(1);
  expect(await textsFor(one!, KEY)).toEqual(["~tea"]);
  expect(await other!.remove(KEY)).toBe(1);
  expect(await textsFor(one!, KEY)).toEqual([]);
  await one!.setMeta("place", "1");
  expect(other!.getMeta("place")).toBe("1");
});

test("disk: a large tag that one removes is not found by the other from the moment on", async () => {
  for (let at = 0; at < 3000; at++) {
    const tier = at % 2 === 0 ? one! : other!;
    tier.put(response(`${KEY}/${at}`, `${at}`, { fields: { xkey: "all" } }));
    if (at % 500 === 0) await Promise.all([written(one!), written(other!)]);
  }
  await Promise.all([written(one!), written(other!)]);
  expect(await other!.recall(`${KEY}/1234`, () => true)).toHaveLength(1);
  expect(await one!.remove(tagTarget("all"))).toBe(3000);
  for (let at = 0; at < 3000; at += 7) expect(await textsFor(other!, `${KEY}/${at}`)).toEqual([]);
  other!.put(response(`${KEY}/1`, "new", { fields: { xkey: "all" } }));
  await written(other!);
  expect([await textsFor(one!, `${KEY}/1`), await textsFor(other!, `${KEY}/1`)]).toEqual([["new"], ["new"]]);
});

test("disk: what one is writing while the other removes it is not stored", async () => {
  const writer = one!.write(headFor(KEY), undefined)!;
  writer.write(patterned(500_000, 1));
  await written(one!);
  await other!.remove(KEY);
  writer.write(patterned(500_000, 2));
  writer.commit();
  await written(one!);
  expect(await textsFor(one!, KEY)).toEqual([]);
});

test("disk: both write at once, and nothing is lost", async () => {
  for (let at = 0; at < 1000; at++)
    for (const [name, tier] of [
      ["a", one!],
      ["b", other!],
    ] as const)
      tier.put(response(`${KEY}/${name}${at}`, patterned(2000, at)));
  await Promise.all([written(one!), written(other!)]);
  for (let at = 0; at < 1000; at++)
    for (const name of ["a", "b"])
      expect(await one!.recall(`${KEY}/${name}${at}`, () => true)).toHaveLength(1);
  expect([one!.stats().skipped, other!.stats().skipped]).toEqual([0, 0]);
});
