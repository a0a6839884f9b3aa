// Answers: does what a node has on disk know which purges of other nodes it has heard of?
// Owns: the claims about `lib/open-stores.ts`: a disk that gets others, a node that was away, one that comes back.
// Leaves out: the tiers themselves (`store/`, `shared/`), a fleet under load (`torture/partition.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStores, type Stores } from "../lib/open-stores.ts";
import { CACHE_OPTIONS } from "../lib/option-tables.ts";
import { resolveOptions } from "../lib/options.ts";
import { tagTarget } from "../lib/store/targets.ts";
import { describeWithRedis, eventually, startRedis, type Redis } from "./shared/redis-process.ts";
import { response } from "./store/outer-contract.ts";

const KEY = "http://larder.test/menu";
const root = mkdtempSync(join(tmpdir(), "larder-stores-"));
afterAll(() => rmSync(root, { recursive: true }));

function open(disk: string, shared = ""): Promise<Stores> {
  const argv = [...(disk === "" ? [] : ["--disk", join(root, disk)]), "--shared", shared];
  return openStores(resolveOptions(CACHE_OPTIONS, { argv, env: {}, file: {} }));
}

/** How what is stored is found: fresh, softly purged, or not at all. */
async function found({ store }: Stores): Promise<string> {
  await store.recall?.(KEY, { fits: () => true, isEnough: () => true });
  const [one] = store.lookup(KEY);
  return one === undefined ? "gone" : one.isPurged === true ? "marked" : "fresh";
}

async function filled(stores: Stores): Promise<void> {
  stores.store.add(response(KEY, "tea", { fields: { "Surrogate-Key": "t" } }));
  await eventually(() => stores.store.stats().outer?.[0]?.responses === 1);
}

describeWithRedis("a disk among nodes", () => {
  let redis: Redis;
  let url: string;
  beforeAll(async () => {
    redis = await startRedis();
    url = `redis://127.0.0.1:${redis.port}`;
  });
  afterAll(() => redis.end());

  test("what it kept before it had others is validated first, once", async () => {
    const alone = await open("alone");
    await filled(alone);
    await alone.close();
    const among = await open("alone", url);
    expect(await found(among)).toBe("marked");
    among.store.add(response(KEY, "soup"));
    await eventually(() => among.store.stats().outer?.[0]?.queued === 0);
    await among.close();
    const again = await open("alone", url);
    expect(await found(again)).toBe("fresh");
    await again.close();
  });

  test("what was purged while it was away is gone when it is back", async () => {
    const [one, other] = [await open("one", url), await open("", url)];
    await filled(one);
    await one.close();
    expect(await other.fleet?.purge([tagTarget("t")])).toMatchObject({ pending: [] });
    const back = await open("one", url);
    expect(await found(back)).toBe("gone");
    await Promise.all([back.close(), other.close()]);
  });
});
