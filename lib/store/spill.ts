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
  /** What memory has been given, as long as it may have to go outside; then what of it has not gone yet. */
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
    return this.#outside !== undefined && this.#chunks.length > 0 ? this.#drain() : this.#outside?.ready?.();
  }

  /** What memory had may be more than can wait to be written at once. */
  async #drain(): Promise<void> {
    while (!this.#isOver && this.#chunks.length > 0) {
      await this.#outside?.ready?.();
      this.#goOutside((outside) => outside.ready?.() === undefined);
    }
    await this.#outside?.ready?.();
  }

  write(chunk: Uint8Array): Uint8Array | false {
    if (this.#isOver) return false;
    if (this.#outside === undefined) {
      const kept = this.#inMemory?.write(chunk) ?? false;
      if (kept !== false && this.#open !== undefined) this.#chunks.push(kept);
      if (kept !== false) return kept;
      this.#inMemory = undefined;
      this.#outside = this.#open?.();
      this.#chunks.push(chunk);
      return this.#goOutside((outside) => outside.ready?.() === undefined) && chunk;
    }
    this.#chunks.push(chunk);
    return this.#goOutside(() => true) && chunk;
  }

  /**
   * Writes what has not gone yet, as long as it may. False where it is refused: what this was to supersede is not right
   * any more, and goes.
   */
  #goOutside(mayGo: (outside: Writer) => boolean): boolean {
    const outside = this.#outside;
    if (outside === undefined) return this.#refused();
    let gone = 0;
    for (const chunk of this.#chunks) {
      if (!mayGo(outside)) break;
      if (outside.write(chunk) === false) return this.#refused();
      gone++;
    }
    this.#chunks.splice(0, gone);
    return true;
  }

  #refused(): false {
    this.#isOver = true;
    this.#chunks = [];
    this.#end.lost();
    return false;
  }

  commit(finish?: Finish): StoredResponse | undefined {
    const isOutside = this.#outside !== undefined;
    if (this.#isOver || (isOutside && !this.#goOutside(() => true))) return undefined;
    this.#isOver = true;
    this.#chunks = [];
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
