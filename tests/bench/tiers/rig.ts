// Answers: what do all measurements of tiers need?
// Owns: a cache with these options on core 0, its admin, a load on core 1, requests one after the other.
// Leaves out: what is measured with it.
import { BENCH_HOST } from "../bodies.ts";
import { freePort, startBun, type Served } from "../pinned-process.ts";
import type { Scenario } from "../scenarios.ts";
import { loadFor, type Sample } from "../wrk-run.ts";

/** How long and how often. */
export interface TierPlan {
  readonly rounds: number;
  readonly seconds: number;
}

/** Takes a line. */
export type Tell = (line: string) => void;

/** A cache, and where it can be told to purge. */
export interface Cache extends Served {
  readonly adminUrl: string;
}

/** Starts a cache in front of this origin, on core 0 where nothing else is said. */
export async function startCache(originUrl: string, options: readonly string[], cores = "0"): Promise<Cache> {
  const admin = await freePort();
  const where = ["cache.ts", "0", "--host", "127.0.0.1", "--admin", String(admin)];
  const served = await startBun([...where, "--origin", originUrl, ...options], cores);
  return { ...served, adminUrl: `http://127.0.0.1:${admin}` };
}

/** `count` bodies of 10 KB. */
export function tens(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `/tens/${at}`);
}

/** A load of these targets, drawn at random, of which none may fail. */
export async function load(
  urls: readonly string[],
  targets: readonly string[],
  plan: TierPlan,
): Promise<Sample[][]> {
  const scenario: Scenario = {
    ...{ id: "tiers", name: "tiers", status: 200, missShare: 0, connections: 64 },
    requests: () => targets.map((target) => ({ method: "GET", target, fields: {} })),
  };
  const one = loadFor(scenario, { core: "1", threads: 1 });
  const samples: Sample[][] = urls.map(() => []);
  try {
    for (let round = 0; round < plan.rounds; round++)
      for (const [at, url] of urls.entries()) samples[at]?.push(await one.run(url, plan.seconds));
  } finally {
    one.discard();
  }
  return samples;
}

/** Asks for each of these once, 64 at a time. @throws where an answer is not 200. */
export async function askAll(url: string, targets: readonly string[]): Promise<void> {
  const rest = [...targets];
  const ask = async (): Promise<void> => {
    for (let target = rest.pop(); target !== undefined; target = rest.pop()) {
      const response = await fetch(url + target, { headers: { Host: BENCH_HOST } });
      if (!response.ok) throw new Error(`${target}: ${response.status}`);
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: 64 }, ask));
}

/** What the store says of itself. */
export async function storeStats({ adminUrl }: Cache): Promise<StoreFigures> {
  const { store } = (await (await fetch(`${adminUrl}/api/stats`)).json()) as { readonly store: StoreFigures };
  return store;
}

/** Of `/api/stats`, what is looked at here. */
export interface StoreFigures {
  readonly responses: number;
  readonly outer?: readonly { readonly name: string; readonly queued: number; readonly responses: number }[];
}

/** Waits until all is written that was given to the tiers. */
export async function written(cache: Cache): Promise<void> {
  for (;;) {
    const { outer = [] } = await storeStats(cache);
    if (outer.every(({ queued }) => queued === 0)) return;
    await Bun.sleep(100);
  }
}

/** Purges, and gives how long that took in milliseconds and what was said. */
export async function purge(
  { adminUrl }: Cache,
  order: object,
): Promise<{ readonly tookMs: number; readonly said: Readonly<Record<string, unknown>> }> {
  const startMs = performance.now();
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${adminUrl}/api/purge`, {
    method: "POST",
    headers,
    body: JSON.stringify(order),
  });
  const said = (await response.json()) as Readonly<Record<string, unknown>>;
  return { tookMs: performance.now() - startMs, said };
}
