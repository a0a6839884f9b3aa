// Answers: where stored responses are while the process lives.
// Owns: a Map of ArrayBuffers plus header fields, one budget for all of it, writes in flight included.
// Leaves out: the order of eviction (`eviction.ts`) and whether a response fits a request (`rfc9111/cache-key.ts`).
import type { StoredBody, StoredHead, StoredResponse } from "../message.ts";
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { supersedes } from "../rfc9111/cache-key.ts";
import { epochSeconds, type EpochSeconds } from "../rfc9111/time.ts";
import { Eviction } from "./eviction.ts";
import { textOnce } from "./field-block.ts";
import { GatheredBytes } from "./gathered-bytes.ts";
import { LabelIndex } from "./labels.ts";
import { StoredRecord } from "./record.ts";
import { Removals } from "./removal.ts";
import { bodySize, overheadOf } from "./size.ts";
import type { MaybePromise, Store, StoreStats, Writer } from "./store.ts";
import { labelOf, parsedTarget } from "./targets.ts";

/** The limits of the tier, in bytes. */
export interface MemoryLimits {
  readonly budgetBytes: number;
  /** Bodies above this are not stored. */
  readonly maxObjectBytes: number;
  /**
   * Bodies from this size on are kept as a Blob: below, copying is faster. Infinity for a wire that copies nothing for
   * a client that reads slowly, and so needs none.
   */
  readonly blobFromBytes?: number;
}

/** A body that slow readers keep, and who calls when it has to go. */
interface Held {
  readonly key: string;
  readonly sizeBytes: number;
  readonly holders: Set<{ readonly onEvicted: () => void }>;
}

/** Variants of one key above this push out the oldest: a Vary on User-Agent must not fill the store with one page. */
const MAX_VARIANTS = 64;

/** Slow readers may keep so much of the budget from being evicted; beyond, they have to make do with less. */
const MAX_HELD_SHARE = 0.5;

/** No head is larger: Bun's `fetch` and node:http take a megabyte. */
const MAX_HEAD_BYTES = 2 ** 21;

/** The memory tier. All of it is synchronous, but the removal of many. */
export class MemoryStore implements Store {
  /** Most keys have one response: it stands alone, without a list around it. */
  readonly #variants = new Map<string, StoredRecord | readonly StoredResponse[]>();
  readonly #eviction = new Eviction<StoredResponse>();
  readonly #limits: MemoryLimits;
  readonly #clockMs: () => number;
  #responses = 0;
  #storedBytes = 0;
  #pendingBytes = 0;
  #evictions = 0;
  /** By body: a response that is freshened keeps its body, and who reads it. */
  readonly #holds = new Map<StoredBody, Held>();
  #heldBytes = 0;
  readonly #labels = new LabelIndex();
  readonly #removals = new Removals();
  /** Of the held ones, those that are not stored any more. */
  #lingeringBytes = 0;

  /** The clock says what is stale when room is needed. */
  constructor(limits: MemoryLimits, clockMs: () => number = Date.now) {
    this.#limits = limits;
    this.#clockMs = clockMs;
  }

  lookup(key: string): readonly StoredResponse[] {
    const found = this.#all(key);
    return this.#removals.isIdle ? found : found.filter((one) => !this.#removals.hides(one));
  }

  touch(stored: StoredResponse): void {
    this.#eviction.touch(stored);
  }

  write(head: StoredHead, lengthBytes: number | undefined): Writer | undefined {
    const { maxObjectBytes, budgetBytes } = this.#limits;
    const leftBytes = budgetBytes - (lengthBytes ?? 0);
    if ((lengthBytes ?? 0) > maxObjectBytes || leftBytes < 0) return undefined;
    // Counted only where it can matter.
    if (leftBytes < MAX_HEAD_BYTES && overheadOf(head, textOnce(head.fields)) > leftBytes) return undefined;
    let gathered: GatheredBytes | undefined = new GatheredBytes(lengthBytes);
    let written = 0;
    const close = (): void => {
      this.#pendingBytes -= written;
      written = 0;
      gathered = undefined;
    };
    return {
      write: (chunk) => {
        if (gathered === undefined) return false;
        if (written + chunk.length > maxObjectBytes || !this.#makeRoom(chunk.length)) {
          close();
          return false;
        }
        written += chunk.length;
        this.#pendingBytes += chunk.length;
        return gathered.add(chunk as Uint8Array<ArrayBuffer>);
      },
      commit: (finish) => {
        if (gathered === undefined) return undefined;
        const taken = gathered;
        close();
        if (finish === undefined) return this.#insert(head, this.#bodyOf(head, taken));
        const finished = finish(taken.inOnePiece(), this.lookup(head.key));
        return finished && this.#insertFinished(finished.head, finished.body);
      },
      abort: close,
    };
  }

