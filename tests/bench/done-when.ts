// Answers: is Larder where it is meant to be?
// Owns: what is asked of each wire beside each rival, a row a line, and whether a run shows it.
// Leaves out: the run (`speed.ts`), the tables (`table.ts`).
import type { Scenario } from "./scenarios.ts";
import type { Results } from "./speed.ts";
import type { Ratio } from "./statistics.ts";
import { isHit, p99Ratio, rateRatio, ratioCell } from "./table.ts";

/** Something that has to be so. */
type Claim = {
  readonly own: string;
  readonly other: string;
} & (
  | { readonly kind: "rate"; readonly scenarios: readonly string[]; readonly atLeast: number }
  /** Of all scenarios of hits; the worst of them counts. */
  | { readonly kind: "p99"; readonly atMost: number }
);

/** A claim, and what came of it; `holds` is `undefined` where it was not measured. */
export interface Verdict {
  readonly text: string;
  readonly value: string;
  readonly holds: boolean | undefined;
}

const rate = (own: string, other: string, atLeast: number, ...scenarios: readonly string[]): Claim => ({
  kind: "rate",
  own,
  other,
  scenarios,
  atLeast,
});

const CLAIMS: readonly Claim[] = [
  rate("bun", "bare", 0.9, "1k", "keys", "304", "10k", "100k", "1m"),
  rate("bun", "bare", 0.85, "miss"),
  rate("bun", "nginx", 1, "1k"),
  rate("bun", "nginx", 1.1, "keys"),
  rate("bun", "nginx", 1.3, "100k"),
  rate("bun", "varnish", 2.3, "1k"),
  { kind: "p99", own: "bun", other: "nginx", atMost: 1.5 },
  rate("lane", "nginx", 1.35, "1k"),
  rate("lane", "varnish", 3, "1k"),
  rate("lane", "nginx", 1.7, "keys"),
  rate("lane", "nginx", 1.5, "browsers"),
  rate("lane", "nginx", 1.3, "304"),
  rate("lane", "nginx", 1.2, "zipf"),
  { kind: "p99", own: "lane", other: "nginx", atMost: 1 },
];

/** Every claim, in order, held against a run. */
export function verdicts(results: Results): readonly Verdict[] {
  return CLAIMS.flatMap((claim) => {
    if (claim.kind === "p99") return [p99Verdict(claim, results)];
    return claim.scenarios.map((id) => {
      const [scenario, measured] = [...results].find(([one]) => one.id === id) ?? [];
      const ratio = measured && rateRatio(measured, claim.own, claim.other);
      const text = `${claim.own} / ${claim.other}, ${scenario?.name ?? id}: at least ${claim.atLeast}`;
      return verdict(text, ratio, (value) => value >= claim.atLeast);
    });
  });
}

/** The lines of the section. */
export function verdictLines(all: readonly Verdict[]): readonly string[] {
  return all.map(({ text, value, holds }) => {
    if (holds === undefined) return `not measured    ${text}`;
    return `${holds ? "holds         " : "does not hold "}  ${text}: ${value}`;
  });
}

function p99Verdict({ own, other, atMost }: Extract<Claim, { kind: "p99" }>, results: Results): Verdict {
  const hits = [...results].filter(([scenario]) => isHit(scenario));
  const measured = hits.flatMap(([scenario, one]) => {
    const ratio = p99Ratio(one, own, other);
    return ratio === undefined ? [] : [[scenario, ratio] as const];
  });
  const [worst] = measured.toSorted(([, a], [, b]) => b.median - a.median);
  const where = worst === undefined ? "" : `, at worst (${worst[0].name})`;
  return verdict(
    `${own} / ${other}, p99 of hits${where}: at most ${atMost}`,
    worst?.[1],
    (value) => value <= atMost,
  );
}

function verdict(text: string, ratio: Ratio | undefined, isEnough: (value: number) => boolean): Verdict {
  return { text, value: ratioCell(ratio), holds: ratio && isEnough(ratio.median) };
}

/** Scenarios that a claim names: a test holds them against those that there are. */
export function claimedScenarios(): ReadonlySet<Scenario["id"]> {
  return new Set(CLAIMS.flatMap((claim) => (claim.kind === "rate" ? claim.scenarios : [])));
}
