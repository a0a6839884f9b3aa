// Answers: what can look wrong in a run, before it is held against the known limits of a wire.
// Owns: the closed list of what a run can find, and the shape of one find.
// Leaves out: looking (`oracle.ts`, `origin-oracle.ts`), forgiving (`known-limits.ts`).
import type { Conversation } from "./conversation.ts";
import type { FuzzCase } from "./fuzz-case.ts";
import type { ReadRequest } from "./request-reader.ts";
import type { ReadResponse } from "./response-reader.ts";

/** What it is. */
export type Kind =
  /** An answer that names another request than the one at its place. */
  | "desync"
  /** An answer to the right request that is not what the origin sent. */
  | "altered-answer"
  /** An answer for another host than was asked. */
  | "host"
  /** Bytes that are no response. */
  | "malformed-response"
  /** More responses than requests. */
  | "extra-response"
  /** A message that must be refused, and was answered. */
  | "accepted"
  /** A request by the letter, and the cache would not have it. */
  | "refused"
  /** The connection was closed, and no answer had come. */
  | "closed"
  /** The connection was closed in the middle of an answer. */
  | "cut"
  /** No answer and no close. */
  | "hang"
  /** A request reached the origin that no client sent. */
  | "smuggled"
  /** A request reached the origin with another method or content than was sent. */
  | "altered-request"
  /** A request that is not idempotent reached the origin more often than it was sent. */
  | "sent-twice"
  /** What reached the origin is no well-formed request. */
  | "malformed-request"
  /** The cache itself failed: status 500, or a fault in its log. */
  | "fault"
  /** The cache ended. */
  | "exit"
  /** Its memory grew on. */
  | "memory";

/** What looks wrong, and all that is known of it. */
export interface Suspicion {
  readonly kind: Kind;
  readonly detail: string;
  readonly fuzzCase?: FuzzCase | undefined;
  /** Which of the requests it is about, from 0. */
  readonly place?: number;
  readonly request?: ReadRequest | undefined;
  readonly response?: ReadResponse | undefined;
  readonly conversation?: Conversation | undefined;
  /** Bytes that reached the origin. */
  readonly bytes?: string;
}

/** All bytes of a case. */
export function sentBytes(fuzzCase: FuzzCase): string {
  return fuzzCase.flights.flatMap(({ pieces }) => pieces).join("");
}
