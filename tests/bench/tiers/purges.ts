// Answers: how long does the purge of a large tag take, and who is held up by it?
// Owns: a tag with 100,000 objects, in memory and on disk; hits meanwhile, one after the other.
// Leaves out: what a purge does (`lib/purge.ts`).
import { makeFolder, removeFolder } from "../pinned-process.ts";
import { askAll, purge, startCache, written, type Cache, type Tell, type TierPlan } from "./rig.ts";

const MEMBERS = 100_000;

/** In which ways. */
const ORDERS = {
  "of a tag": { tag: "all-of-them" },
  "of a tag, softly": { tag: "all-of-them", soft: true },
  "of a prefix": { prefix: "http://bench.example/o/" },
};

/** Prints both, for memory alone and with a disk. */
export async function purges({ rounds }: TierPlan, tell: Tell): Promise<void> {
  const origin = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: tagged });
  const folder = makeFolder("purges");
  try {
    for (const [name, options] of [
      ["memory", []],
      ["memory and disk", ["--disk", folder]],
    ] as const) {
      const cache = await startCache(origin.url.origin, ["--memory", "1GB", ...options], "0,1");
      for (const [what, order] of Object.entries(ORDERS)) {
        const [took, stalls]: [number[], number[]] = [[], []];
        for (let round = 0; round < Math.min(rounds, 3); round++) await once(cache, order, { took, stalls });
        tell(
          `purge ${what}, ${MEMBERS} objects, ${name}: ${took.map((ms) => ms.toFixed(0)).join(", ")} ms; the longest hit then, and in the half second after it: ${stalls.map((ms) => ms.toFixed(1)).join(", ")} ms`,
        );
      }
      await cache.stop();
    }
  } finally {
    await origin.stop(true);
    removeFolder(folder);
  }
}

async function once(
  cache: Cache,
  order: object,
  { took, stalls }: { readonly took: number[]; readonly stalls: number[] },
): Promise<void> {
  const targets = Array.from({ length: MEMBERS }, (_, at) => `/o/${at}`);
  for (let at = 0; at < MEMBERS; at += 5000) {
    await askAll(cache.url, targets.slice(at, at + 5000));
    await written(cache);
  }
  await askAll(cache.url, ["/untagged"]);
  let isOver = false;
  let longestMs = 0;
  const hitting = (async () => {
    while (!isOver) {
      const startMs = performance.now();
      await askAll(cache.url, ["/untagged"]);
      longestMs = Math.max(longestMs, performance.now() - startMs);
    }
  })();
  await Bun.sleep(200);
  longestMs = 0;
  const { tookMs, said } = await purge(cache, order);
  await Bun.sleep(500);
  isOver = true;
  await hitting;
  if (Number(said["removed"]) < MEMBERS) throw new Error(`only ${String(said["removed"])} were removed`);
  took.push(tookMs);
  stalls.push(longestMs);
}

function tagged(request: Request): Response {
  const isTagged = !request.url.endsWith("/untagged");
  const fields = { "Cache-Control": "max-age=3600", "Content-Type": "text/plain" };
  const tags: Record<string, string> = isTagged
    ? { "Surrogate-Key": `all-of-them mod-${request.url.length}` }
    : {};
  return new Response("tea", { headers: { ...fields, ...tags } });
}
