// Answers: how are all workers together doing?
// Owns: the sum of what each counts.
// Leaves out: counting (`worker.ts`), asking for it (`supervisor.ts`).
import type { OriginStats } from "../origins/origin.ts";
import type { StoreStats } from "../store/store.ts";
import type { WorkerStats } from "./messages.ts";

/** The sum over all workers; an origin is as well as the worker finds it that has the least luck with it. */
export function summed(all: readonly WorkerStats[]): WorkerStats {
  return {
    store: sumOf<StoreStats>(all.map(({ store }) => store)),
    fillsInFlight: all.reduce((sum, { fillsInFlight }) => sum + fillsInFlight, 0),
    origins: originsOf(all.flatMap(({ origins }) => origins)),
    owners: sumOf<WorkerStats["owners"]>(all.map(({ owners }) => owners)),
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
