// Answers: what leaves the store, and what does not arrive there, after an unsafe request.
// Owns: carrying out §4.4, for what is stored and for what is on its way.
// Leaves out: which URIs that are (`rfc9111/invalidation.ts`).
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
}

/** Nothing of what the response makes invalid is left when it settles; `by` itself goes on. */
export async function invalidate(
  { store, collapser, events, rules }: InvalidationPlaces,
  { method, uri }: PresentedRequest,
  { status, fields }: ReceivedResponse,
  by: Fill,
): Promise<void> {
  const { originAuthorities } = rules;
  for (const invalid of invalidatedUris({ method, uri, status, fields, originAuthorities })) {
    collapser.invalidate(invalid, by);
    const removed = await store.remove(invalid);
    if (events.isHeard && removed > 0) events.emit({ kind: "invalidated", uri: invalid, removed });
  }
}
