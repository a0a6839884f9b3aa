// Answers: what a fresh hit says, made once and stamped anew when the second has changed.
// Owns: the header section that answers from one stored response share: Age, Via and Cache-Status, as `Headers` and as text.
// Leaves out: which answer it is (`respond.ts`), how it leaves (`wire/`).
import { CACHE_NAME, hitMember } from "./cache-status.ts";
import type { Answer, AnswerBlock, AnswerBody, StoredFields, StoredHead } from "./message.ts";
import { currentAge } from "./rfc9111/age.ts";
import { formatHttpDate, type EpochSeconds } from "./rfc9111/time.ts";
import { fieldText } from "./store/field-block.ts";

/** A header field of an answer. */
export type Field = readonly [name: string, value: string];

/** The header section of hits on one stored response. Each of its two forms is made when a wire asks for it. */
export class HitSection implements AnswerBlock {
  readonly #stored: StoredHead;
  readonly #kept: StoredFields;
  readonly #added: readonly Field[];
  #at = -1 as EpochSeconds;
  #lines: string | undefined;
  #headers: Headers | undefined;
  #headersAt = -1 as EpochSeconds;
  /** What caches before this one said. */
  #earlierStatus = "";

  /** `kept` are those of the stored fields that it has, `added` what goes with them. */
  constructor(stored: StoredHead, kept: StoredFields, added: readonly Field[] = []) {
    this.#stored = stored;
    this.#kept = kept;
    this.#added = [...added, ...withDate(stored), ["Via", `1.1 ${CACHE_NAME}`]];
  }

  /** Sets the second in which it is sent. */
  stamp(now: EpochSeconds): void {
    this.#at = now;
  }

  get lines(): string {
    return (this.#lines ??= fieldText(this.#kept) + textOf(this.#added));
  }

  /** Not kept: what changes from second to second is cheaper made anew than renewed in thousands of old objects. */
  get ownLines(): string {
    return `\r\nAge: ${this.#age}\r\nCache-Status: ${this.#status}`;
  }

  /** Shared: not to be changed by who gets them. */
  get headers(): Headers {
    if (this.#headersAt === this.#at && this.#headers !== undefined) return this.#headers;
    this.#headersAt = this.#at;
    this.#headers ??= this.#newHeaders();
    this.#headers.set("Age", String(this.#age));
    this.#headers.set("Cache-Status", this.#earlierStatus + this.#status);
    return this.#headers;
  }

  #newHeaders(): Headers {
    // RFC 9211 §2: caches add themselves at the end.
    const earlier = this.#stored.fields.get("cache-status");
    if (earlier !== null) this.#earlierStatus = `${earlier}, `;
    return withFields(new Headers([...this.#kept]), this.#added);
  }

  get #age(): number {
    return currentAge(this.#stored.bornAt, this.#at);
  }

  get #status(): string {
    return hitMember(this.#stored.staleAt - this.#at);
  }
}

/** The answer to a fresh hit; it may be shared by all who get it. */
export class HitAnswer implements Answer {
  readonly status: number;
  readonly reason: string | undefined;
  readonly body: AnswerBody;
  readonly #section: HitSection;
  readonly #extra: readonly Field[];
  #isTyped: boolean | undefined;

  /** `extra` are fields of this answer alone. */
  constructor(
    line: Pick<Answer, "status" | "reason" | "body">,
    section: HitSection,
    extra: readonly Field[] = [],
  ) {
    this.status = line.status;
    this.reason = line.reason;
    this.body = line.body;
    this.#section = section;
    this.#extra = extra;
  }

  /** The same answer, at another moment. */
  at(now: EpochSeconds): this {
    this.#section.stamp(now);
    return this;
  }

  get fields(): Headers {
    if (this.#extra.length === 0) return this.#section.headers;
    return withFields(new Headers(this.#section.headers), this.#extra);
  }

  get block(): AnswerBlock {
    if (this.#extra.length === 0) return this.#section;
    return { lines: this.#section.lines, ownLines: this.#section.ownLines + textOf(this.#extra) };
  }

  /** Whether it has a Content-Type. */
  get isTyped(): boolean {
    return (this.#isTyped ??= this.fields.has("content-type"));
  }
}

function withDate({ fields, dateValue }: StoredHead): readonly Field[] {
  return fields.has("date") ? [] : [["Date", formatHttpDate(dateValue)]];
}

function textOf(fields: readonly Field[]): string {
  let text = "";
  for (const [name, value] of fields) text += `\r\n${name}: ${value}`;
  return text;
}

function withFields(headers: Headers, fields: readonly Field[]): Headers {
  for (const [name, value] of fields) headers.append(name, value);
  return headers;
}
