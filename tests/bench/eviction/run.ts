// Answers: `bun run bench eviction`: how often each policy has what is asked for, and what Larder's costs.
// Owns: the table, and its options: `--trace FILE`, any number of times; `--synthetic`; `--shares 1,5,10,25`; `--cost`.
// Leaves out: the policies (`policies.ts`, `sieve.ts`, `larder.ts`), the costs (`cost.ts`).
import { parseArgs } from "node:util";
import { costTable } from "./cost.ts";
import { larder } from "./larder.ts";
import { belady, gdsf, lru, s3Fifo } from "./policies.ts";
import { sieve } from "./sieve.ts";
import { simulate, type MakePolicy } from "./simulate.ts";
import { syntheticTraces } from "./synthetic.ts";
import { PRESENT, readTrace, type Trace } from "./trace.ts";

const POLICIES: readonly (readonly [name: string, makePolicy: MakePolicy])[] = [
  ["Larder", larder],
  ["LRU", lru],
  ["SIEVE", sieve],
  ["S3-FIFO", s3Fifo],
  ["GDSF", gdsf],
  ["Belady*", belady],
];

const { values } = parseArgs({
  args: Bun.argv.slice(2).filter((arg) => arg !== "eviction"),
  options: {
    trace: { type: "string", multiple: true, default: PRESENT },
    shares: { type: "string", default: "1,5,10,25" },
    synthetic: { type: "boolean", default: false },
    cost: { type: "boolean", default: false },
  },
});

const shares = values.shares.split(",").map(Number);
if (!shares.every((share) => share > 0)) {
  console.error(`bench eviction: --shares ${values.shares}: expected per cent, as in 1,5,10,25`);
  process.exit(2);
}

if (values.cost) {
  console.log(costTable());
} else if (values.trace.length === 0 && !values.synthetic) {
  console.error("bench eviction: ../shared/traces is absent; name a trace with --trace FILE, or --synthetic");
  process.exit(2);
} else {
  console.log("Hit ratios, object / byte in per cent, of a cache bounded to a share of the unique bytes\n");
  console.log(`| trace, share | ${POLICIES.map(([name]) => name).join(" | ")} |`);
  console.log(`|---|${"---|".repeat(POLICIES.length)}`);
  const recorded = (): Trace[] => values.trace.map(readTrace);
  for (const trace of values.synthetic ? syntheticTraces() : recorded()) {
    for (const share of shares) console.log(row(trace, share));
  }
  console.log("\n\\* knows the future; optimal for equal sizes, a strong heuristic for unequal ones");
}

function row(trace: Trace, share: number): string {
  const cells = POLICIES.map(([, makePolicy]) => {
    const ratios = simulate(trace, Math.floor((trace.uniqueBytes * share) / 100), makePolicy);
    const [objects, bytes] = [ratios.objects, ratios.bytes].map((ratio) => (100 * ratio).toFixed(1));
    return objects === bytes ? objects : `${objects} / ${bytes}`;
  });
  return `| ${trace.name} ${share} % | ${cells.join(" | ")} |`;
}
