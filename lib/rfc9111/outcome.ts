// Answers: what becomes of the store after a response has come: store, freshen, complete, pass on, or act as if it had not.
// Owns: the order of those decisions, and the making of a stored response from a received one.
// Leaves out: the rules themselves (the other files of this folder) and carrying them out (`proxy.ts`).
import type { FieldLookup, ReceivedResponse, StoredBody, StoredHead, StoredResponse } from "../message.ts";
import { ageValue, correctedInitialAge } from "./age.ts";
import { responseDirectives, type ResponseDirectives } from "./cache-control.ts";
import { matchesSelecting, selectingFields } from "./cache-key.ts";
import { freshnessLifetime, type HeuristicLimits } from "./freshness.ts";
import { storableFields, updatedFields } from "./header-fields.ts";
import { isContentLocationOfTarget } from "./invalidation.ts";
import { combined, completeLengthOf, parseContentRange } from "./range.ts";
import type { Forwarding, RequestFacts, ReuseRules } from "./reuse.ts";
import { mayServeOnError } from "./stale.ts";
import { isExplicit, reasonNotToStore, type NotStoredReason } from "./storing.ts";
import { parseEntityTag, stronglyEqual } from "./syntax.ts";
import { parseHttpDate, type DeltaSeconds, type EpochSeconds } from "./time.ts";
import { freshenedBy, headVerdict, validationResult, validatorsOf } from "./validation.ts";

/** What an operator may set of the rules. */
export interface CachingRules extends ReuseRules {
  readonly heuristic: HeuristicLimits;
  /** Seconds past freshness for which a failing origin is covered, where a response does not say itself. */
  readonly staleIfError: DeltaSeconds;
  /** The authorities under which the origins know themselves. */
  readonly originAuthorities: readonly string[];
}

/** A request that was forwarded, and the response that came. */
export interface Exchange {
  readonly uri: string;
  readonly request: RequestFacts;
  readonly forwarding: Forwarding;
  /** All responses stored for the URI when the response came. */
  readonly stored: readonly StoredResponse[];
  readonly received: ReceivedResponse;
}

/** A stored response and what it is replaced by; `undefined` where it is only to go. */
export interface Replacement {
  readonly old: StoredResponse;
  readonly by: StoredResponse | undefined;
}

/** What becomes of the store, and what the client gets. */
export type Outcome =
  /**
   * A 304 freshened a stored response, which is the answer. Where `keep` is false the freshened one may not be stored,
   * and `outdated` says whether the old one has to go: not where it is only this request that forbids storing.
   */
  | {
      readonly kind: "freshen";
      readonly old: StoredResponse;
      readonly by: StoredResponse;
      readonly keep: boolean;
      readonly outdated: readonly StoredResponse[];
    }
  /**
   * The response is stored while it is passed on. With `completes` it is the rest of that partial response. `outdated`
   * are stored responses in whose place it comes.
   */
  | {
      readonly kind: "store";
      readonly head: StoredHead;
      readonly completes?: StoredResponse;
      readonly outdated: readonly StoredResponse[];
    }
  /** The response is passed on only; `outdated` are stored responses which it shows to be no longer right. */
  | { readonly kind: "pass"; readonly reason: NotStoredReason; readonly outdated: readonly StoredResponse[] }
  /** A response to HEAD is passed on and changes stored responses to GET. */
  | { readonly kind: "head"; readonly replacements: readonly Replacement[] }
  /** The origin failed, and a stale response covers it. */
  | { readonly kind: "stale"; readonly stored: StoredResponse }
  /** Nothing can be made of it: ask again, without conditions. */
  | { readonly kind: "retry" };

/** The outcome of an exchange. */
export function outcome(exchange: Exchange, rules: CachingRules): Outcome {
  const { forwarding, received, request } = exchange;
  const result = validationResult(received.status);
  if (result === "not-modified" && forwarding.nominated.length > 0) return freshened(exchange, rules);
  if (result === "failed" && forwarding.fallback !== undefined) {
    const { fallback } = forwarding;
    if (mayServeOnError(fallback, received.responseTime, rules.staleIfError))
      return { kind: "stale", stored: fallback };
  }
  if (forwarding.completing !== undefined && (received.status === 206 || received.status === 416)) {
    return completed(exchange, rules);
  }
  if (request.method === "HEAD" && received.status === 200) return headUpdated(exchange, rules);
  return stored(exchange, rules);
}

