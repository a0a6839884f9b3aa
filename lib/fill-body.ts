// Answers: how one body from the origin reaches the store and any number of readers, each at its own pace.
// Owns: the chunks in flight, their freeing, back-pressure, and the difference between an end and a break.
// Leaves out: who reads and who waits (`collapse.ts`), how the bytes come in (`incoming-body.ts`), the store (`store/`).
import type { DigestCheck } from "./digest.ts";
import { OriginError } from "./errors.ts";
import type { StoredResponse } from "./message.ts";
import type { FillBodySource } from "./fill-source.ts";
import { ReadingPosition } from "./reading-position.ts";
import { Signal } from "./signal.ts";
import type { Writer } from "./store/store.ts";
import { StoredRest } from "./stored-rest.ts";

/** How a body ended: completely, with what was stored of it, or not. */
export type FillEnd =
  | { readonly kind: "complete"; readonly lengthBytes: number; readonly stored: StoredResponse | undefined }
  | { readonly kind: "broken"; readonly error: unknown };

/** Without a store to write to, the origin is read no further ahead of its fastest reader than this. */
export const READ_AHEAD_BYTES = 256 * 1024;

const MAX_LAG_BYTES = 4 * 2 ** 20;

type Controller = ReadableStreamDefaultController<Uint8Array>;

