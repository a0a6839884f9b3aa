// Answers: whether what memory lacks is looked for in the tiers behind it, and what of it would do.
// Owns: which decisions are worth the question.
// Leaves out: the tiers (`store/tiers.ts`), what follows (`proxy.ts`).
import { matchesSelecting } from "./rfc9111/cache-key.ts";
import type { CachingRules } from "./rfc9111/outcome.ts";
import { decide, type Decision } from "./rfc9111/reuse.ts";
import { epochSeconds } from "./rfc9111/time.ts";
import type { MaybePromise, Store } from "./store/store.ts";
import type { Visit } from "./visit.ts";

/** Brings into memory what tiers behind it have for this request; whether anything came. Never rejects. */
export function recall(
  { store, rules }: { readonly store: Store; readonly rules: CachingRules },
  { presented: { uri }, request, arrivedMs }: Visit,
  decision: Decision,
): MaybePromise<boolean> {
  if (store.recall === undefined || !isOfUse(decision, request.method)) return false;
  const now = epochSeconds(arrivedMs);
  return store.recall(uri, {
    fits: (head) => matchesSelecting(head, request.fields, rules.vary),
    isEnough: () => decide(request, store.lookup(uri), now, rules).kind === "reuse",
  });
}

/** What memory has and the request does not want, no other tier has any better. */
function isOfUse(decision: Decision, method: string): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  return decision.kind === "refuse" || (decision.kind === "forward" && decision.why !== "request");
}
