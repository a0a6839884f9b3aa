// Answers: how are all workers together doing?
// Owns: the sum of what each counts.
// Leaves out: counting (`worker.ts`), asking for it (`supervisor.ts`).
import type { OriginStats } from "../origins/origin.ts";
import type { StoreStats } from "../store/store.ts";
import type { WorkerStats } from "./messages.ts";

/** The sum over all workers; an origin is as well as the worker finds it that has the least luck with it. */
export function summed(all: readonly WorkerStats[]): WorkerStats {
  return {
    store: storesOf(all.map(({ store }) => store)),
    fillsInFlight: all.reduce((sum, { fillsInFlight }) => sum + fillsInFlight, 0),
    origins: originsOf(all.flatMap(({ origins }) => origins)),
    owners: sumOf<WorkerStats["owners"]>(all.map(({ owners }) => owners)),
  };
}

function storesOf(all: readonly StoreStats[]): StoreStats {
  const memory = sumOf<Omit<StoreStats, "outer">>(all.map(({ outer: _, ...own }) => own));
  const outer = all.flatMap((one) => one.outer ?? []);
  if (outer.length === 0) return memory;
  const names = [...new Set(outer.map(({ name }) => name))];
  return { ...memory, outer: names.map((name) => tierOf(outer.filter((one) => one.name === name))) };
}

type OuterTierStats = NonNullable<StoreStats["outer"]>[number];

/** What is in it they have in common; what they did with it is each one's own. */
function tierOf(all: readonly OuterTierStats[]): OuterTierStats {
  const most = (of: (one: OuterTierStats) => number): number => Math.max(...all.map(of));
  const sum = (of: (one: OuterTierStats) => number): number => all.reduce((so, one) => so + of(one), 0);
  return {
    name: all[0]?.name ?? "disk",
    isWell: all.every(({ isWell }) => isWell),
    responses: most(({ responses }) => responses),
    storedBytes: most(({ storedBytes }) => storedBytes),
    budgetBytes: most(({ budgetBytes }) => budgetBytes),
    queued: sum(({ queued }) => queued),
    skipped: sum(({ skipped }) => skipped),
    evictions: sum(({ evictions }) => evictions),
    recalls: sum(({ recalls }) => recalls),
    found: sum(({ found }) => found),
  };
}

/** Member by member: all of them are numbers. */
function sumOf<Counts extends object>(all: readonly Counts[]): Counts {
  const sum: Record<string, number> = {};
  for (const one of all) {
    for (const [name, value] of Object.entries(one) as [string, number][])
      sum[name] = (sum[name] ?? 0) + value;
  }
  return sum as Counts;
}

const BREAKER_STATES = ["closed", "half-open", "open"] as const;

function originsOf(all: readonly OriginStats[]): OriginStats[] {
  const byUrl = new Map<string, OriginStats>();
  for (const one of all) {
    const sum = byUrl.get(one.origin);
    byUrl.set(one.origin, sum === undefined ? one : both(sum, one));
  }
  return [...byUrl.values()];
}

function both(one: OriginStats, other: OriginStats): OriginStats {
  const worse = Math.max(BREAKER_STATES.indexOf(one.breaker), BREAKER_STATES.indexOf(other.breaker));
  return {
    origin: one.origin,
    isHealthy: one.isHealthy && other.isHealthy,
    breaker: BREAKER_STATES[worse] ?? "open",
    pending: one.pending + other.pending,
    waiting: one.waiting + other.waiting,
  };
}
