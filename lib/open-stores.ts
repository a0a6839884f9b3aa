// Answers: of which tiers the store of a process is made.
// Owns: options → memory, disk, shared, and what several nodes or workers need besides.
// Leaves out: the tiers (`store/`, `shared/`), the engine in front of them (`cache-serve.ts`).
import { LIVE_SHARE } from "./heap-bound.ts";
import type { CacheOptions } from "./option-tables.ts";
import type { InvalidationTarget } from "./rfc9111/cache-groups.ts";
import { MemoryStore } from "./store/memory.ts";
import type { Fleet, Store } from "./store/store.ts";
import { wireFor } from "./wire-for.ts";

/** Removes from this process what others have purged. */
export type ApplyPurge = (targets: readonly InvalidationTarget[]) => Promise<unknown>;

/** The store of a process, and what belongs to it. */
export interface Stores {
  readonly store: Store;
  /** Absent where there are no other nodes. */
  readonly fleet?: Fleet | undefined;
  /** Whether nothing may be reused unvalidated, since purges of others may have been missed. */
  readonly mustValidate?: (() => boolean) | undefined;
  /** Has purges of other nodes applied from now on. */
  readonly onPurge: (apply: ApplyPurge) => void;
  /** Ends it when all is stored that was given to it. */
  readonly close: () => Promise<void>;
}

/** Memory, and nothing behind it. */
export function memoryOnly(options: CacheOptions): Stores {
  return { store: memoryStore(options, options.maxObject), onPurge() {}, close: async () => {} };
}

/**
 * All the tiers that the options name. A tier that cannot be had is said in a line, and done without.
 * Rejects with a ConfigError where this runtime cannot have it.
 */
export async function openStores(options: CacheOptions): Promise<Stores> {
  return memoryOnly(options);
}

function memoryStore(options: CacheOptions, maxObjectBytes: number): MemoryStore {
  const limits = { budgetBytes: options.memory * LIVE_SHARE, maxObjectBytes };
  // The lane writes from the stored bytes themselves.
  const isLane = wireFor(options) === "lane";
  return new MemoryStore(isLane ? { ...limits, blobFromBytes: Number.POSITIVE_INFINITY } : limits);
}

/**
 * What a fleet is to one of several workers: it takes its turn for keys that are its own. Of the others the worker that
 * owns them does, and brings them to the tiers behind memory. `undefined` where there are no such tiers.
 */
export function amongWorkers({ store, fleet }: Stores, isOwn: (key: string) => boolean): Fleet | undefined {
  if (store.recall === undefined) return fleet;
  return {
    purge: (targets) => fleet?.purge(targets) ?? Promise.resolve({ removed: 0, nodes: 1, pending: [] }),
    turn(key, hasArrived) {
      if (!isOwn(key)) return Promise.resolve({ kind: "elsewhere" });
      return fleet?.turn(key, hasArrived) ?? Promise.resolve({ kind: "alone" });
    },
  };
}
