// Answers: how those who wait for a change learn that there was one.
// Owns: one waking of all who wait, again and again.
// Leaves out: what has changed: each looks for itself.

/** Something that changes; no promise is made while nobody waits. */
export class Signal {
  #wake: (() => void) | undefined;
  #change: Promise<void> | undefined;

  /** Settles at the next `tell`. */
  next(): Promise<void> {
    this.#change ??= new Promise((resolve) => (this.#wake = resolve));
    return this.#change;
  }

  /** The same, or as if told when `ms` milliseconds are over. */
  async within(ms: number): Promise<void> {
    if (!Number.isFinite(ms)) return this.next();
    const timer = setTimeout(() => this.tell(), Math.max(1, ms));
    await this.next();
    clearTimeout(timer);
  }

  tell(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    this.#change = undefined;
    wake?.();
  }
}
