// Answers: do disk and shared tier fulfil the contract of a tier behind memory, and all of them together that of a store?
// Owns: real tiers: a folder for each test, one Redis for all of them, nodes of their own.
// Leaves out: the contracts (`contract.ts`, `grouping.ts`, `removals.ts`, `outer-contract.ts`), each tier by itself.
import { afterAll, beforeAll, describe } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SharedTier } from "../../lib/shared/tier.ts";
import { openDisk, type DiskTier } from "../../lib/store/disk.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import type { OuterTier, StoreStats } from "../../lib/store/store.ts";
import { TieredStore } from "../../lib/store/tiers.ts";
import { describeWithRedis, openNode, startRedis, urlAt, type Redis } from "../shared/redis-process.ts";
import { storeContract, type MakeStore } from "./contract.ts";
import { storeGroups } from "./grouping.ts";
import { outerContract } from "./outer-contract.ts";
import { storeRemovals } from "./removals.ts";

const root = mkdtempSync(join(tmpdir(), "larder-all-tiers-"));
const opened: { close: () => Promise<void> }[] = [];
let count = 0;

afterAll(async () => {
  await Promise.all(opened.map((tier) => tier.close()));
  rmSync(root, { recursive: true });
});

async function disk(): Promise<DiskTier> {
  const tier = await openDisk(join(root, String(++count)), { sizeBytes: 2 ** 28, warn: console.error });
  if (tier === undefined) throw new Error("no disk");
  opened.push(tier);
  return tier;
}

/**
 * A shared tier as somebody sees it whose every fill begins just now, and who has his turn: after a purge that means, as
 * soon as that is in the log.
 */
function filling(tier: SharedTier): OuterTier {
  let [fence, waiting] = [0, 0];
  let purged: Promise<unknown> = Promise.resolve();
  const inTurn = (act: () => void): void => {
    if (waiting === 0) return act();
    void purged.then(act);
  };
  return {
    name: "shared",
    recall: (key, fits) => tier.recall(key, fits),
    stillHolds: (recalled) => tier.stillHolds(recalled),
    put: (stored) => inTurn(() => tier.put(stored, { fence: ++fence, asOf: tier.position })),
    drop: (head) => inTurn(() => tier.drop(head)),
    remove(target) {
      const removed = waiting === 0 ? tier.remove(target) : purged.then(() => tier.remove(target));
      waiting++;
      purged = removed.then(() => waiting--);
      return removed;
    },
    stats: () => ({ ...tier.stats(), queued: tier.stats().queued + waiting }),
    close: () => tier.close(),
  };
}

/** What is behind memory counts by itself, later. */
class Together extends TieredStore {
  override stats(): StoreStats {
    const { outer: _, ...own } = super.stats();
    return own;
  }
}

function together(...outer: readonly OuterTier[]): (limits: Parameters<MakeStore>[0]) => TieredStore {
  return (limits) =>
    new Together({
      memory: new MemoryStore(limits),
      outer,
      outsideFromBytes: Infinity,
      maxObjectBytes: Infinity,
      clockMs: Date.now,
    });
}

describe("memory and disk", () => {
  const both: MakeStore = async (limits) => together(await disk())(limits);
  storeContract("memory and disk", both);
  storeGroups("memory and disk", both);
  storeRemovals("memory and disk", both);
});

describeWithRedis("the shared tier", () => {
  let redis: Redis;
  const shared = async (): Promise<OuterTier> => {
    await redis.client.call("flushall");
    const { tier } = await openNode(urlAt(redis.port), { maxObjectBytes: 2 ** 22 });
    opened.push(tier);
    return filling(tier);
  };
  beforeAll(async () => void (redis = await startRedis()));
  afterAll(() => redis.end());

  outerContract("shared", shared);
  const all: MakeStore = async (limits) => together(await disk(), await shared())(limits);
  storeContract("memory, disk and shared", all);
  storeGroups("memory, disk and shared", all);
  storeRemovals("memory, disk and shared", all);
});
