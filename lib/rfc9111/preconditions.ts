// Answers: whether a stored response is what the client already has.
// Owns: §4.3.2 with the preconditions of RFC 9110 §13.1.2, §13.1.3, §13.1.5 that a cache evaluates.
// Leaves out: If-Match and If-Unmodified-Since, which only an origin evaluates (`reuse.ts` forwards them).
import type { FieldLookup, StoredHead } from "../message.ts";
import { parseEntityTag, parseEntityTags, stronglyEqual, weaklyEqual } from "./syntax.ts";
import { parseHttpDate, type EpochSeconds } from "./time.ts";

/** The part of a stored response that preconditions are held against. */
export type PreconditionFacts = Pick<StoredHead, "status" | "validators" | "dateValue">;

/** Fields that describe content and therefore stay out of a 304 (RFC 9110 §15.4.5). */
export const NOT_IN_304 = [
  "content-digest",
  "content-encoding",
  "content-language",
  "content-length",
  "content-range",
  "content-type",
];

/**
 * Whether a request is answered with 304: If-None-Match names the stored entity-tag (weak comparison, or `*`), or,
 * without If-None-Match, nothing was modified since If-Modified-Since. Where a response has no Last-Modified, its Date
 * stands in. Preconditions count only for 2xx responses (RFC 9110 §13.2.1).
 * @owns §4.3.2
 */
export function isNotModified(request: FieldLookup, stored: PreconditionFacts, now: EpochSeconds): boolean {
  if (stored.status < 200 || stored.status > 299) return false;
  const ifNoneMatch = request.get("if-none-match");
  if (ifNoneMatch !== null) return namesEntityTag(ifNoneMatch, stored.validators.etag);
  const since = parseHttpDate(request.get("if-modified-since") ?? "", now);
  if (since === undefined) return false;
  const { lastModified } = stored.validators;
  const modified = lastModified === undefined ? stored.dateValue : parseHttpDate(lastModified, now);
  return modified !== undefined && modified <= since;
}

/**
 * Whether a Range is to be honoured: there is no If-Range, or it holds the strong validator of the stored response.
 * A date counts only where it equals a Last-Modified that is at least a second before Date (RFC 9110 §8.8.2.2).
 */
export function ifRangeHolds(ifRange: string | null, stored: PreconditionFacts, now: EpochSeconds): boolean {
  if (ifRange === null) return true;
  const { etag, lastModified } = stored.validators;
  if (/^(?:W\/)?"/.test(ifRange)) {
    return etag !== undefined && stronglyEqual(parseEntityTag(ifRange), parseEntityTag(etag));
  }
  if (lastModified === undefined) return false;
  const [asked, modified] = [parseHttpDate(ifRange, now), parseHttpDate(lastModified, now)];
  return asked !== undefined && asked === modified && modified < stored.dateValue;
}

function namesEntityTag(ifNoneMatch: string, etag: string | undefined): boolean {
  if (ifNoneMatch.trim() === "*") return true;
  if (etag === undefined) return false;
  // As most clients ask: with the one that they were given.
  if (ifNoneMatch === etag && /^(?:W\/)?"[^"]*"$/.test(etag)) return true;
  const stored = parseEntityTag(etag);
  return parseEntityTags(ifNoneMatch).some((asked) => weaklyEqual(asked, stored));
}
