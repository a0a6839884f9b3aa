// Answers: does the disk tier keep the contract, and what it promises beyond it?
// Owns: the claims about one process and its file: restart, large bodies, bounds, what is no use, meta.
// Leaves out: crashes (`disk-crash.test.ts`), the contract itself (`outer-contract.ts`).
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database } from "bun:sqlite";
import fc from "fast-check";
import type { OutsideBody, StoredResponse } from "../../lib/message.ts";
import type { DiskOptions } from "../../lib/store/disk-options.ts";
import { openDisk, type DiskTier } from "../../lib/store/disk.ts";
import { softly, tagTarget, prefixTarget, EVERYTHING } from "../../lib/store/targets.ts";
import type { EpochSeconds } from "../../lib/rfc9111/time.ts";
import { NOW } from "../rfc9111/test-values.ts";
import { headFor, KEY } from "./contract.ts";
import { bytesOf, outerContract, patterned, response, textsFor, written } from "./outer-contract.ts";

const root = mkdtempSync(join(tmpdir(), "larder-disk-"));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
const newFolder = (): string => join(root, `${++folders}`);

const lines: string[] = [];
const open: DiskTier[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((tier) => tier.close()));
  lines.length = 0;
});

async function disk(folder = newFolder(), options: Partial<DiskOptions> = {}): Promise<DiskTier> {
  const tier = await openDisk(folder, {
    sizeBytes: 2 ** 28,
    warn: (line) => void lines.push(line),
    ...options,
  });
  if (tier === undefined) throw new Error(lines.join());
  open.push(tier);
  return tier;
}

outerContract("disk", () => disk());

const all = (): boolean => true;

function fileBytes(folder: string): number {
  const sizes = ["", "-wal"].map(
    (part) => statSync(join(folder, `larder.sqlite${part}`), { throwIfNoEntry: false })?.size,
  );
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

async function eventually(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise((resolve) => setTimeout(resolve, 5));
}

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
