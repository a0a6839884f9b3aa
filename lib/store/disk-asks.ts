// Answers: what has been asked for and is not durable yet?
// Owns: who waits, and what is being removed meanwhile, so that readers leave it out.
// Leaves out: doing it (`disk-writer.ts`), reading (`disk-reader.ts`).
import { parsedTarget, type ParsedTarget } from "./targets.ts";
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";

interface Asked {
  readonly target: ParsedTarget | undefined;
  readonly settle: (count: number) => void;
}

/** Questions by number. */
export class DiskAsks {
  readonly #asked = new Map<number, Asked>();
  #last = 0;
  /** What is being removed, in the order in which it was asked for. */
  removing: readonly ParsedTarget[] = [];

  /** A new one, of a removal where there is a target; its number, and what settles with the count. */
  add(removal?: InvalidationTarget): { readonly ask: number; readonly answer: Promise<number> } {
    const ask = ++this.#last;
    const target = removal === undefined ? undefined : parsedTarget(removal);
    if (target !== undefined) this.removing = [...this.removing, target];
    return { ask, answer: new Promise((settle) => void this.#asked.set(ask, { target, settle })) };
  }

  answer(ask: number, count: number): void {
    const asked = this.#asked.get(ask);
    if (asked === undefined) return;
    this.#asked.delete(ask);
    if (asked.target !== undefined) this.removing = this.removing.filter((one) => one !== asked.target);
    asked.settle(count);
  }

  /** There is nothing any more: all are answered with 0. */
  answerAll(): void {
    for (const ask of [...this.#asked.keys()]) this.answer(ask, 0);
  }
}
