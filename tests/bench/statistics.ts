// Answers: what several rounds of the same measurement say together.
// Owns: the median, quantiles, and ratios that are taken round by round.
// Leaves out: where the numbers come from (`wrk-run.ts`, `micro/`), how they are printed (`table.ts`).

/** A ratio over all rounds. */
export interface Ratio {
  /** The median of the rounds' own ratios: what slows the machine down slows both sides of a round. */
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Whether the rounds differ by more than 15 %. */
  readonly isNoisy: boolean;
}

const NOISY_FROM = 1.15;

/** The middle value, the mean of the two in the middle where their number is even; NaN where there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** The value that the share `at` (0–1) of all is not above: nearest rank; NaN where there is none. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(at * sorted.length) - 1)] ?? Number.NaN;
}

/** Own values over others', round by round; `undefined` where there are none, or not as many. */
export function pairedRatio(own: readonly number[], others: readonly number[]): Ratio | undefined {
  if (own.length === 0 || own.length !== others.length) return undefined;
  const ratios = own.map((value, round) => value / (others[round] ?? Number.NaN));
  const [min, max] = [Math.min(...ratios), Math.max(...ratios)];
  return { median: median(ratios), min, max, isNoisy: max / min > NOISY_FROM };
}
