// Answers: what the nouns of Larder are made of.
// Owns: the messages that pass between the door, the engine, the stores and the wires; types only, nothing happens here.
// Leaves out: how they come about (`door.ts`, `forward.ts`, `rfc9111/`) and how they leave (`respond.ts`, `wire/`).
import type { Report } from "./cache-status.ts";
import type { ResponseDirectives } from "./rfc9111/cache-control.ts";
import type { RequestFacts } from "./rfc9111/reuse.ts";
import type { DeltaSeconds, EpochSeconds } from "./rfc9111/time.ts";

/** Header fields that are only looked up, by lower-case name; several lines come joined by `, `. */
export interface FieldLookup {
  get(name: string): string | null;
}

/** Header fields that are kept, and never changed: `Headers`, or the compact form of the store. */
export interface StoredFields extends FieldLookup, Iterable<[string, string]> {
  has(name: string): boolean;
}

/** Takes an interim response (1xx, RFC 9110 §15.2) as it comes. */
export type TakeInterim = (status: number, fields: Headers) => void;

/** The trailer section of a message (RFC 9110 §6.5), once its content has ended; `undefined` where it has none. */
export type Trailers = () => Headers | undefined;

/** A request as it was presented to the cache, after the door let it in. */
export interface PresentedRequest {
  /** As received: methods are case-sensitive. */
  readonly method: string;
  /** The target URI, which is the cache key: scheme, authority, path and query as this wire hands them over. */
  readonly uri: string;
  /** `host` or `host:port` as in the target URI. */
  readonly authority: string;
  readonly fields: Headers;
  /** Whether `fields` are the same object for requests without content that say the same; nobody ever changes it. */
  readonly hasSharedFields?: boolean | undefined;
  /** What the decision depends on, where the wire has read it already. */
  readonly facts?: RequestFacts | undefined;
  /** The content, for methods that may have it. */
  readonly body: ReadableStream<Uint8Array> | null;
  /** The client's address, looked up only when a request is forwarded; `undefined` where the wire does not know it. */
  clientAddress(): string | undefined;
  /** Aborts when the client is gone; `undefined` where the wire does not tell. */
  gone(): AbortSignal | undefined;
  /** Absent where the wire cannot carry interim responses. */
  readonly onInterim?: TakeInterim | undefined;
  /** Of the content; absent where the wire cannot carry them. */
  readonly trailers?: Trailers | undefined;
  /** Whether the client can be sent a trailer section behind the answer. */
  readonly takesTrailers?: boolean | undefined;
  /** Another worker asks, for its client: it is answered here, and never sent on to a third one (`workers/`). */
  readonly isFromWorker?: boolean | undefined;
}

/** Takes bytes as they come: what is used of a stream's reader. */
export interface ByteReader {
  /** The next bytes; rejects where they break off. */
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  /** Ends what they come from. */
  cancel(reason?: unknown): Promise<void>;
  /** The same bytes from `at` on, on their own; absent, or `undefined`, where they cannot be had a second time. */
  from?(at: number): Promise<ByteReader | undefined>;
}

/** A response as it came from the origin, hop-by-hop fields removed and Date made sure of. */
export interface ReceivedResponse {
  readonly status: number;
  /** The reason phrase, where the wire can tell it. */
  readonly reason?: string | undefined;
  readonly fields: Headers;
  /** Bytes where all of them came along with the head. */
  readonly body: ByteReader | Uint8Array | null;
  /** How the end of the body is known; that of `close` cannot be verified, `trusted-close` is believed all the same. */
  readonly framing: "none" | "length" | "chunked" | "close" | "trusted-close";
  /** Bytes of the body as announced, `undefined` where they are not. */
  readonly length: number | undefined;
  readonly requestTime: EpochSeconds;
  readonly responseTime: EpochSeconds;
  /** Absent where the wire cannot carry them, or none can come. They are passed on, never stored (§3.1). */
  readonly trailers?: Trailers | undefined;
  /** What another worker made of the request, where that answered in the place of the origin (`workers/`). */
  readonly decided?: Report | undefined;
}

/** What identifies the stored representation (RFC 9110 §8.8); both as they came. */
export interface Validators {
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
}

