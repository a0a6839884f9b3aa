// Answers: does who reads a body from the disk get it whole, whatever happens to it meanwhile?
// Owns: bodies that are removed or evicted under their readers; that their room is given back afterwards.
// Leaves out: bodies that are still being written (`disk.test.ts`), bytes that have changed (`disk-damage.test.ts`).
import { Database } from "bun:sqlite";
import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OutsideBody } from "../../lib/message.ts";
import { openDisk, type DiskTier } from "../../lib/store/disk.ts";
import { EVERYTHING } from "../../lib/store/targets.ts";
import { KEY } from "./contract.ts";
import { patterned, response, written } from "./outer-contract.ts";

const root = mkdtempSync(join(tmpdir(), "larder-reading-"));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
let tier: DiskTier | undefined;
let db: Database | undefined;
const lines: string[] = [];
afterEach(async () => {
  await tier?.close();
  db?.close();
  expect(lines.splice(0)).toEqual([]);
});

const bytes = patterned(3_000_000, 5);

/** A tier with one large body, and that body. */
async function large(): Promise<readonly [DiskTier, OutsideBody]> {
  const folder = join(root, `${++folders}`);
  const warn = (line: string): void => void lines.push(line);
  tier = (await openDisk(folder, { sizeBytes: 2 ** 24, inMemoryBytes: 100_000, warn }))!;
  tier.put(response(KEY, bytes));
  await written(tier);
  const [found] = await tier.recall(KEY, () => true);
  if (found?.body.kind !== "outside") throw new Error("it is not on the disk");
  db = new Database(join(folder, "larder.sqlite"), { readonly: true });
  return [tier, found.body];
}

type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;
const reading = (body: OutsideBody): Reader => body.read(0, bytes.length - 1)!.getReader() as Reader;

async function rest(reader: Reader, slowMs = 0): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(parts);
    parts.push(value);
    if (slowMs > 0) await Bun.sleep(slowMs);
  }
}

const orphans = (): unknown => db!.query("SELECT count(*) FROM orphans").values()[0]![0];

async function until(claim: () => boolean): Promise<void> {
  while (!claim()) await Bun.sleep(5);
}

test("disk: a body that is removed while it is read is read to its end, and gone then", async () => {
  const [disk, body] = await large();
  const [one, other] = [reading(body), reading(body)];
  const first = (await one.read()).value!;
  expect(await disk.remove(KEY)).toBe(1);
  expect(await disk.recall(KEY, () => true)).toEqual([]);
  const whole = Buffer.concat([first, await rest(one, 20)]);
  expect([whole.equals(bytes), orphans()]).toEqual([true, 1]);
  expect((await rest(other)).equals(bytes)).toBe(true);
  await until(() => !body.isThere() && orphans() === 0);
  expect(body.read(0, 1)).toBeUndefined();
  expect(db!.query("SELECT count(*) FROM chunks").values()).toEqual([[0]]);
}, 20_000);

test("disk: a body that is evicted while it is read is read to its end, and its room is used then", async () => {
  const [disk, body] = await large();
  const reader = reading(body);
  const first = (await reader.read()).value!;
  for (let at = 0; (await disk.recall(KEY, () => true)).length > 0 || at < 1500; at++) {
    disk.put(response(`${KEY}/${at}`, patterned(10_000, at)));
    if (at % 50 === 0) await written(disk);
  }
  await written(disk);
  expect(disk.stats().evictions).toBeGreaterThan(1);
  expect(Buffer.concat([first, await rest(reader)]).equals(bytes)).toBe(true);
  await until(() => !body.isThere() && orphans() === 0);
  expect([disk.stats().skipped, disk.stats().responses > 500]).toEqual([0, true]);
}, 20_000);

test("disk: a stream that is cancelled lets go, once; one that was never read too", async () => {
  const [disk, body] = await large();
  const [one, unread] = [reading(body), reading(body)];
  await one.read();
  await disk.remove(EVERYTHING);
  await one.cancel();
  await one.cancel();
  await written(disk);
  expect([body.isThere(), orphans()]).toEqual([true, 1]);
  await unread.cancel();
  await until(() => !body.isThere() && orphans() === 0);
}, 20_000);
