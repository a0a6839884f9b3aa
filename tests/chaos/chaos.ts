// Answers: what happens to Larder between clients and an origin that all misbehave.
// Owns: a run: the origin, the cache, the clients, their order of coming and going, and the verdict.
// Leaves out: the command line (`run.ts`), the parts.
import { judgeAftermath, judgeExit, judgeOriginUse, megabytes } from "./aftermath.ts";
import { ChaosClient } from "./client.ts";
import { startLarder, type Condition, type LarderProcess } from "./larder-process.ts";
import { Ledger } from "./ledger.ts";
import { catalogue, OPERATOR_IF_ERROR } from "./objects.ts";
import { ChaosOrigin } from "./origin.ts";
import { popularity } from "./request-plan.ts";
import { Tally } from "./tally.ts";

/** What a run is made of. */
export interface ChaosOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly clients: number;
  readonly wire: "bun" | "lane" | "exact";
}

/** What came of it. */
export interface ChaosResult {
  readonly tally: Tally;
  readonly lines: readonly string[];
}

/** Everything happens often: little memory, short deadlines. */
const LARDER_OPTIONS = [
  ["--memory", "16MB"],
  ["--max-object", "4MB"],
  ["--first-byte-timeout", "2s"],
  ["--between-bytes-timeout", "2s"],
  ["--connect-timeout", "2s"],
  ["--stale-if-error", `${OPERATOR_IF_ERROR}s`],
  ["--heuristic-max", "2s"],
  ["--uncollapse", "1s"],
  ["--log", "off"],
].flat();

/** Longer than this this process has not run: deadlines may have passed that nobody is to blame for. */
const LAG_MS = 500;

/** Runs it, and ends all that it started. @throws where something of it cannot even start. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed } = options;
  const objects = catalogue(seed);
  const nowMs = (): number => performance.now();
  const ledger = new Ledger(objects, nowMs());
  const tally = new Tally();
  const byId = new Map(objects.map((object) => [object.id, object]));
  const origin = new ChaosOrigin({ ...options, objects: byId, ledger, nowMs });
  await origin.start();
  const larder = await startLarder(["--origin", origin.url, "--wire", options.wire, ...LARDER_OPTIONS]);
  const parts = { seed, ledger, tally, nowMs, port: larder.port, objects: popularity(objects) };
  let last: Condition | undefined;
  try {
    const baseline = await warmedUp(larder);
    origin.misbehave();
    const watch = watchOwnLag(ledger, nowMs);
    const endMs = nowMs() + options.seconds * 1000;
    const clients = Array.from(
      { length: options.clients },
      (_, at) => new ChaosClient({ ...parts, endMs }, at),
    );
    await Promise.all(clients.map((client) => client.run()));
    clearInterval(watch);
    for (const problem of await judgeOriginUse(origin)) tally.addGeneral(seed, problem);
    await origin.stop();
    for (const problem of await judgeAftermath(larder, baseline)) tally.addGeneral(seed, problem);
    last = await larder.condition();
    const memory = `RSS ${megabytes(baseline.rssBytes)} → ${megabytes(last.rssBytes)}, heap ${megabytes(baseline.heapBytes)} → ${megabytes(last.heapBytes)}`;
    const { store } = last.stats;
    const stored = `${store.responses} responses, ${megabytes(store.storedBytes)} of ${megabytes(store.budgetBytes)}, ${store.evictions} evictions`;
    for (const problem of await judgeExit(larder)) tally.addGeneral(seed, problem);
    return {
      tally,
      lines: [`store: ${stored}`, `memory: ${memory}`, ...tally.lines(seed, ledger.faultCounts)],
    };
  } finally {
    await origin.stop();
    await larder.stop(1_000);
  }
}

/** How Larder is when it has served a little, so that what is loaded and compiled once is not counted. */
async function warmedUp(larder: LarderProcess): Promise<Condition> {
  for (let request = 0; request < 300; request++) {
    const response = await fetch(`http://127.0.0.1:${larder.port}/warm-up-${request % 7}`, {
      keepalive: false,
    });
    await response.arrayBuffer();
  }
  return larder.condition();
}

/** This process is origin and clients: where it stands still, the origin is late without wanting to be. */
function watchOwnLag(ledger: Ledger, nowMs: () => number): ReturnType<typeof setInterval> {
  let before = nowMs();
  return setInterval(() => {
    const now = nowMs();
    if (now - before > LAG_MS) ledger.fault("own-lag", before).untilMs = now;
    before = now;
  }, 50);
}
