// Answers: how a web-standard Request becomes a presented request, and an Answer a web-standard Response.
// Owns: what `Response` does to a body behind one's back, and keeping it from doing so.
// Leaves out: the socket (`serve-bun.ts`), what is refused (`door.ts`).
import { FRAMING_FIELDS } from "../door.ts";
import { HitAnswer } from "../hit-answer.ts";
import type { Answer, AnswerBody, FieldLookup, PresentedRequest } from "../message.ts";
import { endToEndFields } from "../rfc9111/header-fields.ts";
import { DECIDING_FIELDS, plainFacts, requestFacts, type RequestFacts } from "../rfc9111/reuse.ts";
import { piecesOf, sharedBlob } from "./large-bodies.ts";

/** The header fields of a request, read once: each look-up in native `Headers` costs as much as all of them here. */
export class ReadFields implements FieldLookup {
  /** Whether neither the door nor the decision has anything to look at. */
  readonly isPlain: boolean;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(headers: Headers) {
    this.#values = valuesOf(headers);
    this.isPlain = hasNothingThatMatters(this.#values);
  }

  get(name: string): string | null {
    const value = this.#values[name];
    if (typeof value === "string") return value;
    // Set-Cookie alone comes as a list; whatever else is found here belongs to every object.
    return Array.isArray(value) ? value.join(", ") : null;
  }
}

function valuesOf(headers: Headers): Readonly<Record<string, unknown>> {
  try {
    return headers.toJSON();
  } catch {
    // Headers of another make, such as those of `@hono/node-server`, are no `Headers` to Bun.
    return Object.fromEntries(headers);
  }
}

const MATTERING = new Set([...DECIDING_FIELDS, ...FRAMING_FIELDS, "upgrade"]);

function hasNothingThatMatters(values: Readonly<Record<string, unknown>>): boolean {
  for (const name in values) {
    if (MATTERING.has(name) || (name === "connection" && values[name] !== "keep-alive")) return false;
  }
  return true;
}

/** A request as it came through a web-standard wire, as the engine sees it. */
export class WebRequest implements PresentedRequest {
  readonly method: string;
  /** The target URI is the cache key. */
  readonly uri: string;
  readonly facts: RequestFacts;
  readonly clientAddress: () => string | undefined;
  readonly #request: Request;
  readonly #read: ReadFields;

  constructor(
    request: Request,
    clientAddress: () => string | undefined,
    read = new ReadFields(request.headers),
  ) {
    this.method = request.method;
    this.uri = request.url;
    this.#request = request;
    this.#read = read;
    this.clientAddress = clientAddress;
    this.facts = read.isPlain
      ? plainFacts(this.method, read)
      : requestFacts(this.method, this.#namesFields ? this.fields : read);
  }

  /** As the wire has normalised it: what is sent to the origin and what is in the cache key are the same host. */
  get authority(): string {
    const start = this.uri.indexOf("//") + 2;
    return this.uri.slice(start, this.uri.indexOf("/", start));
  }

  /**
   * Fields that Connection names are gone before anything is selected by them: the origin will not see them either
   * (RFC 9110 §7.6.1).
   */
  get fields(): Headers {
    const { headers } = this.#request;
    return this.#namesFields ? endToEndFields(headers) : headers;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#request.body;
  }

  gone(): AbortSignal {
    return this.#request.signal;
  }

  get #namesFields(): boolean {
    const connection = this.#read.get("connection");
    return connection !== null && !/^(?:keep-alive|close)$/i.test(connection);
  }
}

/** The answer as a Response: nothing is added to it but what the wire needs for framing. */
export function responseFrom(answer: Answer): Response {
  const { status, fields, body } = answer;
  const isTyped = answer instanceof HitAnswer ? answer.isTyped : fields.has("content-type");
  return new Response(contentOf(body, isTyped), { status, headers: fields });
}

/** From this size on bytes are not copied for each client. */
const LARGE_BYTES = 256 * 1024;

function contentOf(body: AnswerBody, isTyped: boolean): AnswerBody {
  const isLarge = body instanceof Blob || (body instanceof Uint8Array && body.length >= LARGE_BYTES);
  // `body.stream()` would be given a type all the same.
  if (isLarge && !isTyped) return piecesOf(body);
  if (!(body instanceof Uint8Array)) return body;
  if (isLarge) return sharedBlob(body as Uint8Array<ArrayBuffer>);
  return isTyped ? body : untyped(body);
}

/**
 * Bytes handed over as they are would be given a Content-Type. A stream that ends at once keeps its Content-Length and
 * is given none.
 */
function untyped(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    },
    { highWaterMark: bytes.length + 1, size: (chunk) => chunk?.length ?? 0 },
  );
}
