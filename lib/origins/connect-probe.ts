// Answers: does an origin accept connections at all, where the client that sends requests does not tell?
// Owns: the connect deadline on a wire that does not see connections: who waits, one probing connection for all of them.
// Leaves out: the connection itself (`wire/tcp-connect.ts`), the deadline for the header section (`forward.ts`).
import { OriginError } from "../errors.ts";
import type { After } from "./timer.ts";

/** Connects to an origin and closes the connection; rejects where there is none, and when the signal aborts. */
export type Connect = (origin: string, signal: AbortSignal) => Promise<void>;

/** What the probe works with; `nowMs` is a clock that is never set, such as `performance.now`. */
export interface ConnectProbeParts {
  readonly connect: Connect;
  readonly after: After;
  readonly nowMs: () => number;
}

/** One exchange that waits for its header section. */
export interface Watch {
  /** It waits no longer; a second call does nothing. */
  done(): void;
}

/**
 * The connect deadline of one origin. When somebody has waited for half of it, a connection is tried, with the other
 * half as its limit. If nothing is heard by then, all who waited when it was tried are given up: each after at least
 * half of the deadline and at most the whole.
 *
 * Only silence counts. Where a connection is refused, one that is asked for anew would have been refused as well: who
 * still waits then has a connection, perhaps to an origin that shuts down and answers what it has begun.
 */
export class ConnectProbe {
  readonly #origin: string;
  readonly #timeoutMs: number;
  readonly #parts: ConnectProbeParts;
  /** For whom no connection was tried yet, in the order in which they came. */
  #waiting = new Set<Watched>();
  /** For whom it is being tried. */
  #probed = new Set<Watched>();
  #isTimed = false;
  #endProbe: ((isSilent: boolean) => void) | undefined;

  /** @param timeoutMs the connect deadline in milliseconds, 0 for none. */
  constructor(origin: string, timeoutMs: number, parts: ConnectProbeParts) {
    this.#origin = origin;
    this.#timeoutMs = timeoutMs;
    this.#parts = parts;
  }

  /**
   * From sending a request until its header section is there, or the exchange has failed: then it must be `done`.
   * One timer serves all: an exchange that is answered at once costs an entry in a set. `giveUp` must not throw.
   */
  watch(giveUp: (error: OriginError) => void): Watch {
    if (this.#timeoutMs === 0) return UNWATCHED;
    const watched = new Watched(this.#leave, giveUp, this.#parts.nowMs());
    this.#waiting.add(watched);
    this.#look();
    return watched;
  }

  readonly #leave = (watched: Watched): void => {
    this.#waiting.delete(watched);
    if (this.#probed.delete(watched) && this.#probed.size === 0) this.#endProbe?.(false);
  };

  #lookAfter(ms: number): void {
    this.#isTimed = true;
    this.#parts.after(ms, () => {
      this.#isTimed = false;
      this.#look();
    });
  }

  /** What is to be done for who waits longest: to wait for the time, or to try. Nothing, while either is under way. */
  #look(): void {
    if (this.#isTimed || this.#endProbe !== undefined) return;
    for (const { sinceMs } of this.#waiting) {
      const leftMs = sinceMs + this.#timeoutMs / 2 - this.#parts.nowMs();
      if (leftMs > 0) this.#lookAfter(leftMs);
      else this.#probe();
      return;
    }
  }

  #probe(): void {
    const probed = this.#waiting;
    const connecting = new AbortController();
    const end = (isSilent: boolean): void => {
      if (this.#endProbe !== end) return;
      this.#endProbe = undefined;
      this.#probed = new Set();
      callOff();
      connecting.abort();
      const error = new OriginError("origin-timeout", `no connection within ${this.#timeoutMs / 1000} s`);
      if (isSilent) for (const watched of probed) watched.giveUp(error);
      this.#look();
    };
    this.#probed = probed;
    this.#waiting = new Set();
    this.#endProbe = end;
    const callOff = this.#parts.after(this.#timeoutMs / 2, () => end(true));
    this.#parts.connect(this.#origin, connecting.signal).then(
      () => end(false),
      () => end(false),
    );
  }
}

class Watched implements Watch {
  readonly sinceMs: number;
  readonly #leave: (watched: Watched) => void;
  #giveUp: ((error: OriginError) => void) | undefined;

  constructor(leave: (watched: Watched) => void, giveUp: (error: OriginError) => void, sinceMs: number) {
    this.#leave = leave;
    this.#giveUp = giveUp;
    this.sinceMs = sinceMs;
  }

  giveUp(error: OriginError): void {
    const giveUp = this.#giveUp;
    this.#giveUp = undefined;
    giveUp?.(error);
  }

  done(): void {
    this.#giveUp = undefined;
    this.#leave(this);
  }
}

/** Where there is no deadline. */
const UNWATCHED: Watch = { done() {} };
