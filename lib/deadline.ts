// Answers: how long one exchange with the origin may take.
// Owns: the time to the header section and the time to the end, and giving the exchange up when one is over.
// Leaves out: the time between two bytes (`incoming-body.ts`), the time to connect (`origins/connect-probe.ts`).
import { OriginError } from "./errors.ts";
import { limitsOf, type Limited } from "./time-limits.ts";

/** How long the origin may take, in milliseconds; 0 is for ever. */
export interface Deadlines {
  readonly firstByteMs: number;
  readonly betweenBytesMs: number;
  readonly totalMs: number;
}

/** Who is told that an exchange is given up. */
export interface Abandoned {
  giveUp(reason: unknown): void;
}

/** The time of one exchange, which begins now. */
export class Deadline {
  /** Made for who needs a signal. */
  #controller: AbortController | undefined;
  #reason: OriginError | undefined;
  #told: Abandoned | undefined;
  readonly #firstByteMs: number;
  readonly #total: Limited | undefined;
  #head: Limited | undefined;

  constructor({ firstByteMs, totalMs }: Deadlines) {
    this.#firstByteMs = firstByteMs;
    if (totalMs > 0)
      this.#total = limitsOf(totalMs).begin(() => this.#isOver("not all of the response", totalMs));
    this.awaitHead();
  }

  /** Aborts when time is over, with an `OriginError` as its reason. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Why it was given up; `undefined` while it is not. */
  get reason(): OriginError | undefined {
    return this.#reason;
  }

  /** Who is told besides the signal, one at a time: that is cheaper by half a microsecond. `undefined` for nobody. */
  tell(whom: Abandoned | undefined): void {
    this.#told = whom;
  }

  /** A header section is waited for: from now on, it has to come in time. */
  awaitHead(): void {
    const ms = this.#firstByteMs;
    this.#head?.end();
    if (ms > 0) this.#head = limitsOf(ms).begin(() => this.#isOver("no response", ms));
  }

  /** It is there. */
  headCame(): void {
    this.#head?.end();
  }

  /** Gives the exchange up for another reason. */
  giveUp(reason: OriginError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    this.#told?.giveUp(reason);
  }

  /** The exchange is over; nothing is aborted any more. */
  end(): void {
    this.#head?.end();
    this.#total?.end();
  }

  #isOver(what: string, ms: number): void {
    this.giveUp(new OriginError("origin-timeout", `${what} within ${ms / 1000} s`));
  }
}
