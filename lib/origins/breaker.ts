// Answers: is an origin that keeps failing left alone, and when is it tried again?
// Owns: the count of failures in a row, the pause after too many, the one exchange that probes whether it is over.
// Leaves out: what counts as a failure (`forward.ts`), other origins of the pool (`pool.ts`), the clock (an argument).

/**
 * Milliseconds that an origin is left alone. An origin that is back must be in use again in less than a second: half of
 * that for the pause, half for the probe.
 */
export const OPEN_MS = 500;

/**
 * Failures at the same time are one piece of evidence: a dozen connections that break at once may be one hiccup. An
 * exchange that took longer than this to fail counts all the same: a hanging origin would be found out too late.
 */
const SLOW_MS = 1000;

/** Closed lets all exchanges through, open none, half-open one that probes. */
export type BreakerState = "closed" | "open" | "half-open";

/** Hears each change of state, with the failures in a row that led there; must not throw. */
export type BreakerListener = (state: BreakerState, failures: number) => void;

/** The right to begin one exchange. Its outcome is told once; what is told after that does nothing. */
export interface Permit {
  /** The origin answered. */
  succeeded(): void;
  /** It did not, or not in time. */
  failed(nowMs: number): void;
  /** Nobody will know: the client is gone, or the exchange never began. */
  abandoned(): void;
}

type Settle = (permit: CountedPermit, outcome: keyof Permit, nowMs: number) => void;

/** The breaker of one origin. Times are milliseconds of any one clock. */
export class Breaker {
  readonly #limit: number;
  readonly #onChange: BreakerListener;
  #state: BreakerState = "closed";
  #failures = 0;
  /** All failures that counted, and all successes; an exchange that begins knows how many there were. */
  #known = 0;
  #successes = 0;
  /** Counts openings and closings: an exchange that began before the last of them has nothing to say any more. */
  #term = 0;
  /** When it opened, or when the probe left. */
  #sinceMs = 0;
  #probe: CountedPermit | undefined;

  /** @param limit failures in a row after which it opens, 0 for never. */
  constructor(limit: number, onChange: BreakerListener = () => {}) {
    this.#limit = limit;
    this.#onChange = onChange;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Whether `permit` would give one now. */
  permits(nowMs: number): boolean {
    if (this.#state === "closed") return true;
    if (this.#state === "half-open" && this.#probe === undefined) return true;
    const waitedMs = nowMs - this.#sinceMs;
    // A clock that was set back must not prolong the pause.
    return waitedMs >= OPEN_MS || waitedMs < 0;
  }

  /**
   * `undefined` while the origin is left alone, and while a probe is under way. A probe that has said nothing for
   * `OPEN_MS` no longer keeps others back: in a connection that leads nowhere it would notice last that the origin is
   * back. So at most one exchange each `OPEN_MS` is spent on an origin that fails.
   */
  permit(nowMs: number): Permit | undefined {
    if (this.#limit === 0) return UNCOUNTED;
    if (!this.permits(nowMs)) return undefined;
    const began = { term: this.#term, known: this.#known, successes: this.#successes, sinceMs: nowMs };
    const permit = new CountedPermit(this.#settle, began);
    if (this.#state === "closed") return permit;
    this.#probe = permit;
    this.#sinceMs = nowMs;
    if (this.#state === "open") this.#enter("half-open");
    return permit;
  }

  readonly #settle: Settle = (permit, outcome, nowMs) => {
    const isProbe = permit === this.#probe;
    if (isProbe) this.#probe = undefined;
    const { term, known, successes, sinceMs } = permit.began;
    if (term !== this.#term || outcome === "abandoned") return;
    if (outcome === "succeeded") this.#succeed();
    // What an earlier probe did not live to see, the one that is under way will tell.
    else if (isProbe) this.#fail(nowMs);
    // An origin that has answered anything meanwhile is there: one URL that hangs says nothing about the others.
    else if (successes !== this.#successes) return;
    else if (this.#state === "closed" && (known === this.#known || nowMs - sinceMs > SLOW_MS))
      this.#fail(nowMs);
  };

  /** An earlier probe may be late, not wrong: a slow origin whose every answer came too late would stay shut out. */
  #succeed(): void {
    this.#failures = 0;
    this.#successes += 1;
    if (this.#state === "closed") return;
    this.#term += 1;
    this.#enter("closed");
  }

  #fail(nowMs: number): void {
    this.#failures += 1;
    this.#known += 1;
    if (this.#state === "closed" && this.#failures < this.#limit) return;
    this.#term += 1;
    this.#sinceMs = nowMs;
    this.#enter("open");
  }

  #enter(state: BreakerState): void {
    this.#state = state;
    this.#onChange(state, this.#failures);
  }
}

/** What was known when an exchange began. */
interface Beginning {
  readonly term: number;
  readonly known: number;
  readonly successes: number;
  readonly sinceMs: number;
}

class CountedPermit implements Permit {
  readonly began: Beginning;
  #settle: Settle | undefined;

  constructor(settle: Settle, began: Beginning) {
    this.#settle = settle;
    this.began = began;
  }

  succeeded(): void {
    this.#end("succeeded", 0);
  }

  failed(nowMs: number): void {
    this.#end("failed", nowMs);
  }

  abandoned(): void {
    this.#end("abandoned", 0);
  }

  #end(outcome: keyof Permit, nowMs: number): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(this, outcome, nowMs);
  }
}

/** Where failures are not counted. */
const UNCOUNTED: Permit = { succeeded() {}, failed() {}, abandoned() {} };
