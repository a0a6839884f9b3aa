// Answers: where a body goes that is on its way, and turns out to be too large for memory.
// Owns: the step from memory to a tier behind it, without losing a byte, and what holds for readers after it.
// Leaves out: both writers (`memory.ts`, `disk.ts`), what else is done with what is stored (`tiers.ts`).
import type { StoredHead, StoredResponse } from "../message.ts";
import type { Finish, Writer } from "./store.ts";

/** Opens a write outside of memory; `undefined` where nothing can be written there now. */
export type OpenOutside = (head: StoredHead, lengthBytes: number | undefined) => Writer | undefined;

/** Who hears how it ended. */
export interface SpillEnd {
  /** It is in memory. */
  readonly stored: (stored: StoredResponse) => void;
  /** It is outside, and memory may keep its head. */
  readonly keptOutside: (stored: StoredResponse) => void;
  /** It is nowhere, though it came to its end. */
  readonly lost: () => void;
}

/** A write that begins in memory, where there is room, and goes on outside. */
export class SpillWriter implements Writer {
  #inMemory: Writer | undefined;
  #outside: Writer | undefined;
  readonly #open: (() => Writer | undefined) | undefined;
  readonly #end: SpillEnd;
  /** What memory has been given, as long as it may have to go outside. */
  #chunks: Uint8Array[] = [];

  constructor(inMemory: Writer | undefined, open: (() => Writer | undefined) | undefined, end: SpillEnd) {
    this.#inMemory = inMemory;
    this.#open = open;
    this.#end = end;
    if (inMemory === undefined) this.#outside = open?.();
  }

  get keepsBytes(): boolean {
    return this.#outside === undefined;
  }

  ready(): Promise<void> | undefined {
    return this.#outside?.ready?.();
  }

  write(chunk: Uint8Array): Uint8Array | false {
    if (this.#outside !== undefined) return this.#outside.write(chunk);
    const kept = this.#inMemory?.write(chunk) ?? false;
    if (kept === false) return this.#spill(chunk);
    if (this.#open !== undefined) this.#chunks.push(kept);
    return kept;
  }

  #spill(chunk: Uint8Array): Uint8Array | false {
    const outside = this.#inMemory === undefined ? undefined : this.#open?.();
    const before = this.#chunks;
    this.#chunks = [];
    this.#inMemory = undefined;
    if (outside === undefined) {
      this.#end.lost();
      return false;
    }
    this.#outside = outside;
    for (const one of [...before, chunk]) if (outside.write(one) === false) return false;
    return chunk;
  }

  commit(finish?: Finish): StoredResponse | undefined {
    this.#chunks = [];
    const isOutside = this.#outside !== undefined;
    // What comes in parts is put together in memory.
    const stored =
      isOutside && finish !== undefined ? undefined : (this.#outside ?? this.#inMemory)?.commit(finish);
    if (stored === undefined) this.#fail();
    else if (isOutside) this.#end.keptOutside(stored);
    else this.#end.stored(stored);
    return stored;
  }

  #fail(): void {
    this.#outside?.abort();
    this.#end.lost();
  }

  abort(): void {
    this.#chunks = [];
    this.#inMemory?.abort();
    this.#outside?.abort();
  }
}