/** The selecting header fields of a variant (§4.1): their names, sorted, and their values in comparable form. */
export interface Selecting {
  readonly names: readonly string[];
  readonly values: string;
}

/** Where a freshness lifetime comes from (§4.2.1), the first that is present. */
export type LifetimeSource = "s-maxage" | "max-age" | "expires" | "heuristic" | "none";

/** All of a stored response but its body. What a hit needs has been worked out when it was stored. */
export interface StoredHead {
  readonly key: string;
  readonly status: number;
  readonly reason?: string | undefined;
  readonly fields: StoredFields;
  readonly directives: ResponseDirectives;
  readonly validators: Validators;
  /** `undefined` where the response has no Vary: it fits every request for its key. */
  readonly selecting: Selecting | undefined;
  readonly dateValue: EpochSeconds;
  readonly responseTime: EpochSeconds;
  readonly lifetime: DeltaSeconds;
  readonly lifetimeSource: LifetimeSource;
  /** The moment at which its age was 0: current age is now minus this (§4.2.3). */
  readonly bornAt: EpochSeconds;
  /** The first moment at which it is not fresh. */
  readonly staleAt: EpochSeconds;
  /** Softly purged: it is validated before it is reused, and still covers a failing origin. Absent is false. */
  readonly isPurged?: boolean | undefined;
}

/** A run of bytes of a representation, `first` counted from 0. */
export interface Part {
  readonly first: number;
  readonly bytes: Uint8Array;
}

/**
 * What of a representation is stored. Parts are in order and neither touch nor overlap. A large complete body is a Blob
 * where the wire would copy an ArrayBuffer for each client that reads slowly: answers share its bytes.
 */
export type StoredBody =
  /** All of an ArrayBuffer, or nearly so: what a response came in is not copied for the sake of its header section. */
  | { readonly kind: "complete"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "blob"; readonly blob: Blob }
  | OutsideBody
  | {
      readonly kind: "partial";
      readonly parts: readonly Part[];
      readonly completeLength: number | undefined;
    };

/** All of a body that is too large for memory: its bytes are read from where they are as they are sent. */
export interface OutsideBody {
  readonly kind: "outside";
  /** Bytes. */
  readonly length: number;
  /**
   * The bytes from `first` to `last`, both included, as a stream that breaks off where they cannot be read to the end;
   * `undefined` where they are not there any more.
   */
  read(first: number, last: number): ReadableStream<Uint8Array> | undefined;
  /** Whether the bytes are there still. */
  isThere(): boolean;
}

/** What was made from a stored response and is worth keeping while it is asked for often. */
export interface Memo {
  /** The response is not stored any more, or others are asked for more often. */
  forget(): void;
}

/** A response in the store. It is never changed: freshening replaces it. */
export interface StoredResponse extends StoredHead {
  /** Belongs to `hot-answers.ts`; says nothing about the response. */
  memo?: Memo | undefined;
  readonly body: StoredBody;
  /** What it counts against the budget: body, header fields, key and index. */
  readonly sizeBytes: number;
}

/** The body of an answer: bytes as they are, bytes that are shared, a stream, or none. */
export type AnswerBody = Uint8Array | Blob | ReadableStream<Uint8Array> | null;

/** What a wire renders. `fields` may be shared with other answers: a wire copies, and never changes it. */
export interface Answer {
  readonly status: number;
  /** The origin's reason phrase; a wire that cannot carry it, or has none, sends its own. */
  readonly reason?: string | undefined;
  readonly fields: Headers;
  /** The same fields as text, where they can be had without making `fields`. */
  readonly block?: AnswerBlock | undefined;
  readonly body: AnswerBody;
  /** What follows the body, for a client that takes it; known when the body has ended. */
  readonly trailers?: Trailers | undefined;
}

/** What answers requests: the engine, or what stands in front of it. A hit in the memory tier is answered at once. */
export interface Handler {
  handle(presented: PresentedRequest): Answer | Promise<Answer>;
}

/** A header section for a wire of bytes: `CRLF Name: value` for each line. */
export interface AnswerBlock {
  /** What stays as long as the response is stored. */
  readonly lines: string;
  /** What changes from second to second, or from answer to answer. */
  readonly ownLines: string;
}