/** The head to store for a response, for the request that brought it. */
export function storedHead(exchange: Exchange, rules: CachingRules): StoredHead {
  const { status, reason, fields } = exchange.received;
  const directives = responseDirectives(fields);
  return headFrom(exchange, rules, {
    status,
    reason,
    fields: storableFields(fields, directives),
    directives,
  });
}

/**
 * A partial response that has just come, together with what is stored of the same representation (the same strong
 * entity-tag, the same variant): the bytes of both, and the header fields of both, the new ones first (§3.4).
 */
export function merged(
  head: StoredHead,
  body: StoredBody,
  stored: readonly StoredResponse[],
): { readonly head: StoredHead; readonly body: StoredBody } {
  const same = stored.find(
    (one) => isSameRepresentation(one, head) && (one.status === 200 || one.status === 206),
  );
  const both = same === undefined ? undefined : combined(same.body, body);
  if (same === undefined || both === undefined) return { head, body };
  const fields = updatedFields(same.fields, new Headers([...head.fields]), head.directives);
  return { head: { ...head, fields, directives: responseDirectives(fields) }, body: both };
}

function stored(exchange: Exchange, rules: CachingRules): Outcome {
  const reason = reasonFor(exchange, rules, responseDirectives(exchange.received.fields));
  if (reason === undefined)
    return { kind: "store", head: storedHead(exchange, rules), outdated: outdatedBy(exchange) };
  const showsNothing =
    exchange.received.status >= 500 || reason === "request-no-store" || exchange.request.method !== "GET";
  return { kind: "pass", reason, outdated: showsNothing ? [] : outdatedBy(exchange) };
}

/** §4.3.3: a full response shows that what was chosen is not what the origin has; variants only offered are right still. */
function outdatedBy({ forwarding, request }: Exchange): readonly StoredResponse[] {
  if (forwarding.why === "vary-miss" || request.ranges !== undefined) return [];
  return forwarding.fallback === undefined ? forwarding.nominated : [forwarding.fallback];
}

function freshened(exchange: Exchange, rules: CachingRules): Outcome {
  const old = freshenedBy(exchange.received.fields, exchange.forwarding.nominated);
  // Outside of memory it may have had to leave while the origin was asked.
  if (old === undefined || (old.body.kind === "outside" && !old.body.isThere())) return { kind: "retry" };
  const by = freshenedResponse(old, exchange, rules);
  const reason = reasonToGo(by, exchange, rules);
  // Deviation: §3.2 takes in the cookie of a 304 as any other field. One that comes without permission to store is for
  // this client only; the stored response stays as it was.
  const { fields } = exchange.received;
  if (fields.get("set-cookie") !== null && !isExplicit(fields, responseDirectives(fields))) {
    return { kind: "freshen", old, by, keep: false, outdated: [] };
  }
  const isOnlyThisRequest = reason === "request-no-store" || reason === "authorization";
  const outdated = reason === undefined || isOnlyThisRequest ? [] : [old];
  return { kind: "freshen", old, by, keep: reason === undefined, outdated };
}

/** §4.3.5: each stored response that the HEAD request could have been answered with. */
function headUpdated(exchange: Exchange, rules: CachingRules): Outcome {
  const fitting = exchange.stored.filter((one) => matchesSelecting(one, exchange.request.fields, rules.vary));
  const replacements = fitting.map((old) => ({
    old,
    by:
      headVerdict(exchange.received.fields, old) === "update"
        ? keptAfterHead(old, exchange, rules)
        : undefined,
  }));
  return { kind: "head", replacements };
}

function keptAfterHead(
  old: StoredResponse,
  exchange: Exchange,
  rules: CachingRules,
): StoredResponse | undefined {
  const by = freshenedResponse(old, exchange, rules);
  return reasonToGo(by, exchange, rules) === undefined ? by : undefined;
}

/** The rules of §3, asked of a stored response as it is after an update, as if a GET had brought it. */
function reasonToGo(
  by: StoredResponse,
  exchange: Exchange,
  rules: CachingRules,
): NotStoredReason | undefined {
  const { received, request } = exchange;
  const status = by.status === 206 ? 200 : by.status;
  const whole: ReceivedResponse = {
    ...received,
    status,
    fields: new Headers([...by.fields]),
    framing: "length",
  };
  const asGet = { ...exchange, request: { ...request, method: "GET" }, received: whole };
  return reasonFor(asGet, rules, by.directives);
}

