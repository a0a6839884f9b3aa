// Answers: `bun run torture`: does what is on disk survive, and is no purge undone?
// Owns: the command line, the closing lines (`50 of 50 kills clean`), the exit code: 1 where one was not, 2 a wrong option.
// Leaves out: how: the tier by itself (`torture.ts`), a whole cache with clients (`whole.ts`).
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { canMount, torture, type Full } from "./torture.ts";
import { runWhole } from "./whole.ts";

const USAGE = `bun run torture [--kills 50] [--minutes N] [--seed N] [--part all|tier|cache] [--full no|tmpfs|limit] [--workers 1]

  --kills      of each part; without it, and with --minutes, as many as there is time for
  --minutes    the end of each part, whatever has been reached
  --part       the disk tier by itself, a whole cache with clients and purges, or both
  --full       the disk is full: a small file system is mounted, or files may not grow (the tier only)
  --workers    of the cache`;

interface Run {
  readonly kills: number;
  readonly untilMs: number;
  readonly seed: number;
  readonly full: Full;
  readonly workers: string;
}

const PARTS = { tier: tortureTier, cache: tortureCache };

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`torture: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS") === true ? 2 : 1;
}
process.exit();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      kills: { type: "string" },
      minutes: { type: "string" },
      seed: { type: "string", default: `${Date.now() % 1_000_000}` },
      part: { type: "string", default: "all" },
      full: { type: "string", default: "no" },
      workers: { type: "string", default: "1" },
      help: { type: "boolean", default: false },
    },
  });
  const minutes = Number(values.minutes ?? 60);
  // Without a number of kills they go on as long as there is time.
  const kills = Number(values.kills ?? (values.minutes === undefined ? 50 : Infinity));
  const seed = Number(values.seed);
  const isKnown =
    ["all", "tier", "cache"].includes(values.part) && ["no", "tmpfs", "limit"].includes(values.full);
  if (values.help || !isKnown || ![kills, minutes, seed, Number(values.workers)].every((one) => one >= 0)) {
    console[values.help ? "log" : "error"](USAGE);
    return values.help ? 0 : 2;
  }
  const full = fullFor(values.full as Full);
  console.log(`seed ${seed}, disk full: ${full}`);
  let isClean = true;
  for (const [name, part] of Object.entries(PARTS)) {
    if (values.part !== "all" && values.part !== name) continue;
    const untilMs = Date.now() + minutes * 60_000;
    isClean = (await part({ kills, untilMs, seed, full, workers: values.workers })) && isClean;
  }
  return isClean ? 0 : 1;
}

function fullFor(full: Full): Full {
  if (full !== "tmpfs" || canMount()) return full;
  console.log("no file system can be mounted here: files that may not grow stand in for a full disk");
  return "limit";
}

async function tortureTier({ kills, untilMs, seed, full }: Run): Promise<boolean> {
  const result = await torture({ kills, untilMs, seed, full, say: (line) => console.log(line) });
  console.log(
    `tier: ${result.acknowledged} removals acknowledged, ${result.found} responses found and compared`,
  );
  console.log(`tier: ${result.clean} of ${result.kills} kills clean`);
  return result.clean === result.kills;
}

async function tortureCache({ kills, untilMs, seed, full, workers }: Run): Promise<boolean> {
  if (full === "limit") {
    console.log("cache: left out, a small file system cannot be mounted here");
    return true;
  }
  const root = mkdtempSync(join(tmpdir(), "larder-torture-"));
  const folder = join(root, "disk");
  mkdirSync(folder);
  if (full === "tmpfs") Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder]);
  try {
    const result = await runWhole({ seed, kills, untilMs, folder, options: ["--workers", workers] });
    for (const line of result.complaints) console.log(`cache: it says: ${line}`);
    for (const line of result.wrong.slice(0, 20)) console.log(`cache: WRONG ${line}`);
    const { answers, hits, purges, broken, hitsAfterRestart } = result;
    console.log(
      `cache: ${answers} answers, each byte compared, ${hits} of them hits, ${hitsAfterRestart} after a restart; ${purges} purges; ${broken} requests broken off by kills`,
    );
    console.log(`cache: ${result.cleanKills} of ${result.kills} kills clean`);
    return result.wrong.length === 0 && result.cleanKills === result.kills;
  } finally {
    if (full === "tmpfs") Bun.spawnSync(["umount", folder]);
    rmSync(root, { recursive: true });
  }
}
