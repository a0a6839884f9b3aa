// Answers: of which tiers the store of a process is made.
// Owns: options → memory, disk, shared, and what several nodes or workers need besides.
// Leaves out: the tiers (`store/`, `shared/`), the engine in front of them (`cache-serve.ts`).
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { LIVE_SHARE } from "./heap-bound.ts";
import type { CacheOptions } from "./option-tables.ts";
import type { InvalidationTarget } from "./rfc9111/cache-groups.ts";
import { SharedTier } from "./shared/tier.ts";
import { parseSharedUrl } from "./shared/url.ts";
import { openDisk, type DiskTier } from "./store/disk.ts";
import { MemoryStore } from "./store/memory.ts";
import type { Fleet, Store } from "./store/store.ts";
import { EVERYTHING, softly } from "./store/targets.ts";
import { TieredStore } from "./store/tiers.ts";
import { wireFor } from "./wire-for.ts";

/** Removes from this process what others have purged; how many there were of each. */
export type ApplyPurge = (targets: readonly InvalidationTarget[]) => Promise<readonly number[]>;

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
  if (options.disk === "" && options.shared === "") return memoryOnly(options);
  const outsideFromBytes = Math.min(options.maxObject, Math.floor(options.memory * OUTSIDE_SHARE));
  const disk = await openDiskTier(options, outsideFromBytes);
  // What was missed is applied while it opens: then there is nothing in memory.
  let apply: ApplyPurge = (targets) => Promise.all(targets.map((target) => disk?.remove(target) ?? 0));
  const shared = await openShared(options, disk, (targets) => apply(targets));
  const store = new TieredStore({
    memory: memoryStore(options, disk === undefined ? options.maxObject : outsideFromBytes),
    outer: [disk, shared].filter((tier) => tier !== undefined),
    openOutside: disk && ((head, lengthBytes) => disk.write(head, lengthBytes)),
    outsideFromBytes,
    maxObjectBytes: options.maxObject,
    clockMs: Date.now,
    isCatchingUp: shared && (() => shared.isCatchingUp),
    caughtUp: shared && (() => shared.caughtUp(CATCH_UP_MS)),
  });
  return {
    store,
    fleet: shared && fleetOf(shared),
    mustValidate: shared && (() => shared.mustValidate),
    onPurge: (given) => (apply = given),
    async close() {
      store.close();
      if (shared !== undefined) await disk?.setMeta(POSITION, shared.position);
      await Promise.all([disk?.close(), shared?.close()]);
    },
  };
}

/** With a disk, larger bodies go there alone: as shares of the memory. */
const OUTSIDE_SHARE = 1 / 8;

/** Under this name the disk remembers how far purges of other nodes have been applied to it. */
const POSITION = "purges-applied";

/** So long a request waits for purges that were missed; then it goes to the origin. */
const CATCH_UP_MS = 1000;

/** So long a request waits for what another node is fetching. */
const WAIT_MS = 10_000;

const warn = (line: string): void => console.error(`larder: ${line}`);

function openDiskTier(options: CacheOptions, inMemoryBytes: number): Promise<DiskTier | undefined> {
  const { disk, diskSize: sizeBytes, maxObject: maxObjectBytes } = options;
  return disk === ""
    ? Promise.resolve(undefined)
    : openDisk(disk, { sizeBytes, warn, inMemoryBytes, maxObjectBytes });
}

async function openShared(
  options: CacheOptions,
  disk: DiskTier | undefined,
  apply: ApplyPurge,
): Promise<SharedTier | undefined> {
  const url = parseSharedUrl(options.shared);
  if (url === undefined) return undefined;
  const position = disk?.getMeta(POSITION);
  // What it kept before it had others: of their purges it has heard none.
  if (position === undefined) await disk?.remove(softly(EVERYTHING));
  let opened: SharedTier | undefined;
  opened = await SharedTier.open({
    url,
    node: `${hostname()}-${randomBytes(4).toString("hex")}`,
    position,
    maxObjectBytes: options.sharedMaxObject,
    warn,
    limits: { cutoffMs: options.sharedCutoff },
    async apply(targets) {
      const removed = await apply(targets);
      // Up to the purge before this one: should it be lost, this one is applied twice.
      if (opened !== undefined) await disk?.setMeta(POSITION, opened.position);
      return removed.reduce((sum, count) => sum + count, 0);
    },
    async lostTrack(why) {
      warn(
        `the purges of other nodes cannot all be known (${why}): what is stored is validated before it is reused`,
      );
      await apply([softly(EVERYTHING)]);
    },
    onContact() {},
  });
  await disk?.setMeta(POSITION, opened.position);
  return opened;
}

function fleetOf(shared: SharedTier): Fleet {
  return {
    async purge(targets) {
      const { removed, nodes, pending, isLogged } = await shared.purge(targets);
      return {
        removed,
        nodes,
        pending: isLogged ? pending : [...pending, "all others: the shared tier is away"],
      };
    },
    turn: (key, part, hasArrived) => shared.turn(key, { hasArrived, waitMs: WAIT_MS, part }),
  };
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
    turn(key, part, hasArrived) {
      if (!isOwn(key)) return Promise.resolve({ kind: "elsewhere" });
      return fleet?.turn(key, part, hasArrived) ?? Promise.resolve({ kind: "alone" });
    },
  };
}
