// Answers: what a client gets of what is stored: as a hit, or because the origin failed.
// Owns: the note that it was used; which stored response may cover a failure (§4.2.4), and what is said where none may.
// Leaves out: whether it is reused (`rfc9111/reuse.ts`), what the answer looks like (`respond.ts`), the order (`proxy.ts`).
import { failureReport, type Report } from "./cache-status.ts";
import { OriginError } from "./errors.ts";
import type { Answer, StoredResponse } from "./message.ts";
import { supersedes } from "./rfc9111/cache-key.ts";
import type { CachingRules } from "./rfc9111/outcome.ts";
import type { Forwarding } from "./rfc9111/reuse.ts";
import { isStaleProhibited, mayServeOnError } from "./rfc9111/stale.ts";
import { epochSeconds, type EpochSeconds } from "./rfc9111/time.ts";
import { answerFromStored, faultPage } from "./respond.ts";
import type { Store } from "./store/store.ts";
import type { Visit } from "./visit.ts";

/** What of the engine is needed for it. */
export interface ServingParts {
  readonly store: Store;
  readonly rules: CachingRules;
  /** As a person knows it, for the page that says that it is away. */
  readonly origin: string;
  readonly clockMs: () => number;
}

/** The answer from a stored response. */
export function serveStored(
  store: Store,
  visit: Visit,
  stored: StoredResponse,
  said: { readonly report: Report; readonly now: EpochSeconds },
): Answer {
  const { report, now } = said;
  store.touch(stored);
  return visit.done(answerFromStored(stored, visit.request, report, now), report);
}

/** A stale response where that is allowed, else a page that says what is wrong. */
export function coverFailure(
  parts: ServingParts,
  visit: Visit,
  { fallback, why }: Forwarding,
  error: unknown,
): Answer {
  const { store, rules, clockMs } = parts;
  if (!(error instanceof OriginError)) visit.fault(error);
  const now = epochSeconds(clockMs());
  const report = failureReport(error, why);
  // While the origin was asked, it may have been made invalid (§4.4), or freshened by another request.
  const cover = fallback && store.lookup(visit.presented.uri).find((one) => supersedes(one, fallback));
  if (cover !== undefined && mayServeOnError(cover, now, rules.staleIfError)) {
    const stale = { ...report, word: "STALE", ttl: cover.staleAt - now } as const;
    return serveStored(store, visit, cover, { report: stale, now });
  }
  // §5.2.2.2: where the origin is needed and cannot be had, 504.
  const mustHaveOrigin = fallback !== undefined && isStaleProhibited(fallback.directives);
  const origin = (error as Partial<OriginError>).origin ?? parts.origin;
  return visit.done(faultPage(error, { origin, report, mustHaveOrigin }), report, undefined, error);
}
