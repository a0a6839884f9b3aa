// Answers: what a run of the benchmark prints, alone on a core or with two workers on both.
// Owns: the plan of each of the two, and the order of what is printed.
// Leaves out: the run (`speed.ts`), its tables (`table.ts`), what is asked of it (`done-when.ts`).
import type { BenchOptions } from "./command-line.ts";
import { helpOfLarder, RIVALS, WIRES } from "./contestants.ts";
import { verdictLines, verdicts } from "./done-when.ts";
import { endWithThis } from "./pinned-process.ts";
import { runSpeed, type Outcome, type Plan } from "./speed.ts";
import { costTable, foreignLine, missLines, pairsOf, rateTable, ratioTable } from "./table.ts";

/** The speed table, and each line of the goal with its measured value; false where a contestant failed. */
export async function speed(options: BenchOptions): Promise<boolean> {
  needTools();
  const { rounds, seconds } = options;
  const plan = { ...planFrom(options), core: "0", workers: 1, load: { core: "1", threads: 1 } };
  const outcome = await runSpeed(plan, tellProgress);
  const how = `each server alone on core 0 while the others idle, wrk -t1 -c64 and the origin on core 1`;
  printOutcome(outcome, `${rounds} interleaved rounds of ${seconds} s, ${how}`);
  console.log(`\nDone when\n\n${verdictLines(verdicts(outcome.results)).join("\n")}`);
  return isWhole(outcome);
}

/** Two workers of Larder beside two of nginx; nothing is pinned, the load and the origin run on the same two cores. */
export async function workers(options: BenchOptions): Promise<boolean> {
  needTools();
  const help = /^.*--workers .*$/m.exec(helpOfLarder())?.[0];
  if (help === undefined) throw new Error("workers: this Larder has no --workers");
  const { rounds, seconds } = options;
  const isForBunOnly = help.includes("`--wire bun` only");
  const able = options.wires.filter((wire) => wire === "bun" || (wire === "lane" && !isForBunOnly));
  const names = [...able, "nginx"];
  const only = options.only.length > 0 ? options.only : ["1k", "keys", "304", "100k", "miss", "zipf"];
  const both = { core: "0,1", workers: 2, load: { core: "0,1", threads: 1 } };
  const outcome = await runSpeed({ ...planFrom(options), names, only, ...both }, tellProgress);
  const how = `two workers each, both cores shared with wrk -t1 -c64 and the origin`;
  printOutcome(outcome, `${rounds} interleaved rounds of ${seconds} s, ${how}`);
  return isWhole(outcome);
}

function planFrom({
  rounds,
  seconds,
  only,
  wires,
  against,
}: BenchOptions): Omit<Plan, "core" | "workers" | "load"> {
  return { rounds, seconds, only, names: [...wires, ...against] };
}

function printOutcome(outcome: Outcome, how: string): void {
  const { names, versions } = outcome;
  const own = WIRES.filter((wire) => names.includes(wire));
  const others = RIVALS.filter((rival) => names.includes(rival));
  const lines = [
    versions.join("; "),
    "",
    "<!-- bench -->",
    "",
    `Requests a second (p50, p99 in ms), median of ${how}:`,
    "",
    rateTable(outcome),
    "",
    "How they compare, median of the ratios round by round (lowest–highest; noisy: they differ by more than 15 %):",
    "",
    ratioTable(outcome, pairsOf(own, others)),
    "",
    "What a request costs, in microseconds of the server's own processor time, which others on the machine change little:",
    "",
    costTable(outcome),
    "",
    ...[...missLines(outcome), foreignLine(outcome)].flatMap((line) => [`${line}.`, ""]),
    "<!-- /bench -->",
  ];
  console.log(lines.join("\n"));
}

function isWhole({ faults }: Outcome): boolean {
  for (const fault of faults) console.error(`bench: FAILED: ${fault}`);
  return faults.length === 0;
}

function tellProgress(line: string): void {
  console.error(`bench: ${line}`);
}

function needTools(): void {
  endWithThis();
  for (const tool of ["wrk", "taskset"]) {
    if (Bun.which(tool) === null) throw new Error(`needs ${tool} (Debian: apt-get install wrk util-linux)`);
  }
  // What this process itself does between the measurements is not to be on the contestants' core.
  Bun.spawnSync(["taskset", "-a", "-p", "-c", "1", String(process.pid)]);
}
