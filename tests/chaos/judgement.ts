// Answers: what is known when a response is judged, and what a violation says.
// Owns: the nouns of the checker.
// Leaves out: the rules (`judge-head.ts`, `judge-body.ts`).
import type { CacheWord } from "./cache-status-word.ts";
import type { Ledger } from "./ledger.ts";
import type { RequestPlan } from "./request-plan.ts";
import type { ResponseHead } from "./response-reader.ts";

/** A request as it was sent. */
export interface SentRequest {
  readonly plan: RequestPlan;
  /** Just before its first byte left. */
  readonly startMs: number;
  /** Range, If-Range, If-None-Match and If-Modified-Since as sent; "" where absent. */
  readonly range: string;
  readonly ifRange: string;
  readonly ifNoneMatch: string;
  readonly ifModifiedSince: string;
}

/** What the rules look at. */
export interface Case {
  readonly ledger: Ledger;
  readonly sent: SentRequest;
  readonly head: ResponseHead;
  readonly word: CacheWord;
  /** X-Version; NaN where there is none. */
  readonly version: number;
  /** X-Variant, "" where there is none. */
  readonly variant: string;
}

/** A rule that was broken, and how. */
export interface Problem {
  readonly rule: string;
  readonly detail: string;
}

/** A problem with all that is needed to find it again. */
export interface Violation extends Problem {
  readonly seed: number;
  readonly requestId: string;
  readonly object: string;
  /** Method, what was asked, status, Cache-Status, when. */
  readonly exchange: string;
}

/** Whether the origin gave reason for it. */
export function isExplained({ ledger, sent }: Pick<Case, "ledger" | "sent">, kinds?: RegExp): boolean {
  return (
    ledger.explains({ id: sent.plan.id, object: sent.plan.object.id }, sent.startMs, kinds) !== undefined
  );
}

/** Whether the origin gave reason to go on without it. */
export function isDoingWithoutExplained(facts: Case): boolean {
  const isOpen = facts.word.detail === "breaker-open";
  return isExplained(facts) || (isOpen && facts.ledger.explainsOpenBreaker(facts.sent.startMs));
}

/** The value of a field, "" where it is absent. */
export function field({ fields }: ResponseHead, name: string): string {
  return fields.get(name) ?? "";
}
