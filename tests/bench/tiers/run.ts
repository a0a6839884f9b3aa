// Answers: `bun run bench tiers`: what do disk and shared tier cost, and what do they give?
// Owns: the order of the parts, and the lines that are printed.
// Leaves out: each of the parts.
import type { BenchOptions } from "../command-line.ts";
import { endWithThis } from "../pinned-process.ts";
import { diskSpeed } from "./disk-speed.ts";
import { purges } from "./purges.ts";
import { restart } from "./restart.ts";
import { sharedSpeed } from "./shared-speed.ts";

/** Prints what it finds; whether all of it could be measured. */
export async function tiers({ rounds, seconds }: BenchOptions): Promise<boolean> {
  endWithThis();
  const tell = (line: string): void => console.log(line);
  const plan = { rounds, seconds };
  for (const part of [diskSpeed, sharedSpeed, purges, restart]) await part(plan, tell);
  return true;
}
