// Answers: how a large body leaves on a web-standard wire without being copied for each client that reads slowly.
// Owns: the two forms in which such clients share it: pieces that are taken when they are asked for, and a Blob.
// Leaves out: which form a response needs (`web-message.ts`), what is stored as a Blob already (`store/memory.ts`).

/** Bytes of a piece at a time. */
const PIECE_BYTES = 256 * 1024;

/** A body piece by piece, each when it is asked for; the end of it is known by the chunks' end only. */
export function piecesOf(body: Uint8Array | Blob): ReadableStream<Uint8Array> {
  const length = body instanceof Blob ? body.size : body.length;
  let at = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        const end = Math.min(length, at + PIECE_BYTES);
        if (at === end) return controller.close();
        const piece = body instanceof Blob ? body.slice(at, end) : body.subarray(at, end);
        controller.enqueue(piece instanceof Blob ? new Uint8Array(await piece.arrayBuffer()) : piece);
        at = end;
      },
    },
    { highWaterMark: 0 },
  );
}

/** Those that were made, while an answer has them. */
const blobs = new WeakMap<ArrayBuffer, WeakRef<Blob>>();

/** The bytes as a Blob, which keeps its length on the wire; those who are sent them at the same time share one copy. */
export function sharedBlob({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): Blob {
  const known = blobs.get(buffer)?.deref();
  const whole = known ?? new Blob([buffer]);
  if (known === undefined) blobs.set(buffer, new WeakRef(whole));
  return length === buffer.byteLength ? whole : whole.slice(byteOffset, byteOffset + length);
}
