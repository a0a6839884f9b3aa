// Answers: what a request to an origin and its response are, whichever client carries them.
// Owns: the contract of a client: types only.
// Leaves out: the clients (`forward-fetch.ts`, `forward-node.ts`), what is sent and what the response means (`forward.ts`).
import type { ByteReader, TakeInterim, Trailers } from "../message.ts";

/** What ends an exchange at once, at whatever byte it is, for a client that need not have a signal. */
export interface CallOff {
  /** Why it is called off; `undefined` while it is not. */
  readonly reason: unknown;
  /** Who hears of it, one at a time; `undefined` for nobody. */
  tell(whom: { giveUp(reason: unknown): void } | undefined): void;
}

/** A request as it is to leave. */
export interface OutgoingRequest {
  /** Scheme and authority to connect to, such as `http://localhost:8000`. */
  readonly origin: string;
  /** The request target in origin-form, as exactly as the client can send it. */
  readonly target: string;
  readonly method: string;
  /** All fields that are to be sent, Host included. */
  readonly fields: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
  /** Ends the exchange at once, at whatever byte it is. */
  readonly signal: AbortSignal;
  /** Says the same as the signal, which is made only where it is asked for; absent where there is but that. */
  readonly callOff?: CallOff | undefined;
  /** Whether it may go out on a connection that was used before: not where it could not be repeated. */
  readonly mayReuseConnection: boolean;
  readonly trailers?: Trailers | undefined;
  readonly onInterim?: TakeInterim | undefined;
}

/** A response whose header section is there. */
export interface OriginResponse {
  readonly status: number;
  readonly reason?: string | undefined;
  /** Not to be changed: responses that say the same may share them. */
  readonly fields: Headers;
  /**
   * Breaks off where the response does; cancelling it ends the exchange. A reader where reading has begun; bytes where
   * all of it came along with the head.
   */
  readonly body: ReadableStream<Uint8Array> | ByteReader | Uint8Array | null;
  readonly trailers?: Trailers | undefined;
  /** Whether its framing must be taken for faulty (RFC 9112 §6.1): what it brought may not be all of it. */
  readonly isFramingFaulty?: boolean;
}

/** One whose body is a stream in any case. */
export interface StreamedResponse extends OriginResponse {
  readonly body: ReadableStream<Uint8Array> | null;
}

/** Sends a request; rejects where no header section of a response could be read. */
export type Send = (request: OutgoingRequest) => Promise<OriginResponse>;
