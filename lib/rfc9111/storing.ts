// Answers: whether a response may be stored, and if not, which rule says so.
// Owns: §3, §3.5.
// Leaves out: which of its fields are stored (`header-fields.ts`), partial content (`range.ts`), limits of the store.
import type { FieldLookup, ReceivedResponse } from "../message.ts";
import type { RequestDirectives, ResponseDirectives } from "./cache-control.ts";
import { contradictsName } from "./deception.ts";
import { isHeuristicallyCacheable } from "./freshness.ts";
import { parseContentRange } from "./range.ts";
import { listMembers } from "./syntax.ts";

/** What the rules of §3 read. */
export interface StoringFacts {
  /** The target URI. */
  readonly uri: string;
  readonly method: string;
  readonly request: FieldLookup;
  readonly requestDirectives: RequestDirectives;
  readonly status: number;
  readonly fields: FieldLookup;
  readonly directives: ResponseDirectives;
  /** Whether Content-Location names the target URI (RFC 9110 §9.3.3). */
  readonly isAboutTarget: boolean;
  readonly framing: ReceivedResponse["framing"];
}

/** Why a response is not stored. */
export type NotStoredReason =
  /** Neither GET nor a POST that says what a later GET would get (RFC 9110 §9.3.3). */
  | "method"
  /** A 1xx response. */
  | "not-final"
  /** The answer to this request's preconditions or range, not a representation: 304, 412, 416. */
  | "answers-conditions"
  /** The request says `no-store` (§5.2.1.5). */
  | "request-no-store"
  /** `must-understand`, and the status code is not known here (§5.2.2.3). */
  | "not-understood"
  /** The response says `no-store` (§5.2.2.5). */
  | "no-store"
  /** The response says `private` (§5.2.2.7). */
  | "private"
  /** The request had Authorization and the response does not allow sharing (§3.5). */
  | "authorization"
  /** `Vary: *` fits no later request (§4.1). */
  | "vary-star"
  /** Set-Cookie without explicit permission to store. */
  | "set-cookie"
  /** Nothing says how long it is fresh and nothing can validate it. */
  | "no-freshness"
  /** Under the name of a static asset something else, without explicit permission to store. */
  | "deception"
  /** Its end could not be told from a broken connection. */
  | "close-delimited"
  /** A 206 that is no single range in bytes. */
  | "unusable-range";

/** Status codes that Larder understands, as `must-understand` asks: those of RFC 9110 §15 and IANA's registry. */
const UNDERSTOOD_STATUSES = new Set([
  ...[200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308],
  ...[
    400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 423,
    424,
  ],
  ...[425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511],
]);

/** The rules in the RFC's order; the first that holds is the reason not to store. */
const RULES: readonly (readonly [NotStoredReason, (facts: StoringFacts) => boolean])[] = [
  ["method", (facts) => facts.method !== "GET" && !(facts.method === "POST" && isReusablePost(facts))],
  ["not-final", ({ status }) => status < 200],
  ["answers-conditions", ({ status }) => status === 304 || status === 412 || status === 416],
  ["request-no-store", ({ requestDirectives }) => requestDirectives.noStore],
  [
    "not-understood",
    ({ status, directives }) => directives.mustUnderstand && !UNDERSTOOD_STATUSES.has(status),
  ],
  // §5.2.2.3: with must-understand, no-store is meant for caches that do not know the status code.
  ["no-store", ({ directives }) => directives.noStore && !directives.mustUnderstand],
  ["private", ({ directives }) => directives.private === true],
  [
    "authorization",
    ({ request, directives }) => request.get("authorization") !== null && !mayShareAuthorized(directives),
  ],
  ["vary-star", ({ fields }) => listMembers(fields.get("vary") ?? "").includes("*")],
  // Deviation: §7.3 leaves this to the origin. A cookie set for one user is stored for all only where the origin says
  // that the response may be stored, not on a heuristic or for validation.
  [
    "set-cookie",
    ({ fields, directives }) => fields.get("set-cookie") !== null && !isExplicit(fields, directives),
  ],
  ["no-freshness", (facts) => !hasFreshnessInformation(facts)],
  // Deviation: §4.2.2 would allow a heuristic. A private page under an asset's name is not stored on a guess.
  [
    "deception",
    ({ uri, fields, directives }) =>
      !isExplicit(fields, directives) && contradictsName(uri, fields.get("content-type")),
  ],
  ["close-delimited", ({ framing }) => framing === "close"],
  ["unusable-range", ({ status, request, fields }) => status === 206 && !isUsableRange(request, fields)],
];

/**
 * The reason not to store a response in a shared cache; `undefined` where it may be stored.
 * @owns §3
 */
export function reasonNotToStore(facts: StoringFacts): NotStoredReason | undefined {
  for (const [reason, holds] of RULES) if (holds(facts)) return reason;
  return undefined;
}

/**
 * Whether a response to a request with Authorization may be stored by a shared cache.
 * @owns §3.5
 */
export function mayShareAuthorized(directives: ResponseDirectives): boolean {
  return directives.mustRevalidate || directives.public || directives.sMaxage !== undefined;
}

/** Whether the origin itself says that the response may be stored: a lifetime, Expires, or `public`. */
export function isExplicit(fields: FieldLookup, directives: ResponseDirectives): boolean {
  return directives.public || hasLifetime(fields, directives);
}

function hasLifetime(fields: FieldLookup, directives: ResponseDirectives): boolean {
  const expires = directives.source === "cache-control" && fields.get("expires") !== null;
  return expires || directives.maxAge !== undefined || directives.sMaxage !== undefined;
}

/** RFC 9110 §9.3.3: explicit freshness, and a Content-Location that is the target URI. */
function isReusablePost(facts: StoringFacts): boolean {
  return facts.isAboutTarget && hasLifetime(facts.fields, facts.directives);
}

/** §3, last item; a response that is neither fresh for any time nor can be validated would only take up room. */
function hasFreshnessInformation({ status, fields, directives }: StoringFacts): boolean {
  if (isExplicit(fields, directives)) return true;
  const validator = fields.get("etag") !== null || fields.get("last-modified") !== null;
  return validator && isHeuristicallyCacheable(status, directives);
}

function isUsableRange(request: FieldLookup, fields: FieldLookup): boolean {
  return request.get("range") !== null && parseContentRange(fields.get("content-range")) !== undefined;
}
