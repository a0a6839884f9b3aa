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

/** The time of one exchange, which begins now. */
export class Deadline {
  readonly #controller = new AbortController();
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
    return this.#controller.signal;
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
    this.#controller.abort(reason);
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
