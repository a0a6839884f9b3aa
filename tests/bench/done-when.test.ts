// Answers: does the report say of each line of the goal what the run showed, and no more?
// Owns: the claims about verdicts and tables.
// Leaves out: the run.
import { expect, test } from "bun:test";
import { claimedScenarios, verdictLines, verdicts } from "./done-when.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { Measured, Results } from "./speed.ts";
import { costTable, foreignLine, markdown, missLines, pairsOf, rateTable, ratioTable } from "./table.ts";

function measured(rates: readonly number[], p99Ms = 1, missShare = 0): Measured {
  const samples = rates.map((perSecond) => ({ requests: perSecond, perSecond, bytes: 0, p50Ms: 0.5, p99Ms }));
  return { samples, missShare, foreignShares: [0.01, 0.2, 0.02], costsUs: [9, 11, 10] };
}

function results(of: Readonly<Record<string, Readonly<Record<string, Measured>>>>): Results {
  const measuredOnes = SCENARIOS.filter(({ id }) => id in of);
  return new Map(measuredOnes.map((scenario) => [scenario, new Map(Object.entries(of[scenario.id]!))]));
}

const RUN = results({
  "1k": {
    bun: measured([90_000, 99_000, 80_000], 2),
    bare: measured([100_000, 100_000, 100_000]),
    nginx: measured([100_000, 99_000, 80_000], 1),
  },
  "304": { bun: measured([50_000, 51_000], 1), nginx: measured([100_000, 100_000], 1) },
});

test("every scenario that the goal names is there", () => {
  const ids = new Set(SCENARIOS.map(({ id }) => id));
  expect([...claimedScenarios()].filter((id) => !ids.has(id))).toEqual([]);
  expect(ids.size).toBe(SCENARIOS.length);
});

test("a claim holds by the median of the rounds' ratios", () => {
  const lines = verdictLines(verdicts(RUN));
  expect(lines).toContain("holds           bun / bare, 1 KB: at least 0.9: 0.90 (0.80–0.99, noisy)");
  expect(lines).toContain("holds           bun / nginx, 1 KB: at least 1: 1.00 (0.90–1.00)");
});

test("what was not measured is not said to hold, nor not to", () => {
  const lines = verdictLines(verdicts(RUN));
  expect(lines).toContain("not measured    bun / varnish, 1 KB: at least 2.3");
  expect(lines.filter((line) => line.includes("lane")).every((line) => line.startsWith("not measured"))).toBe(
    true,
  );
});

test("of p99 the worst scenario of hits counts, and is named", () => {
  const lines = verdictLines(verdicts(RUN));
  expect(lines).toContain(
    "does not hold   bun / nginx, p99 of hits, at worst (1 KB): at most 1.5: 2.00 (2.00–2.00)",
  );
});

test("a contestant that failed in a round has no ratio", () => {
  const run = results({ "1k": { bun: measured([90_000]), bare: measured([100_000, 100_000]) } });
  expect(verdicts(run)[0]).toMatchObject({ value: "–", holds: undefined });
});

const OUTCOME = { versions: [], faults: [], names: ["bun", "bare", "nginx"], results: RUN };

test("the table has a rate with p50 and p99 for each, and a dash for who was not there", () => {
  const [, , first, second] = rateTable(OUTCOME).split("\n");
  expect(first).toMatch(/^\| 1 KB +\| 90 k \(0\.5, 2\.0\) \| 100 k \(0\.5, 1\.0\) +\| 99 k \(0\.5, 1\.0\) /);
  expect(second).toMatch(/^\| 304 +\| 51 k \(0\.5, 1\.0\) \| – +\| 100 k/);
});

test("what a request costs is the median of the rounds", () => {
  expect(costTable(OUTCOME).split("\n").at(-1)).toBe("| 304  | 10.0 | –    | 10.0  |");
});

test("the table of ratios has the spread", () => {
  const pairs = pairsOf(["bun"], ["bare", "nginx"]);
  expect(pairs).toEqual([
    ["bun", "bare"],
    ["bun", "nginx"],
  ]);
  expect(ratioTable(OUTCOME, pairs)).toContain("| 0.90 (0.80–0.99, noisy) | 1.00 (0.90–1.00) |");
});

test("of mixed traffic it is said how much of it reached the origin", () => {
  const run = results({ zipf: { bun: measured([50_000], 1, 0.1004), nginx: measured([50_000], 1, 0.0999) } });
  expect(missLines({ ...OUTCOME, results: run })).toEqual([
    "mixed: Zipf, 10 % misses, 1–100 KB; reached the origin: bun 10.0 %, bare –, nginx 10.0 %",
  ]);
});

test("it is said how much others had of the machine", () => {
  expect(foreignLine(OUTCOME)).toBe("Processes that do not belong to it had 2.0 % of a core, at most 20.0 %");
});

test("columns are as wide as their widest cell", () => {
  expect(
    markdown([
      ["", "a"],
      ["long name", "1"],
    ]),
  ).toBe("|           | a   |\n| --------- | --- |\n| long name | 1   |");
});
