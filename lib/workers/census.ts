// Answers: what all workers count, asked for together.
// Owns: one question to all of them, and doing without those that do not answer.
// Leaves out: adding it up (`sum-stats.ts`).
import type { ToWorker, WorkerStats } from "./messages.ts";

/** A worker that can be asked. */
export interface Counted {
  readonly send: (message: ToWorker) => void;
}

/** How long the counts of a worker are waited for. */
const PATIENCE_MS = 1000;

/** Asks workers what they count. */
export class Census {
  readonly #asked = new Map<number, (from: Counted, stats: WorkerStats | undefined) => void>();
  #lastId = 0;

  /** What each of them counts; those that do not answer at once, or end, are left out. */
  async of(all: Iterable<Counted>): Promise<readonly WorkerStats[]> {
    const id = ++this.#lastId;
    const missing = new Set(all);
    const found: WorkerStats[] = [];
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS);
      const endIfComplete = (): void => {
        if (missing.size > 0) return;
        clearTimeout(timer);
        resolve();
      };
      this.#asked.set(id, (from, stats) => {
        if (missing.delete(from) && stats !== undefined) found.push(stats);
        endIfComplete();
      });
      for (const one of missing) one.send({ kind: "stats", id });
      endIfComplete();
    });
    this.#asked.delete(id);
    return found;
  }

  /** A worker has answered. */
  told(from: Counted, id: number, stats: WorkerStats): void {
    this.#asked.get(id)?.(from, stats);
  }

  /** A worker has ended: it will not answer. */
  left(from: Counted): void {
    for (const tell of this.#asked.values()) tell(from, undefined);
  }
}