/** A body on its way. Reading starts at once; it ends by itself when nobody needs it any more. */
export class FillBody {
  /** Settles when the body has ended, either way; never rejects. */
  readonly ended: Promise<FillEnd>;
  /** Settles with the first chunk or the end; never rejects. */
  readonly started: Promise<void>;
  readonly #source: FillBodySource;
  readonly #positions = new Set<ReadingPosition>();
  readonly #maxLagBytes: number;
  #writer: Writer | undefined;
  #digest: DigestCheck | undefined;
  /** Chunks from number `#base` on; earlier ones have been read by all and freed. */
  #chunks: Uint8Array[] = [];
  #base = 0;
  #keepsAll: boolean;
  #receivedBytes = 0;
  #end: FillEnd | undefined;
  /** Takes the place of the chunks once the response is stored. */
  #rest: StoredRest | undefined;
  #released = false;
  #abandoned = false;
  /** For readers: a chunk, the end, a cut. */
  readonly #news = new Signal();
  /** For the pump: a reader has moved or left. */
  readonly #progress = new Signal();
  constructor(source: FillBodySource) {
    this.#source = source;
    this.#maxLagBytes = source.maxLagBytes ?? MAX_LAG_BYTES;
    this.#writer = source.writer;
    this.#digest = source.digest;
    this.#keepsAll = source.writer !== undefined;
    let start = (): void => {};
    this.started = new Promise((resolve) => (start = resolve));
    this.ended = source.whole === undefined ? this.#pump(start) : Promise.resolve(this.#take(source.whole));
    if (this.#end !== undefined) start();
  }

  /** How it ended, `undefined` while it has not. */
  get end(): FillEnd | undefined {
    return this.#end;
  }

  /** Whether a reader that comes now would still get the first byte. */
  get isJoinable(): boolean {
    if (this.#end?.kind === "broken" || this.#abandoned) return false;
    return this.#rest === undefined ? this.#base === 0 : this.#rest.from === 0;
  }

  /** All bytes in one piece, once it has ended well and while none has been freed. */
  whole(): Uint8Array | undefined {
    if (this.#end?.kind !== "complete" || this.#base > 0 || this.#rest !== undefined) return undefined;
    return this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
  }

  /** A stream of the body from its first byte. Breaks off where the body does, so that nobody sees a clean end. */
  reader(): ReadableStream<Uint8Array> {
    const position = new ReadingPosition();
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
    this.#free();
  }

  /** The body is not to be stored any more; readers go on. */
  discard(): void {
    this.#writer?.abort();
    this.#writer = undefined;
    this.#keepsAll = false;
    this.#free();
    this.#abandonIfUnneeded();
  }

  #take(whole: Uint8Array): FillEnd {
    try {
      if (whole.length > 0) this.#accept(whole);
      return this.#finish(this.#completed());
    } catch (error) {
      return this.#broken(error);
    }
  }

  async #pump(started: () => void): Promise<FillEnd> {
    try {
      for (;;) {
        await this.#readersKeepUp();
        const ready = this.#writer?.ready?.();
        if (ready !== undefined) await ready;
        const { done, value } = await this.#source.reader.read();
        if (this.#abandoned) throw new OriginError("origin-incomplete", "nobody needed the rest of the body");
        if (done || value === undefined) break;
        this.#accept(value);
        started();
      }
      return this.#finish(this.#completed());
    } catch (error) {
      this.#source.reader.cancel(error).catch(() => {});
      return this.#broken(error);
    } finally {
      started();
    }
  }

  /** Waits while nothing is stored and the readers lag behind: all of them, or one of several by not too much. */
  async #readersKeepUp(): Promise<void> {
    while (!this.#isKept && !this.#abandoned) {
      const positions = [...this.#positions];
      // Then it is the store alone that says how fast it goes on.
      if (positions.length === 0 && this.#released && this.#writer !== undefined) return;
      const read = positions.map(({ bytes }) => bytes);
      let patienceMs = Number.POSITIVE_INFINITY;
      if (this.#receivedBytes - Math.max(0, ...read) < READ_AHEAD_BYTES) {
        if (this.#receivedBytes - Math.min(...read) < this.#maxLagBytes || !this.#released) return;
        if (positions.some(({ isWaiting }) => isWaiting)) patienceMs = this.#cutOffSlowest();
      }
      await this.#progress.within(patienceMs);
    }
  }

  /** Whether readers may take their time: all bytes are in the store, and can be read there. */
  get #isKept(): boolean {
    return this.#writer !== undefined && this.#writer.keepsBytes !== false;
  }

  /**
   * Those that lag too far behind and can go on alone, or have stopped reading. Who reads on, if slowly, and could not
   * go on alone, is waited for: for how long at the most, in milliseconds; 0 where somebody was cut off.
   */
  #cutOffSlowest(mayWait = true): number {
    let patienceMs = Number.POSITIVE_INFINITY;
    const before = this.#positions.size;
    for (const position of this.#positions) {
      if (this.#receivedBytes - position.bytes < this.#maxLagBytes) continue;
      const waitsMs = mayWait && this.#source.reader.from === undefined ? position.patienceMs : 0;
      patienceMs = Math.min(patienceMs, Math.max(0, waitsMs));
      if (waitsMs > 0) continue;
      position.isCutOff = true;
      this.#positions.delete(position);
    }
    if (this.#positions.size === 0) this.#rest?.release();
    // Where nobody was, there is no news: who waits would look in vain, say so, and be answered with the same, for ever.
    if (this.#positions.size === before) return patienceMs;
    this.#free();
    this.#news.tell();
    return patienceMs;
  }

  async #readAlone(position: ReadingPosition, controller: Controller): Promise<void> {
    position.alone ??= this.#source.reader.from?.(position.bytes);
    const reader = await position.alone;
    if (reader === undefined) throw new OriginError("origin-incomplete", "this reader fell too far behind");
    const { done, value } = await reader.read();
    if (done || value === undefined) controller.close();
    else controller.enqueue(value);
  }

  /** Ends the request to the origin when the body is neither stored nor read by anybody. */
  #abandonIfUnneeded(): void {
    const isNeeded = this.#writer !== undefined || this.#positions.size > 0 || this.#end !== undefined;
    if (this.#released && !isNeeded && !this.#abandoned) {
      this.#abandoned = true;
      this.#source.reader.cancel("nobody needs the rest").catch(() => {});
    }
    this.#progress.tell();
  }

  #accept(chunk: Uint8Array): void {
    this.#receivedBytes += chunk.length;
    this.#digest?.update(chunk);
    const kept = this.#writer?.write(chunk) ?? chunk;
    this.#chunks.push(kept === false ? chunk : kept);
    if (kept === false) this.discard();
    this.#keepsAll &&= this.#isKept;
    if (this.#receivedBytes > (this.#source.joinBytes ?? 0)) this.#free();
    this.#news.tell();
  }

  /** @throws OriginError where the body ended before or after its announced length, or is not what its digest says. */
  #completed(): FillEnd {
    const { length, finish } = this.#source;
    const lengthBytes = this.#receivedBytes;
    if (length !== undefined && length !== lengthBytes)
      throw new OriginError("origin-incomplete", `${lengthBytes} bytes came, ${length} were announced`);
    if (this.#digest?.holds() === false)
      throw new OriginError("origin-corrupt", "the body is not what its digest says (RFC 9530)");
    return { kind: "complete", lengthBytes, stored: this.#writer?.commit(finish) };
  }

  #broken(error: unknown): FillEnd {
    this.#writer?.abort();
    return this.#finish({ kind: "broken", error });
  }

  #finish(end: FillEnd): FillEnd {
    this.#end = end;
    if (this.#receivedBytes > READ_AHEAD_BYTES) {
      if (end.kind === "complete" && end.stored !== undefined && this.#keepsAll) this.#readOnFrom(end.stored);
      this.#keepsAll = false;
    }
    this.#free();
    this.#news.tell();
    return end;
  }

  /** What is stored need not be kept for slow readers a second time. */
  #readOnFrom(stored: StoredResponse): void {
    const { hold, first = 0 } = this.#source;
    if (hold === undefined || this.#positions.size === 0) return;
    this.#rest = new StoredRest({ stored, first, length: this.#receivedBytes, hold }, () => {
      this.#cutOffSlowest(false);
      return Math.min(this.#receivedBytes, ...[...this.#positions].map(({ bytes }) => bytes));
    });
    this.#base += this.#chunks.length;
    this.#chunks = [];
  }

  async #next(position: ReadingPosition, controller: Controller): Promise<void> {
    for (;;) {
      if (position.isCutOff) return this.#readAlone(position, controller);
      const found = this.#chunkFor(position);
      // Not awaited without need: what is told meanwhile would be missed.
      const chunk = found instanceof Promise ? await found : found;
      if (chunk !== undefined) {
        position.advance(chunk.length);
        controller.enqueue(chunk);
        this.#free();
        return this.#progress.tell();
      }
      if (this.#end?.kind === "complete") {
        this.#leave(position);
        return controller.close();
      }
      if (this.#end?.kind === "broken") throw this.#end.error;
      const news = this.#news.next();
      position.isWaiting = true;
      this.#progress.tell();
      await news;
    }
  }

  #chunkFor(position: ReadingPosition): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.#rest !== undefined) return this.#rest.read(position.bytes, READ_AHEAD_BYTES);
    const chunk = this.#chunks[position.at - this.#base];
    // Where the length is known, the last bytes are a clean end: they wait until they are known to be right.
    const isLast = position.bytes + (chunk?.length ?? 0) === this.#source.length;
    return isLast && this.#digest !== undefined && this.#end?.kind !== "complete" ? undefined : chunk;
  }

  #leave(position: ReadingPosition): void {
    position.alone?.then((reader) => reader?.cancel("nobody reads it")).catch(() => {});
    this.#positions.delete(position);
    if (this.#positions.size === 0) this.#rest?.release();
    this.#free();
    this.#abandonIfUnneeded();
  }

  /** Frees what every reader has read, unless a reader may still come for it. */
  #free(): void {
    if (this.#keepsAll || !this.#released) return;
    if (this.#end === undefined && this.#receivedBytes <= (this.#source.joinBytes ?? 0)) return;
    const slowest = Math.min(...[...this.#positions].map(({ at }) => at), this.#base + this.#chunks.length);
    if (slowest <= this.#base) return;
    this.#chunks.splice(0, slowest - this.#base);
    this.#base = slowest;
  }
}
