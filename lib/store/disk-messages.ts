// Answers: what the two threads of the disk tier say to each other.
// Owns: the operations that the main thread asks for, in order, and what the writing thread answers; types only.
// Leaves out: when they are sent (`disk-queue.ts`) and how they are done (`disk-writer.ts`).
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";

/** A stored response without its body, as the writing thread needs it. */
export interface Card {
  readonly key: string;
  /** What tells it from the other variants of the key (`codec.ts`). */
  readonly variant: string;
  readonly head: string;
  /** Seconds since 1970. */
  readonly staleAt: number;
  readonly labels: readonly InvalidationTarget[];
}

/** One thing to do. `write` and `ask` are numbers that the main thread gives, each of them once. */
export type DiskOperation =
  /** A response with a small body. */
  | { readonly kind: "put"; readonly card: Card; readonly body: Uint8Array }
  /** A body that comes in chunks begins; `isPut` where its place in the order is here, and not at its commit. */
  | { readonly kind: "begin"; readonly write: number; readonly card: Card; readonly isPut: boolean }
  | { readonly kind: "chunk"; readonly write: number; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "commit"; readonly write: number; readonly length: number }
  | { readonly kind: "abort"; readonly write: number }
  /** Another head for a response that is stored with this body; nothing where it is not any more. */
  | { readonly kind: "freshen"; readonly card: Card; readonly bodyId: number }
  | { readonly kind: "drop"; readonly key: string; readonly variant: string }
  /** What has turned out to be damaged: the entry with this id, 0 for none, and what has the body, 0 for none. */
  | { readonly kind: "lose"; readonly key: string; readonly id: number; readonly bodyId: number }
  /** A body is being read from now on, or is not any more. */
  | { readonly kind: "reading"; readonly bodyId: number; readonly isRead: boolean }
  | { readonly kind: "remove"; readonly ask: number; readonly target: InvalidationTarget }
  | { readonly kind: "used"; readonly uses: readonly (readonly [key: string, uses: number])[] }
  | { readonly kind: "meta"; readonly ask: number; readonly name: string; readonly value: string };

/** What the main thread sends. Bodies in a batch are handed over, not copied. */
export type ToDisk =
  | { readonly kind: "batch"; readonly operations: readonly DiskOperation[]; readonly nowMs: number }
  | { readonly kind: "close" };

/** The state of the file, in counts and bytes. */
export interface DiskCounts {
  readonly responses: number;
  /** The database and its log. */
  readonly fileBytes: number;
  readonly evictions: number;
}

/** What became of some batches, the oldest that were not answered yet. */
export interface DiskDone {
  readonly kind: "done";
  readonly batches: number;
  /** Where each write that was committed lies; 0 where it is not stored. */
  readonly commits: readonly (readonly [write: number, bodyId: number])[];
  /** Writes that cannot be stored any more. */
  readonly lost: readonly number[];
  /** What was asked for and is durable: how many responses there were. */
  readonly answers: readonly (readonly [ask: number, count: number])[];
  /** Responses that were left out. */
  readonly skipped: number;
  /** Why, where there was trouble. */
  readonly trouble: string | undefined;
  readonly counts: DiskCounts;
}

/** What the writing thread sends. */
export type FromDisk =
  | DiskDone
  | { readonly kind: "counts"; readonly counts: DiskCounts }
  /** The file cannot be relied on any more: it is damaged, or what had to leave it could not. */
  | { readonly kind: "broken"; readonly why: string; readonly isDamaged: boolean }
  | { readonly kind: "closed" };

/** What the writing thread is told when it starts. */
export interface DiskSettings {
  readonly path: string;
  /** The most that the database and its log may take, in bytes. */
  readonly sizeBytes: number;
  /** Names this opening of the file among those of other processes: `pid:random`. */
  readonly owner: string;
}
