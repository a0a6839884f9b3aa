// Answers: how does a body that is too large for memory get onto the disk?
// Owns: cutting it into chunks as it comes, back-pressure, and what is known of it before it is there.
// Leaves out: the queue (`disk-queue.ts`), what the writing thread makes of it (`disk-bodies.ts`).
import type { StoredHead, StoredResponse } from "../message.ts";
import { encodeHead, variantOf } from "./codec.ts";
import { DiskBody, type ChunkSource, type DiskPlace } from "./disk-body.ts";
import type { Card } from "./disk-messages.ts";
import type { DiskQueue } from "./disk-queue.ts";
import { record } from "./disk-reader.ts";
import { CHUNK_BYTES } from "./disk-schema.ts";
import type { Finish, Writer } from "./store.ts";
import { labelsOf } from "./labels-of.ts";

/** What is to be written: at most `maxBytes`; where `lengthBytes` are known, others are not committed. */
interface Wanted {
  readonly head: StoredHead;
  readonly card: Card;
  readonly lengthBytes: number | undefined;
  readonly maxBytes: number;
  readonly isPut: boolean;
}

/** All writes under way on one file. */
export class DiskWrites {
  readonly #queue: DiskQueue;
  readonly #source: ChunkSource;
  /** By number: what is to be called when it is known what became of it. */
  readonly #open = new Map<number, (bodyId: number) => void>();
  #last = 0;

  constructor(queue: DiskQueue, source: ChunkSource) {
    this.#queue = queue;
    this.#source = source;
  }

  /** Starts one. */
  begin(wanted: Wanted): Writer {
    const write = ++this.#last;
    const { card, isPut } = wanted;
    const place: DiskPlace & { settled?: Promise<number> } = { key: card.key, bodyId: undefined };
    place.settled = new Promise((resolve) =>
      this.#open.set(write, (bodyId) => {
        place.bodyId = bodyId;
        resolve(bodyId);
      }),
    );
    this.#queue.add({ kind: "begin", write, card, isPut }, undefined, isPut ? card.key : undefined);
    return new DiskWrite(wanted, this.#queue, place, {
      send: (at, bytes) => this.#queue.add({ kind: "chunk", write, at, bytes }, bytes),
      abort: () => {
        this.#queue.add({ kind: "abort", write });
        this.settle(write, 0);
      },
      commit: (length) => {
        this.#queue.add({ kind: "commit", write, length }, undefined, card.key);
        return record(wanted.head, new DiskBody(this.#source, length, place));
      },
    });
  }

  /** What became of a write: the number of its body; 0 where it came to nothing. */
  settle(write: number, bodyId: number): void {
    this.#open.get(write)?.(bodyId);
    this.#open.delete(write);
  }

  /** All that are under way come to nothing. */
  end(): void {
    for (const write of [...this.#open.keys()]) this.settle(write, 0);
  }
}

/** What a write says to the writing thread. */
interface Saying {
  readonly send: (at: number, bytes: Uint8Array<ArrayBuffer>) => void;
  readonly abort: () => void;
  readonly commit: (length: number) => StoredResponse;
}

/** One write. */
class DiskWrite implements Writer {
  readonly #wanted: Wanted;
  readonly #queue: DiskQueue;
  readonly #place: DiskPlace;
  readonly #saying: Saying;
  readonly #chunks: Chunks;
  #isOver = false;

  constructor(wanted: Wanted, queue: DiskQueue, place: DiskPlace, saying: Saying) {
    this.#wanted = wanted;
    this.#queue = queue;
    this.#place = place;
    this.#saying = saying;
    this.#chunks = new Chunks(saying.send);
  }

  write(chunk: Uint8Array): Uint8Array | false {
    const isTooLong = this.#chunks.length + chunk.length > this.#wanted.maxBytes;
    if (isTooLong || this.#place.bodyId === 0 || !this.#queue.hasRoom(chunk.length)) this.abort();
    if (this.#isOver) return false;
    this.#chunks.add(chunk);
    return chunk;
  }

  /** With `finish` nothing is stored: it wants to see all bytes, which are in nobody's hands any more. */
  commit(finish?: Finish): StoredResponse | undefined {
    const { lengthBytes } = this.#wanted;
    const isWhole = lengthBytes === undefined || lengthBytes === this.#chunks.length;
    if (!isWhole || finish !== undefined || this.#place.bodyId === 0) this.abort();
    if (this.#isOver) return undefined;
    this.#isOver = true;
    this.#chunks.end();
    return this.#saying.commit(this.#chunks.length);
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#saying.abort();
  }

  ready(): Promise<void> | undefined {
    return this.#isOver ? undefined : this.#queue.ready();
  }
}

/** Bytes that come as they like and leave in chunks of one size. */
class Chunks {
  length = 0;
  readonly #send: (at: number, bytes: Uint8Array<ArrayBuffer>) => void;
  #piece: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;
  #at = 0;

  constructor(send: (at: number, bytes: Uint8Array<ArrayBuffer>) => void) {
    this.#send = send;
  }

  add(chunk: Uint8Array): void {
    this.length += chunk.length;
    for (let from = 0; from < chunk.length;) {
      this.#piece ??= new Uint8Array(CHUNK_BYTES);
      const part = chunk.subarray(from, from + CHUNK_BYTES - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled === CHUNK_BYTES) this.end();
    }
  }

  /** Sends what there is. */
  end(): void {
    const piece = this.#piece;
    if (piece === undefined) return;
    this.#send(this.#at++, this.#filled === CHUNK_BYTES ? piece : piece.slice(0, this.#filled));
    this.#piece = undefined;
    this.#filled = 0;
  }
}

/** What the writing thread is told of a response. */
export function cardOf(head: StoredHead): Card {
  const { key, staleAt } = head;
  return { key, variant: variantOf(head), head: encodeHead(head), staleAt, labels: labelsOf(head) };
}
