// Answers: whether what memory lacks is looked for in the tiers behind it, and at other nodes that are asking for it.
// Owns: which decisions are worth the question, and what of the answer would do.
// Leaves out: the tiers (`store/tiers.ts`), what follows (`proxy.ts`).
import { matchesSelecting } from "./rfc9111/cache-key.ts";
import type { CachingRules } from "./rfc9111/outcome.ts";
import { decide, type Decision, type Forwarding } from "./rfc9111/reuse.ts";
import { epochSeconds } from "./rfc9111/time.ts";
import type { Fleet, MaybePromise, Store, Turn } from "./store/store.ts";
import type { Visit } from "./visit.ts";

/** What of the engine is needed for it. */
export interface RecallParts {
  readonly store: Store;
  readonly rules: CachingRules;
  /** Absent where this node is the only one. */
  readonly fleet?: Fleet | undefined;
  readonly clockMs: () => number;
}

/** Brings into memory what tiers behind it have for this request; whether anything came. Never rejects. */
export function recall(
  { store, rules }: Pick<RecallParts, "store" | "rules">,
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

/** Waits for this node's turn to ask the origin; `undefined` where there are no others. Never rejects. */
export function turnOf(
  parts: RecallParts,
  visit: Visit,
  { forwarding, fillKey }: { readonly forwarding: Forwarding; readonly fillKey: string },
): Promise<Turn> | undefined {
  const { store, rules, fleet, clockMs } = parts;
  const { presented, request } = visit;
  return fleet?.turn(presented.uri, fillKey, async () => {
    await recall(parts, visit, forwarding);
    const decision = decide(request, store.lookup(presented.uri), epochSeconds(clockMs()), rules);
    return decision.kind === "reuse" && decision.stale === undefined;
  });
}

/** What memory has and the request does not want, no other tier has any better. */
function isOfUse(decision: Decision, method: string): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  return decision.kind === "refuse" || (decision.kind === "forward" && decision.why !== "request");
}
