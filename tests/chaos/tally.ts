// Answers: how much happened in a run, and what of it was wrong.
// Owns: the counts, the violations, and the closing lines.
// Leaves out: finding violations (`judge-head.ts`, `judge-body.ts`, `aftermath.ts`).
import type { Problem, Violation } from "./judgement.ts";

/** Violations above this are counted and not kept. */
const MAX_KEPT = 200;

/** The counts of one run. */
export class Tally {
  readonly violations: Violation[] = [];
  readonly #counts = new Map<string, Map<string, number>>();
  #dropped = 0;

  /** Counts one more of `what`, such as "status" "206". */
  count(what: string, which: string, by = 1): void {
    const counts = this.#counts.get(what) ?? new Map<string, number>();
    this.#counts.set(what, counts.set(which, (counts.get(which) ?? 0) + by));
  }

  counted(what: string, which: string): number {
    return this.#counts.get(what)?.get(which) ?? 0;
  }

  add(violation: Violation): void {
    if (this.violations.length < MAX_KEPT) this.violations.push(violation);
    else this.#dropped++;
  }

  /** What is wrong with the whole, not with one exchange. */
  addGeneral(seed: number, problem: Problem): void {
    this.add({ ...problem, seed, requestId: "-", object: "-", exchange: "after the run" });
  }

  /** The closing lines. */
  lines(seed: number, faults: ReadonlyMap<string, number>): string[] {
    const total = [...faults.values()].reduce((sum, count) => sum + count, 0);
    const requests = [...(this.#counts.get("methods")?.values() ?? [])].reduce(
      (sum, count) => sum + count,
      0,
    );
    const named = [...this.#counts].map(([what, counts]) => `${what}: ${listed(counts)}`);
    const more = this.#dropped > 0 ? [`… and ${this.#dropped} more`] : [];
    const verdict =
      this.violations.length === 0 ? "clean" : `${this.violations.length + this.#dropped} violations`;
    const accounts = this.violations.map(account);
    return [
      `requests: ${requests}`,
      ...named,
      `faults (${total}): ${listed(faults)}`,
      ...accounts,
      ...more,
      `seed ${seed}: ${verdict}`,
    ];
  }
}

/** One violation on one line. */
export function account({ seed, requestId, object, rule, detail, exchange }: Violation): string {
  return `seed ${seed}, ${requestId}, ${object}: ${rule}: ${detail}\n    ${exchange}`;
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([which, count]) => `${which} ${count}`)
    .join(", ");
}
