// Answers: where the bytes of a body are while it comes in.
// Owns: one place for all of it where its length is announced, so that what it came in is free at once; else the pieces.
// Leaves out: how much may come (`memory.ts`), and who reads it meanwhile (`fill-body.ts`).

import type { StoredBody } from "../message.ts";

/** Below, a copy takes less: bytes without a buffer that others could share. */
const KEPT_FROM_BYTES = 16 * 1024;

/** Of the buffer that a body came in, so much may be something else: its header section, as a rule. */
const MAX_WASTE_SHARE = 1 / 8;

/** Where nothing is said: below, copying is faster. */
const BLOB_FROM_BYTES = 32 * 1024;

/** Without Content-Type a wire cannot send a Blob as it is, and its Content-Length is lost. */
const UNTYPED_BLOB_FROM_BYTES = 2 ** 20;

/** The bytes of one body on its way in. */
export class GatheredBytes {
  /** In bytes; what is announced may be wrong. */
  readonly #announced: number | undefined;
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  /** The place for all of it. */
  #room: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;

  constructor(announced: number | undefined) {
    this.#announced = announced;
  }

  get length(): number {
    return this.#length;
  }

  /** Takes a piece, which must not be changed any more; where its bytes are from now on. */
  add(piece: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const [before, after] = [this.#length, this.#length + piece.length];
    this.#length = after;
    const isFirst = this.#room === undefined && this.#pieces.length === 0;
    if (isFirst && piece.length < (this.#announced ?? 0)) this.#room = new Uint8Array(this.#announced ?? 0);
    if (this.#room !== undefined && after <= this.#room.length) {
      this.#room.set(piece, before);
      return this.#room.subarray(before, after);
    }
    if (this.#room !== undefined) this.#pieces.push(this.#room.subarray(0, before));
    this.#room = undefined;
    this.#pieces.push(piece);
    return piece;
  }

  /** All bytes, in a buffer that holds little besides. */
  inOnePiece(): Uint8Array<ArrayBuffer> {
    if (this.#room?.length === this.#length) return this.#room;
    const pieces = this.pieces();
    const [only] = pieces;
    if (only !== undefined && pieces.length === 1) return withoutWaste(only);
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  }

  /** As a complete body: a Blob from `blobFromBytes` on, 32 KB where nothing is said. */
  asBody(isTyped: boolean, blobFromBytes = BLOB_FROM_BYTES): StoredBody {
    const fromBytes = isTyped ? blobFromBytes : Math.max(blobFromBytes, UNTYPED_BLOB_FROM_BYTES);
    if (this.#length < fromBytes) return { kind: "complete", bytes: this.inOnePiece() };
    return { kind: "blob", blob: new Blob([...this.pieces()]) };
  }

  /** The same as it lies there. */
  pieces(): readonly Uint8Array<ArrayBuffer>[] {
    return this.#room === undefined ? this.#pieces : [this.#room.subarray(0, this.#length)];
  }
}

function withoutWaste(piece: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (piece.length < KEPT_FROM_BYTES) return new Uint8Array(piece);
  const wasted = piece.buffer.byteLength - piece.length;
  return wasted > piece.length * MAX_WASTE_SHARE ? new Uint8Array(piece) : piece;
}
