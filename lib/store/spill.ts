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
  /** It is nowhere, though it came to its end, or would have: it was refused. */
  readonly lost: () => void;
}

/** Where the bytes go: first into the one that is there, then, should memory refuse them, to what `open` gives. */
export interface SpillWriters {
  readonly inMemory: Writer | undefined;
  readonly outside: Writer | undefined;
  /** Absent where there is no outside. */
  readonly open: (() => Writer | undefined) | undefined;
}

/** A write that begins in memory, where there is room, and goes on outside. */
export class SpillWriter implements Writer {
  #inMemory: Writer | undefined;
  #outside: Writer | undefined;
  readonly #open: (() => Writer | undefined) | undefined;
  readonly #end: SpillEnd;
  /** What memory has been given, as long as it may have to go outside. */
  #chunks: Uint8Array[] = [];
  #isOver = false;

  constructor({ inMemory, outside, open }: SpillWriters, end: SpillEnd) {
    this.#inMemory = inMemory;
    this.#outside = outside;
    this.#open = open;
    this.#end = end;
  }

  get keepsBytes(): boolean {
    return this.#outside === undefined;
  }

  ready(): Promise<void> | undefined {
    return this.#outside?.ready?.();
  }

  write(chunk: Uint8Array): Uint8Array | false {
    if (this.#isOver) return false;
    if (this.#outside !== undefined) return this.#writeOutside([chunk]) && chunk;
    const kept = this.#inMemory?.write(chunk) ?? false;
    if (kept === false) return this.#spill(chunk);
    if (this.#open !== undefined) this.#chunks.push(kept);
    return kept;
  }

  #spill(chunk: Uint8Array): Uint8Array | false {
    const before = this.#chunks;
    this.#chunks = [];
    this.#inMemory = undefined;
    this.#outside = this.#open?.();
    return this.#writeOutside([...before, chunk]) && chunk;
  }

  /** False where it is refused: what this was to supersede is not right any more, and goes. */
  #writeOutside(chunks: readonly Uint8Array[]): boolean {
    const outside = this.#outside;
    if (outside !== undefined && chunks.every((chunk) => outside.write(chunk) !== false)) return true;
    this.#isOver = true;
    this.#end.lost();
    return false;
  }

  commit(finish?: Finish): StoredResponse | undefined {
    if (this.#isOver) return undefined;
    this.#isOver = true;
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
    this.#isOver = true;
    this.#chunks = [];
    this.#inMemory?.abort();
    this.#outside?.abort();
  }
}