function completed(exchange: Exchange, rules: CachingRules): Outcome {
  const { completing } = exchange.forwarding;
  const range = parseContentRange(exchange.received.fields.get("content-range"));
  if (completing === undefined || range === undefined) return { kind: "retry" };
  const { stored: partial, first, last } = completing;
  const total = completeLengthOf(partial.body) ?? range.completeLength;
  const fits = range.first === first && total === range.completeLength && total !== undefined;
  if (!fits || range.last !== (last ?? total - 1)) return { kind: "retry" };
  // What it says of its length in two ways has to be one.
  if ((exchange.received.length ?? range.last - first + 1) !== range.last - first + 1)
    return { kind: "retry" };
  const head = storedHead(exchange, rules);
  if (!isSameRepresentation(partial, head)) return { kind: "retry" };
  const fields = updatedFields(partial.fields, exchange.received.fields, head.directives);
  fields.set("content-length", String(total));
  fields.delete("content-digest");
  const whole = headFrom(exchange, rules, { status: 200, fields, directives: responseDirectives(fields) });
  const asWhole = { ...exchange, received: { ...exchange.received, status: 200, fields } };
  if (reasonFor(asWhole, rules, whole.directives) !== undefined) return { kind: "retry" };
  return { kind: "store", head: whole, completes: partial, outdated: [partial] };
}

/** The directives that hold afterwards are those of both messages: what they name is not stored (§3.1). */
function freshenedResponse(old: StoredResponse, exchange: Exchange, rules: CachingRules): StoredResponse {
  const updated = updatedFields(
    old.fields,
    exchange.received.fields,
    responseDirectives(exchange.received.fields),
  );
  const directives = responseDirectives(updated);
  const fields = storableFields(updated, directives);
  const head = headFrom(exchange, rules, { status: old.status, reason: old.reason, fields, directives });
  return { ...head, body: old.body, sizeBytes: old.sizeBytes };
}

function headFrom(
  exchange: Exchange,
  rules: CachingRules,
  response: Pick<StoredHead, "status" | "reason" | "fields" | "directives">,
): StoredHead {
  const { received, request, uri } = exchange;
  const dateValue = dateOf(response.fields, received.responseTime);
  const lifetime = freshnessLifetime({ ...response, dateValue }, rules.heuristic);
  const { requestTime, responseTime } = received;
  const age = correctedInitialAge({
    ageValue: ageValue(received.fields.get("age")),
    dateValue,
    requestTime,
    responseTime,
  });
  const bornAt = (responseTime - age) as EpochSeconds;
  const selecting = selectingFields(response.fields.get("vary"), request.fields, rules.vary);
  return {
    ...response,
    key: uri,
    validators: validatorsOf(response.fields),
    selecting: selecting === "*" ? undefined : selecting,
    dateValue,
    responseTime,
    lifetime: lifetime.seconds,
    lifetimeSource: lifetime.source,
    bornAt,
    staleAt: (bornAt + lifetime.seconds) as EpochSeconds,
  };
}

function reasonFor(
  exchange: Exchange,
  rules: CachingRules,
  directives: ResponseDirectives,
): NotStoredReason | undefined {
  const { received, request, uri } = exchange;
  return reasonNotToStore({
    uri,
    method: request.method,
    request: request.fields,
    requestDirectives: request.directives,
    status: received.status,
    fields: received.fields,
    directives,
    isAboutTarget: isContentLocationOfTarget({
      uri,
      fields: received.fields,
      originAuthorities: rules.originAuthorities,
    }),
    framing: received.framing,
  });
}

function isSameRepresentation(one: StoredHead, other: StoredHead): boolean {
  const [tag, otherTag] = [one.validators.etag, other.validators.etag];
  if (
    tag === undefined ||
    otherTag === undefined ||
    !stronglyEqual(parseEntityTag(tag), parseEntityTag(otherTag))
  ) {
    return false;
  }
  return one.selecting?.values === other.selecting?.values;
}

/** RFC 9110 §6.6.1: where Date is missing or cannot be read, the response was made when it came. */
function dateOf(fields: FieldLookup, responseTime: EpochSeconds): EpochSeconds {
  return parseHttpDate(fields.get("date") ?? "", responseTime) ?? responseTime;
}
