// Answers: what a response that is on its way says to a client.
// Owns: its header section with what this cache adds (Via, Cache-Status), as `Headers` and as text, each made when a wire asks.
// Leaves out: hits (`hit-answer.ts`), the body (`deliver.ts`), how it leaves (`wire/`).
import { cacheStatusMember, type Report, VIA } from "./cache-status.ts";
import type { Answer, AnswerBlock, AnswerBody, Trailers } from "./message.ts";
import { textOnce } from "./store/field-block.ts";

/** The answer with a response's fields, which are shared with the store: they stay as they are. */
export class ReceivedAnswer implements Answer {
  readonly status: number;
  readonly reason: string | undefined;
  readonly body: AnswerBody;
  readonly trailers: Trailers | undefined;
  readonly #received: Headers;
  readonly #report: Report;
  #fields: Headers | undefined;

  constructor({ status, reason, fields, body, trailers }: Answer, report: Report) {
    this.status = status;
    this.reason = reason;
    this.body = body;
    this.trailers = trailers;
    this.#received = fields;
    this.#report = report;
  }

  get fields(): Headers {
    this.#fields ??= this.#newFields();
    return this.#fields;
  }

  /** Absent where the length that it says is not that of the body, or none is known: the wire says how it ends then. */
  get block(): AnswerBlock | undefined {
    const announced = this.#received.get("content-length");
    const length = this.body instanceof Uint8Array ? String(this.body.length) : announced;
    if (length === null || (announced !== null && announced !== length)) return undefined;
    const own = announced === null ? `\r\nContent-Length: ${length}` : "";
    // RFC 9211 §2: caches add themselves at the end.
    const status = cacheStatusMember(this.#report);
    return {
      lines: textOnce(this.#received),
      ownLines: `${own}\r\nVia: ${VIA}\r\nCache-Status: ${status}`,
    };
  }

  #newFields(): Headers {
    const fields = new Headers(this.#received);
    fields.append("via", VIA);
    fields.append("Cache-Status", cacheStatusMember(this.#report));
    if (this.body instanceof Uint8Array) fields.set("content-length", String(this.body.length));
    return fields;
  }
}
