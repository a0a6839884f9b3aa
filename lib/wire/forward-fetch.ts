// Answers: how a request reaches the origin through Bun's `fetch`.
// Owns: the options of `fetch` that keep bytes and header fields as they are.
// Leaves out: which header fields are sent, deadlines, and what the response means (`forward.ts`).

/** A request as it is to leave. */
export interface OutgoingRequest {
  readonly url: string;
  readonly method: string;
  readonly fields: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly signal: AbortSignal;
  /** Whether it may go out on a connection that was used before: not where it could not be repeated. */
  readonly mayReuseConnection: boolean;
}

/** Sends a request; rejects where no header section of a response could be read. */
export type Send = (request: OutgoingRequest) => Promise<Response>;

/** `Send` through `fetch`: nothing decoded, nothing followed, no proxy of the environment. */
export const sendThroughFetch: Send = (request) =>
  fetch(request.url, {
    method: request.method,
    headers: request.fields,
    body: request.body,
    redirect: "manual",
    decompress: false,
    keepalive: request.mayReuseConnection,
    signal: request.signal,
    proxy: false,
  } as BunFetchRequestInit);
