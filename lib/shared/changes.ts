// Answers: when does something become true?
// Owns: those who wait for it, each with a deadline of its own.
// Leaves out: what they wait for (`purge-log.ts`).

/** Waiters, who look again whenever something has changed. */
export class Changes {
  readonly #waiters = new Set<() => void>();

  /** Something has changed. */
  tell(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** Resolves when it is so, or `ms` milliseconds have passed: whether it is. Never rejects. */
  async until(isSo: () => boolean, ms: number): Promise<boolean> {
    const end = performance.now() + ms;
    while (!isSo()) {
      const leftMs = end - performance.now();
      if (leftMs <= 0) return false;
      await this.#next(leftMs);
    }
    return true;
  }

  #next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(go);
        resolve();
      };
      const timer = setTimeout(go, ms);
      this.#waiters.add(go);
    });
  }
}
