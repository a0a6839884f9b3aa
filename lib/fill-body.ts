// Answers: how one body from the origin reaches the store and any number of readers, each at its own pace.
// Owns: the chunks in flight, their freeing, back-pressure, and the difference between an end and a break.
// Leaves out: who reads and who waits (`collapse.ts`), what is stored (`store/`), when (`proxy.ts`).
import { OriginError } from "./errors.ts";
import type { StoredResponse } from "./message.ts";
import type { Finish, Writer } from "./store/store.ts";

/** What a body comes from and where it goes. */
export interface FillBodySource {
  readonly stream: ReadableStream<Uint8Array>;
  /** Bytes that must come, where they were announced. */
  readonly length: number | undefined;
  /** Milliseconds that the origin may be silent; then the body has broken off. `undefined` is for ever. */
  readonly silenceMs?: number | undefined;
  /** `undefined` where the body is passed on only. */
  readonly writer: Writer | undefined;
  /** What the bytes are once they are all there; absent where they are the complete body. */
  readonly finish?: Finish | undefined;
}

/** How a body ended: completely, with what was stored of it, or not. */
export type FillEnd =
  | { readonly kind: "complete"; readonly lengthBytes: number; readonly stored: StoredResponse | undefined }
  | { readonly kind: "broken"; readonly error: unknown };

/** What is used of a stream's reader. */
interface ByteReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(reason: unknown): Promise<void>;
}

/** Without a store to write to, the origin is read no further ahead of its only reader than this. */
const READ_AHEAD_BYTES = 256 * 1024;

/** How far one of several readers may lag behind the fastest before it is cut off, so that it does not stall the others. */
const MAX_LAG_BYTES = 4 * 2 ** 20;

/** Where a reader stands: the number of the chunk that it reads next. */
interface Position {
  at: number;
  /** Whether it has read all there is and waits for more. */
  isWaiting: boolean;
  isCutOff: boolean;
}

/** A body on its way. Reading starts at once; it ends by itself when nobody needs it any more. */
export class FillBody {
  /** Settles when the body has ended, either way; never rejects. */
  readonly ended: Promise<FillEnd>;
  /** Settles with the first chunk or the end; never rejects. */
  readonly started: Promise<void>;

  readonly #source: ByteReader;
  readonly #length: number | undefined;
  readonly #silenceMs: number | undefined;
  readonly #finishWrite: Finish | undefined;
  readonly #positions = new Set<Position>();
  #writer: Writer | undefined;
  /** Chunks from number `#base` on; earlier ones have been read by all and freed. */
  #chunks: Uint8Array[] = [];
  #base = 0;
  #keepsAll: boolean;
  #receivedBytes = 0;
  #end: FillEnd | undefined;
  #released = false;
  #abandoned = false;
  #news = Promise.withResolvers<void>();

  constructor(source: FillBodySource) {
    this.#source = source.stream.getReader();
    this.#length = source.length;
    this.#silenceMs = source.silenceMs;
    this.#finishWrite = source.finish;
    this.#writer = source.writer;
    this.#keepsAll = source.writer !== undefined;
    const started = Promise.withResolvers<void>();
    this.started = started.promise;
    this.ended = this.#pump(started.resolve);
  }

  /** How it ended, `undefined` while it has not. */
  get end(): FillEnd | undefined {
    return this.#end;
  }

  /** Whether a reader that comes now would still get the first byte. */
  get isJoinable(): boolean {
    return this.#base === 0 && this.#end?.kind !== "broken";
  }

