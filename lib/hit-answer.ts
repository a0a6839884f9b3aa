// Answers: what a fresh hit says, made once and stamped anew when the second has changed.
// Owns: the header section that answers from one stored response share: Age, Via and Cache-Status, as `Headers` and as text.
// Leaves out: which answer it is (`respond.ts`), how it leaves (`wire/`).
import { hitMember, VIA } from "./cache-status.ts";
import type { Answer, AnswerBlock, AnswerBody, StoredFields, StoredHead } from "./message.ts";
import { currentAge } from "./rfc9111/age.ts";
import { formatHttpDate, type EpochSeconds } from "./rfc9111/time.ts";
import { fieldText } from "./store/field-block.ts";

/** A header field of an answer. */
export type Field = readonly [name: string, value: string];

/** What an answer is made of besides the moment. */
export interface HitParts {
  readonly status: number;
  readonly reason?: string | undefined;
  readonly body: AnswerBody;
  /** Those of the stored fields that it has. */
  readonly kept: StoredFields;
  /** What goes with them. */
  readonly added?: readonly Field[];
}

/**
 * The answer to a fresh hit: one object, so that little memory has to be visited for it. It may be shared by all who get
 * it in the same second. Of its header section each form is made when a wire asks for it.
 */
export class HitAnswer implements Answer, AnswerBlock {
  readonly status: number;
  readonly reason: string | undefined;
  readonly body: AnswerBody;
  /** Whether it has a Content-Type. */
  readonly isTyped: boolean;
  readonly lines: string;
  readonly #addedLines: string;
  readonly #bornAt: EpochSeconds;
  readonly #staleAt: EpochSeconds;
  #at = -1 as EpochSeconds;
  readonly #kept: StoredFields;
  readonly #added: readonly Field[];
  #headers: Headers | undefined;
  #headersAt = -1 as EpochSeconds;
  /** What caches before this one said. */
  #earlierStatus = "";

  constructor({ fields, dateValue, bornAt, staleAt }: StoredHead, parts: HitParts) {
    const { status, reason, body, kept, added = NONE } = parts;
    this.status = status;
    this.reason = reason;
    this.body = body;
    this.isTyped = kept.has("content-type");
    this.lines = fieldText(kept);
    this.#kept = kept;
    this.#added = fields.has("date") ? added : [...added, ["Date", formatHttpDate(dateValue)]];
    this.#addedLines = this.#added.length === 0 ? VIA_LINE : textOf(this.#added) + VIA_LINE;
    this.#bornAt = bornAt;
    this.#staleAt = staleAt;
  }

  /** The same answer, at another moment. */
  at(now: EpochSeconds): this {
    this.#at = now;
    return this;
  }

  get block(): AnswerBlock {
    return this;
  }

  /** Not kept: what changes from second to second is cheaper made anew than renewed in thousands of old objects. */
  get ownLines(): string {
    return `${this.#addedLines}\r\nAge: ${this.#age}\r\nCache-Status: ${this.#member}`;
  }

  /** Shared: not to be changed by who gets them. */
  get fields(): Headers {
    if (this.#headersAt === this.#at && this.#headers !== undefined) return this.#headers;
    this.#headersAt = this.#at;
    this.#headers ??= this.#newHeaders();
    this.#headers.set("Age", String(this.#age));
    this.#headers.set("Cache-Status", this.#earlierStatus + this.#member);
    return this.#headers;
  }

  #newHeaders(): Headers {
    // RFC 9211 §2: caches add themselves at the end.
    const earlier = this.#kept.get("cache-status");
    if (earlier !== null) this.#earlierStatus = `${earlier}, `;
    const headers = new Headers([...this.#kept]);
    for (const [name, value] of this.#added) headers.set(name, value);
    headers.append("Via", VIA);
    return headers;
  }

  get #age(): number {
    return currentAge(this.#bornAt, this.#at);
  }

  get #member(): string {
    return hitMember(this.#staleAt - this.#at);
  }
}

const NONE: readonly Field[] = [];
const VIA_LINE = `\r\nVia: ${VIA}`;

function textOf(fields: readonly Field[]): string {
  let text = "";
  for (const [name, value] of fields) text += `\r\n${name}: ${value}`;
  return text;
}
