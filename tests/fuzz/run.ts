// Answers: `bun run fuzz`: does any request crash the cache, hang it, or make a connection lose its place?
// Owns: the command line, the exit code (0: nothing found, 1: findings, 2: a wrong option).
// Leaves out: the run itself (`campaign.ts`).
import { parseArgs } from "node:util";
import { runCampaign } from "./campaign.ts";
import { findingText, summaryText } from "./fuzz-report.ts";
import type { Wire } from "./known-limits.ts";
import { startCache } from "./larder-child.ts";

const USAGE =
  "fuzz: --requests N (100000), --seed N (random), --only N[,N], --wire bun|lane|exact, --parallel N (48)";

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`fuzz: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 2;
}

async function main(): Promise<number> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: { requests: text, seed: text, only: text, wire: text, parallel: text },
  });
  const { wire } = values;
  if (wire !== undefined && wire !== "bun" && wire !== "lane" && wire !== "exact")
    throw new Error(`--wire ${wire}: bun, lane or exact`);
  const seed = whole("seed", values.seed, Math.floor(Math.random() * 2 ** 31));
  const only = (values.only ?? "").split(",").filter((one) => one !== "");
  console.log(`fuzz: seed ${seed}`);
  const carried: Wire = wire ?? "lane";
  const result = await runCampaign({
    seed,
    requests: whole("requests", values.requests, 100_000),
    only: only.map((one) => whole("only", one, 0)),
    wire: carried,
    parallel: whole("parallel", values.parallel, 48),
    limitMs: 5000,
    start: (originPort, onTrouble) =>
      startCache(originPort, wire === undefined ? [] : ["--wire", wire], onTrouble),
  });
  for (const finding of result.findings) console.log(`\n${findingText(finding, seed, wire)}`);
  console.log(`\n${summaryText(result, seed, carried)}`);
  return result.findings.length > 0 ? 1 : 0;
}

function whole(name: string, given: string | undefined, fallback: number): number {
  if (given === undefined) return fallback;
  if (/^\d{1,10}$/.test(given)) return Number(given);
  throw new Error(`--${name} ${given}: expected a whole number`);
}
