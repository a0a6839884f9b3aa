// Answers: how fast are hits from the disk, before and after they are in memory?
// Owns: three caches with the same 10 KB bodies: all in memory, all promoted from the disk, far more on disk than in memory.
// Leaves out: the load (`rig.ts`).
import { startOrigin } from "../contestants.ts";
import { makeFolder, removeFolder } from "../pinned-process.ts";
import { median } from "../statistics.ts";
import { askAll, load, startCache, tens, written, type Tell, type TierPlan } from "./rig.ts";

const FEW = 1000;
const MANY = 20_000;

/** Prints requests a second, and how they compare. */
export async function diskSpeed(plan: TierPlan, tell: Tell): Promise<void> {
  const origin = await startOrigin("1");
  const folders = [makeFolder("promoted"), makeFolder("unpromoted")];
  const [promotedFolder = "", unpromotedFolder = ""] = folders;
  const [few, many] = [tens(FEW), tens(MANY)];
  try {
    await fill(origin.url, promotedFolder, few);
    await fill(origin.url, unpromotedFolder, many);
    const memory = await startCache(origin.url, ["--memory", "256MB"]);
    const promoted = await startCache(origin.url, ["--memory", "256MB", "--disk", promotedFolder]);
    const small = await startCache(origin.url, ["--memory", "8MB", "--disk", unpromotedFolder]);
    await askAll(memory.url, few);
    await askAll(promoted.url, few);
    const before = await countOf(origin.url);
    const [own = [], other = []] = await load([memory.url, promoted.url], few, plan);
    const [disk = []] = await load([small.url], many, plan);
    const asked = (await countOf(origin.url)) - before;
    const [a, b, c] = [own, other, disk].map((all) =>
      Math.round(median(all.map(({ perSecond }) => perSecond))),
    );
    tell(`10 KB, ${FEW} keys in memory: ${a} a second`);
    tell(`the same, promoted from the disk: ${b} a second, ${((b ?? 0) / (a ?? 1)).toFixed(2)} of that`);
    tell(
      `10 KB, ${MANY} keys at random of which memory holds some 3 %: ${c} a second; the origin was asked ${asked} times`,
    );
    for (const { stop } of [memory, promoted, small]) await stop();
  } finally {
    await origin.stop();
    for (const folder of folders) removeFolder(folder);
  }
}

async function fill(originUrl: string, folder: string, targets: readonly string[]): Promise<void> {
  const cache = await startCache(originUrl, ["--disk", folder]);
  // What the queue has no room for is left out: asked for again, it comes from memory and is not written.
  for (let at = 0; at < targets.length; at += 500) {
    await askAll(cache.url, targets.slice(at, at + 500));
    await written(cache);
  }
  await cache.stop();
}

async function countOf(originUrl: string): Promise<number> {
  return (await (await fetch(`${originUrl}/count`)).json()) as number;
}
