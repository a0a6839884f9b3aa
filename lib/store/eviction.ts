// Answers: which stored response leaves when room is needed?
// Owns: the order of eviction: uses per byte over a rising level (GDSF, Cherkasova 1998), probation for the new.
// Leaves out: when room is needed, and the bytes (`memory.ts`); the uses of those that left (`frequency.ts`).
import type { EpochSeconds } from "../rfc9111/time.ts";
import type { Selecting, Validators } from "../message.ts";
import { fingerprintOf, Frequency } from "./frequency.ts";
import { resized, SlotHeap } from "./heap.ts";

/** What eviction has to know of a stored response. */
export interface Evictable {
  readonly key: string;
  readonly selecting: Selecting | undefined;
  readonly sizeBytes: number;
  readonly validators: Validators;
  readonly staleAt: EpochSeconds;
  /** Its number here; nobody else reads or writes it. A copy that carries it along is not taken for the response. */
  slot?: number;
}

/** Uses above this count less and less: what was popular once must not stay for as long as it was. */
const FULL_USES = 16;

/** What a first use is worth, in uses: learned within these bounds. */
const FIRST_USE = { start: 0.5, least: 1 / 8, most: 2 };

/** How far one that came back moves what a first use is worth; so many times as far, at most, where few come back. */
const STEP = 0.005;
const MAX_STEPS = 8;

/** So many that were used are sent back by one call; the next leaves all the same. */
const MAX_SPARED = 64;

/** So many of those that might not leave are asked again by one call; more where there are no others. */
const ASKED_AGAIN = 4;
const MAX_ASKED_AGAIN = 64;

/**
 * The order in which stored responses leave.
 *
 * Those leave first that are stale and cannot be validated. Of the others, the one whose level when it was last put in
 * order, plus the worth of its uses per byte, is least; the level rises to that of each that leaves, so that what is not
 * used any more is overtaken. A use only leaves a mark; who is marked is put in order anew when its turn to leave comes.
 * Uses are remembered beyond leaving. One that was used but once is on probation: what that is worth is learned from
 * those that come back. Nothing here walks through all that is stored.
 */
export class Eviction<T extends Evictable> {
  /** By slot; the last one takes the place of one that leaves. */
  readonly #items: T[] = [];
  /** By slot; below 0 for one that was used since it was put in order. */
  #uses = new Float32Array(0);
  readonly #order = new SlotHeap();
  /** Those that cannot be validated, by the moment they are stale. */
  readonly #expiring = new SlotHeap();
  /** Those that might not leave when their turn came, in neither heap; the one asked longest ago first. */
  readonly #held = new Set<T>();
  /** Those of them that cannot be validated, by the moment they are stale: whoever of these is let go leaves first too. */
  readonly #heldExpiring = new SlotHeap();
  readonly #left = new Frequency();
  /** The last one that was to leave for want of room. */
  #victim: T | undefined;
  #level = 0;
  #firstUse = FIRST_USE.start;
  /** Bytes that left lately: used but once, and more often. */
  #leftOnce = 0;
  #leftMore = 0;

  /** How many are in. */
  get size(): number {
    return this.#items.length;
  }

  /** The bytes that it takes, without the 8 for the slot in each item and the set of those that are held. */
  get bytes(): number {
    const heaps = this.#order.bytes + this.#expiring.bytes + this.#heldExpiring.bytes;
    return heaps + this.#left.bytes + this.#uses.byteLength + 8 * this.#items.length;
  }

