// Answers: which stored responses an unsafe request makes invalid.
// Owns: §4.4, and which methods are safe (RFC 9110 §9.2.1, IANA's method registry).
// Leaves out: removing them and stopping fills in flight (`proxy.ts`).
import type { FieldLookup } from "../message.ts";

/** Methods that are registered as safe; any other, an unknown one too, may have changed something. */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"]);

/** What invalidation depends on. `originAuthority` is the authority under which the origin knows itself. */
export interface InvalidationFacts {
  readonly method: string;
  readonly uri: string;
  readonly status: number;
  readonly fields: FieldLookup;
  readonly originAuthority: string;
}

/**
 * The URIs to invalidate after a response: none for safe methods and for errors; else the target URI, and those in
 * Location and Content-Location where they are of the same origin (nobody may invalidate what belongs to others).
 * @owns §4.4
 */
export function invalidatedUris(facts: InvalidationFacts): string[] {
  if (SAFE_METHODS.has(facts.method) || facts.status < 200 || facts.status >= 400) return [];
  const named = ["location", "content-location"].flatMap((name) =>
    sameOriginUri(facts, facts.fields.get(name)),
  );
  return [...new Set([facts.uri, ...named])];
}

/** Whether Content-Location names the target URI itself, as RFC 9110 §9.3.3 asks of a POST response that is stored. */
export function isContentLocationOfTarget(facts: Omit<InvalidationFacts, "method" | "status">): boolean {
  return sameOriginUri(facts, facts.fields.get("content-location"))[0] === facts.uri;
}

/** An origin behind the cache may name itself: its own authority stands for the one that the client used. */
function sameOriginUri(
  facts: Pick<InvalidationFacts, "uri" | "originAuthority">,
  reference: string | null,
): string[] {
  const target = URL.parse(facts.uri);
  const named = reference === null || target === null ? null : URL.parse(reference, target.href);
  if (named === null || target === null) return [];
  if (named.host === facts.originAuthority) {
    named.protocol = target.protocol;
    named.host = target.host;
    if (target.port === "") named.port = "";
  }
  named.hash = "";
  return named.origin === target.origin ? [named.href] : [];
}
