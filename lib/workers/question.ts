// Answers: what a worker asks the owner of a key, and what that answers.
// Owns: both as they go from one process to the other: header fields as pairs, a failure as what it was.
// Leaves out: bytes and bodies (`../wire/peer-bun.ts`), who asks (`owner-first.ts`), who answers (`desk.ts`).
import type { Report } from "../cache-status.ts";
import { OriginError, type OriginErrorCode } from "../errors.ts";

/** A GET without content. */
export interface Question {
  readonly uri: string;
  readonly authority: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The client's. */
  readonly address?: string | undefined;
  /** Whether a stale response, which the other one has as well, is of no use. */
  readonly needsFresh: boolean;
}

/** What was decided, and the head of the response or the failure. */
export type Verdict =
  | {
      readonly kind: "response";
      readonly report: Report;
      readonly status: number;
      readonly reason?: string | undefined;
      readonly fields: readonly (readonly [name: string, value: string])[];
    }
  | {
      readonly kind: "failure";
      readonly code: OriginErrorCode;
      readonly message: string;
      readonly status: OriginError["status"];
      readonly origin?: string | undefined;
      readonly answered?: number | undefined;
    };

/** What another worker met at the origin. It has tried again already where that could help. */
export class OwnerFailure extends OriginError {
  override readonly isFinal = true;
  override readonly status: OriginError["status"];

  constructor({ code, message, status, origin, answered }: Extract<Verdict, { kind: "failure" }>) {
    super(code, message, undefined, answered);
    this.status = status;
    this.origin = origin;
  }
}

/** All lines, those of Set-Cookie one by one. */
export function pairsOf(fields: Headers): [name: string, value: string][] {
  return [...fields];
}

/** The same fields again. */
export function fieldsFrom(pairs: Question["fields"]): Headers {
  const fields = new Headers();
  for (const [name, value] of pairs) fields.append(name, value);
  return fields;
}