  /** Takes a new item in; one that is in already counts as used. */
  add(item: T): void {
    if (this.#has(item)) return this.touch(item);
    const slot = this.#items.push(item) - 1;
    item.slot = slot;
    if (slot === this.#uses.length) this.#uses = resized(this.#uses, slot + 1);
    this.#uses[slot] = 1 + this.#usesBefore(item);
    this.#left.fit(slot + 1);
    this.#enqueue(item, slot);
  }

  /** Notes that an item was used; nothing happens where it is not in. */
  touch(item: T): void {
    const { slot } = item;
    if (slot === undefined || this.#items[slot] !== item) return;
    const uses = this.#usesOf(slot);
    this.#uses[slot] = uses < 0 ? uses - 1 : -uses - 1;
  }

  /** Takes an item out, whether it was to leave or for another reason; nothing happens where it is not in. */
  remove(item: T): void {
    const { slot } = item;
    if (slot === undefined || this.#items[slot] !== item) return;
    this.#remember(item, slot);
    this.#dequeue(slot);
    this.#held.delete(item);
    const last = this.#items.length - 1;
    const mover = this.#items.pop();
    if (mover !== undefined && slot !== last) {
      this.#items[slot] = mover;
      this.#uses[slot] = this.#usesOf(last);
      mover.slot = slot;
    }
    this.#order.renumber(last, slot);
    this.#expiring.renumber(last, slot);
    this.#heldExpiring.renumber(last, slot);
    if (last < this.#uses.length / 4) this.#uses = resized(this.#uses, last);
    this.#left.fit(last);
  }

  /**
   * The item that is to leave next, still in, of those that may leave; `undefined` where none was found.
   * What may not leave steps aside, and is asked again a few at a time: a call asks about each twice at most.
   */
  victim(now: EpochSeconds, mayLeave: (item: T) => boolean = () => true): T | undefined {
    if (this.#held.size > 0) {
      const released = this.#expiredOfHeld(now, mayLeave);
      if (released !== undefined) return released;
      this.#askAgain(ASKED_AGAIN, mayLeave);
    }
    const found = this.#expired(now, mayLeave) ?? this.#least(mayLeave);
    if (found !== undefined || !this.#askAgain(MAX_ASKED_AGAIN, mayLeave)) return found;
    return this.#expired(now, mayLeave) ?? this.#least(mayLeave);
  }

  #expired(now: EpochSeconds, mayLeave: (item: T) => boolean): T | undefined {
    while (this.#expiring.firstKey <= now) {
      const item = this.#items[this.#expiring.first ?? 0];
      if (item === undefined || mayLeave(item)) return item;
      this.#stepAside(item);
    }
    return undefined;
  }

  /** A few are asked, those first that have been stale for longest; all of them stay where they are. */
  #expiredOfHeld(now: EpochSeconds, mayLeave: (item: T) => boolean): T | undefined {
    const asked: T[] = [];
    let found: T | undefined;
    while (found === undefined && asked.length < ASKED_AGAIN && this.#heldExpiring.firstKey <= now) {
      const slot = this.#heldExpiring.first ?? 0;
      const item = this.#items[slot];
      if (item === undefined) break;
      asked.push(item);
      this.#heldExpiring.remove(slot);
      if (mayLeave(item)) found = item;
    }
    for (const item of asked) this.#heldExpiring.insert(item.slot ?? 0, item.staleAt);
    return found;
  }

  #least(mayLeave: (item: T) => boolean): T | undefined {
    let spared = 0;
    for (let slot = this.#order.first; slot !== undefined; slot = this.#order.first) {
      const item = this.#items[slot];
      if (item === undefined) return undefined;
      if (!mayLeave(item)) {
        this.#stepAside(item);
        continue;
      }
      this.#level = this.#order.firstKey;
      if (this.#usesOf(slot) > 0 || spared++ === MAX_SPARED) {
        this.#victim = item;
        return item;
      }
      this.#order.rekey(slot, this.#priority(item, slot));
    }
    return undefined;
  }

  /** Whether any of those that stepped aside may leave by now; they are in order again. */
  #askAgain(most: number, mayLeave: (item: T) => boolean): boolean {
    let isOne = false;
    let left = Math.min(most, this.#held.size);
    for (const item of this.#held) {
      if (left-- === 0) break;
      this.#held.delete(item);
      if (mayLeave(item)) {
        this.#enqueue(item, item.slot ?? 0);
        isOne = true;
      } else this.#held.add(item);
    }
    return isOne;
  }

  #stepAside(item: T): void {
    const slot = item.slot ?? 0;
    if (this.#expiring.has(slot)) this.#heldExpiring.insert(slot, item.staleAt);
    this.#order.remove(slot);
    this.#expiring.remove(slot);
    this.#held.add(item);
  }

  #enqueue(item: T, slot: number): void {
    this.#heldExpiring.remove(slot);
    this.#order.insert(slot, this.#priority(item, slot));
    const { etag, lastModified } = item.validators;
    if (etag === undefined && lastModified === undefined) this.#expiring.insert(slot, item.staleAt);
  }

  #dequeue(slot: number): void {
    this.#heldExpiring.remove(slot);
    this.#order.remove(slot);
    this.#expiring.remove(slot);
  }

  /** Where it stands from now on; its mark is gone. */
  #priority({ sizeBytes }: T, slot: number): number {
    const uses = Math.abs(this.#usesOf(slot));
    this.#uses[slot] = uses;
    return this.#level + this.#worth(uses) / Math.max(1, sizeBytes);
  }

  #worth(uses: number): number {
    if (uses < 2) return this.#firstUse;
    return uses <= FULL_USES ? uses : FULL_USES * (1 + Math.log(uses / FULL_USES));
  }

  #usesOf(slot: number): number {
    return this.#uses[slot] as number;
  }

  #has(item: T): boolean {
    return item.slot !== undefined && this.#items[item.slot] === item;
  }

  #remember(item: T, slot: number): void {
    const uses = Math.abs(this.#usesOf(slot));
    const wasEvicted = this.#victim === item;
    this.#victim = undefined;
    this.#left.note(fingerprintOf(item.key, item.selecting?.values), uses, wasEvicted);
    if (!wasEvicted) return;
    const kept = 1 - 1 / this.#left.room;
    this.#leftOnce = this.#leftOnce * kept + (uses < 2 ? item.sizeBytes : 0);
    this.#leftMore = this.#leftMore * kept + (uses < 2 ? 0 : item.sizeBytes);
  }

  /**
   * How often it was used before it left. One that comes back left too early: where it was on probation, a first use is
   * worth more than was thought, else less; by so much more as there were fewer bytes of its kind to come back (ARC).
   */
  #usesBefore(item: T): number {
    const before = this.#left.recall(fingerprintOf(item.key, item.selecting?.values));
    if (before === undefined) return 0;
    if (before.wasEvicted) {
      const isFirst = before.uses < 2;
      const [own, other] = isFirst ? [this.#leftOnce, this.#leftMore] : [this.#leftMore, this.#leftOnce];
      const step = 1 + STEP * Math.min(MAX_STEPS, Math.max(1, other / (own + 1)));
      const learned = isFirst ? this.#firstUse * step : this.#firstUse / step;
      this.#firstUse = Math.min(FIRST_USE.most, Math.max(FIRST_USE.least, learned));
    }
    return before.uses;
  }
}
