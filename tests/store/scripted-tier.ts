// Answers: what stands behind memory in a test?
// Owns: a tier that keeps what it is given and answers at once or when the test lets it; a shelf for bodies outside of memory.
// Leaves out: real tiers, claims (`tiers.test.ts`, `spill.test.ts`).
import type { StoredBody, StoredHead, StoredResponse } from "../../lib/message.ts";
import { supersedes } from "../../lib/rfc9111/cache-key.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import type { MaybePromise, OuterStats, OuterTier, Wanted, Writer } from "../../lib/store/store.ts";
import { meets } from "../../lib/store/labels-of.ts";
import { parsedTarget } from "../../lib/store/targets.ts";
import { TieredStore } from "../../lib/store/tiers.ts";
import { at, complete, NOW } from "../rfc9111/test-values.ts";
import { headFor, KEY, ROOMY } from "./contract.ts";

/** What was done to it, in order: `put http://…`. */
type Deed = `${"put" | "drop" | "remove"} ${string}`;

/** A tier in the hands of a test. */
export class ScriptedTier implements OuterTier {
  readonly name: OuterTier["name"];
  kept: StoredResponse[] = [];
  /** The keys that were asked for. */
  readonly asked: string[] = [];
  readonly deeds: Deed[] = [];
  readonly marks: unknown[] = [];
  readonly told: ReadonlyMap<string, number>[] = [];
  /** Whether questions wait until `answer` is called; what they find is what was kept when they were asked. */
  waits = false;
  readonly #waiting: (() => void)[] = [];

  constructor(name: OuterTier["name"] = "disk") {
    this.name = name;
  }

  recall(key: string, fits: (head: StoredHead) => boolean): MaybePromise<readonly StoredResponse[]> {
    this.asked.push(key);
    const found = this.kept.filter((one) => one.key === key && fits(one));
    return this.waits ? new Promise((resolve) => this.#waiting.push(() => resolve(found))) : found;
  }

  /** Lets all questions that wait have their answers, and what follows from these happen. */
  async answer(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }

  put(stored: StoredResponse, mark?: unknown): void {
    this.deeds.push(`put ${stored.key}`);
    this.marks.push(mark);
    this.#forget(stored);
    // The object itself belongs to memory.
    this.kept.push({ ...stored, validators: stored.validators, lifetime: stored.lifetime });
  }

  drop(head: StoredHead): void {
    this.deeds.push(`drop ${head.key}`);
    this.#forget(head);
  }

  async remove(target: string): Promise<number> {
    this.deeds.push(`remove ${target}`);
    const { isSoft } = parsedTarget(target);
    const met = this.kept.filter((one) => meets(target, one));
    this.kept = this.kept.filter((one) => !met.includes(one));
    if (isSoft) this.kept.push(...met.map((one) => ({ ...one, isPurged: true, staleAt: NOW })));
    return met.length;
  }

  used(uses: ReadonlyMap<string, number>): void {
    this.told.push(uses);
  }

  stats(): OuterStats {
    const sizes = { storedBytes: 0, budgetBytes: 0, queued: 0, skipped: 0, evictions: 0 };
    return { isWell: true, responses: this.kept.length, ...sizes, recalls: this.asked.length, found: 0 };
  }

  async close(): Promise<void> {}

  #forget(head: StoredHead): void {
    this.kept = this.kept.filter((one) => one.key !== head.key || !supersedes(head, one));
  }
}

/** Where bodies go that are too large for memory. */
export class Shelf {
  /** Bytes that it takes; beyond, and where it is 0 from the start, it refuses. */
  room = Number.POSITIVE_INFINITY;
  /** What is there no more when it is asked for. */
  isGone = false;
  opened = 0;
  readonly done: string[] = [];
  /** Bytes that were written and are not written out: while there are any, no more may be written. */
  unwritten = 0;
  /** So many bytes may be unwritten; who writes more is refused, but for a chunk on its own. */
  queue = Number.POSITIVE_INFINITY;
  /** Whether bytes stay unwritten until `writeOut` is called. */
  isSlow = false;
  #onWritten: (() => void)[] = [];

  readonly open = (head: StoredHead, lengthBytes: number | undefined): Writer | undefined => {
    if ((lengthBytes ?? 0) > this.room || this.room === 0) return undefined;
    this.opened++;
    return this.#writer(head);
  };

  writeOut(): void {
    this.unwritten = 0;
    for (const resolve of this.#onWritten.splice(0)) resolve();
  }

  bodyOf(bytes: Uint8Array): StoredBody {
    const stream = (first: number, last: number): ReadableStream<Uint8Array> =>
      new Blob([bytes.slice(first, last + 1)]).stream() as unknown as ReadableStream<Uint8Array>;
    return {
      kind: "outside",
      length: bytes.length,
      read: (first, last) => (this.isGone ? undefined : stream(first, last)),
      isThere: () => !this.isGone,
    };
  }

  #writer(head: StoredHead): Writer {
    let chunks: Uint8Array[] | undefined = [];
    let length = 0;
    return {
      write: (chunk) => {
        length += chunk.length;
        const isCrowded = this.unwritten > 0 && this.unwritten + chunk.length > this.queue;
        if (length > this.room || isCrowded) chunks = undefined;
        if (chunks === undefined) return false;
        chunks.push(chunk.slice());
        if (this.isSlow) this.unwritten += chunk.length;
        return chunk;
      },
      commit: () => {
        if (chunks === undefined) return undefined;
        const bytes = new Uint8Array(Bun.concatArrayBuffers(chunks));
        chunks = undefined;
        this.done.push(`commit ${bytes.length}`);
        return { ...head, body: this.bodyOf(bytes), sizeBytes: 1000 };
      },
      abort: () => {
        if (chunks !== undefined) this.done.push("abort");
        chunks = undefined;
      },
      keepsBytes: false,
      ready: () =>
        this.unwritten === 0 ? undefined : new Promise((resolve) => this.#onWritten.push(resolve)),
    };
  }
}

/** A store on two tiers, of which the clock stands at NOW. */
export function tiers(...outer: readonly ScriptedTier[]) {
  const clockMs = (): number => NOW * 1000;
  const memory = new MemoryStore(ROOMY, clockMs);
  const outsideFromBytes = Number.POSITIVE_INFINITY;
  return {
    memory,
    tiered: new TieredStore({ memory, outer, outsideFromBytes, maxObjectBytes: outsideFromBytes, clockMs }),
  };
}

/** What a tier has: `text`, received so many seconds from NOW. */
export function kept(text: string, { language, receivedAt = 0, key = KEY }: Kept = {}): StoredResponse {
  const head = headFor(key, language);
  return { ...head, responseTime: at(receivedAt), body: complete(text), sizeBytes: 500 };
}

/** What is particular about it. */
export interface Kept {
  readonly language?: string;
  readonly receivedAt?: number;
  readonly key?: string;
}

/** Whatever there is, and something is enough. */
export const anything = (tiered: TieredStore, key = KEY): Wanted => ({
  fits: () => true,
  isEnough: () => tiered.lookup(key).length > 0,
});
