// Answers: when has something taken longer than it may?
// Owns: all that began with the same limit, in the order in which it ends, under one timer.
// Leaves out: what happens then (`deadline.ts`, `incoming-body.ts`), limits that differ from case to case.

/** One that is under way. */
export interface Limited {
  /** It has ended in time; a second call does nothing. */
  end(): void;
}

/**
 * What may take the same time ends in the order in which it began: a set keeps that order, and one timer looks at its
 * first. A timer for each costs a proxied request more than all its rules.
 */
export class TimeLimits {
  readonly #ms: number;
  readonly #underWay = new Set<Entry>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param ms milliseconds, more than 0. */
  constructor(ms: number) {
    this.#ms = ms;
  }

  /** `isOver` is called unless it ends within the limit, at most a millisecond late; it must not throw. */
  begin(isOver: () => void): Limited {
    const entry = new Entry(this.#underWay, isOver, performance.now() + this.#ms);
    this.#underWay.add(entry);
    if (this.#timer === undefined) this.#lookAfter(this.#ms);
    return entry;
  }

  /** Nothing that is timed keeps the process alive for it. */
  #lookAfter(ms: number): void {
    this.#timer = setTimeout(this.#look, ms);
    this.#timer.unref?.();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    for (const entry of this.#underWay) {
      const leftMs = entry.dueMs - performance.now();
      if (leftMs > 0) {
        this.#lookAfter(Math.ceil(leftMs));
        return;
      }
      entry.end();
      entry.isOver();
    }
  };
}

class Entry implements Limited {
  readonly isOver: () => void;
  readonly dueMs: number;
  readonly #underWay: Set<Entry>;

  constructor(underWay: Set<Entry>, isOver: () => void, dueMs: number) {
    this.#underWay = underWay;
    this.isOver = isOver;
    this.dueMs = dueMs;
  }

  end(): void {
    this.#underWay.delete(this);
  }
}

const byLength = new Map<number, TimeLimits>();

/** The limits of that many milliseconds: there are as many lengths as options that set one. */
export function limitsOf(ms: number): TimeLimits {
  const known = byLength.get(ms);
  if (known !== undefined) return known;
  const limits = new TimeLimits(ms);
  byLength.set(ms, limits);
  return limits;
}
