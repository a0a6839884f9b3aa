// Answers: `bun run chaos`: does Larder keep its promises while everything around it goes wrong?
// Owns: the command line, the closing lines, the exit code: 0 clean, 1 violations, 2 a wrong option.
// Leaves out: the run itself (`chaos.ts`).
import { parseArgs } from "node:util";
import { runChaos } from "./chaos.ts";

const USAGE = "bun run chaos [--seconds 60] [--seed N] [--clients 200] [--wire bun|lane|exact]";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    clients: { type: "string", default: "200" },
    wire: { type: "string", default: "lane" },
    help: { type: "boolean", default: false },
  },
});
const [seed, seconds, clients] = [Number(values.seed), Number(values.seconds), Number(values.clients)];
const { wire } = values;
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (
  ![seed, seconds, clients].every((value) => value >= 0) ||
  (wire !== "bun" && wire !== "lane" && wire !== "exact")
) {
  console.error(USAGE);
  process.exit(2);
}
console.log(`seed ${seed}: ${clients} clients, ${seconds} s, wire ${wire}`);
const { tally, lines } = await runChaos({
  seed,
  seconds,
  clients,
  wire,
});
console.log(lines.join("\n"));
process.exit(tally.violations.length === 0 ? 0 : 1);
