// Answers: was a response purged after its fill began?
// Owns: the purge log as an index in memory: which target was purged last when, hard and soft apart.
// Leaves out: reading the log (`purge-log.ts`), what a target meets (`../store/targets.ts`).
import type { StoredHead } from "../message.ts";
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { labelsOf, meets } from "../store/labels-of.ts";
import { EVERYTHING, labelOf, parsedTarget, softly } from "../store/targets.ts";
import { BEGINNING, compareIds } from "./position.ts";

/** What became of a response: nothing, validated before it is reused, not there any more. */
export type Verdict = "fine" | "soft" | "gone";

/** More names than this are not kept: what is older than the last that left is validated. */
const MAX_NAMES = 50_000;

/** Each of them is compared with each key. */
const MAX_PREFIXES = 1000;

/** More purges than this that could not be logged become one of everything, softly. */
const MAX_UNLOGGED = 1000;

/** A purge that is not in the log yet. */
export interface Unlogged {
  readonly target: InvalidationTarget;
  /** Whether the attempt to log it has failed: it waits for the next one. */
  isDue: boolean;
}

/** The index. A question costs as much as the response has labels, and there are prefixes. */
export class PurgeIndex {
  #hard = new Purged();
  #soft = new Purged();
  /** What is from before this entry may have been purged by one that is not here. */
  #floor = BEGINNING;
  /** Purges that this node was asked for and that are not in the log yet. */
  #unlogged: readonly Unlogged[] = [];

  /** Begins anew; what is from before `floor` is validated. */
  reset(floor: string): void {
    this.#hard = new Purged();
    this.#soft = new Purged();
    this.#floor = floor;
  }

  /** Notes an entry of the log; they come in order. */
  add(targets: readonly InvalidationTarget[], id: string): void {
    for (const target of targets) {
      const { isSoft } = parsedTarget(target);
      const left = (isSoft ? this.#soft : this.#hard).add(target, id);
      if (left !== undefined && compareIds(left, this.#floor) > 0) this.#floor = left;
    }
  }

  /** Purges that wait to be logged. */
  get due(): readonly Unlogged[] {
    return this.#unlogged.filter(({ isDue }) => isDue);
  }

  /** Puts purges in force here before they are in the log. */
  addUnlogged(targets: readonly InvalidationTarget[]): readonly Unlogged[] {
    const added = targets.map((target) => ({ target, isDue: false }));
    const all = [...this.#unlogged, ...added];
    this.#unlogged = all.length > MAX_UNLOGGED ? [{ target: softly(EVERYTHING), isDue: true }] : all;
    return added;
  }

  /** They could not be logged now. */
  notLogged(purges: readonly Unlogged[]): void {
    for (const purge of purges) purge.isDue = true;
  }

  /** They are in the log under this id. */
  logged(purges: readonly Unlogged[], id: string): void {
    this.add(
      purges.map(({ target }) => target),
      id,
    );
    this.#unlogged = this.#unlogged.filter((one) => !purges.includes(one));
  }

  /** What became of a response whose fill began when all up to `asOf` had been applied. */
  judge(head: StoredHead, asOf: string): Verdict {
    let verdict: Verdict = compareIds(asOf, this.#floor) < 0 ? "soft" : "fine";
    for (const { target } of this.#unlogged) {
      const parsed = parsedTarget(target);
      if (!meets(parsed, head)) continue;
      if (!parsed.isSoft) return "gone";
      verdict = "soft";
    }
    if (this.#hard.isAfter(head, asOf)) return "gone";
    return this.#soft.isAfter(head, asOf) ? "soft" : verdict;
  }
}

/** When what was purged last. */
class Purged {
  /** URIs, groups and tags → the id of the last purge, in the order of those. */
  readonly #names = new Map<string, string>();
  readonly #prefixes = new Map<string, string>();
  #all: string | undefined;

  /** The id of the entry that had to leave for it. */
  add(target: InvalidationTarget, id: string): string | undefined {
    const parsed = parsedTarget(target);
    const { kind, name } = parsed;
    if (kind === "all") {
      this.#all = id;
      return undefined;
    }
    const names = kind === "prefix" ? this.#prefixes : this.#names;
    const written = labelOf(parsed) ?? name;
    names.delete(written);
    names.set(written, id);
    const [oldest] = names;
    if (names.size <= (kind === "prefix" ? MAX_PREFIXES : MAX_NAMES) || oldest === undefined)
      return undefined;
    names.delete(oldest[0]);
    return oldest[1];
  }

  isAfter(head: StoredHead, asOf: string): boolean {
    const isLater = (id: string | undefined): boolean => id !== undefined && compareIds(id, asOf) > 0;
    if (isLater(this.#all) || isLater(this.#names.get(head.key))) return true;
    for (const [prefix, id] of this.#prefixes) if (head.key.startsWith(prefix) && isLater(id)) return true;
    return this.#names.size > 0 && labelsOf(head).some((label) => isLater(this.#names.get(label)));
  }
}
