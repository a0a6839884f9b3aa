// Answers: what to do with a request before anything is forwarded: reuse, forward (with or without validators), or refuse.
// Owns: §4.
// Leaves out: what to do with the origin's response (`outcome.ts`) and doing it (`proxy.ts`).
import type { FieldLookup, StoredHead, StoredResponse } from "../message.ts";
import { currentAge } from "./age.ts";
import { matchesSelecting, type VaryComparison } from "./cache-key.ts";
import { NO_REQUEST_DIRECTIVES, requestDirectives, type RequestDirectives } from "./cache-control.ts";
import { isFresh } from "./freshness.ts";
import { ifRangeHolds } from "./preconditions.ts";
import { coverage, missingRange, parseRange, type RangeSpec } from "./range.ts";
import { mayServeForClient, mayServeWhileRevalidating } from "./stale.ts";
import { deltaSeconds, type DeltaSeconds, type EpochSeconds } from "./time.ts";
import { canBeValidated, variantsToOffer } from "./validation.ts";

/** Why a request is forwarded (RFC 9211 §2.2). */
export type ForwardReason =
  "bypass" | "method" | "uri-miss" | "vary-miss" | "miss" | "request" | "stale" | "partial";

/** What a request says that the decision depends on; read once. */
export interface RequestFacts {
  readonly method: string;
  readonly fields: FieldLookup;
  readonly directives: RequestDirectives;
  /** `undefined` where there is no Range to honour. */
  readonly ranges: readonly RangeSpec[] | undefined;
  /** Whether it has preconditions that a cache evaluates (§4.3.2). */
  readonly isConditional: boolean;
  /** Whether it has preconditions that only an origin evaluates (§4.3.2): a cache must not. */
  readonly isForOrigin: boolean;
}

/** What to do with a request. */
export type Decision =
  /** Answer from the store; `stale` where it is not fresh, with who allows that. */
  | {
      readonly kind: "reuse";
      readonly stored: StoredResponse;
      readonly stale?: "while-revalidate" | "max-stale";
    }
  /** Ask the origin. */
  | Forwarding
  /** `only-if-cached`, and there is nothing to reuse (§5.2.1.7). */
  | { readonly kind: "refuse" };

/** What an operator may set of the rules of reuse. */
export interface ReuseRules {
  readonly vary: VaryComparison;
  /** Seconds past freshness for which a response may be served while it is validated, where it does not say itself. */
  readonly staleWhileRevalidate: DeltaSeconds;
  /** Whether nothing may be reused unvalidated just now; absent: no. */
  readonly mustValidate?: boolean;
}

/** How to ask the origin. */
export interface Forwarding {
  readonly kind: "forward";
  readonly why: ForwardReason;
  /** Responses whose validators go along (§4.3.1); empty for a plain request. */
  readonly nominated: readonly StoredResponse[];
  /** What may be served should the origin fail (§4.2.4). */
  readonly fallback?: StoredResponse;
  /** A partial response that the origin is asked to complete (§3.4), and the range that it lacks. */
  readonly completing?: {
    readonly stored: StoredResponse;
    readonly first: number;
    readonly last: number | undefined;
  };
}

/** The fields that `requestFacts` reads; what else is looked at, the stored response names in its Vary. */
export const DECIDING_FIELDS = [
  ...["cache-control", "range", "if-range"],
  ...["if-none-match", "if-modified-since", "if-match", "if-unmodified-since"],
];

/** What a request says that has none of those fields, as most have none. */
export function plainFacts(method: string, fields: FieldLookup): RequestFacts {
  const directives = NO_REQUEST_DIRECTIVES;
  return { method, fields, directives, ranges: undefined, isConditional: false, isForOrigin: false };
}

/** What the request says, for `decide` and all that follows. */
export function requestFacts(method: string, fields: FieldLookup): RequestFacts {
  return {
    method,
    fields,
    directives: requestDirectives(fields.get("cache-control")),
    ranges: method === "GET" ? parseRange(fields.get("range")) : undefined,
    isConditional:
      (method === "GET" || method === "HEAD") &&
      (fields.get("if-none-match") !== null || fields.get("if-modified-since") !== null),
    isForOrigin: fields.get("if-match") !== null || fields.get("if-unmodified-since") !== null,
  };
}

/**
 * The decision for a request, given the stored responses for its URI.
 * @owns §4
 */
export function decide(
  request: RequestFacts,
  stored: readonly StoredResponse[],
  now: EpochSeconds,
  rules: ReuseRules,
): Decision {
  const decision = decideFreely(request, stored, now, rules);
  return decision.kind === "forward" && request.directives.onlyIfCached ? { kind: "refuse" } : decision;
}

function decideFreely(
  request: RequestFacts,
  stored: readonly StoredResponse[],
  now: EpochSeconds,
  rules: ReuseRules,
): Decision {
  if (request.method !== "GET" && request.method !== "HEAD") return plain("method");
  if (stored.length === 0) return plain("uri-miss");
  if (request.isForOrigin) return plain("request");
  const chosen = mostRecentThatFits(stored, request.fields, rules.vary);
  if (chosen === undefined) {
    const offered = request.ranges === undefined ? variantsToOffer(stored, request.fields) : [];
    return { kind: "forward", why: "vary-miss", nominated: offered };
  }
  return hasAskedBytes(chosen, request, now)
    ? decideOn(chosen, request, now, rules)
    : forwardForBytes(chosen, request, now);
}

