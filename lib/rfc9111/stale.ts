// Answers: whether a stale response may be served all the same, and for how long.
// Owns: §4.2.4, and RFC 5861.
// Leaves out: whether it is stale (`freshness.ts`), who asks and why (`reuse.ts`, `proxy.ts`).
import type { StoredHead } from "../message.ts";
import type { ResponseDirectives } from "./cache-control.ts";
import type { DeltaSeconds, EpochSeconds } from "./time.ts";

/** The part of a stored response that these rules read. */
export type StaleFacts = Pick<StoredHead, "directives" | "staleAt" | "status">;

/**
 * Whether an explicit directive prohibits serving the response stale: `no-cache`, `must-revalidate`,
 * `proxy-revalidate`, or `s-maxage`, which carries the meaning of the last (§5.2.2.10).
 * @owns §4.2.4
 */
export function isStaleProhibited(directives: ResponseDirectives): boolean {
  return (
    directives.noCache === true ||
    directives.mustRevalidate ||
    directives.proxyRevalidate ||
    directives.sMaxage !== undefined
  );
}

/**
 * Whether it may be served stale while it is validated in the background (RFC 5861 §3): within its own
 * `stale-while-revalidate`, else within `allowance` seconds.
 */
export function mayServeWhileRevalidating(
  stored: StaleFacts,
  now: EpochSeconds,
  allowance: DeltaSeconds,
): boolean {
  const window = stored.directives.staleWhileRevalidate ?? allowance;
  return !isStaleProhibited(stored.directives) && now < stored.staleAt + window;
}

/**
 * Whether it may be served because the origin cannot be reached or answered with an error (§4.2.4, RFC 5861 §4):
 * within its own `stale-if-error`, else within `allowance` seconds. One that is an error itself never is.
 */
export function mayServeOnError(stored: StaleFacts, now: EpochSeconds, allowance: DeltaSeconds): boolean {
  if (stored.status >= 500 || isStaleProhibited(stored.directives)) return false;
  return now < stored.staleAt + (stored.directives.staleIfError ?? allowance);
}

/** Whether a request's `max-stale` lets it be served (§5.2.1.2). */
export function mayServeForClient(stored: StaleFacts, now: EpochSeconds, maxStale: DeltaSeconds): boolean {
  return !isStaleProhibited(stored.directives) && now - stored.staleAt <= maxStale;
}

/** Statuses at which a cache may act as if the origin had not answered (§4.3.3, RFC 5861 §4). */
export function isOriginFailure(status: number): boolean {
  return status === 500 || status === 502 || status === 503 || status === 504;
}
