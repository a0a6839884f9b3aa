// Answers: how much is removed at once without that anybody who is served meanwhile notices.
// Owns: removing in slices, and hiding from lookups what a removal means and has not come to yet.
// Leaves out: what a target means (`targets.ts`), what it is to remove one (`memory.ts`).
import type { StoredResponse } from "../message.ts";
import type { MaybePromise } from "./store.ts";

/** So many are removed, or looked at, in one go: a millisecond or two. */
const AT_ONCE = 250;
const MARKED_AT_ONCE = 4000;
const SEEN_AT_ONCE = 20_000;

/** What a removal is to do. */
export interface Leaves {
  /** Whether it means this one. */
  readonly means: (stored: StoredResponse) => boolean;
  /** Whether it leaves what it means, marked. */
  readonly isSoft: boolean;
}

/** What a removal under way means. */
interface Leaving {
  /** Whether it means this one; of those that come while it is under way, none. */
  readonly means: (stored: StoredResponse) => boolean;
  /** Those that have come since it began, where `means` cannot tell. */
  readonly came: WeakSet<StoredResponse>;
  /** Marks it; absent where nothing is left of it. */
  readonly mark: ((stored: StoredResponse) => boolean) | undefined;
  /** Of those that it means, how many were marked before their turn, since somebody asked for them. */
  marked: number;
}

/** The removals under way in one tier. */
export class Removals {
  readonly #underWay = new Set<Leaving>();

  get isIdle(): boolean {
    return this.#underWay.size === 0;
  }

  /** Whether it is still here only because its turn has not come. What is to be marked is, before somebody has it. */
  hides(stored: StoredResponse): boolean {
    for (const leaving of this.#underWay) {
      if (!isMeant(leaving, stored)) continue;
      if (leaving.mark === undefined) return true;
      if (leaving.mark(stored)) leaving.marked++;
    }
    return false;
  }

  /** Has been stored just now: no removal that has begun means it. */
  came(stored: StoredResponse): void {
    for (const { came } of this.#underWay) came.add(stored);
  }

  /** Has `remove` called for all of these: few of them at once. How many it said yes to. */
  ofMembers(
    members: ReadonlySet<StoredResponse>,
    isSoft: boolean,
    remove: (stored: StoredResponse) => boolean,
  ): MaybePromise<number> {
    if (members.size <= AT_ONCE) return [...members].filter(remove).length;
    return this.inSlices(members, { means: (stored) => members.has(stored), isSoft }, remove);
  }

  /** How many of these no removal under way means already. */
  countOf(members: ReadonlySet<StoredResponse>): number {
    if (this.isIdle) return members.size;
    let count = 0;
    for (const stored of members) if (!this.hides(stored)) count++;
    return count;
  }

  /**
   * Has `remove` called for all of `candidates` that it means; those are hidden from the call on. How many `remove` said
   * yes to.
   */
  async inSlices(
    candidates: Iterable<StoredResponse>,
    { means, isSoft }: Leaves,
    remove: (stored: StoredResponse) => boolean,
  ): Promise<number> {
    const mark = isSoft ? remove : undefined;
    const leaving: Leaving = { means, came: new WeakSet(), mark, marked: 0 };
    const atOnce = isSoft ? MARKED_AT_ONCE : AT_ONCE;
    this.#underWay.add(leaving);
    let [removed, tried, seen] = [0, 0, 0];
    for (const stored of candidates) {
      if (isMeant(leaving, stored)) {
        if (remove(stored)) removed++;
        tried++;
      }
      if (tried < atOnce && ++seen < SEEN_AT_ONCE) continue;
      [tried, seen] = [0, 0];
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#underWay.delete(leaving);
    return removed + leaving.marked;
  }
}

function isMeant({ means, came }: Leaving, stored: StoredResponse): boolean {
  return means(stored) && !came.has(stored);
}
