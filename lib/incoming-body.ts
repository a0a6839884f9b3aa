// Answers: how the bytes of one response come in, although the connection may fall silent or break.
// Owns: the deadline between two bytes, and going on after a break where the rest can be had.
// Leaves out: asking for the rest (`resumption.ts`), where the bytes go (`fill-body.ts`).
import { OriginError } from "./errors.ts";
import type { ByteReader } from "./message.ts";
import { limitsOf } from "./time-limits.ts";

/** The rest of a body, on another connection. */
export interface Rest {
  readonly reader: ByteReader;
  /** Bytes of the whole body, what came before included. */
  readonly wholeLength: number;
}

/** One response whose head is there. */
export interface Incoming {
  readonly reader: ByteReader;
  /** Milliseconds that may pass without a byte; 0 is for ever. */
  readonly betweenBytesMs: number;
  /** Aborted when the response as a whole takes too long; its reason is then what went wrong. */
  readonly signal: AbortSignal;
  /** Asks for all from byte `at` on; `undefined` where that is answered with something else. Absent: cannot be asked. */
  readonly resume?: ((at: number) => Promise<Rest | undefined>) | undefined;
  /** The same from byte `at` on, for a reader of its own. */
  readonly alone?: ((at: number) => Promise<ByteReader | undefined>) | undefined;
  /** Called once, when nothing more comes: `true` where it came to its end, `false` where it broke or was cancelled. */
  readonly onEnd: (isComplete: boolean) => void;
}

/** Where a body goes on that began in another response: bytes before, bytes in all. */
export interface Continued {
  readonly at: number;
  readonly wholeLength: number;
}

/** Pauses before each try to go on, in milliseconds; they start anew with each byte that comes. */
const RESUME_PAUSES_MS = [0, 250, 1000];

/** Reads a response as if its connection never broke. */
export class IncomingBody implements ByteReader {
  readonly from?: (at: number) => Promise<ByteReader | undefined>;
  readonly #incoming: Incoming;
  #reader: ByteReader;
  #at: number;
  #wholeLength: number | undefined;
  #tries = 0;
  #hasEnded = false;
  #isCancelled = false;
  #failure: unknown;

  constructor(incoming: Incoming, continued?: Continued) {
    this.#incoming = incoming;
    this.#reader = incoming.reader;
    if (incoming.alone !== undefined) this.from = incoming.alone;
    this.#at = continued?.at ?? 0;
    this.#wholeLength = continued?.wholeLength;
  }

  async read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }> {
    // Never a clean end after a break.
    if (this.#failure !== undefined) throw this.#failure;
    for (;;) {
      try {
        const result = await this.#readInTime();
        this.#at += result.value?.length ?? 0;
        this.#mustFit(result.done);
        if (result.done) this.#ends(true);
        this.#tries = 0;
        return result;
      } catch (error) {
        this.#reader.cancel(error).catch(() => {});
        if (await this.#goesOn(error)) continue;
        const { aborted, reason } = this.#incoming.signal;
        this.#ends(false);
        this.#failure = aborted ? reason : error;
        throw this.#failure;
      }
    }
  }

  async cancel(reason?: unknown): Promise<void> {
    this.#isCancelled = true;
    this.#ends(false);
    await this.#reader.cancel(reason);
  }

  #ends(isComplete: boolean): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#incoming.onEnd(isComplete);
  }

  /** The framing of the rest may be chunked, and then says nothing about its length. */
  #mustFit(isDone: boolean): void {
    const whole = this.#wholeLength;
    if (whole === undefined || (isDone ? this.#at === whole : this.#at <= whole)) return;
    throw new OriginError("origin-incomplete", `${this.#at} bytes came, ${whole} were announced`);
  }

  #readInTime(): ReturnType<ByteReader["read"]> {
    const { betweenBytesMs } = this.#incoming;
    if (betweenBytesMs === 0) return this.#reader.read();
    return new Promise((resolve, reject) => {
      const silence = limitsOf(betweenBytesMs).begin(() =>
        reject(new OriginError("origin-timeout", `the body stopped for ${betweenBytesMs / 1000} s`)),
      );
      this.#reader
        .read()
        .finally(() => silence.end())
        .then(resolve, reject);
    });
  }

  /** Whether there is a new connection to read the rest from. */
  async #goesOn(error: unknown): Promise<boolean> {
    const { resume, signal } = this.#incoming;
    if (resume === undefined || (error instanceof OriginError && error.code === "origin-timeout"))
      return false;
    while (this.#tries < RESUME_PAUSES_MS.length) {
      const pauseMs = RESUME_PAUSES_MS[this.#tries++] ?? 0;
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (this.#isCancelled || signal.aborted) return false;
      const rest = await resume(this.#at).catch(() => "failed" as const);
      if (rest === "failed") continue;
      if (rest === undefined) return false;
      this.#reader = rest.reader;
      this.#wholeLength = rest.wholeLength;
      if (!this.#isCancelled) return true;
      rest.reader.cancel("nobody needs the rest").catch(() => {});
      return false;
    }
    return false;
  }
}
