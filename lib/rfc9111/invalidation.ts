// Answers: which stored responses an unsafe request makes invalid.
// Owns: §4.4, and which methods are safe (RFC 9110 §9.2.1, IANA's method registry).
// Leaves out: removing them and stopping fills in flight (`proxy.ts`).
import { groupTargets, type InvalidationTarget } from "./cache-groups.ts";
import type { FieldLookup } from "../message.ts";

/** Methods that are registered as safe; any other, an unknown one too, may have changed something. */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY"]);

/** Whether a method asks for nothing to be changed (RFC 9110 §9.2.1), so that it may be repeated. */
export function isSafe(method: string): boolean {
  return SAFE_METHODS.has(method);
}

/** What invalidation depends on. `originAuthorities` are those under which the origins know themselves. */
export interface InvalidationFacts {
  readonly method: string;
  readonly uri: string;
  readonly status: number;
  readonly fields: FieldLookup;
  readonly originAuthorities: readonly string[];
}

/**
 * What to invalidate after a response: nothing for safe methods and for errors; else the target URI, those in Location
 * and Content-Location where they are of the same origin (nobody may invalidate what belongs to others), and the groups
 * of that origin that Cache-Group-Invalidation names (RFC 9875 §3).
 * @owns §4.4
 */
export function invalidationTargets(facts: InvalidationFacts): InvalidationTarget[] {
  if (isSafe(facts.method) || facts.status < 200 || facts.status >= 400) return [];
  const named = ["location", "content-location"].flatMap((name) =>
    sameOriginUri(facts, facts.fields.get(name)),
  );
  const groups = groupTargets(facts.uri, facts.fields.get("cache-group-invalidation"));
  return [...new Set([facts.uri, ...named, ...groups])];
}

/** Whether Content-Location names the target URI itself, as RFC 9110 §9.3.3 asks of a POST response that is stored. */
export function isContentLocationOfTarget(facts: Omit<InvalidationFacts, "method" | "status">): boolean {
  return sameOriginUri(facts, facts.fields.get("content-location"))[0] === facts.uri;
}

/** An origin behind the cache may name itself: its own authority stands for the one that the client used. */
function sameOriginUri(
  facts: Pick<InvalidationFacts, "uri" | "originAuthorities">,
  reference: string | null,
): string[] {
  if (reference === null || !URL.canParse(reference, facts.uri)) return [];
  const target = new URL(facts.uri);
  const named = new URL(reference, target);
  if (facts.originAuthorities.includes(named.host)) {
    named.protocol = target.protocol;
    named.host = target.host;
    if (target.port === "") named.port = "";
  }
  // Neither is in a request, nor in a cache key.
  named.hash = "";
  named.username = "";
  named.password = "";
  return named.origin === target.origin ? [named.href] : [];
}
