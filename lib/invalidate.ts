// Answers: what leaves the store, and what does not arrive there, after an unsafe request or a purge.
// Owns: carrying out §4.4, for what is stored and for what is on its way.
// Leaves out: which URIs that are (`rfc9111/invalidation.ts`), how other workers are told (`workers/`).
import type { Collapser, Fill } from "./collapse.ts";
import type { Events } from "./events.ts";
import type { PresentedRequest, ReceivedResponse } from "./message.ts";
import { invalidatedUris } from "./rfc9111/invalidation.ts";
import type { Store } from "./store/store.ts";

/** Where stored responses are, and how the origins call themselves. */
export interface InvalidationPlaces {
  readonly store: Store;
  readonly collapser: Collapser;
  readonly events: Events;
  readonly rules: { readonly originAuthorities: readonly string[] };
  /**
   * Does the same in all other workers: how many stored responses each URI had there, once nothing of them is left.
   * Absent where there are none.
   */
  readonly elsewhere?: ((uris: readonly string[]) => Promise<readonly number[]>) | undefined;
}

/** Nothing of what the response makes invalid is left when it settles; `by` itself goes on. */
export async function invalidate(
  places: InvalidationPlaces,
  { method, uri }: PresentedRequest,
  { status, fields }: ReceivedResponse,
  by: Fill,
): Promise<void> {
  const { originAuthorities } = places.rules;
  const uris = invalidatedUris({ method, uri, status, fields, originAuthorities });
  if (uris.length > 0) await invalidateUris(places, uris, by);
}

/** Nothing of what is stored or on its way for these URIs is left when it settles, in no worker; how much was stored. */
export async function invalidateUris(
  places: InvalidationPlaces,
  uris: readonly string[],
  by?: Fill,
): Promise<number> {
  const { elsewhere, events } = places;
  // First: from now on nothing is fetched from a worker that may not have heard of it.
  const removing = elsewhere?.(uris);
  const here = await removeUris(places, uris, by);
  const there = (await removing) ?? [];
  let sum = 0;
  for (const [at, uri] of uris.entries()) {
    const removed = (here[at] ?? 0) + (there[at] ?? 0);
    if (events.isHeard && removed > 0) events.emit({ kind: "invalidated", uri, removed });
    sum += removed;
  }
  return sum;
}

/** The same in this process only: how many stored responses each URI had. */
export async function removeUris(
  { store, collapser }: Pick<InvalidationPlaces, "store" | "collapser">,
  uris: readonly string[],
  by?: Fill,
): Promise<readonly number[]> {
  const removed: number[] = [];
  for (const uri of uris) {
    collapser.invalidate(uri, by);
    removed.push(await store.remove(uri));
  }
  return removed;
}
