// Answers: what is still to be written to the shared tier?
// Owns: writes that wait, one after the other for each key, and the bound of them.
// Leaves out: what a write does (`entries.ts`).

/** More writes, or more bytes in them, do not wait. */
const MAX_WRITES = 1000;
const MAX_BYTES = 64 * 2 ** 20;

/** The writes under way. */
export class Writes {
  readonly #last = new Map<string, Promise<void>>();
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  /** Does it after all others for this key; false where there is no room to wait. `write` must not reject. */
  add(key: string, bytes: number, write: () => Promise<unknown>): boolean {
    if (this.#count >= MAX_WRITES || this.#bytes + bytes > MAX_BYTES) return false;
    this.#count++;
    this.#bytes += bytes;
    const done = this.settled(key).then(async () => {
      await write();
      this.#count--;
      this.#bytes -= bytes;
      if (this.#last.get(key) === done) this.#last.delete(key);
    });
    this.#last.set(key, done);
    return true;
  }

  /** Resolves when all that was added for a key by now is done. */
  settled(key: string): Promise<void> {
    return this.#last.get(key) ?? Promise.resolve();
  }

  /** The same for all keys. */
  async allSettled(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}
