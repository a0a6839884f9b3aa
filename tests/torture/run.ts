// Answers: `bun run torture [--kills N] [--minutes N] [--seed N] [--full no|tmpfs|limit]`: does the disk tier survive?
// Owns: the command line, the last line (`50 of 50 kills clean`) and the exit code: 1 where one was not.
// Leaves out: how (`torture.ts`).
import { parseArgs } from "node:util";
import { canMount, torture, type Full } from "./torture.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string" },
    minutes: { type: "string" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    full: { type: "string", default: "no" },
  },
});
const FULL: readonly string[] = ["no", "tmpfs", "limit"];
const seed = Number(values.seed);
let full = values.full as Full;
if (!FULL.includes(full)) throw new Error(`--full is one of ${FULL.join(", ")}`);
if (full === "tmpfs" && !canMount()) {
  console.log("no file system can be mounted here: files that may not grow stand in for a full disk");
  full = "limit";
}
// Without a number of kills they go on as long as there is time.
const minutes = Number(values.minutes ?? 60);
const kills = Number(values.kills ?? (values.minutes === undefined ? 50 : Infinity));
console.log(`seed ${seed}, disk full: ${full}`);
const result = await torture({
  ...{ kills, untilMs: Date.now() + minutes * 60_000, seed, full },
  say: (line) => console.log(line),
});
console.log(`${result.acknowledged} removals acknowledged, ${result.found} responses found and compared`);
console.log(`${result.clean} of ${result.kills} kills clean`);
process.exit(result.clean === result.kills ? 0 : 1);
