// Answers: does Larder come through a few seconds of chaos, and is what it leaves behind looked at?
// Owns: one short run with a fixed seed; the aftermath's rules; that a seed decides all that is random.
// Leaves out: long runs (`bun run chaos`), single lies (`judge.test.ts`).
import { expect, test } from "bun:test";
import { leftOver, SLACK_BYTES } from "./aftermath.ts";
import { runChaos } from "./chaos.ts";
import { behaviourFor } from "./faults.ts";
import type { Condition } from "./larder-process.ts";
import { catalogue } from "./objects.ts";
import { popularity, requestPlan } from "./request-plan.ts";

test("a run of three seconds is clean, and was not empty", async () => {
  const { tally, lines } = await runChaos({
    seed: 1,
    seconds: 3,
    clients: 60,
    wire: "lane",
  });
  expect(tally.violations, lines.join("\n")).toEqual([]);
  for (const word of ["HIT", "MISS", "VALIDATED", "PASS"])
    expect(tally.counted("words", word)).toBeGreaterThan(0);
  expect(tally.counted("bytes", "compared")).toBeGreaterThan(1_000_000);
  expect(tally.counted("endings", "clean")).toBeGreaterThan(100);
}, 30_000);

const STORE = {
  ...{ responses: 1, storedBytes: 10, pendingBytes: 0, heldBytes: 0, budgetBytes: 100, evictions: 0 },
};
const ORIGIN = { origin: "http://o", isHealthy: true, breaker: "closed", pending: 0, waiting: 0 } as const;
const STATS = { store: STORE, fillsInFlight: 0, origins: [ORIGIN] };
const BASELINE: Condition = {
  stats: STATS,
  rssBytes: 1_000,
  heapBytes: 0,
  heapObjects: 0,
};

test.each([
  ["nothing", undefined, BASELINE, []],
  ["a fill", "fills-left", { ...BASELINE, stats: { ...STATS, fillsInFlight: 1 } }, []],
  [
    "pending bytes",
    "pending-left",
    { ...BASELINE, stats: { ...STATS, store: { ...STORE, pendingBytes: 1 } } },
    [],
  ],
  [
    "too much in the store",
    "over-budget",
    { ...BASELINE, stats: { ...STATS, store: { ...STORE, storedBytes: 101 } } },
    [],
  ],
  ["what is held", "held-left", { ...BASELINE, stats: { ...STATS, store: { ...STORE, heldBytes: 1 } } }, []],
  ["a place", "places-left", { ...BASELINE, stats: { ...STATS, origins: [{ ...ORIGIN, pending: 1 }] } }, []],
  ["a socket", "sockets-left", BASELINE, ["01 :1 → :2"]],
  ["memory", "memory", { ...BASELINE, rssBytes: 1_101 + SLACK_BYTES }, []],
])("the aftermath finds %s", (_, rule, condition, sockets) => {
  expect(leftOver(condition, sockets, BASELINE).map((problem) => problem.rule)).toEqual(
    rule === undefined ? [] : [rule],
  );
});

test("the same seed makes the same objects, requests and faults; another one makes others", () => {
  const decisions = (seed: number): unknown[] => {
    const objects = popularity(catalogue(seed));
    const numbers = Array.from({ length: 50 }, (_, number) => number);
    return numbers.map((number) => {
      const plan = requestPlan(seed, 3, number, objects);
      return [plan, behaviourFor(seed, plan.id, 0).fault, behaviourFor(seed, plan.id, 1).share];
    });
  };
  expect(decisions(5)).toEqual(decisions(5));
  expect(decisions(5)).not.toEqual(decisions(6));
});
