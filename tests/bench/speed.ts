// Answers: `bun run bench`: how Larder stands beside the bare handler, nginx and Varnish, in one interleaved run.
// Owns: the order of things: start, warm, verify, the rounds, the end. A contestant that fails is told, and shown as failed.
// Leaves out: the contestants (`contestants.ts`), the load (`wrk-run.ts`), what is printed (`table.ts`, `done-when.ts`).
import type { Contestant } from "./contestant.ts";
import { present, startAll, startOrigin } from "./contestants.ts";
import { costUs, foreignShare, ticksOf } from "./foreign-load.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";
import { counterOf, faultOf, settled, warmAndVerify, type Count } from "./verify.ts";
import { loadFor, type Load, type LoadPlace, type Sample } from "./wrk-run.ts";

/** What is measured, and on which cores. */
export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  /** Identifiers of scenarios; all where it is empty. */
  readonly only: readonly string[];
  readonly names: readonly string[];
  /** The cores of the contestants, as taskset has them. */
  readonly core: string;
  readonly workers: number;
  readonly load: LoadPlace;
}

/** What a contestant did in a scenario, round by round; fewer than there were rounds where it failed. */
export interface Measured {
  readonly samples: readonly Sample[];
  /** Of the requests of all rounds, the share that reached the origin. */
  readonly missShare: number;
  /** Round by round, the share of a core that processes had which do not belong to the benchmark. */
  readonly foreignShares: readonly number[];
  /** Round by round, microseconds of the contestant's processor time for each request. */
  readonly costsUs: readonly number[];
}

/** Scenario → contestant → what was measured. */
export type Results = ReadonlyMap<Scenario, ReadonlyMap<string, Measured>>;

/** All that a run came to. */
export interface Outcome {
  readonly versions: readonly string[];
  readonly names: readonly string[];
  readonly results: Results;
  /** What went wrong, a line each. */
  readonly faults: readonly string[];
}

interface Round {
  readonly contestant: Contestant;
  readonly scenario: Scenario;
  readonly load: Load;
  readonly count: Count;
}

/** A round, and all that was made of it so far. */
interface Taken {
  readonly samples: Sample[];
  readonly foreignShares: number[];
  readonly costsUs: number[];
  reached: number;
}

const WARM_UP_SECONDS = 1;

/** Above this share of a core, others have disturbed a measurement: it is made again, and the least disturbed counts. */
const DISTURBED_FROM = 0.1;
const MOST_ATTEMPTS = 3;
/** Of all measurements of a scenario, so many may be made again: a machine that is never quiet shall not take for ever. */
const REPEATED_SHARE = 0.5;

/** Runs it all; `tell` is told how far it is. @throws where a contestant cannot be started. */
export async function runSpeed(plan: Plan, tell: (line: string) => void): Promise<Outcome> {
  const origin = await startOrigin(plan.load.core);
  const names = present(plan.names, tell);
  const place = { originUrl: origin.url, core: plan.core, workers: plan.workers };
  const contestants = await startAll(names, place).catch(async (error: unknown) => {
    await origin.stop();
    throw error;
  });
  const faults: string[] = [];
  const results = new Map<Scenario, Map<string, Measured>>();
  try {
    for (const scenario of SCENARIOS.filter(({ id }) => plan.only.length === 0 || plan.only.includes(id))) {
      tell(`measuring: ${scenario.name}`);
      const load = loadFor(scenario, plan.load);
      const rounds = contestants.map((one) => ({
        contestant: one,
        scenario,
        load,
        count: counterOf(origin.url),
      }));
      results.set(scenario, await measure(rounds, plan, faults).finally(load.discard));
    }
  } finally {
    for (const { stop } of [...contestants, origin]) await stop();
  }
  return { versions: contestants.map(({ version }) => version), names, results, faults };
}

/** Warms and verifies each, then all in turn, in another order each round; who fails takes no further part. */
async function measure(
  rounds: readonly Round[],
  plan: Plan,
  faults: string[],
): Promise<Map<string, Measured>> {
  const failed = new Set<Round>();
  const guarded = async (round: Round, act: () => Promise<void>): Promise<void> => {
    if (failed.has(round)) return;
    await act().catch((error: unknown) => {
      failed.add(round);
      faults.push(
        `${round.contestant.name}, ${round.scenario.name}: ${error instanceof Error ? error.message : error}`,
      );
    });
  };
  const taken = new Map<Round, Taken>(
    rounds.map((round) => [round, { samples: [], foreignShares: [], costsUs: [], reached: 0 }]),
  );
  for (const round of rounds) {
    await guarded(round, async () => {
      await warmAndVerify(round.contestant, round.scenario, round.count);
      await round.load.run(round.contestant.url, WARM_UP_SECONDS);
    });
  }
  const patience = { left: Math.ceil(REPEATED_SHARE * plan.rounds * rounds.length) };
  for (let at = 0; at < plan.rounds; at++) {
    const order = [...taken.keys()];
    for (const round of [...order.slice(at % order.length), ...order.slice(0, at % order.length)]) {
      await guarded(round, () => take(round, plan.seconds, taken.get(round), patience));
    }
  }
  return new Map([...taken].map(([{ contestant }, one]) => [contestant.name, measuredFrom(one)]));
}

function measuredFrom({ samples, foreignShares, costsUs, reached }: Taken): Measured {
  const requests = samples.reduce((sum, sample) => sum + sample.requests, 0);
  return { samples, foreignShares, costsUs, missShare: reached / requests };
}

/** Measures, again where others took part, and keeps the measurement that they disturbed least. */
async function take(
  round: Round,
  seconds: number,
  taken: Taken | undefined,
  patience: { left: number },
): Promise<void> {
  let best = await attempt(round, seconds);
  for (let left = MOST_ATTEMPTS - 1; left > 0 && best.foreignShare > DISTURBED_FROM; left--) {
    if (patience.left-- <= 0) break;
    const next = await attempt(round, seconds);
    if (next.foreignShare < best.foreignShare) best = next;
  }
  taken?.samples.push(best.sample);
  taken?.foreignShares.push(best.foreignShare);
  taken?.costsUs.push(best.costUs);
  if (taken !== undefined) taken.reached += best.misses;
}

interface Attempt {
  readonly sample: Sample;
  readonly misses: number;
  readonly foreignShare: number;
  readonly costUs: number;
}

async function attempt(round: Round, seconds: number): Promise<Attempt> {
  const reachedBefore = await settled(round.count, round.scenario);
  const { pid } = round.contestant;
  const [before, startMs] = [ticksOf(pid), performance.now()];
  const sample = await round.load.run(round.contestant.url, seconds);
  const [after, elapsedSeconds] = [ticksOf(pid), (performance.now() - startMs) / 1000];
  const misses = (await settled(round.count, round.scenario)) - reachedBefore;
  const fault = faultOf(round.scenario, sample, misses);
  if (fault !== undefined) throw new Error(fault);
  return {
    sample,
    misses,
    foreignShare: foreignShare(before, after, elapsedSeconds),
    costUs: costUs(before, after, sample.requests),
  };
}
