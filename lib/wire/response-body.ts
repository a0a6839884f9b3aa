// Answers: how the bytes of an origin's response reach whoever reads them, and where they end.
// Owns: the three framings of RFC 9112 §6.3, what waits for a slow reader, a break that is never a clean end.
// Leaves out: the connection (`origin-connection.ts`), lines of chunks (`chunked-coding.ts`).
import type { ByteReader } from "../message.ts";
import { ChunkedCoding } from "./chunked-coding.ts";
import type { Framing } from "./response-head.ts";

type Read = Awaited<ReturnType<ByteReader["read"]>>;

/** What is done to the connection of a body. */
export interface BodySource {
  pause(): void;
  resume(): void;
  /** Ends it: nobody reads on. */
  breakOff(reason: unknown): void;
}

/** More than this is not read ahead of a reader, but for what the kernel hands over in one piece. */
const READ_AHEAD_BYTES = 64 * 1024;

/** One body on its way in. */
export class ResponseBody implements ByteReader {
  readonly #source: BodySource;
  readonly #chunked: ChunkedCoding | undefined;
  /** Bytes that are still to come, where that is known. */
  #left: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isPaused = false;
  #isComplete = false;
  #failure: { readonly reason: unknown } | undefined;
  #resolve: ((read: Read) => void) | undefined;
  #reject: ((reason: unknown) => void) | undefined;

  constructor(framing: Framing, source: BodySource) {
    this.#source = source;
    this.#chunked = framing === "chunked" ? new ChunkedCoding() : undefined;
    this.#left = typeof framing === "number" ? framing : Number.POSITIVE_INFINITY;
    this.#isComplete = framing === 0;
  }

  /** Whether all of it is there. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /**
   * What comes on the connection. How many bytes of it are of this body: those behind are not.
   * @throws Error where they are malformed.
   */
  accept(bytes: Buffer): number {
    if (this.#chunked !== undefined) {
      const { used, content, isEnd } = this.#chunked.decode(bytes);
      this.#isComplete = isEnd;
      this.#add(content);
      return used;
    }
    const used = Math.min(bytes.length, this.#left);
    this.#left -= used;
    this.#isComplete = this.#left === 0;
    this.#add(used < bytes.length ? bytes.subarray(0, used) : bytes);
    return used;
  }

  /** The connection has ended in order. Whether that is the end of the body. */
  endOfConnection(): boolean {
    if (this.#chunked === undefined && this.#left === Number.POSITIVE_INFINITY) this.#isComplete = true;
    this.#tell();
    return this.#isComplete;
  }

  /** It has broken off; the first reason counts. What came before can still be read. */
  fail(reason: unknown): void {
    if (!this.#isComplete) this.#failure ??= { reason };
    this.#tell();
  }

  /** All that came, where nobody has read any of it. */
  taken(): Uint8Array {
    const [only] = this.#waiting;
    const bytes = only !== undefined && this.#waiting.length === 1 ? only : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    return bytes;
  }

  read(): Promise<Read> {
    const value = this.#next();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#failure !== undefined) return Promise.reject(this.#failure.reason);
    if (this.#isComplete) return Promise.resolve({ done: true });
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  async cancel(): Promise<void> {
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#isComplete) return;
    this.#failure ??= { reason: new Error("the body was cancelled") };
    this.#source.breakOff(undefined);
    this.#tell();
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length > 0) {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
    this.#tell();
    if (this.#isComplete) return this.#goOn();
    if (this.#isPaused || this.#waitingBytes <= READ_AHEAD_BYTES) return;
    this.#isPaused = true;
    this.#source.pause();
  }

  #goOn(): void {
    if (this.#isPaused) this.#source.resume();
    this.#isPaused = false;
  }

  #next(): Uint8Array | undefined {
    const value = this.#waiting.shift();
    if (value === undefined) return undefined;
    this.#waitingBytes -= value.length;
    if (this.#waitingBytes <= READ_AHEAD_BYTES) this.#goOn();
    return value;
  }

  /** Whoever waits learns what there is. */
  #tell(): void {
    const resolve = this.#resolve;
    const reject = this.#reject;
    if (resolve === undefined) return;
    const value = this.#next();
    if (value === undefined && this.#failure === undefined && !this.#isComplete) return;
    this.#resolve = undefined;
    this.#reject = undefined;
    if (value !== undefined) resolve({ done: false, value });
    else if (this.#failure !== undefined) reject?.(this.#failure.reason);
    else resolve({ done: true });
  }
}
