// Answers: how memory and the tiers behind it are one store.
// Owns: what goes to which tier, bringing up into memory what one behind it has, removing from all of them.
// Leaves out: the tiers (`memory.ts`, `disk.ts`, `shared.ts`), a body too large for memory on its way (`spill.ts`).
import type { StoredHead, StoredResponse } from "../message.ts";
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { supersedes } from "../rfc9111/cache-key.ts";
import { epochSeconds } from "../rfc9111/time.ts";
import type { MemoryStore } from "./memory.ts";
import { SpillWriter, type OpenOutside } from "./spill.ts";
import type { Mark, MaybePromise, OuterTier, Store, StoreStats, Wanted, Writer } from "./store.ts";
import { meets } from "./labels-of.ts";
import { parsedTarget, type ParsedTarget } from "./targets.ts";

/** The tiers, the first that is asked first. */
export interface Tiers {
  readonly memory: MemoryStore;
  readonly outer: readonly OuterTier[];
  /** Where bodies go that are too large for memory; absent where they are not stored. */
  readonly openOutside?: OpenOutside | undefined;
  /** Bodies from this on do not go into memory, in bytes. */
  readonly outsideFromBytes: number;
  /** Bodies above this are not stored anywhere, in bytes. */
  readonly maxObjectBytes: number;
  readonly clockMs: () => number;
  /** Whether purges of others are not applied yet, so that nothing of this may be used; absent: never. */
  readonly isCatchingUp?: (() => boolean) | undefined;
  /** Settles when they are, or after a while; never rejects. */
  readonly caughtUp?: (() => Promise<void>) | undefined;
}

/** How often uses are told, in milliseconds, and of how many keys at the most. */
const TOLD_EVERY_MS = 5000;
const MAX_TOLD = 5000;

/** A question to the tiers behind memory. */
interface Question {
  /** What was removed since. */
  readonly removed: ParsedTarget[];
  /** What who asks did not want: another may. */
  readonly unwanted: StoredHead[];
  /** Whether there was enough before all tiers were asked. */
  isCutShort: boolean;
}

/** Memory in front, and the others behind it: a hit in memory is what it is without them. */
export class TieredStore implements Store {
  readonly #tiers: Tiers;
  readonly #memory: MemoryStore;
  readonly #tellsUses: boolean;
  /** Questions under way, by key: who asks for the same waits for the answer. */
  readonly #questions = new Map<string, Question & { readonly ended: Promise<boolean> }>();
  #uses = new Map<string, number>();
  #telling: ReturnType<typeof setTimeout> | undefined;

  constructor(tiers: Tiers) {
    this.#tiers = tiers;
    this.#memory = tiers.memory;
    this.#tellsUses = tiers.outer.some(({ used }) => used !== undefined);
  }

  lookup(key: string): readonly StoredResponse[] {
    if (this.#tiers.isCatchingUp?.() === true) return NOTHING;
    const found = this.#memory.lookup(key);
    for (const { body } of found) if (body.kind === "outside") return this.#thereStill(found);
    return found;
  }

  /** What lies outside of memory may have left its tier. */
  #thereStill(found: readonly StoredResponse[]): readonly StoredResponse[] {
    const gone = found.filter(({ body }) => body.kind === "outside" && !body.isThere());
    for (const one of gone) this.#memory.replace(one, undefined);
    return gone.length === 0 ? found : found.filter((one) => !gone.includes(one));
  }

