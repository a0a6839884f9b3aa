// Answers: whether a request that carries conditions is to be carried out.
// Owns: RFC 9110 §13.1 and §13.2 as an origin evaluates them, against the file that it has in its hand.
// Leaves out: what is answered (`origin-app.ts`), the same for a stored response (`rfc9111/preconditions.ts`).
import { parseEntityTag, parseEntityTags, stronglyEqual, weaklyEqual } from "./rfc9111/syntax.ts";
import { parseHttpDate, type EpochSeconds } from "./rfc9111/time.ts";

/** What there is to compare with. */
export interface CurrentValidators {
  /** A strong entity-tag, with its quotes. */
  readonly etag: string;
  /** What the origin sends as Last-Modified: never later than `now`. */
  readonly lastModified: EpochSeconds;
  readonly now: EpochSeconds;
}

/** Whether a GET or HEAD goes on, in the order of RFC 9110 §13.2.2. Never throws. */
export function judge(headers: Headers, current: CurrentValidators): "go on" | "not modified" | "failed" {
  const etag = parseEntityTag(current.etag);
  const ifMatch = headers.get("if-match");
  if (ifMatch !== null) {
    // §13.1.1: strong comparison; a list that cannot be read holds nothing that matches.
    if (!isAny(ifMatch) && !parseEntityTags(ifMatch).some((tag) => stronglyEqual(tag, etag))) return "failed";
  } else if (isLaterThan(headers.get("if-unmodified-since"), current)) {
    return "failed";
  }
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch !== null) {
    // §13.1.2: weak comparison. §13.1.3: If-Modified-Since is ignored where If-None-Match is there.
    const matches = isAny(ifNoneMatch) || parseEntityTags(ifNoneMatch).some((tag) => weaklyEqual(tag, etag));
    return matches ? "not modified" : "go on";
  }
  const since = date(headers.get("if-modified-since"), current.now);
  return since !== undefined && current.lastModified <= since ? "not modified" : "go on";
}

/** Whether Range counts: without If-Range always, else where its validator is strong and matches (RFC 9110 §13.1.5). */
export function mayAnswerRange(headers: Headers, current: CurrentValidators): boolean {
  const value = headers.get("if-range");
  if (value === null) return true;
  if (/^(?:W\/)?"/.test(value)) return stronglyEqual(parseEntityTag(value), parseEntityTag(current.etag));
  // §8.8.2.2: within its own second a file may change again under the same date.
  const isStrong = current.lastModified < current.now;
  return isStrong && date(value, current.now) === current.lastModified;
}

function isAny(value: string): boolean {
  return value.trim() === "*";
}

// A field that is no HTTP-date is ignored (§13.1.3, §13.1.4).
function isLaterThan(value: string | null, current: CurrentValidators): boolean {
  const since = date(value, current.now);
  return since !== undefined && current.lastModified > since;
}

function date(value: string | null, now: EpochSeconds): EpochSeconds | undefined {
  return value === null ? undefined : parseHttpDate(value, now);
}
