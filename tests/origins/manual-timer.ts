// Answers: what happens when time passes, without any of it passing?
// Owns: a clock and timers that a test winds by hand.
// Leaves out: the timers of the machine (`lib/origins/timer.ts`).
import type { After } from "../../lib/origins/timer.ts";

interface Due {
  readonly atMs: number;
  readonly act: () => void;
}

/** A clock at 0 ms, and timers that go by it. */
export class ManualTimer {
  nowMs = 0;
  /** Which of two timers that are due at once goes off first: the one that was set first, or the other. */
  order: "oldest-first" | "newest-first" = "oldest-first";
  readonly #due = new Set<Due>();

  readonly after: After = (ms, act) => {
    const due = { atMs: this.nowMs + ms, act };
    this.#due.add(due);
    return () => this.#due.delete(due);
  };

  /** How many timers are set. */
  get set(): number {
    return this.#due.size;
  }

  /** Lets time pass; between two timers, promises are settled. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await settled();
    for (;;) {
      const due = [...this.#due].filter(({ atMs }) => atMs <= untilMs);
      if (this.order === "newest-first") due.reverse();
      const [next] = due.sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#due.delete(next);
      this.nowMs = next.atMs;
      next.act();
      await settled();
    }
    this.nowMs = untilMs;
  }
}

/** Until all that can go on without a timer or a socket has gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
