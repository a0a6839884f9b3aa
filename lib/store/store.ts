// Answers: what a storage tier can do.
// Owns: the interface that every tier fulfils; `tests/store/contract.ts` is the same in tests.
// Leaves out: how (`memory.ts`), what leaves first (`eviction.ts`), what may be stored at all (`rfc9111/storing.ts`).
import type { StoredBody, StoredHead, StoredResponse } from "../message.ts";
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";

/** A value, or the promise of it: the memory tier answers at once. */
export type MaybePromise<T> = T | Promise<T>;

/** The store. None of its methods throws for a reason of its own: what it cannot do it leaves undone and counts. */
export interface Store {
  /** All responses for a key (its variants) that are in memory, the one stored last at the end. */
  lookup(key: string): readonly StoredResponse[];
  /** Notes that a stored response was used, for eviction. */
  touch(stored: StoredResponse): void;
  /**
   * Brings what tiers behind this one have for a key into it, as far as `fits` wants it, one tier after the other until
   * `isEnough` says so; whether anything came. Absent where there are none.
   */
  readonly recall?: (key: string, wanted: Wanted) => MaybePromise<boolean>;
  /** Starts a write; `undefined` where `lengthBytes` bytes are known not to fit. */
  write(head: StoredHead, lengthBytes: number | undefined, mark?: Mark): Writer | undefined;
  /** Puts a response in the place of a stored one, or removes it; false where that one is not stored any more. */
  replace(old: StoredResponse, by: StoredResponse | undefined, mark?: Mark): boolean;
  /** Adds a stored response that shares its body with another one. */
  add(stored: StoredResponse, mark?: Mark): void;
  /**
   * Removes all that a target means (`targets.ts`), or marks it: nothing of it is found unmarked from the call on. How many
   * there were, once that is known; until the last of them has left it may take longer.
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

/** What somebody needs of the tiers behind memory. */
export interface Wanted {
  readonly fits: (head: StoredHead) => boolean;
  /** Asked after each tier. */
  readonly isEnough: () => boolean;
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
  /** False where the bytes go where they cannot be read until they are committed; may become so with any `write`. */
  readonly keepsBytes?: boolean;
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
   * Whether a response that was recalled is still what the tier would give: asked at the moment at which it is put into
   * memory, since a purge may have come in between. Absent where `remove` is the only way for a purge to come.
   */
  stillHolds?(recalled: StoredResponse): boolean;
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
  /**
   * Notes uses of stored responses, for eviction: how often each key was used since the last call. Absent where eviction is
   * not the tier's own.
   */
  used?(uses: ReadonlyMap<string, number>): void;
  stats(): OuterStats;
  /** Ends it when all that was given to it is done; nothing is called afterwards. */
  close(): Promise<void>;
}

/** Several nodes that have a tier in common. None of it rejects. */
export interface Fleet {
  /**
   * Has all nodes remove these; settles when all that are alive have done it, or when it is known which have not: those
   * are `pending`. `removed` counts what the others had, `nodes` is how many there are, this one included.
   */
  purge(
    targets: readonly InvalidationTarget[],
  ): Promise<{ readonly removed: number; readonly nodes: number; readonly pending: readonly string[] }>;
  /**
   * Waits for this node's turn to ask the origin for a key; `part` tells requests apart of which one does not answer the
   * other. While another node asks, `hasArrived` looks for what that brings.
   */
  turn(key: string, part: string, hasArrived: () => Promise<boolean>): Promise<Turn>;
}

/** Who asks the origin for a key. */
export type Turn =
  /** This node: until `end` is called, or it dies, no other does. */
  | { readonly kind: "ours"; readonly mark: FillMark; readonly end: (how: TurnEnd) => void }
  /** Another node has asked, and what came is there. */
  | { readonly kind: "arrived" }
  /** Nobody can say, or what comes is not for all: each asks for itself. */
  | { readonly kind: "alone" }
  /** Another process of this node sees to it, and to the tiers behind memory. */
  | { readonly kind: "elsewhere" };

/** What became of a turn: others can have what came, have to ask themselves, or may try again. */
export type TurnEnd = "stored" | "unshared" | "failed";

/** Where a response comes from, for the tiers behind memory: with `elsewhere` they have it already. */
export type Mark = FillMark | "elsewhere" | undefined;

/** What a turn means for what comes of it. */
export function markOf(turn: Turn | undefined): Mark {
  if (turn?.kind === "ours") return turn.mark;
  return turn?.kind === "elsewhere" ? "elsewhere" : undefined;
}

/** What a tier must know of the fill that a response came from, to order it among others; made by the tier (`../shared/tier.ts`). */
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
  /** What this node is called among those that share it. */
  readonly node?: string;
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
  /** The tiers behind memory, by name; absent where there are none. */
  readonly outer?: readonly (OuterStats & Pick<OuterTier, "name">)[];
}
