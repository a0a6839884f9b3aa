// Answers: what waits to be written, and is there room for more?
// Owns: operations in order, gathered into batches; the bounds in bytes and number; keys whose last word is not written yet.
// Leaves out: what the operations are (`disk-messages.ts`), doing them (`disk-writer.ts`).
import type { DiskOperation } from "./disk-messages.ts";

/** A batch is sent after so long, in milliseconds, and becomes one transaction, or part of one. */
const GATHER_MS = 20;

/** It is sent before where it has so many bytes, or operations. */
const BATCH_BYTES = 1_048_576;
const BATCH_OPERATIONS = 256;

/** More operations than this do not wait; those that make things go are let in all the same. */
const MAX_OPERATIONS = 20_000;

/** What an operation takes besides its bytes. */
const OPERATION_BYTES = 512;

interface Batch {
  readonly operations: number;
  readonly bytes: number;
  readonly keys: readonly string[];
}

/** Sends operations to the writing thread, in order, and keeps count of those it has not answered. */
export class DiskQueue {
  readonly #send: (operations: readonly DiskOperation[], bodies: ArrayBuffer[]) => void;
  readonly #maxBytes: number;
  #operations: DiskOperation[] = [];
  #bytes = 0;
  #keys: string[] = [];
  readonly #sent: Batch[] = [];
  #waitingOperations = 0;
  #waitingBytes = 0;
  /** How many operations on a key wait. */
  readonly #unwritten = new Map<string, number>();
  #roomWaiters: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isFlushing = false;

  /** At most `maxBytes` wait. */
  constructor(send: (operations: readonly DiskOperation[], bodies: ArrayBuffer[]) => void, maxBytes: number) {
    this.#send = send;
    this.#maxBytes = maxBytes;
  }

  /** Operations that are not answered. */
  get length(): number {
    return this.#waitingOperations;
  }

  /** Whether so many bytes more may wait; a body that is larger than all the room may, on its own. */
  hasRoom(bytes: number): boolean {
    if (this.#waitingOperations >= MAX_OPERATIONS) return false;
    return this.#waitingBytes === 0 || this.#waitingBytes + bytes + OPERATION_BYTES <= this.#maxBytes;
  }

  /** Whether something about this key is not written yet. */
  isUnwritten(key: string): boolean {
    return this.#unwritten.has(key);
  }

  /** Settles when half of the room is free; `undefined` where it is. */
  ready(): Promise<void> | undefined {
    if (this.#waitingBytes <= this.#maxBytes / 2) return undefined;
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  /** Adds an operation; `body` is handed over with it; `key` is not to be found until it is done. */
  add(operation: DiskOperation, body?: Uint8Array<ArrayBuffer>, key?: string): void {
    const bytes = OPERATION_BYTES + (body?.length ?? 0);
    this.#operations.push(operation);
    this.#bytes += bytes;
    this.#waitingOperations++;
    this.#waitingBytes += bytes;
    if (key !== undefined) {
      this.#keys.push(key);
      this.#unwritten.set(key, (this.#unwritten.get(key) ?? 0) + 1);
    }
    if (this.#bytes >= BATCH_BYTES || this.#operations.length >= BATCH_OPERATIONS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Sends what there is at the end of this turn: with what else is asked for until then. */
  flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.flush();
    });
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const operations = this.#operations;
    if (operations.length === 0) return;
    this.#sent.push({ operations: operations.length, bytes: this.#bytes, keys: this.#keys });
    this.#operations = [];
    this.#bytes = 0;
    this.#keys = [];
    this.#send(operations, operations.flatMap(bodyOf));
  }

  /** The oldest so many batches have been answered. */
  done(batches: number): void {
    for (const { operations, bytes, keys } of this.#sent.splice(0, batches)) {
      this.#waitingOperations -= operations;
      for (const key of keys) {
        const left = (this.#unwritten.get(key) ?? 1) - 1;
        if (left === 0) this.#unwritten.delete(key);
        else this.#unwritten.set(key, left);
      }
      this.#free(bytes);
    }
  }

  /** Forgets all that waits; how many operations that was. */
  clear(): number {
    const forgotten = this.#waitingOperations;
    this.#operations = [];
    this.#keys = [];
    const unsent = this.#bytes;
    this.#bytes = 0;
    this.done(this.#sent.length);
    this.#waitingOperations = 0;
    this.#unwritten.clear();
    this.#free(unsent);
    return forgotten;
  }

  #free(bytes: number): void {
    this.#waitingBytes -= bytes;
    if (this.#waitingBytes > this.#maxBytes / 2) return;
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const resolve of waiters) resolve();
  }
}

function bodyOf(operation: DiskOperation): ArrayBuffer[] {
  if (operation.kind === "put") return [operation.body.buffer as ArrayBuffer];
  return operation.kind === "chunk" ? [operation.bytes.buffer as ArrayBuffer] : [];
}
