// Answers: what does a shared tier cost a hit in memory, and how long does a purge take that all nodes confirm?
// Owns: a cache with and one without it, in turn; three nodes, and purges through one of them.
// Leaves out: the load (`rig.ts`), Redis (`../../shared/redis-process.ts`).
import { startRedis } from "../../shared/redis-process.ts";
import { startOrigin } from "../contestants.ts";
import { median, pairedRatio } from "../statistics.ts";
import { askAll, load, purge, startCache, tens, type Cache, type Tell, type TierPlan } from "./rig.ts";

const KEYS = 1000;
const PURGES = 20;

/** Prints both. */
export async function sharedSpeed(plan: TierPlan, tell: Tell): Promise<void> {
  if (Bun.which("redis-server") === null) return tell("shared: redis-server is not installed");
  const origin = await startOrigin("1");
  const redis = await startRedis();
  const shared = ["--shared", `redis://127.0.0.1:${redis.port}`];
  const caches: Cache[] = [];
  try {
    const [without, withIt] = [await startCache(origin.url, []), await startCache(origin.url, shared)];
    caches.push(without, withIt);
    for (const { url } of caches) await askAll(url, tens(KEYS));
    const [own = [], other = []] = await load([withIt.url, without.url], tens(KEYS), plan);
    const rates = [own, other].map((all) => all.map(({ perSecond }) => perSecond));
    const ratio = pairedRatio(rates[0] ?? [], rates[1] ?? []);
    tell(
      `hits in memory with a shared tier: ${ratio?.median.toFixed(3)} of those without (${rates.map((all) => Math.round(median(all))).join(" and ")} a second)`,
    );
    caches.push(await startCache(origin.url, shared), await startCache(origin.url, shared));
    await acknowledged(caches.slice(1), tell);
  } finally {
    for (const { stop } of caches) await stop();
    await redis.end();
    await origin.stop();
  }
}

async function acknowledged(nodes: readonly Cache[], tell: Tell): Promise<void> {
  const [first] = nodes;
  if (first === undefined) return;
  const tookMs: number[] = [];
  let said = {};
  for (let time = 0; time < PURGES; time++) {
    for (const { url } of nodes) await askAll(url, tens(100));
    const purged = await purge(first, { prefix: "http://bench.example/tens/" });
    tookMs.push(purged.tookMs);
    ({ said } = purged);
  }
  tell(
    `a purge that three nodes confirm: ${median(tookMs).toFixed(1)} ms, at most ${Math.max(...tookMs).toFixed(1)} (the last one: ${JSON.stringify(said)})`,
  );
}
