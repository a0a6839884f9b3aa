// Answers: for how long a response is fresh, and what says so.
// Owns: §4.2, §4.2.1, §4.2.2, §5.3.
// Leaves out: its age (`age.ts`), what happens when it is stale (`stale.ts`), what a client asks for (`reuse.ts`).
import type { FieldLookup, LifetimeSource, StoredHead } from "../message.ts";
import type { ResponseDirectives } from "./cache-control.ts";
import { deltaSeconds, parseHttpDate, type DeltaSeconds, type EpochSeconds } from "./time.ts";

/** How heuristic freshness is measured (§4.2.2). */
export interface HeuristicLimits {
  /** Share of the time between Last-Modified and Date, 0 to 1. */
  readonly share: number;
  /** Cap in seconds. */
  readonly max: DeltaSeconds;
}

/** What a freshness lifetime is worked out from. */
export interface FreshnessFacts {
  readonly status: number;
  readonly fields: FieldLookup;
  readonly directives: ResponseDirectives;
  readonly dateValue: EpochSeconds;
}

/** A freshness lifetime in seconds, and what it comes from. */
export interface Lifetime {
  readonly seconds: DeltaSeconds;
  readonly source: LifetimeSource;
}

/** Status codes that RFC 9110 §15.1 defines as heuristically cacheable. */
const HEURISTIC_STATUSES = new Set([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501]);

/**
 * Whether a response is fresh at `now`: its freshness lifetime exceeds its current age.
 * @owns §4.2
 */
export function isFresh(stored: Pick<StoredHead, "staleAt">, now: EpochSeconds): boolean {
  return now < stored.staleAt;
}

/**
 * The freshness lifetime: s-maxage, then max-age, then Expires minus Date, then the heuristic.
 * With a targeted field (RFC 9213 §2.2) Expires is ignored.
 * @owns §4.2.1
 */
export function freshnessLifetime(facts: FreshnessFacts, limits: HeuristicLimits): Lifetime {
  const { directives, fields, dateValue } = facts;
  if (directives.sMaxage !== undefined) return { seconds: directives.sMaxage, source: "s-maxage" };
  if (directives.maxAge !== undefined) return { seconds: directives.maxAge, source: "max-age" };
  const expires = directives.source === "cache-control" ? fields.get("expires") : null;
  if (expires !== null) return { seconds: untilExpires(expires, dateValue), source: "expires" };
  const seconds = heuristicLifetime(facts, limits);
  return { seconds, source: seconds > 0 ? "heuristic" : "none" };
}

/** Whether a freshness lifetime may be worked out heuristically: by its status, or because it is marked `public`. */
export function isHeuristicallyCacheable(status: number, directives: ResponseDirectives): boolean {
  return directives.public || HEURISTIC_STATUSES.has(status);
}

/**
 * Seconds from Date to Expires; an invalid date, `0` above all, is a time in the past.
 * @owns §5.3
 */
export function untilExpires(expires: string, dateValue: EpochSeconds): DeltaSeconds {
  return deltaSeconds((parseHttpDate(expires, dateValue) ?? dateValue) - dateValue);
}

/**
 * A share of the time since the last modification, capped; 0 where nothing allows or feeds it.
 * @owns §4.2.2
 */
export function heuristicLifetime(facts: FreshnessFacts, limits: HeuristicLimits): DeltaSeconds {
  if (!isHeuristicallyCacheable(facts.status, facts.directives)) return deltaSeconds(0);
  const lastModified = parseHttpDate(facts.fields.get("last-modified") ?? "", facts.dateValue);
  if (lastModified === undefined) return deltaSeconds(0);
  return deltaSeconds(Math.min((facts.dateValue - lastModified) * limits.share, limits.max));
}