  touch(stored: StoredResponse): void {
    this.#memory.touch(stored);
    if (!this.#tellsUses) return;
    const uses = this.#uses.get(stored.key);
    if (uses === undefined && this.#uses.size >= MAX_TOLD) return;
    this.#uses.set(stored.key, (uses ?? 0) + 1);
    this.#telling ??= setTimeout(() => this.#tellUses(), TOLD_EVERY_MS);
  }

  #tellUses(): void {
    this.#telling = undefined;
    const uses = this.#uses;
    this.#uses = new Map();
    for (const tier of this.#tiers.outer) tier.used?.(uses);
  }

  readonly recall = (key: string, wanted: Wanted): MaybePromise<boolean> => {
    if (this.#tiers.isCatchingUp?.() === true && this.#tiers.caughtUp !== undefined)
      return this.#tiers.caughtUp().then(() => wanted.isEnough() || this.#recall(key, wanted));
    return this.#recall(key, wanted);
  };

  #recall(key: string, wanted: Wanted): MaybePromise<boolean> {
    const underWay = this.#questions.get(key);
    if (underWay !== undefined) return this.#recallAfter(underWay, key, wanted);
    const question: Question = { removed: [], unwanted: [], isCutShort: false };
    const came = this.#recallFrom(0, key, wanted, question);
    if (!(came instanceof Promise)) return came;
    const ended = came.finally(() => this.#questions.delete(key));
    this.#questions.set(key, Object.assign(question, { ended }));
    return ended;
  }

  /** Asks a second time only where there is more than the answer to the first: many may wait, for what is nowhere. */
  async #recallAfter(
    question: Question & { readonly ended: Promise<boolean> },
    key: string,
    wanted: Wanted,
  ): Promise<boolean> {
    const came = await question.ended;
    if (came && wanted.isEnough()) return true;
    return question.isCutShort || question.unwanted.some(wanted.fits) ? this.#recall(key, wanted) : came;
  }

  /** From the `at`th tier on. */
  #recallFrom(at: number, key: string, wanted: Wanted, question: Question): MaybePromise<boolean> {
    const { outer } = this.#tiers;
    const tier = outer[at];
    if (tier === undefined) return false;
    const fits = (head: StoredHead): boolean => wanted.fits(head) || (question.unwanted.push(head), false);
    const goOn = (found: readonly StoredResponse[]): MaybePromise<boolean> => {
      const came = found.filter((stored) => this.#bringUp(stored, at, question.removed)).length > 0;
      if (came && wanted.isEnough()) {
        question.isCutShort = at + 1 < outer.length;
        return true;
      }
      const rest = this.#recallFrom(at + 1, key, wanted, question);
      return rest instanceof Promise ? rest.then((more) => more || came) : rest || came;
    };
    const found = tier.recall(key, fits);
    return found instanceof Promise ? found.then(goOn) : goOn(found);
  }

  /** Into memory, and into the tiers between; false where memory has one that is as new, or it was removed meanwhile. */
  #bringUp(stored: StoredResponse, from: number, removed: readonly ParsedTarget[]): boolean {
    const met = removed.filter((target) => meets(target, stored));
    if (met.some(({ isSoft }) => !isSoft)) return false;
    if (this.#tiers.outer[from]?.stillHolds?.(stored) === false) return false;
    const there = this.#memory.lookup(stored.key).find((one) => supersedes(stored, one));
    if (there !== undefined && there.responseTime >= stored.responseTime) return false;
    const came = met.length > 0 || stored.isPurged === true ? this.#purged(stored) : stored;
    this.#memory.add(came);
    for (const tier of this.#tiers.outer.slice(0, from)) tier.put(came);
    return true;
  }

  #purged(stored: StoredResponse): StoredResponse {
    const now = epochSeconds(this.#tiers.clockMs());
    return { ...stored, isPurged: true, staleAt: stored.staleAt < now ? stored.staleAt : now };
  }

  write(head: StoredHead, lengthBytes: number | undefined, mark?: Mark): Writer | undefined {
    const { openOutside, outsideFromBytes, maxObjectBytes } = this.#tiers;
    if (lengthBytes !== undefined && lengthBytes > maxObjectBytes) {
      this.#dropOutside(head, mark);
      return undefined;
    }
    const isLarge = lengthBytes !== undefined && lengthBytes >= outsideFromBytes;
    const inMemory = isLarge && openOutside !== undefined ? undefined : this.#memory.write(head, lengthBytes);
    const canSpill = openOutside !== undefined && mark !== "elsewhere";
    const spill = canSpill ? () => openOutside(head, lengthBytes) : undefined;
    const outside = inMemory === undefined ? spill?.() : undefined;
    if (inMemory === undefined && outside === undefined) {
      this.#dropOutside(head, mark);
      return undefined;
    }
    return new SpillWriter(
      { inMemory, outside, open: spill },
      {
        stored: (stored) => this.#spread(stored, mark),
        keptOutside: (stored) => this.#keptOutside(stored),
        lost: () => this.#dropOutside(head, mark),
      },
    );
  }

  /** It is on disk already; no other tier can have it, and what it supersedes must not come back from there. */
  #keptOutside(stored: StoredResponse): void {
    this.#memory.add(stored);
    for (const tier of this.#tiers.outer) if (tier.name !== "disk") tier.drop(stored);
  }

  replace(old: StoredResponse, by: StoredResponse | undefined, mark?: Mark): boolean {
    const isReplaced = this.#memory.replace(old, by);
    if (isReplaced && by !== undefined) this.#spread(by, mark);
    // What has superseded it is in its place in all tiers: to drop the old one would drop that.
    else if (isReplaced || !this.#memory.lookup(old.key).some((one) => supersedes(one, old)))
      this.#dropOutside(old, mark);
    return isReplaced;
  }

  add(stored: StoredResponse, mark?: Mark): void {
    this.#memory.add(stored);
    this.#spread(stored, mark);
  }

  /** To the tiers behind memory: a part is of no use there, and yet what it supersedes has to go. */
  #spread(stored: StoredResponse, mark: Mark): void {
    if (mark === "elsewhere") return;
    if (stored.body.kind === "partial") return this.#dropOutside(stored, mark);
    for (const tier of this.#tiers.outer) tier.put(stored, mark);
  }

  #dropOutside(head: StoredHead, mark: Mark): void {
    if (mark === "elsewhere") return;
    for (const tier of this.#tiers.outer) tier.drop(head);
  }

  /** How many there were in the tier that had most of them: the others have the same ones. */
  async remove(target: InvalidationTarget): Promise<number> {
    const parsed = parsedTarget(target);
    for (const { removed } of this.#questions.values()) removed.push(parsed);
    // What nodes share is purged by all of them together (`Fleet`).
    const own = this.#tiers.outer.filter(({ name }) => name !== "shared");
    const removals = own.map((tier) => tier.remove(target));
    const here = await this.#memory.remove(target);
    return Math.max(here, ...(await Promise.all(removals)));
  }

  hold(stored: StoredResponse, onEvicted: () => void): () => void {
    return this.#memory.hold(stored, onEvicted);
  }

  /** Tells of the uses that have not been told, and of none after that. */
  close(): void {
    clearTimeout(this.#telling);
    this.#tellUses();
  }

  stats(): StoreStats {
    const outer = this.#tiers.outer.map((tier) => ({ name: tier.name, ...tier.stats() }));
    return { ...this.#memory.stats(), outer };
  }
}

const NOTHING: readonly StoredResponse[] = Object.freeze([]);