  add(stored: StoredResponse): void {
    // What was made for this store, and is not in it, need not be made again.
    const isReady = stored instanceof StoredRecord && stored.slot < 0 && stored.memo === undefined;
    if (isReady) this.#place(stored);
    else this.#insert(stored, stored.body);
  }

  replace(old: StoredResponse, by: StoredResponse | undefined): boolean {
    if (!this.lookup(old.key).includes(old)) return false;
    this.#drop(old);
    if (by !== undefined) this.#insert(by, by.body);
    return true;
  }

  remove(target: InvalidationTarget): MaybePromise<number> {
    const parsed = parsedTarget(target);
    const { kind, name, isSoft } = parsed;
    const now = epochSeconds(this.#clockMs());
    const leave = (stored: StoredResponse): boolean =>
      isSoft ? this.#soften(stored, now) : this.#drop(stored);
    // Those too that are on their way out: what that removal leaves marked, this one may not leave at all.
    if (kind === "uri") return this.#all(name).filter(leave).length;
    const label = labelOf(parsed);
    if (label === undefined) {
      const means = ({ key }: StoredResponse): boolean => key.startsWith(name);
      return this.#removals.inSlices(this.#everything(), { means, isSoft }, leave);
    }
    const members = isSoft ? this.#labels.of(label) : this.#labels.take(label);
    const count = isSoft ? undefined : this.#removals.countOf(members);
    const left = this.#removals.ofMembers(members, isSoft, leave);
    // Nothing of it is found any more: nobody need wait until all of it has left.
    return count ?? left;
  }

  *#everything(): Iterable<StoredResponse> {
    for (const found of this.#variants.values()) yield* found instanceof StoredRecord ? [found] : found;
  }

  /** False where it is not stored any more, or marked already. */
  #soften(stored: StoredResponse, now: EpochSeconds): boolean {
    if (!(stored instanceof StoredRecord) || stored.isPurged || !this.#all(stored.key).includes(stored))
      return false;
    stored.purge(now);
    return true;
  }

  /** Those too that are on their way out. */
  #all(key: string): readonly StoredResponse[] {
    const found = this.#variants.get(key);
    if (found === undefined) return NOTHING;
    return found instanceof StoredRecord ? [found] : found;
  }

  hold({ key, body, sizeBytes }: StoredResponse, onEvicted: () => void): () => void {
    const held = this.#holds.get(body) ?? { key, sizeBytes, holders: new Set() };
    if (held.holders.size === 0) {
      this.#holds.set(body, held);
      this.#heldBytes += sizeBytes;
      if (!this.#isStored(key, body)) this.#lingeringBytes += sizeBytes;
    }
    const holder = { onEvicted };
    held.holders.add(holder);
    return () => {
      if (!held.holders.delete(holder) || held.holders.size > 0) return;
      this.#holds.delete(body);
      this.#heldBytes -= held.sizeBytes;
      if (!this.#isStored(key, body)) this.#lingeringBytes -= held.sizeBytes;
    };
  }

  stats(): StoreStats {
    return {
      responses: this.#responses,
      storedBytes: this.#storedBytes,
      pendingBytes: this.#pendingBytes,
      heldBytes: this.#heldBytes,
      budgetBytes: this.#limits.budgetBytes,
      evictions: this.#evictions,
    };
  }

  #insertFinished(head: StoredHead, body: StoredBody): StoredResponse | undefined {
    if (body.kind !== "complete") return this.#insert(head, body);
    const gathered = new GatheredBytes(undefined);
    gathered.add(body.bytes);
    return this.#insert(head, this.#bodyOf(head, gathered));
  }

  #bodyOf(head: StoredHead, gathered: GatheredBytes): StoredBody {
    return gathered.asBody(head.fields.has("content-type"), this.#limits.blobFromBytes);
  }

  #insert(head: StoredHead, body: StoredBody): StoredResponse | undefined {
    const text = textOnce(head.fields);
    return this.#place(new StoredRecord(head, text, body, overheadOf(head, text) + bodySize(body)));
  }

