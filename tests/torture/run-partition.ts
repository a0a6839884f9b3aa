// Answers: `bun run partition`: what does a fleet promise while what it shares is away?
// Owns: the command line, the table as it stands in the README, the exit code: 1 a promise was broken, 2 a wrong option.
// Leaves out: the run (`partition.ts`).
import { parseArgs } from "node:util";
import { partition } from "./partition.ts";

const USAGE = "bun run partition [--seconds 4] [--seed N]   seconds of each event; needs redis-server";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "4" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    help: { type: "boolean", default: false },
  },
});
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
if (values.help || !(seconds > 0) || !(seed >= 0)) {
  console[values.help ? "log" : "error"](USAGE);
  process.exit(values.help ? 0 : 2);
}
if (Bun.which("redis-server") === null) {
  console.log("partition: skipped, redis-server is not installed");
  process.exit(0);
}
console.log(`seed ${seed}`);
const { lines, wrong } = await partition(seed, seconds);
console.log(lines.join("\n"));
for (const line of wrong.slice(0, 20)) console.log(`WRONG ${line}`);
console.log(`${wrong.length} promises broken`);
process.exit(wrong.length === 0 ? 0 : 1);
