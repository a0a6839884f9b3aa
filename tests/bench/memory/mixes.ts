// Answers: does a real process keep to its memory budget, whatever is stored in it?
// Owns: mixes of objects far beyond a budget, and what the process takes while and after it is filled with one.
// Leaves out: the origin (`realistic-origin.ts`), the report (`run.ts`), the claim (`../../memory-budget.test.ts`).
import { existsSync, readFileSync } from "node:fs";
import { ANYWHERE, startLarder } from "../../larder-process.ts";
import { chance } from "../zipf.ts";
import { startRealisticOrigin } from "./realistic-origin.ts";

/** A stream of requests that would need many times the budget. */
export interface Mix {
  readonly name: string;
  /** The targets, in order, given the budget in bytes. */
  readonly targets: (budgetBytes: number) => Iterable<string>;
}

/** What a process took, in bytes of resident memory. */
export interface Filled {
  readonly requests: number;
  /** After some thousand answers of which nothing was stored. */
  readonly bareBytes: number;
  /** The most that was seen during the second half of the requests. */
  readonly busyBytes: number;
  /** When it had been left alone for a moment. */
  readonly settledBytes: number;
}

/** RSS may exceed that of the bare runtime by the budget and a quarter of it. */
export const ALLOWED_SHARE = 1.25;

/** All mixes. A seeded generator makes them the same in every run. */
export const MIXES: readonly Mix[] = [
  { name: "many tiny objects", targets: tiny },
  { name: "few huge objects", targets: huge },
  { name: "churn of mixed sizes", targets: churn },
];

const BARE_REQUESTS = 3000;
const PARALLEL = 32;
const SETTLE_MS = 1000;

/** Starts a process with this budget, fills it over HTTP with one mix, and says what it took. */
export async function fill(mix: Mix, budgetBytes: number): Promise<Filled> {
  const origin = startRealisticOrigin();
  const larder = await startLarder("cache.ts", [
    ...ANYWHERE,
    ...["--origin", origin.url, "--memory", String(budgetBytes)],
  ]);
  try {
    await askAll(larder.url, unstored());
    await Bun.sleep(SETTLE_MS / 2);
    const bareBytes = rssOf(larder.pid);
    const targets = [...mix.targets(budgetBytes)];
    await askAll(larder.url, targets.slice(0, targets.length / 2));
    let busyBytes = rssOf(larder.pid);
    const timer = setInterval(() => (busyBytes = Math.max(busyBytes, rssOf(larder.pid))), 50);
    await askAll(larder.url, targets.slice(targets.length / 2)).finally(() => clearInterval(timer));
    await Bun.sleep(SETTLE_MS);
    return { requests: targets.length, bareBytes, busyBytes, settledBytes: rssOf(larder.pid) };
  } finally {
    await larder.stop();
    await origin.stop();
  }
}

/** What of a settled process is above the bare runtime, as a share of the budget. */
export function shareOf({ settledBytes, bareBytes }: Filled, budgetBytes: number): number {
  return (settledBytes - bareBytes) / budgetBytes;
}

/** 500 bytes of head and 100 of body each, which is 0.7 times the budget: what an object needs on top fills it. */
function* tiny(budgetBytes: number): Iterable<string> {
  for (let at = 0; at < budgetBytes / 900; at++) yield `/tiny-${at}/100`;
}

/** Ten times the budget in objects of a sixteenth of it. */
function* huge(budgetBytes: number): Iterable<string> {
  const bytes = Math.floor(budgetBytes / 16);
  for (let at = 0; at < 160; at++) yield `/huge-${at}/${bytes}`;
}

/** Sizes from 100 B to 1 MB, each power of ten as likely, some asked for again; about eight times the budget. */
function* churn(budgetBytes: number): Iterable<string> {
  const next = chance(9111);
  for (let sum = 0, at = 0; sum < 8 * budgetBytes; at++) {
    const again = next() < 0.2 ? Math.floor(next() * at) : at;
    const bytes = Math.floor(100 * 10 ** (4 * chance(again)()));
    sum += again === at ? bytes : 0;
    yield `/churn-${again}/${bytes}`;
  }
}

function* unstored(): Iterable<string> {
  for (let at = 0; at < BARE_REQUESTS; at++) yield `/no-store/${at % 10 === 0 ? 100_000 : 1000}`;
}

async function askAll(url: string, targets: Iterable<string>): Promise<void> {
  const queue = targets[Symbol.iterator]();
  const ask = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      const response = await fetch(url + next.value, { decompress: false });
      const { byteLength } = await response.arrayBuffer();
      const expected = Number(next.value.slice(next.value.lastIndexOf("/") + 1));
      if (!response.ok || byteLength !== expected)
        throw new Error(`${next.value}: ${response.status}, ${byteLength} bytes`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, ask));
}

function rssOf(pid: number): number {
  if (existsSync(`/proc/${pid}/status`)) {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return 1024 * Number(kilobytes);
  }
  return 1024 * Number(Bun.spawnSync(["ps", "-o", "rss=", "-p", String(pid)]).stdout.toString());
}
