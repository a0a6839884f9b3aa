// Answers: what a storage tier can do.
// Owns: the interface that every tier fulfils; `tests/store/contract.ts` is the same in tests.
// Leaves out: how (`memory.ts`), what leaves first (`eviction.ts`), what may be stored at all (`rfc9111/storing.ts`).
import type { StoredBody, StoredHead, StoredResponse } from "../message.ts";
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";

/** A value, or the promise of it: the memory tier answers at once. */
export type MaybePromise<T> = T | Promise<T>;

/** A tier. None of its methods throws for a reason of its own: what it cannot do it leaves undone and counts. */
export interface Store {
  /** All stored responses for a key (its variants), the one stored last at the end. */
  lookup(key: string): MaybePromise<readonly StoredResponse[]>;
  /** Notes that a stored response was used, for eviction. */
  touch(stored: StoredResponse): void;
  /** Starts a write; `undefined` where `lengthBytes` bytes are known not to fit. */
  write(head: StoredHead, lengthBytes: number | undefined): Writer | undefined;
  /** Puts a response in the place of a stored one, or removes it; false where that one is not stored any more. */
  replace(old: StoredResponse, by: StoredResponse | undefined): MaybePromise<boolean>;
  /** Adds a stored response that shares its body with another one. */
  add(stored: StoredResponse): void;
  /**
   * Removes all variants of a key, or all members of a group (RFC 9875): nothing of it is found from the call on. How many
   * there were, once all of them are gone.
   */
  remove(target: InvalidationTarget): MaybePromise<number>;
  /**
   * Keeps a stored response for readers that are not through with it: it counts against the budget until it is released,
   * also where it is not stored any more by then. Should it have to leave for want of room, `onEvicted` is called, which
   * must release it. Gives the release, which may be called twice.
   */
  hold(stored: StoredResponse, onEvicted: () => void): () => void;
  stats(): StoreStats;
}

/** What the bytes of a finished write are and the head that goes with them, given what is stored for the key by then. */
export type Finish = (
  bytes: Uint8Array<ArrayBuffer>,
  stored: readonly StoredResponse[],
) => { readonly head: StoredHead; readonly body: StoredBody } | undefined;

/** One response on its way in. What is neither committed nor aborted is lost with the process, and never seen. */
export interface Writer {
  /**
   * Takes a chunk, which must not be changed afterwards, and says where its bytes are from now on: who goes on reading
   * them there keeps them no second time. False where it does not fit: the write is aborted then.
   */
  write(chunk: Uint8Array): Uint8Array | false;
  /**
   * Makes the response visible, replacing the variants that it supersedes. `finish` says what the bytes are; where it
   * gives `undefined`, nothing is stored. Without it they are the complete body.
   */
  commit(finish?: Finish): StoredResponse | undefined;
  /** Forgets all that was written; may be called at any time, also twice. */
  abort(): void;
  /**
   * Settles when more may be written; `undefined` where it may at once. Who does not wait is told false by `write` when
   * there is no room. Absent where there is never anything to wait for.
   */
  ready?(): Promise<void> | undefined;
}

/**
 * A tier behind memory: it outlives the process (disk), or several processes have it in common (shared). It is asked only
 * where nothing in memory will do. What it cannot do it leaves undone and counts: none of its methods throws or rejects.
 */
export interface OuterTier {
  readonly name: "disk" | "shared";
  /**
   * The stored responses for a key that `fits` wants, bodies included, the one stored last at the end. `fits` sees each
   * head once. Nothing where the tier is away, or takes too long.
   */
  recall(key: string, fits: (head: StoredHead) => boolean): MaybePromise<readonly StoredResponse[]>;
  /**
   * Keeps a copy of what memory has stored, later, in the place of the variant that it supersedes; where it cannot be
   * kept, that variant goes all the same. The body is complete: whole bytes, a Blob, or its own outside body.
   */
  put(stored: StoredResponse, mark?: FillMark): void;
  /** Forgets the variant that this head would supersede, later. */
  drop(head: StoredHead): void;
  /**
   * Removes what the target names, softly where that says so. From the call on `recall` finds nothing of it (or finds it
   * marked); when it settles the removal is durable, and how many responses there were is known.
   */
  remove(target: InvalidationTarget): Promise<number>;
  /** Notes uses of stored responses, for eviction: how often each key was used since the last call. */
  used(uses: ReadonlyMap<string, number>): void;
  stats(): OuterStats;
  /** Ends it when all that was given to it is done; nothing is called afterwards. */
  close(): Promise<void>;
}

/** What a tier must know of the fill that a response came from, to order it among others; made by the tier (`shared.ts`). */
export interface FillMark {
  readonly fence: number;
  readonly asOf: string;
}

/** The state of a tier behind memory. */
export interface OuterStats {
  /** Whether it can be used at the moment. */
  readonly isWell: boolean;
  readonly responses: number;
  /** Bytes that it takes where it is. */
  readonly storedBytes: number;
  /** The most it may take; 0 where it is not for Larder to say. */
  readonly budgetBytes: number;
  /** Writes that wait. */
  readonly queued: number;
  /** Writes that were left out: no room in the queue, or they failed. */
  readonly skipped: number;
  readonly evictions: number;
  /** Questions, and those that found something. */
  readonly recalls: number;
  readonly found: number;
}

/** The state of a tier, in bytes and counts. */
export interface StoreStats {
  readonly responses: number;
  /** Bodies, header fields, keys and index of what is stored. */
  readonly storedBytes: number;
  /** Bytes of writes that are neither committed nor aborted. */
  readonly pendingBytes: number;
  /** Bytes of stored responses that slow readers keep, stored still or not. */
  readonly heldBytes: number;
  readonly budgetBytes: number;
  readonly evictions: number;
}
