// Answers: what are the bytes of a body that stays on the disk?
// Owns: reading a range of it as a stream, one chunk at a time, each only when it is wanted; saying that it is read.
// Leaves out: where the chunks come from (`disk-reader.ts`), and how they got there (`disk-write.ts`).
import { CacheError } from "../errors.ts";
import type { OutsideBody } from "../message.ts";
import { CHUNK_BYTES } from "./disk-schema.ts";

/** Gives the chunks of one file. */
export interface ChunkSource {
  /** `undefined` where it is gone, or damaged. Throws what SQLite throws. */
  chunk(key: string, bodyId: number, at: number): Uint8Array | undefined;
  /** Has the chunks stay while they are read, until what it gives is called; once or more often. Never throws. */
  hold(bodyId: number): () => void;
}

/** Where a body lies: its number, once the file has it; 0 where it came to nothing. */
export interface DiskPlace {
  /** Of the response. */
  readonly key: string;
  bodyId: number | undefined;
  /** Settles with the number, never rejects; absent where it is known from the start. */
  readonly settled?: Promise<number> | undefined;
}

/** Chunks that are read before others have their turn, however fast a reader is. */
const CHUNKS_IN_A_ROW = 4;

/** A body in the file. */
export class DiskBody implements OutsideBody {
  readonly kind = "outside";
  readonly length: number;
  readonly source: ChunkSource;
  readonly place: DiskPlace;

  constructor(source: ChunkSource, length: number, place: DiskPlace) {
    this.source = source;
    this.length = length;
    this.place = place;
  }

  /**
   * Goes on to its end where the response is removed or evicted meanwhile. Waits for a body that is not committed yet, and breaks off where
   * it will not be.
   */
  read(first: number, last: number): ReadableStream<Uint8Array> | undefined {
    const { bodyId } = this.place;
    if (bodyId === 0 || (bodyId !== undefined && !this.#hasChunk(bodyId, first))) return undefined;
    let at = Math.floor(first / CHUNK_BYTES);
    const end = Math.min(last, this.length - 1);
    let chunks = 0;
    const release = this.#hold();
    const over = (finish: () => void): void => {
      release();
      finish();
    };
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const start = at * CHUNK_BYTES;
          if (start > end) return over(() => controller.close());
          if (++chunks % CHUNKS_IN_A_ROW === 0) await new Promise((resolve) => setImmediate(resolve));
          const bytes = this.#chunk(this.place.bodyId ?? (await this.place.settled) ?? 0, at++);
          if (bytes === undefined) return over(() => controller.error(gone()));
          controller.enqueue(bytes.subarray(Math.max(first - start, 0), end - start + 1));
          if (at * CHUNK_BYTES > end) over(() => controller.close());
        },
        cancel: release,
      },
      { highWaterMark: 0 },
    );
  }

  isThere(): boolean {
    const { bodyId } = this.place;
    return bodyId === undefined || (bodyId !== 0 && this.#hasChunk(bodyId, 0));
  }

  /** From when it is committed on; what is removed before somebody could be told breaks off. */
  #hold(): () => void {
    const { bodyId, settled } = this.place;
    if (bodyId !== undefined) return this.source.hold(bodyId);
    let isOver = false;
    let release: (() => void) | undefined;
    void settled?.then((id) => {
      if (!isOver && id !== 0) release = this.source.hold(id);
    });
    return () => {
      isOver = true;
      release?.();
    };
  }

  /** Of an empty body there is no chunk to be missed. */
  #hasChunk(bodyId: number, first: number): boolean {
    return this.length === 0 || this.#chunk(bodyId, Math.floor(first / CHUNK_BYTES)) !== undefined;
  }

  /** `undefined` where it is gone, cannot be read, or is not as long as it must be. */
  #chunk(bodyId: number, at: number): Uint8Array | undefined {
    try {
      const bytes = this.source.chunk(this.place.key, bodyId, at);
      return bytes?.length === Math.min(CHUNK_BYTES, this.length - at * CHUNK_BYTES) ? bytes : undefined;
    } catch {
      return undefined;
    }
  }
}

function gone(): CacheError {
  return new CacheError("disk-gone", "the stored body has left the disk while it was read");
}
