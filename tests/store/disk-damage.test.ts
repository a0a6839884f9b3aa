// Answers: what becomes of what is stored where bits of the file have changed?
// Owns: bits flipped all over the file, and in one body: never wrong bytes, one line, the rest stays.
// Leaves out: a file that SQLite itself finds damaged (`disk.test.ts`).
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoredResponse } from "../../lib/message.ts";
import { openDisk, type DiskTier } from "../../lib/store/disk.ts";
import { KEY } from "./contract.ts";
import { bytesOf, response, written } from "./outer-contract.ts";

const folder = mkdtempSync(join(tmpdir(), "larder-damage-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "larder.sqlite");

const lines: string[] = [];
const all = (): boolean => true;
const disk = async (): Promise<DiskTier> => {
  lines.length = 0;
  const warn = (line: string): void => void lines.push(line);
  return (await openDisk(folder, { sizeBytes: 2 ** 26, inMemoryBytes: 300_000, warn }))!;
};

/** Inline, gathered at once, gathered in turns, streamed: the last ones of a whole number of chunks. */
const LENGTHS = [0, 900, 6000, 10_000, 50_000, 100_000, 280_000, 393_216, 524_288];
const noise = (length: number, seed: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(length / 32) }, (_, at) =>
      new Bun.CryptoHasher("sha256").update(`${seed} ${at}`).digest(),
    ),
  ).subarray(0, length);
const wanted = LENGTHS.flatMap((length, at) =>
  ["", "en", "de"].map((language, its) => ({
    ...{ key: `${KEY}/${at}${language === "" ? "" : "/v"}`, language },
    bytes: noise(length, at * 3 + its + 1),
  })),
);

async function stored(): Promise<Buffer> {
  const tier = await disk();
  for (const { key, language, bytes } of wanted)
    tier.put(response(key, bytes, language === "" ? {} : { language }));
  await written(tier);
  await tier.close();
  return readFileSync(path);
}

/** How many are found, whole. */
async function found(tier: DiskTier): Promise<number> {
  let count = 0;
  for (const key of new Set(wanted.map((one) => one.key)))
    for (const one of await tier.recall(key, all)) {
      const bytes = await bytesOf(one.body).catch(() => undefined);
      if (bytes === undefined) continue;
      const isRight = wanted.some((its) => its.key === key && its.bytes.equals(bytes) && hasFields(one));
      expect([key, isRight]).toEqual([key, true]);
      count++;
    }
  return count;
}

const usual = response(KEY, "").fields;
function hasFields({ fields }: StoredResponse): boolean {
  return fields.get("cache-control") === usual.get("cache-control");
}

test("disk: bits that have changed anywhere are never served", async () => {
  const whole = await stored();
  let [damaged, seed] = [0, 9112];
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let time = 0; time < 60; time++) {
    const bytes = Buffer.from(whole);
    for (let flip = 0; flip < 40; flip++) {
      const at = 8192 + random(bytes.length - 8192);
      bytes[at]! ^= 1 << random(8);
    }
    for (const part of ["-wal", "-shm"]) rmSync(path + part, { force: true });
    writeFileSync(path, bytes);
    const tier = await disk();
    if ((await found(tier)) < wanted.length) damaged++;
    await tier.close();
  }
  expect(damaged).toBeGreaterThan(30);
}, 60_000);

test.each([
  ["an inline body", 3],
  ["one that is gathered", 15],
  ["one that is streamed", 24],
])("disk: where bits of %s have changed it is left out and dropped, with one line", async (_, which) => {
  rmSync(path, { force: true });
  const bytes = await stored();
  const { key, bytes: body } = wanted[which]!;
  // More than once where SQLite has moved it.
  const piece = body.subarray(500, 600);
  for (let at = bytes.indexOf(piece); at >= 0; at = bytes.indexOf(piece)) bytes[at + 50]! ^= 4;
  writeFileSync(path, bytes);
  const tier = await disk();
  expect(await found(tier)).toBe(wanted.length - 1);
  expect(await found(tier)).toBe(wanted.length - 1);
  await written(tier);
  expect([await tier.recall(key, all), tier.stats().responses]).toEqual([[], wanted.length - 1]);
  expect(lines).toEqual([`disk: bytes in ${path} have changed; what is damaged is left out`]);
  expect(tier.stats().isWell).toBe(true);
  await tier.close();
});