  #place(stored: StoredRecord): StoredResponse | undefined {
    const { key, body, sizeBytes } = stored;
    for (const older of this.#all(key)) if (supersedes(stored, older)) this.#drop(older);
    const held = this.#isStored(key, body) ? undefined : this.#holds.get(body);
    const lingeringBytes = held?.sizeBytes ?? 0;
    this.#lingeringBytes -= lingeringBytes;
    if (!this.#makeRoom(sizeBytes, body)) {
      this.#lingeringBytes += lingeringBytes;
      return undefined;
    }
    const variants = [...this.#all(key), stored];
    this.#setVariants(key, variants);
    this.#eviction.add(stored);
    this.#labels.add(stored);
    this.#removals.came(stored);
    this.#responses++;
    this.#storedBytes += sizeBytes;
    const [oldest] = variants;
    if (variants.length > MAX_VARIANTS && oldest !== undefined) this.#evict(oldest);
    return stored;
  }

  /** Evicts until `bytes` more fit; false where they do not even then. */
  #makeRoom(bytes: number, sparing?: StoredBody): boolean {
    const { budgetBytes } = this.#limits;
    while (this.#storedBytes + this.#pendingBytes + this.#lingeringBytes + bytes > budgetBytes) {
      const now = epochSeconds(this.#clockMs());
      const victim =
        this.#eviction.victim(now, ({ body }) => !this.#holds.has(body)) ??
        (this.#heldBytes > budgetBytes * MAX_HELD_SHARE ? this.#eviction.victim(now) : undefined);
      if (victim !== undefined) this.#evict(victim);
      else if (!this.#dropLingering(sparing)) return false;
    }
    return true;
  }

  #evict(stored: StoredResponse): void {
    this.#evictions++;
    const { holders = [] } = this.#holds.get(stored.body) ?? {};
    for (const { onEvicted } of [...holders]) onEvicted();
    this.#drop(stored);
  }

  /** What is not stored any more and kept by slow readers beyond their share; false where there is nothing of it. */
  #dropLingering(sparing: StoredBody | undefined): boolean {
    if (this.#heldBytes <= this.#limits.budgetBytes * MAX_HELD_SHARE) return false;
    for (const [body, { key, holders }] of this.#holds) {
      if (body === sparing || this.#isStored(key, body)) continue;
      for (const { onEvicted } of [...holders]) onEvicted();
      return !this.#holds.has(body);
    }
    return false;
  }

  #setVariants(key: string, variants: readonly StoredResponse[]): void {
    const [only] = variants;
    if (only === undefined) this.#variants.delete(key);
    else this.#variants.set(key, variants.length === 1 && only instanceof StoredRecord ? only : variants);
  }

  #isStored(key: string, body: StoredBody): boolean {
    return this.#all(key).some((one) => one.body === body);
  }

  /** False where it is not stored any more. */
  #drop(stored: StoredResponse): boolean {
    const variants = this.#all(stored.key);
    const at = variants.indexOf(stored);
    if (at < 0) return false;
    // A new list: the old one may be in the hands of a lookup.
    this.#setVariants(stored.key, variants.toSpliced(at, 1));
    stored.memo?.forget();
    this.#eviction.remove(stored);
    this.#labels.remove(stored);
    this.#responses--;
    this.#storedBytes -= stored.sizeBytes;
    const held = this.#holds.get(stored.body);
    if (held !== undefined && !this.#isStored(stored.key, stored.body))
      this.#lingeringBytes += held.sizeBytes;
    return true;
  }
}

const NOTHING: readonly StoredResponse[] = Object.freeze([]);
