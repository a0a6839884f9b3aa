// Answers: how soon after its start does a cache answer from a disk with a million objects?
// Owns: such a disk, made by the tier itself; the time from the start of the process to its first hits.
// Leaves out: the tier (`lib/store/disk.ts`).
import { resolve } from "node:path";
import type { StoredHead, StoredResponse } from "../../../lib/message.ts";
import { openDisk } from "../../../lib/store/disk.ts";
import { storedResponse } from "../../rfc9111/test-values.ts";
import { BENCH_HOST } from "../bodies.ts";
import { makeFolder, removeFolder } from "../pinned-process.ts";
import { median } from "../statistics.ts";
import { startCache, storeStats, type Tell, type TierPlan } from "./rig.ts";

const OBJECTS = 1_000_000;

/** Prints it. */
export async function restart({ rounds }: TierPlan, tell: Tell): Promise<void> {
  const folder = resolve(makeFolder("restart"));
  try {
    await fill(folder, tell);
    const [listening, first]: [number[], number[]] = [[], []];
    let promoted = 0;
    for (let round = 0; round < rounds; round++) {
      const startMs = performance.now();
      // Nobody is there: what is answered comes from the disk.
      const cache = await startCache("http://127.0.0.1:9", ["--disk", folder]);
      const upMs = performance.now();
      for (let at = 0; at < 100; at++) {
        const response = await fetch(`${cache.url}/${(at * 7919) % OBJECTS}`, {
          headers: { Host: BENCH_HOST },
        });
        if (
          !/; hit/.test(response.headers.get("cache-status") ?? "") ||
          (await response.text()).length !== 1024
        )
          throw new Error(`no hit: ${response.status} ${response.headers.get("cache-status")}`);
        if (at === 0) first.push(performance.now() - upMs);
      }
      listening.push(upMs - startMs);
      ({ responses: promoted } = await storeStats(cache));
      await cache.stop();
    }
    tell(
      `with ${OBJECTS} objects of 1 KB on disk: listening ${median(listening).toFixed(0)} ms after the start of the process, the first hit ${median(first).toFixed(1)} ms later (at most ${Math.max(...first).toFixed(1)}); after 100 hits memory has ${promoted}`,
    );
  } finally {
    removeFolder(folder);
  }
}

async function fill(folder: string, tell: Tell): Promise<void> {
  const disk = await openDisk(folder, { sizeBytes: 8 * 2 ** 30, warn: tell });
  if (disk === undefined) throw new Error("no disk");
  const { body: _, ...head } = storedResponse({
    fields: { "cache-control": "max-age=86400", "content-type": "text/plain" },
  });
  const now = Math.floor(Date.now() / 1000);
  const fresh = {
    ...head,
    bornAt: now,
    responseTime: now,
    dateValue: now,
    staleAt: now + 86_400,
  } as unknown as StoredHead;
  const bytes = new Uint8Array(1024).fill(120);
  for (let at = 0; at < OBJECTS; at++) {
    const stored: StoredResponse = {
      ...fresh,
      key: `http://${BENCH_HOST}/${at}`,
      body: { kind: "complete", bytes },
      sizeBytes: 0,
    };
    disk.put(stored);
    while (at % 500 === 0 && disk.stats().queued > 5000) await Bun.sleep(5);
  }
  await disk.close();
  const { responses, skipped } = disk.stats();
  if (skipped > 0) throw new Error(`${skipped} were left out of ${responses}`);
}
