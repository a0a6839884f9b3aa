// Answers: when a background validation that failed may be tried again.
// Owns: failures in a row for each key, and the growing pause after each.
// Leaves out: what is tried (`proxy.ts`), and the origin as a whole (`origins/breaker.ts`).

const FIRST_PAUSE_MS = 1000;

/** No longer than this: what is stale while the origin is well again is a nuisance. */
const LONGEST_PAUSE_MS = 10_000;

/** How many keys are remembered; the oldest is forgotten first. */
const MAX_KEYS = 10_000;

/** Failures of one key in a row, and how long it is left alone, in milliseconds. */
export interface Failures {
  readonly failures: number;
  readonly retryMs: number;
}

/** Pauses of 1, 2, 4, 8 and then 10 seconds between tries that fail. */
export class BackOff {
  readonly #failing = new Map<string, { readonly failures: number; readonly untilMs: number }>();

  /** Whether a key may be tried now. */
  mayTry(key: string, nowMs: number): boolean {
    const failing = this.#failing.get(key);
    return failing === undefined || nowMs >= failing.untilMs;
  }

  failed(key: string, nowMs: number): Failures {
    const failures = (this.#failing.get(key)?.failures ?? 0) + 1;
    const retryMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
    this.#failing.delete(key);
    this.#failing.set(key, { failures, untilMs: nowMs + retryMs });
    const [oldest] = this.#failing.keys();
    if (this.#failing.size > MAX_KEYS && oldest !== undefined) this.#failing.delete(oldest);
    return { failures, retryMs };
  }

  succeeded(key: string): void {
    this.#failing.delete(key);
  }
}