/** Whether a request would be answered with a response that is still on its way, were it stored already, and fresh. */
export function wouldReuse(
  request: RequestFacts,
  head: StoredHead,
  now: EpochSeconds,
  rules: ReuseRules,
): boolean {
  const body = { kind: "complete", bytes: new Uint8Array(0) } as const;
  const decision = decide(request, [{ ...head, body, sizeBytes: 0 }], now, rules);
  return decision.kind === "reuse" && decision.stale === undefined;
}

/** Whether followers may have a response: what a hit would get a moment later, hence fresh and not to be validated. */
export function isShareable(head: StoredHead, now: EpochSeconds): boolean {
  return isFresh(head, now) && head.directives.noCache !== true;
}

/** The chosen response has the bytes: is it fresh enough, for the origin and for this client? */
function decideOn(
  chosen: StoredResponse,
  request: RequestFacts,
  now: EpochSeconds,
  rules: ReuseRules,
): Decision {
  const { directives } = request;
  if (directives.noCache) return validate(chosen, isFresh(chosen, now) ? "request" : "stale");
  if (chosen.directives.noCache === true || chosen.isPurged === true || rules.mustValidate === true)
    return validate(chosen, "stale");
  if (isFresh(chosen, now)) {
    return isFreshEnough(chosen, request, now)
      ? { kind: "reuse", stored: chosen }
      : validate(chosen, "request");
  }
  if (directives.maxStale !== undefined && isYoungEnough(chosen, request, now)) {
    if (mayServeForClient(chosen, now, directives.maxStale))
      return { kind: "reuse", stored: chosen, stale: "max-stale" };
  }
  // §5.2.1.1: who asks for a maximum age does not want a stale response.
  const asksForFresh = directives.minFresh !== undefined || directives.maxAge !== undefined;
  if (!asksForFresh && mayServeWhileRevalidating(chosen, now, rules.staleWhileRevalidate)) {
    return { kind: "reuse", stored: chosen, stale: "while-revalidate" };
  }
  return validate(chosen, "stale");
}

/** §5.2.1.1 and §5.2.1.3. */
function isFreshEnough(chosen: StoredResponse, request: RequestFacts, now: EpochSeconds): boolean {
  const remaining = deltaSeconds(chosen.staleAt - now);
  return isYoungEnough(chosen, request, now) && remaining >= (request.directives.minFresh ?? 0);
}

/** §5.2.1.1; RFC 8246 §2: while an `immutable` response is fresh, a reload need not ask again. */
function isYoungEnough(chosen: StoredResponse, request: RequestFacts, now: EpochSeconds): boolean {
  const { maxAge } = request.directives;
  if (maxAge === undefined || (chosen.directives.immutable && isFresh(chosen, now))) return true;
  return currentAge(chosen.bornAt, now) <= maxAge;
}

/** Asks the origin whether a stored response is still right, with its validators where it has any (§4.3.1). */
export function validate(chosen: StoredResponse, why: ForwardReason): Forwarding {
  const nominated = canBeValidated(chosen) ? [chosen] : [];
  return { kind: "forward", why, nominated, fallback: chosen };
}

/** Asks the origin without conditions. */
export function plain(why: ForwardReason): Forwarding {
  return { kind: "forward", why, nominated: [] };
}

/** §3.4: an incomplete response answers only requests for ranges that lie wholly within it. */
function hasAskedBytes(chosen: StoredResponse, request: RequestFacts, now: EpochSeconds): boolean {
  if (chosen.body.kind !== "partial") return true;
  if (request.ranges === undefined || !ifRangeHolds(request.fields.get("if-range"), chosen, now))
    return false;
  return coverage(chosen.body, request.ranges).kind !== "uncovered";
}

/** Asks for the missing bytes where those that are stored may still be used, else for all that the client wants. */
function forwardForBytes(chosen: StoredResponse, request: RequestFacts, now: EpochSeconds): Forwarding {
  const missing =
    request.ranges === undefined && request.method === "GET" ? missingRange(chosen.body) : undefined;
  const isCurrent =
    isFresh(chosen, now) &&
    chosen.isPurged !== true &&
    chosen.directives.noCache !== true &&
    !request.directives.noCache;
  const { etag, lastModified } = chosen.validators;
  // What comes can be combined by a strong entity-tag only; a weak validator promises that it cannot.
  const mayFit = etag === undefined ? isCurrent && lastModified === undefined : etag.startsWith('"');
  if (missing === undefined || !mayFit) return plain("partial");
  return { kind: "forward", why: "partial", nominated: [], completing: { stored: chosen, ...missing } };
}

/**
 * §4, §4.1: of several that fit, one that was selected (some origins forget Vary on their default response), of those
 * the one with the latest Date, of those the one that came last.
 */
function mostRecentThatFits(
  stored: readonly StoredResponse[],
  request: FieldLookup,
  vary: VaryComparison,
): StoredResponse | undefined {
  let best: StoredResponse | undefined;
  for (const one of stored) {
    if (!matchesSelecting(one, request, vary)) continue;
    const isSelected = one.selecting !== undefined;
    const bestIsSelected = best?.selecting !== undefined;
    if (best === undefined || (isSelected && !bestIsSelected)) best = one;
    else if (isSelected === bestIsSelected && one.dateValue >= best.dateValue) best = one;
  }
  return best;
}
