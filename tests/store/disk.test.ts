// Answers: does the disk tier keep the contract, and what it promises beyond it?
// Owns: the claims about one process and its file: restart, what is no use, meta.
// Leaves out: the contract itself (`outer-contract.ts`), crashes, damage, large bodies, bounds (`disk-*.test.ts`).
import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import { softly } from "../../lib/store/targets.ts";
import { KEY } from "./contract.ts";
import { all, diskRig, eventually } from "./disk-rig.ts";
import { bytesOf, outerContract, patterned, response, textsFor, written } from "./outer-contract.ts";
import { openDisk } from "../../lib/store/disk.ts";

const { newFolder, lines, disk } = diskRig();

outerContract("disk", () => disk());

describe("disk: a restart", () => {
  test("finds what was stored, marks what was softly purged, misses what was removed", async () => {
    const folder = newFolder();
    const tier = await disk(folder);
    for (const name of ["stays", "soft", "gone"]) tier.put(response(`${KEY}/${name}`, name));
    tier.put(response(`${KEY}/large`, patterned(700_000, 7)));
    expect(await tier.remove(`${KEY}/gone`)).toBe(1);
    expect(await tier.remove(softly(`${KEY}/soft`))).toBe(1);
    await tier.setMeta("place", "12-3");
    await written(tier);
    await tier.close();
    expect(readdirSync(folder)).toEqual(["larder.sqlite"]);
    const again = await disk(folder);
    expect(await textsFor(again, `${KEY}/stays`)).toEqual(["stays"]);
    expect(await textsFor(again, `${KEY}/soft`)).toEqual(["~soft"]);
    expect(await textsFor(again, `${KEY}/gone`)).toEqual([]);
    const [large] = await again.recall(`${KEY}/large`, all);
    expect((await bytesOf(large!.body)).equals(patterned(700_000, 7))).toBe(true);
    expect([again.getMeta("place"), again.getMeta("none")]).toEqual(["12-3", undefined]);
    await eventually(() => again.stats().responses === 3);
    expect(lines).toEqual([]);
  });

  test("close writes what still waits", async () => {
    const folder = newFolder();
    const tier = await disk(folder);
    for (let at = 0; at < 300; at++) tier.put(response(`${KEY}/${at}`, `${at}`));
    tier.put(response(`${KEY}/large`, patterned(1_000_000, 1)));
    await tier.close();
    await tier.close();
    expect([tier.recall(KEY, all), await tier.remove(KEY)]).toEqual([[], 0]);
    const again = await disk(folder);
    for (let at = 0; at < 300; at++) expect(await textsFor(again, `${KEY}/${at}`)).toEqual([`${at}`]);
    expect(await again.recall(`${KEY}/large`, all)).toHaveLength(1);
  });
});

describe("disk: what is no use", () => {
  test.each([
    [
      "no database at all",
      (path: string) => writeFileSync(path, "x".repeat(10_000)),
      /damaged \(SQLITE_NOTADB\)/,
    ],
    [
      "another's database",
      (path: string) => new Database(path).run("CREATE TABLE a(b)"),
      /no file of Larder/,
    ],
    ["of another version", version, /of another version \(1, not \d+\)/],
  ])("%s is set aside, with one line, and a new file is begun", async (_, make, line) => {
    const folder = newFolder();
    mkdirSync(folder);
    await make(join(folder, "larder.sqlite"));
    const tier = await disk(folder);
    expect(lines).toEqual([expect.stringMatching(line)]);
    tier.put(response(KEY, "tea"));
    await written(tier);
    expect(await textsFor(tier, KEY)).toEqual(["tea"]);
    expect(readdirSync(folder)).toContain("larder.sqlite.damaged-1");
  });

  test.each(["/proc/larder", "/dev/null/larder"])(
    "in a folder that cannot be made (%s) there is none",
    async (folder) => {
      expect(
        await openDisk(folder, { sizeBytes: 2 ** 26, warn: (line) => void lines.push(line) }),
      ).toBeUndefined();
      expect(lines).toEqual([
        expect.stringMatching(/^disk: .* cannot be used \(\w+\); Larder runs without it$/),
      ]);
    },
  );

  test("a file that is damaged while it is used is set aside, and the tier goes on with a new one", async () => {
    const folder = newFolder();
    const first = await disk(folder);
    for (let at = 0; at < 300; at++) first.put(response(`${KEY}/${at}`, patterned(3000, at)));
    await first.close();
    const path = join(folder, "larder.sqlite");
    const bytes = Buffer.from(await Bun.file(path).arrayBuffer());
    bytes.fill(0xa5, 200_000);
    writeFileSync(path, bytes);
    const tier = await disk(folder);
    for (let at = 0; at < 300 && lines.length === 0; at++) {
      await textsFor(tier, `${KEY}/${at}`);
      tier.put(response(`${KEY}/n${at}`, "x"));
    }
    await eventually(() => lines.length > 0);
    expect(lines).toEqual([
      expect.stringMatching(/cannot be relied on \(SQLITE_CORRUPT.*it is now .*damaged-1/),
    ]);
    await eventually(() => tier.stats().isWell);
    tier.put(response(KEY, "tea"));
    await written(tier);
    expect(await textsFor(tier, KEY)).toEqual(["tea"]);
    expect(tier.stats().isWell).toBe(true);
  });
});

async function version(path: string): Promise<void> {
  const tier = await openDisk(join(path, ".."), { sizeBytes: 2 ** 26, warn: () => {} });
  await tier!.close();
  const db = new Database(path);
  db.run("PRAGMA user_version = 1");
  db.close();
}
