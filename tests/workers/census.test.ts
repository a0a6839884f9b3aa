// Answers: are the counts of all workers together what they are?
// Owns: the claims about `lib/workers/census.ts` and `lib/workers/sum-stats.ts`.
// Leaves out: what one worker counts (`../store/memory.test.ts` and others).
import { expect, test } from "bun:test";
import { Census } from "../../lib/workers/census.ts";
import type { ToWorker, WorkerStats } from "../../lib/workers/messages.ts";
import { summed } from "../../lib/workers/sum-stats.ts";

function stats(of: number, origins: WorkerStats["origins"] = []): WorkerStats {
  const store = {
    responses: of,
    storedBytes: of,
    pendingBytes: 0,
    heldBytes: of,
    budgetBytes: 10,
    evictions: 1,
  };
  return { store, fillsInFlight: of, origins, owners: { asked: of, away: 1 } };
}

test("sizes and counts add up; an origin is as well as the worker with the least luck finds it", () => {
  const origin = { origin: "http://a", isHealthy: true, breaker: "closed", pending: 1, waiting: 0 } as const;
  const other = { ...origin, isHealthy: false, breaker: "open", pending: 2, waiting: 3 } as const;
  expect(
    summed([stats(1, [origin]), stats(2, [other]), stats(4, [{ ...origin, origin: "http://b" }])]),
  ).toEqual({
    store: { responses: 7, storedBytes: 7, pendingBytes: 0, heldBytes: 7, budgetBytes: 30, evictions: 3 },
    fillsInFlight: 7,
    origins: [
      { origin: "http://a", isHealthy: false, breaker: "open", pending: 3, waiting: 3 },
      { ...origin, origin: "http://b" },
    ],
    owners: { asked: 7, away: 3 },
  });
});

test("who ends, or says nothing, is left out; an answer to another question does not count", async () => {
  const census = new Census();
  const asked: ToWorker[] = [];
  const [a, b, mute] = Array.from({ length: 3 }, () => ({
    send: (message: ToWorker) => void asked.push(message),
  }));
  if (a === undefined || b === undefined || mute === undefined) throw new Error("three");
  const found = census.of([a, b, mute]);
  const [first] = asked;
  const id = first?.kind === "stats" ? first.id : 0;
  census.told(a, id + 1, stats(9));
  census.told(a, id, stats(1));
  census.left(b);
  expect(await found).toEqual([stats(1)]);
  expect(await census.of([])).toEqual([]);
});
