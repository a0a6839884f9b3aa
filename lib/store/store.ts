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
