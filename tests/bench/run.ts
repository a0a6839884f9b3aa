// Answers: `bun run bench`: how Larder stands beside the bare handler, nginx and Varnish, in one interleaved run.
// Owns: the rounds and the table; the README's table is printed by it.
// Leaves out: the contestants (`contestants.ts`), the scenarios (`scenarios.ts`), the load (`load.ts`).
import { parseArgs } from "node:util";
import { startAll, startOrigin, type Contestant } from "./contestants.ts";
import { measure, verify, type Sample } from "./load.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "2" } },
});

if (Bun.which("wrk") === null || Bun.which("taskset") === null) {
  console.error("bench: needs wrk and taskset (Debian: apt-get install wrk util-linux)");
  process.exit(1);
}

const origin = await startOrigin();
const contestants = await startAll(origin.url);
try {
  console.log(contestants.map(({ name, version }) => `${name}: ${version}`).join("\n"));
  console.log(
    `\nRequests a second (p99), median of ${values.rounds} interleaved rounds of ${values.seconds} s,`,
  );
  console.log("each server alone on core 0, wrk -t1 -c64 on core 1.\n");
  const names = contestants.map(({ name }) => name);
  console.log(
    `| | ${names.join(" | ")} | ${names
      .slice(1)
      .map((name) => `larder / ${name}`)
      .join(" | ")} |`,
  );
  console.log(`|---|${"---|".repeat(names.length * 2 - 1)}`);
  for (const scenario of SCENARIOS) console.log(await row(scenario));
} finally {
  for (const { stop } of [...contestants, origin]) await stop();
}

async function row(scenario: Scenario): Promise<string> {
  for (const contestant of contestants) await verify(contestant, scenario);
  const samples = new Map<Contestant, Sample[]>(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [contestant, taken] of samples) {
      taken.push(await measure(contestant, scenario, Number(values.seconds)));
    }
  }
  const cells = contestants.map((contestant) => cell(samples.get(contestant)));
  const [own = 0, ...others] = contestants.map((contestant) => perSecond(samples.get(contestant)));
  const ratios = others.map((other) => (other === 0 ? "–" : (own / other).toFixed(2)));
  return `| ${[scenario.name, ...cells, ...ratios].join(" | ")} |`;
}

function cell(samples: readonly Sample[] | undefined): string {
  if (samples === undefined) return "–";
  const rate = perSecond(samples);
  const p99 = median(samples.map(({ p99Ms }) => p99Ms));
  return `${rate >= 10_000 ? `${Math.round(rate / 1000)} k` : `${(rate / 1000).toFixed(1)} k`} (${p99.toFixed(1)} ms)`;
}

function perSecond(samples: readonly Sample[] | undefined): number {
  return median((samples ?? []).map((sample) => sample.perSecond));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
