// Answers: how the bytes of a file get into a response.
// Owns: whole bytes in memory, and the stream that breaks off rather than mix two states of a file.
// Leaves out: opening and hashing (`origin-file.ts`, `origin-hash.ts`), which parts are sent (`origin-range.ts`).
import { closeSync } from "node:fs";
import type { ByteRange } from "./rfc9111/range.ts";
import { sameBytes, snapshotOf, type Snapshot } from "./origin-snapshot.ts";

/** Something that is sent: bytes as they are, or a range of the file. */
export type Piece = Uint8Array<ArrayBuffer> | ByteRange;

/** The bytes that `hash` was made of. Either `body` or `close` is called, once. */
export interface Content {
  readonly size: number;
  readonly hash: string;
  /** Ranges must ascend without overlap: the file is read forward only. */
  body(pieces: readonly Piece[]): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  close(): void;
}

/** How many bytes a piece sends. */
export function lengthOf(piece: Piece): number {
  return piece instanceof Uint8Array ? piece.length : piece.last - piece.first + 1;
}

const CHUNK_BYTES = 256 * 1024;

/** Content that lies in memory. */
export function bytesContent(bytes: Uint8Array<ArrayBuffer>, hash: string): Content {
  return {
    size: bytes.length,
    hash,
    body(pieces) {
      const parts = pieces.map((piece) =>
        piece instanceof Uint8Array ? piece : bytes.subarray(piece.first, piece.last + 1),
      );
      const [only] = parts;
      return parts.length === 1 && only !== undefined ? only : new Uint8Array(Buffer.concat(parts));
    },
    close() {},
  };
}

/**
 * Content of an open file at position 0, read while it is sent, at most one chunk ahead of the client.
 * After each chunk the file is looked at again: bytes read before a change belong to what was hashed, later ones
 * do not, so then the stream errs and the connection breaks off.
 */
export class StreamedContent implements Content {
  readonly size: number;
  readonly hash: string;
  readonly #fd: number;
  readonly #snapshot: Snapshot;
  #reading = false;
  #ended = false;

  constructor(fd: number, snapshot: Snapshot, hash: string) {
    this.#fd = fd;
    this.#snapshot = snapshot;
    this.size = snapshot.size;
    this.hash = hash;
  }

  body(pieces: readonly Piece[]): ReadableStream<Uint8Array> {
    const readers = pieces.map((piece) => this.#reader(piece));
    const next = async (): Promise<Uint8Array> => {
      for (let reader = readers[0]; reader !== undefined; reader = readers[0]) {
        const bytes = await reader();
        if (bytes.length > 0) return bytes;
        readers.shift();
      }
      return new Uint8Array(0);
    };
    return new ReadableStream<Uint8Array>(
      {
        pull: (controller) => this.#pull(controller, next),
        cancel: () => this.close(),
      },
      { highWaterMark: 0 },
    );
  }

  /** Closes the file, at once or when the read that is under way has ended: its number must not be given away before. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.#reading) closeSync(this.#fd);
  }

  async #pull(
    controller: ReadableStreamDefaultController<Uint8Array>,
    next: () => Promise<Uint8Array>,
  ): Promise<void> {
    this.#reading = true;
    try {
      const bytes = await next();
      if (this.#ended) return;
      if (!sameBytes(this.#snapshot, snapshotOf(this.#fd)))
        throw new Error("the file changed while being sent");
      if (bytes.length > 0) return controller.enqueue(bytes);
      controller.close();
      this.#ended = true;
    } catch (error) {
      controller.error(error);
      this.#ended = true;
    } finally {
      this.#reading = false;
      if (this.#ended) closeSync(this.#fd);
    }
  }

  #reader(piece: Piece): () => Promise<Uint8Array> {
    if (!(piece instanceof Uint8Array)) return readForward(this.#fd, piece);
    const parts = [piece];
    return async () => parts.shift() ?? new Uint8Array(0);
  }
}

/**
 * Reads a range of an open file chunk by chunk; no bytes are the end.
 * `Bun.file(fd).slice(0, n)` reads from where the file was left and not from 0, hence only forward.
 * The function it returns rejects when the file has become too short.
 */
export function readForward(fd: number, range: ByteRange): () => Promise<Uint8Array> {
  let at = range.first;
  return async () => {
    const until = Math.min(at + CHUNK_BYTES, range.last + 1);
    if (until <= at) return new Uint8Array(0);
    const bytes = await Bun.file(fd).slice(at, until).bytes();
    if (bytes.length !== until - at) throw new Error("the file became shorter while it was read");
    at = until;
    return bytes;
  };
}
