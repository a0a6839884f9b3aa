// Answers: is an origin well, whether or not anybody asks it for something?
// Owns: when each origin is checked, how long that may take, and how many checks it takes to believe them.
// Leaves out: the request that checks (passed in), what an unhealthy origin is spared (`pool.ts`).
import type { After } from "./timer.ts";

/** Checks in a row that must fail; the load balancers of AWS and Google Cloud take 2 as well: one may be bad luck. */
export const UNHEALTHY_AFTER = 2;

/** The longest deadline of a check, in milliseconds; 5 s is the timeout of such checks there as well. */
export const MAX_DEADLINE_MS = 5000;

/** The shortest interval in milliseconds, whatever is asked for: a check is not to be a load. */
export const MIN_INTERVAL_MS = 100;

/**
 * Asks an origin for a path and tells the status; the body is its business. Rejects where there is no response, and
 * must when the signal aborts: whatever it holds then is to be let go.
 */
export type AskStatus = (origin: string, path: string, signal: AbortSignal) => Promise<number>;

/** What is checked: an origin. */
export interface Checked {
  readonly url: string;
  isHealthy: boolean;
}

/** An origin fell ill, or is well again. */
export interface HealthChange {
  readonly origin: string;
  readonly isHealthy: boolean;
  /** What the check that decided it saw: `status 503`, `no answer within 5 s`, or an error in words. */
  readonly detail: string;
}

/** What is asked for, and how often. */
export interface HealthSettings {
  /** A path with or without a query; empty for no checks at all. */
  readonly path: string;
  /** Milliseconds from the start of one check to the start of the next. */
  readonly intervalMs: number;
}

/** What the checks work with; `onChange` must not throw. */
export interface HealthParts {
  readonly ask: AskStatus;
  readonly after: After;
  readonly onChange: (change: HealthChange) => void;
}

/**
 * Checks all origins for as long as the process runs. One success makes an origin healthy again, as with a readiness
 * probe in Kubernetes, whose range of good statuses (200 to 399) is kept as well.
 */
export class HealthChecks {
  readonly #checks: readonly HealthCheck[];

  constructor(origins: readonly Checked[], settings: HealthSettings, parts: HealthParts) {
    this.#checks = settings.path === "" ? [] : origins.map((one) => new HealthCheck(one, settings, parts));
  }

  /** The first check of each origin begins at once. To be called once. */
  start(): void {
    for (const check of this.#checks) check.begin();
  }

  /** No more checks; one that is under way is broken off and decides nothing. */
  stop(): void {
    for (const check of this.#checks) check.stop();
  }
}

/** The checks of one origin, one after the other. */
class HealthCheck {
  readonly #origin: Checked;
  readonly #path: string;
  readonly #intervalMs: number;
  readonly #deadlineMs: number;
  readonly #parts: HealthParts;
  #failures = 0;
  #underWay: AbortController | undefined;
  #callOffDeadline = (): void => {};
  #callOffNext = (): void => {};

  constructor(origin: Checked, { path, intervalMs }: HealthSettings, parts: HealthParts) {
    this.#origin = origin;
    this.#path = path;
    this.#parts = parts;
    this.#intervalMs = Math.max(intervalMs, MIN_INTERVAL_MS);
    this.#deadlineMs = Math.min(this.#intervalMs, MAX_DEADLINE_MS);
  }

  begin(): void {
    const check = new AbortController();
    this.#underWay = check;
    this.#callOffDeadline = this.#parts.after(this.#deadlineMs, () => this.#expire());
    this.#callOffNext = this.#parts.after(this.#intervalMs, () => {
      // Where both are due at once, a runtime may call the later timer first.
      this.#expire();
      this.begin();
    });
    this.#parts.ask(this.#origin.url, this.#path, check.signal).then(
      (status) => this.#conclude(check, status >= 200 && status <= 399, `status ${status}`),
      (error: unknown) => this.#conclude(check, false, messageOf(error)),
    );
  }

  stop(): void {
    this.#callOffNext();
    this.#callOffDeadline();
    this.#underWay?.abort();
    this.#underWay = undefined;
  }

  #expire(): void {
    const check = this.#underWay;
    if (check === undefined) return;
    this.#conclude(check, false, `no answer within ${this.#deadlineMs / 1000} s`);
    check.abort();
  }

  /** What comes after the deadline, or after the end, is not believed. */
  #conclude(check: AbortController, isWell: boolean, detail: string): void {
    if (check !== this.#underWay) return;
    this.#underWay = undefined;
    this.#callOffDeadline();
    this.#failures = isWell ? 0 : this.#failures + 1;
    const isHealthy = isWell || (this.#origin.isHealthy && this.#failures < UNHEALTHY_AFTER);
    if (isHealthy === this.#origin.isHealthy) return;
    this.#origin.isHealthy = isHealthy;
    this.#parts.onChange({ origin: this.#origin.url, isHealthy, detail });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
