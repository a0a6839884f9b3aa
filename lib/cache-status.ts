// Answers: what happened to a request, in the one vocabulary that header field, log, metrics and tests share.
// Owns: RFC 9211, and the words HIT, MISS, VALIDATED, STALE, PASS, REFUSED, PURGED, ERROR.
// Leaves out: why a request is forwarded (`rfc9111/reuse.ts`), where the words are shown (`log.ts`).
import { OriginError } from "./errors.ts";
import type { StoredHead } from "./message.ts";
import type { Forwarding, ForwardReason } from "./rfc9111/reuse.ts";
import { isToken } from "./rfc9111/syntax.ts";
import type { EpochSeconds } from "./rfc9111/time.ts";

/** What happened, in one word. */
export type OutcomeWord =
  /** Answered from the store, the origin was not asked. */
  | "HIT"
  /** Answered from the store though stale, with the permission of origin, client or operator. */
  | "STALE"
  /** The origin was asked whether the stored response is still right, and it was. */
  | "VALIDATED"
  /** The origin was asked for the response. */
  | "MISS"
  /** The request went through to the origin, and neither could be nor was answered from the store. */
  | "PASS"
  /** Refused at the door or by `only-if-cached`; the origin was not asked. */
  | "REFUSED"
  /** A PURGE: what was stored is gone, the origin was not asked. */
  | "PURGED"
  /** The origin failed and nothing could be served. */
  | "ERROR";

/** The parameters of Cache-Status (RFC 9211 §2) and the word for them. */
export interface Report {
  readonly word: OutcomeWord;
  /** Why the request was forwarded; `undefined` where it was not. */
  readonly fwd?: ForwardReason;
  readonly fwdStatus?: number;
  readonly stored?: boolean;
  /** True where it followed another request, false where that was tried in vain. */
  readonly collapsed?: boolean;
  /** Remaining freshness in seconds, negative when stale. */
  readonly ttl?: number;
  readonly detail?: string;
}

/** The name under which Larder appears in Cache-Status and Via. */
export const CACHE_NAME = "larder";

/** What Larder adds to Via (RFC 9110 §7.6.3). */
export const VIA = `1.1 ${CACHE_NAME}`;

/** A name of its own for CDN-Loop (RFC 8586): another Larder in front or behind is no loop. */
export function newLoopToken(): string {
  return `${CACHE_NAME}-${crypto.randomUUID().slice(0, 8)}`;
}

/** `only-if-cached`, and nothing to reuse (RFC 9111 §5.2.1.7). */
export const ONLY_IF_CACHED: Report = { word: "REFUSED", detail: "only-if-cached" };

/** A stored response was reused; `permission` says what allows it where it is stale. */
export function reuseReport(stored: StoredHead, now: EpochSeconds, permission?: string): Report {
  const ttl = stored.staleAt - now;
  return permission === undefined ? { word: "HIT", ttl } : { word: "STALE", ttl, detail: permission };
}

/** A stored response was reused after the origin said that it may be. */
export function validatedReport(stored: StoredHead, forwarding: Forwarding, now: EpochSeconds): Report {
  return { word: "VALIDATED", fwd: forwarding.why, fwdStatus: 304, ttl: stored.staleAt - now };
}

/** A request that went to the origin, and whether it was made to follow another. */
export interface Forwarded {
  readonly forwarding: Forwarding;
  readonly collapsed: boolean | undefined;
}

/** The response came from the origin and goes into the store. */
export function storeReport(
  head: StoredHead,
  { forwarding, collapsed }: Forwarded,
  fwdStatus: number,
): Report {
  const ttl = head.staleAt - head.responseTime;
  const report = { word: "MISS", fwd: forwarding.why, fwdStatus, stored: true, ttl } as const;
  return collapsed === undefined ? report : { ...report, collapsed };
}

/** The response came from the origin and is passed on only, for that reason. */
export function passReport({ forwarding, collapsed }: Forwarded, fwdStatus: number, reason: string): Report {
  const { why } = forwarding;
  return {
    word: why === "method" || why === "bypass" ? "PASS" : "MISS",
    fwd: why,
    fwdStatus,
    ...(reason !== why && { detail: reason }),
    ...(collapsed !== undefined && { collapsed }),
  };
}

/** The origin failed; the word is another one where a stale response covers that. */
export function failureReport(error: unknown, fwd: ForwardReason): Report {
  const failure = error instanceof OriginError ? error : undefined;
  const detail = failure?.code ?? "fault";
  const fwdStatus = failure?.answered;
  return fwdStatus === undefined ? { word: "ERROR", fwd, detail } : { word: "ERROR", fwd, fwdStatus, detail };
}

/** The same for the most common of all reports: a fresh hit with so many seconds left. */
export function hitMember(ttl: number): string {
  return `${CACHE_NAME}; hit; ttl=${ttl}`;
}

/** Whether a response tells something about its key: not where another worker had it in its store. */
export function tellsOfKey(decided: Report | undefined): boolean {
  return decided === undefined || decided.word === "MISS";
}

/** The member that this cache adds to Cache-Status: a Structured Field Item with parameters. */
export function cacheStatusMember(report: Report): string {
  let member = CACHE_NAME;
  if (report.fwd === undefined && (report.word === "HIT" || report.word === "STALE")) member += "; hit";
  if (report.fwd !== undefined) member += `; fwd=${report.fwd}`;
  if (report.fwdStatus !== undefined) member += `; fwd-status=${report.fwdStatus}`;
  if (report.stored === true) member += "; stored";
  if (report.collapsed !== undefined) member += report.collapsed ? "; collapsed" : "; collapsed=?0";
  if (report.ttl !== undefined) member += `; ttl=${report.ttl}`;
  if (report.detail !== undefined) member += `; detail=${detailValue(report.detail)}`;
  return member;
}

/** A Token where it can be one, else a String (RFC 9651 §3.3.3, §3.3.4). */
function detailValue(detail: string): string {
  if (isToken(detail) && /^[A-Za-z*]/.test(detail)) return detail;
  return `"${detail.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, "\\$&")}"`;
}
