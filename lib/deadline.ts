// Answers: how long one exchange with the origin may take.
// Owns: the time to the header section and the time to the end, and giving the exchange up when one is over.
// Leaves out: the time between two bytes (`incoming-body.ts`), the time to connect (`origins/connect-probe.ts`).
import { OriginError } from "./errors.ts";

/** How long the origin may take, in milliseconds; 0 is for ever. */
export interface Deadlines {
  readonly firstByteMs: number;
  readonly betweenBytesMs: number;
  readonly totalMs: number;
}

type Timer = ReturnType<typeof setTimeout>;

/** The time of one exchange, which begins now. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #firstByteMs: number;
  readonly #total: Timer | undefined;
  #head: Timer | undefined;

  constructor({ firstByteMs, totalMs }: Deadlines) {
    this.#firstByteMs = firstByteMs;
    if (totalMs > 0)
      this.#total = setTimeout(() => this.#isOver("not all of the response", totalMs), totalMs);
    this.awaitHead();
  }

  /** Aborts when time is over, with an `OriginError` as its reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** A header section is waited for: from now on, it has to come in time. */
  awaitHead(): void {
    const ms = this.#firstByteMs;
    clearTimeout(this.#head);
    if (ms > 0) this.#head = setTimeout(() => this.#isOver("no response", ms), ms);
  }

  /** It is there. */
  headCame(): void {
    clearTimeout(this.#head);
  }

  /** Gives the exchange up for another reason. */
  giveUp(reason: OriginError): void {
    this.#controller.abort(reason);
  }

  /** The exchange is over; nothing is aborted any more. */
  end(): void {
    clearTimeout(this.#head);
    clearTimeout(this.#total);
  }

  #isOver(what: string, ms: number): void {
    this.giveUp(new OriginError("origin-timeout", `${what} within ${ms / 1000} s`));
  }
}
