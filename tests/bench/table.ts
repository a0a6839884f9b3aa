// Answers: what is printed of a run: the tables of the README, and how much the rounds differed.
// Owns: the form of rates, times and ratios.
// Leaves out: what is expected of them (`done-when.ts`), how they came about (`speed.ts`).
import type { Scenario } from "./scenarios.ts";
import type { Measured, Outcome } from "./speed.ts";
import { median, pairedRatio, type Ratio } from "./statistics.ts";

/** Own contestant and other, in the order of the columns of ratios. */
export type Pair = readonly [own: string, other: string];

/** Which of these took part, each with each of those that did. */
export function pairsOf(own: readonly string[], others: readonly string[]): readonly Pair[] {
  return own.flatMap((one) => others.map((other) => [one, other] as const));
}

/** Rates with p50 and p99, a row a scenario; markdown. */
export function rateTable({ names, results }: Outcome): string {
  const rows = [...results].map(([scenario, measured]) => [
    scenario.name,
    ...names.map((name) => rateCell(measured.get(name))),
  ]);
  return markdown([["", ...names], ...rows]);
}

/** Microseconds of processor time a request, a row a scenario; markdown. */
export function costTable({ names, results }: Outcome): string {
  const rows = [...results].map(([scenario, measured]) => [
    scenario.name,
    ...names.map((name) => costCell(measured.get(name))),
  ]);
  return markdown([["", ...names], ...rows]);
}

/** Ratios of rates with their spread over the rounds, a row a scenario; markdown. */
export function ratioTable({ results }: Outcome, pairs: readonly Pair[]): string {
  const rows = [...results].map(([scenario, measured]) => [
    scenario.name,
    ...pairs.map(([own, other]) => ratioCell(rateRatio(measured, own, other))),
  ]);
  return markdown([["", ...pairs.map(([own, other]) => `${own} / ${other}`)], ...rows]);
}

/** Which share of the requests reached the origin, where that is neither none nor all. */
export function missLines({ names, results }: Outcome): readonly string[] {
  return [...results]
    .filter(([{ missShare }]) => missShare === 0.1)
    .map(([scenario, measured]) => {
      const shares = names.map((name) => `${name} ${percent(measured.get(name)?.missShare)}`);
      return `${scenario.name}; reached the origin: ${shares.join(", ")}`;
    });
}

/** How much others had of the machine while it was measured. */
export function foreignLine({ results }: Outcome): string {
  const shares = [...results.values()].flatMap((measured) =>
    [...measured.values()].flatMap(({ foreignShares }) => foreignShares),
  );
  const [middle, most] = [median(shares), Math.max(0, ...shares)];
  return `Processes that do not belong to it had ${percent(middle)} of a core, at most ${percent(most)}`;
}

/** The rate of one over that of another, round by round; `undefined` where one of them has none. */
export function rateRatio(
  measured: ReadonlyMap<string, Measured>,
  own: string,
  other: string,
): Ratio | undefined {
  const [mine, theirs] = [own, other].map((name) => rates(measured.get(name)));
  return mine && theirs && pairedRatio(mine, theirs);
}

/** As `rateRatio`, of the time within which 99 % are answered. */
export function p99Ratio(
  measured: ReadonlyMap<string, Measured>,
  own: string,
  other: string,
): Ratio | undefined {
  const [mine, theirs] = [own, other].map((name) => measured.get(name)?.samples.map(({ p99Ms }) => p99Ms));
  return mine && theirs && pairedRatio(mine, theirs);
}

/** `1.18 (1.15–1.22)`, with a word where the rounds differ much. */
export function ratioCell(ratio: Ratio | undefined): string {
  if (ratio === undefined) return "–";
  const { median, min, max, isNoisy } = ratio;
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)}${isNoisy ? ", noisy" : ""})`;
}

function rates(measured: Measured | undefined): readonly number[] | undefined {
  return measured?.samples.map(({ perSecond }) => perSecond);
}

function rateCell(measured: Measured | undefined): string {
  if (measured === undefined) return "–";
  const { samples } = measured;
  if (samples.length === 0) return "failed";
  const [p50, p99] = [median(samples.map(({ p50Ms }) => p50Ms)), median(samples.map(({ p99Ms }) => p99Ms))];
  return `${rate(median(samples.map(({ perSecond }) => perSecond)))} (${time(p50)}, ${time(p99)})`;
}

function costCell(measured: Measured | undefined): string {
  const cost = median(measured?.costsUs ?? []);
  return Number.isNaN(cost) ? "–" : cost.toFixed(1);
}

function rate(perSecond: number): string {
  return perSecond >= 10_000 ? `${Math.round(perSecond / 1000)} k` : `${(perSecond / 1000).toFixed(1)} k`;
}

function time(ms: number): string {
  return ms >= 10 ? ms.toFixed(0) : ms.toFixed(1);
}

function percent(share: number | undefined): string {
  return share === undefined || Number.isNaN(share) ? "–" : `${(100 * share).toFixed(1)} %`;
}

/** Columns as wide as their widest cell: what `bun fmt` makes of a table. */
export function markdown(rows: readonly (readonly string[])[]): string {
  const widths =
    rows[0]?.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [head, widths.map((width) => "-".repeat(width)), ...body].map(line).join("\n");
}

/** Of a scenario, that each answers by itself. */
export function isHit({ missShare }: Scenario): boolean {
  return missShare === 0;
}
