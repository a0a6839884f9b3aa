// Answers: `bun run bench`: how fast and how thrifty is Larder?
// Owns: the way from the arguments to the part that answers; 0: all was measured, 1: something failed, 2: a wrong option.
// Leaves out: the parts.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readBenchOptions, USAGE, type BenchOptions } from "./command-line.ts";

/** A part of the benchmark: prints what it finds, and says whether all of it could be measured. */
type Part = (options: BenchOptions) => Promise<boolean>;

const PARTS: Readonly<Record<BenchOptions["command"], () => Promise<Part>>> = {
  speed: async () => (await import("./speed-report.ts")).speed,
  workers: async () => (await import("./speed-report.ts")).workers,
  memory: async () => (await import("./memory/run.ts")).memory,
  tiers: async () => (await import("./tiers/run.ts")).tiers,
  micro: async () => (await import("./micro/run.ts")).micro,
  eviction,
  conformance: async () => (await import("./conformance.ts")).conformance,
};

const options = optionsOrExit();
if (options.isHelp) console.log(USAGE);
else await run(options);

async function run({ command }: BenchOptions): Promise<void> {
  try {
    const part = await PARTS[command]();
    process.exitCode = (await part(options)) ? 0 : 1;
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = isWrongOption(error) ? 2 : 1;
  }
}

function optionsOrExit(): BenchOptions {
  try {
    return readBenchOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  }
}

/** Has a `run.ts` of its own, which does all of it when it is loaded, the reading of its options included. */
async function eviction(): Promise<Part> {
  const file = join(import.meta.dir, "eviction/run.ts");
  if (!existsSync(file)) throw new Error("eviction: not there yet");
  return async () => {
    await import(file);
    return (process.exitCode ?? 0) === 0;
  };
}

function isWrongOption(error: unknown): boolean {
  return String((error as { readonly code?: unknown } | undefined)?.code).startsWith("ERR_PARSE_ARGS");
}
