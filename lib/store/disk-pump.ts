// Answers: how do larger bodies that memory has get onto the disk without taking twice the room?
// Owns: handing them over in pieces, one body after the other, while there is room in the queue.
// Leaves out: small ones, which are copied at once (`disk.ts`), and the writes themselves (`disk-write.ts`).
import type { StoredBody, StoredResponse } from "../message.ts";
import type { Card } from "./disk-messages.ts";
import type { DiskQueue } from "./disk-queue.ts";
import type { DiskWrites } from "./disk-write.ts";
import type { Writer } from "./store.ts";

/** Bytes that are handed over before others have their turn. */
const PIECE_BYTES = 262_144;

/** Bodies on their way. */
export class DiskPump {
  readonly #queue: DiskQueue;
  readonly #writes: DiskWrites;
  readonly #maxBytes: number;
  readonly #onSkip: () => void;
  #last: Promise<void> = Promise.resolve();
  #bytes = 0;
  /** Bodies that are not handed over to the end. */
  length = 0;

  /**
   * At most `maxBytes` wait here, besides those in the queue: they are kept for it, not copied. `onSkip` is called for a
   * body that does not get to its end.
   */
  constructor(
    queue: DiskQueue,
    writes: DiskWrites,
    { maxBytes, onSkip }: { readonly maxBytes: number; readonly onSkip: () => void },
  ) {
    this.#queue = queue;
    this.#writes = writes;
    this.#maxBytes = maxBytes;
    this.#onSkip = onSkip;
  }

  /** Whether a body of so many bytes may be added; one that is larger than all the room may, on its own. */
  hasRoom(bytes: number): boolean {
    if (!this.#queue.hasRoom(Math.min(bytes, PIECE_BYTES))) return false;
    return this.#bytes === 0 || this.#bytes + bytes <= this.#maxBytes;
  }

  /** Its place in the order is here: what is removed from now on, it is with it. */
  add(stored: StoredResponse, card: Card): void {
    const { body } = stored;
    if (body.kind !== "complete" && body.kind !== "blob") return;
    const source = body.kind === "complete" ? new Blob([]) : body.blob;
    const length = body.kind === "complete" ? body.bytes.length : source.size;
    const writer = this.#writes.begin({
      ...{ head: stored, card, lengthBytes: length, maxBytes: length, isPut: true },
    });
    this.length++;
    this.#bytes += length;
    const piece = (from: number, to: number): Promise<Uint8Array> | Uint8Array =>
      body.kind === "complete" ? body.bytes.subarray(from, to) : bytesOf(source.slice(from, to));
    this.#last = this.#last
      .then(() => handOver(writer, length, piece))
      .catch(() => false)
      .then((isWhole) => {
        writer.abort();
        if (!isWhole) this.#onSkip();
        this.length--;
        this.#bytes -= length;
      });
  }

  /** Settles when all are handed over. */
  idle(): Promise<void> {
    return this.#last;
  }
}

async function handOver(
  writer: Writer,
  length: number,
  piece: (from: number, to: number) => Promise<Uint8Array> | Uint8Array,
): Promise<boolean> {
  for (let from = 0; from < length; from += PIECE_BYTES) {
    await writer.ready?.();
    await new Promise((resolve) => setImmediate(resolve));
    if (writer.write(await piece(from, Math.min(from + PIECE_BYTES, length))) === false) return false;
  }
  return writer.commit() !== undefined;
}

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}

/** Of a body that is complete, in bytes. */
export function lengthOf(body: Exclude<StoredBody, { kind: "partial" }>): number {
  if (body.kind === "blob") return body.blob.size;
  return body.kind === "complete" ? body.bytes.length : body.length;
}
