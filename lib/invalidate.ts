// Answers: what leaves the store, and what does not arrive there, after an unsafe request or a purge.
// Owns: carrying out §4.4, for what is stored and for what is on its way.
// Leaves out: which URIs and groups that are (`rfc9111/invalidation.ts`), how other workers are told (`workers/`).
import type { Collapser, Fill } from "./collapse.ts";
import type { Events, InvalidationNames } from "./events.ts";
import type { PresentedRequest, ReceivedResponse } from "./message.ts";
import { originOfGroup, type InvalidationTarget } from "./rfc9111/cache-groups.ts";
import { invalidationTargets } from "./rfc9111/invalidation.ts";
import type { Fleet, Store } from "./store/store.ts";
import { parsedTarget } from "./store/targets.ts";

/** Where stored responses are, and how the origins call themselves. */
export interface InvalidationPlaces {
  readonly store: Store;
  readonly collapser: Collapser;
  readonly events: Events;
  readonly rules: { readonly originAuthorities: readonly string[] };
  /**
   * Does the same in all other workers: how many stored responses each target had there, once nothing of them is left.
   * Absent where there are none.
   */
  readonly elsewhere?: ((targets: readonly InvalidationTarget[]) => Promise<readonly number[]>) | undefined;
  /** The other nodes of the fleet; absent where there is none. */
  readonly fleet?: Fleet | undefined;
}

/** What came of it. */
export interface Invalidated {
  /** Stored responses that there were, in each process that had them. */
  readonly removed: number;
  /** Processes with a store of their own, this one included. */
  readonly nodes: number;
  /** Nodes that have not done it yet, or are not known to. */
  readonly pending: readonly string[];
}

/** Nothing of what the response makes invalid is left when it settles; `by` itself goes on. */
export async function invalidate(
  places: InvalidationPlaces,
  { method, uri }: PresentedRequest,
  { status, fields }: ReceivedResponse,
  by: Fill,
): Promise<void> {
  const { originAuthorities } = places.rules;
  const targets = invalidationTargets({ method, uri, status, fields, originAuthorities });
  if (targets.length > 0) await invalidateTargets(places, targets, by);
}

/** Nothing of what is stored or on its way for these is left when it settles, in no worker, and in no node but `pending`. */
export async function invalidateTargets(
  places: InvalidationPlaces,
  targets: readonly InvalidationTarget[],
  by?: Fill,
): Promise<Invalidated> {
  const { elsewhere, fleet, events } = places;
  // First: from now on nothing is fetched from a worker, or taken from what nodes share, that may not have heard of it.
  const inFleet = fleet?.purge(targets);
  const removing = elsewhere?.(targets);
  const here = await removeTargets(places, targets, by);
  const there = (await removing) ?? [];
  let sum = 0;
  for (const [at, target] of targets.entries()) {
    const removed = (here[at] ?? 0) + (there[at] ?? 0);
    if (events.isHeard && removed > 0) events.emit({ kind: "invalidated", ...named(target), removed });
    sum += removed;
  }
  const { removed, nodes, pending } = (await inFleet) ?? { removed: 0, nodes: 1, pending: [] };
  return { removed: sum + removed, nodes, pending };
}

/** What it is, for the log: the origin, for a group. */
function named(target: InvalidationTarget): InvalidationNames {
  const { kind, name, isSoft } = parsedTarget(target);
  const soft = isSoft && ({ soft: true } as const);
  const origin = originOfGroup(name);
  if (kind === "group" && origin !== undefined)
    return { uri: origin, group: name.slice(origin.length + 1), ...soft };
  if (kind === "all") return { all: true, ...soft };
  return { [kind]: name, ...soft };
}

/** The same in this process only: how many stored responses each target had. */
export async function removeTargets(
  { store, collapser }: Pick<InvalidationPlaces, "store" | "collapser">,
  targets: readonly InvalidationTarget[],
  by?: Fill,
): Promise<readonly number[]> {
  for (const target of targets) collapser.invalidate(target, by);
  // None of them is found from now on, however long the first takes.
  return Promise.all(targets.map((target) => store.remove(target)));
}