  /** All bytes in one piece, once it has ended well and while none has been freed. */
  whole(): Uint8Array | undefined {
    if (this.#end?.kind !== "complete" || this.#base > 0) return undefined;
    return this.#chunks.length === 1 ? this.#chunks[0] : new Uint8Array(Bun.concatArrayBuffers(this.#chunks));
  }

  /** A stream of the body from its first byte. Breaks off where the body does, so that nobody sees a clean end. */
  reader(): ReadableStream<Uint8Array> {
    const position: Position = { at: 0, isWaiting: false, isCutOff: false };
    this.#positions.add(position);
    return new ReadableStream<Uint8Array>(
      {
        pull: (controller) => this.#next(position, controller),
        cancel: () => this.#leave(position),
      },
      { highWaterMark: 0 },
    );
  }

  /** To be called when all readers of the first hour are there: from now on the last one to leave may end it. */
  release(): void {
    this.#released = true;
    this.#abandonIfUnneeded();
  }

  /** The body is not to be stored any more; readers go on. */
  discard(): void {
    this.#writer?.abort();
    this.#writer = undefined;
    this.#keepsAll = false;
    this.#free();
    this.#abandonIfUnneeded();
  }

  async #pump(started: () => void): Promise<FillEnd> {
    try {
      for (;;) {
        await this.#readersKeepUp();
        const { done, value } = await this.#read();
        if (this.#abandoned) throw new OriginError("origin-incomplete", "nobody needed the rest of the body");
        if (done || value === undefined) break;
        this.#accept(value);
        started();
      }
      return this.#finish({ kind: "complete", lengthBytes: this.#receivedBytes, stored: this.#commit() });
    } catch (error) {
      this.#writer?.abort();
      this.#source.cancel(error).catch(() => {});
      return this.#finish({ kind: "broken", error });
    } finally {
      started();
    }
  }

  /** @throws OriginError where the origin is silent for too long. */
  async #read(): ReturnType<ByteReader["read"]> {
    if (this.#silenceMs === undefined) return this.#source.read();
    const silence = Promise.withResolvers<never>();
    const error = new OriginError("origin-timeout", `the body stopped for ${this.#silenceMs / 1000} s`);
    const timer = setTimeout(() => silence.reject(error), this.#silenceMs);
    try {
      return await Promise.race([this.#source.read(), silence.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits while nothing is stored and the readers lag behind: all of them, or one of several by not too much. */
  async #readersKeepUp(): Promise<void> {
    while (this.#writer === undefined && !this.#abandoned) {
      const buffered = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      if (buffered < READ_AHEAD_BYTES) return;
      if (this.#released && [...this.#positions].some(({ isWaiting }) => isWaiting)) {
        if (buffered >= MAX_LAG_BYTES) this.#cutOffSlowest();
        return;
      }
      await this.#news.promise;
    }
  }

  #cutOffSlowest(): void {
    for (const position of this.#positions) {
      if (position.isWaiting || position.at > this.#base) continue;
      position.isCutOff = true;
      this.#positions.delete(position);
    }
    this.#free();
    this.#tell();
  }

  /** Ends the request to the origin when the body is neither stored nor read by anybody. */
  #abandonIfUnneeded(): void {
    if (
      this.#released &&
      this.#writer === undefined &&
      this.#positions.size === 0 &&
      this.#end === undefined
    ) {
      this.#abandoned = true;
      this.#source.cancel("nobody needs the rest").catch(() => {});
    }
    this.#tell();
  }

  #accept(chunk: Uint8Array): void {
    this.#receivedBytes += chunk.length;
    this.#chunks.push(chunk);
    if (this.#writer?.write(chunk) === false) this.discard();
    this.#tell();
  }

  /** @throws OriginError where the body ended before or after its announced length. */
  #commit(): StoredResponse | undefined {
    if (this.#length !== undefined && this.#length !== this.#receivedBytes) {
      throw new OriginError(
        "origin-incomplete",
        `${this.#receivedBytes} bytes came, ${this.#length} were announced`,
      );
    }
    return this.#writer?.commit(this.#finishWrite);
  }

  #finish(end: FillEnd): FillEnd {
    this.#end = end;
    // What is stored need not be kept for slow readers a second time, unless it is little.
    if (this.#receivedBytes > READ_AHEAD_BYTES) this.#keepsAll = false;
    this.#free();
    this.#tell();
    return end;
  }

  async #next(position: Position, controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for (;;) {
      if (position.isCutOff) throw new OriginError("origin-incomplete", "this reader fell too far behind");
      const chunk = this.#chunks[position.at - this.#base];
      if (chunk !== undefined) {
        position.isWaiting = false;
        controller.enqueue(chunk);
        position.at++;
        return this.#free();
      }
      if (this.#end?.kind === "complete") {
        this.#positions.delete(position);
        return controller.close();
      }
      if (this.#end?.kind === "broken") throw this.#end.error;
      // Told once only: two waiting readers would wake each other for ever.
      if (!position.isWaiting) {
        position.isWaiting = true;
        this.#tell();
      }
      await this.#news.promise;
    }
  }

  #leave(position: Position): void {
    this.#positions.delete(position);
    this.#free();
    this.#abandonIfUnneeded();
  }

  /** Frees what every reader has read, unless a reader may still come for it. */
  #free(): void {
    if (this.#keepsAll || !this.#released) return;
    const slowest = Math.min(...[...this.#positions].map(({ at }) => at), this.#base + this.#chunks.length);
    if (slowest > this.#base) {
      this.#chunks.splice(0, slowest - this.#base);
      this.#base = slowest;
      this.#tell();
    }
  }

  /** Wakes all who wait: each looks for itself what has changed. */
  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }
}
