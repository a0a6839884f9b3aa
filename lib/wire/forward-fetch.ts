// Answers: how a request reaches the origin through Bun's `fetch`.
// Owns: the options of `fetch` that keep bytes and header fields as they are.
// Leaves out: which header fields are sent, deadlines, and what the response means (`forward.ts`).
import type { ByteReader } from "../message.ts";
import type { Send } from "./origin-exchange.ts";

type Reading = ReturnType<ByteReader["read"]>;

/** What came along with a head is taken for all of the body up to here. */
const AT_ONCE_BYTES = 64 * 1024;

/** `Send` through `fetch`: nothing decoded, nothing followed, no proxy of the environment. */
export const sendThroughFetch: Send = async (request) => {
  const response = await fetch(request.origin + request.target, {
    method: request.method,
    headers: request.fields,
    body: request.body,
    redirect: "manual",
    decompress: false,
    keepalive: request.mayReuseConnection,
    signal: request.signal,
    proxy: false,
  } as BunFetchRequestInit);
  if (response.status > 599) {
    response.body?.cancel().catch(() => {});
    const error = new Error(`this wire cannot pass on the status code ${response.status}`);
    throw Object.assign(error, { code: "InvalidHTTPStatus" });
  }
  const { status, headers: fields, body } = response;
  return { status, fields, body: body && (await bodyOf(body, lengthOf(fields))) };
};

/** Content-Length as it came; `null` where it does not count (RFC 9112 §6.3). */
function lengthOf(fields: Headers): string | null {
  return fields.get("transfer-encoding") === null ? fields.get("content-length") : null;
}

/**
 * All bytes of a body where they came along with the head, as those of small responses do: then there is nothing to
 * wait for, to time or to cancel. Else a reader that begins with what has come.
 */
async function bodyOf(
  body: ReadableStream<Uint8Array>,
  length: string | null,
): Promise<ByteReader | Uint8Array> {
  const reader: ByteReader = body.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= AT_ONCE_BYTES) {
    const reading = reader.read();
    let read: Awaited<Reading> | undefined;
    // A break is left to whoever reads on.
    reading.then((result) => (read = result)).catch(() => {});
    for (let turn = 0; turn < TURNS && read === undefined; turn++) await undefined;
    if (read === undefined) return new BegunReader(reader, chunks, reading);
    if (read.done || read.value === undefined) return onePiece(chunks);
    chunks.push(read.value);
    bytes += read.value.length;
    if (String(bytes) === length) return onePiece(chunks);
  }
  return new BegunReader(reader, chunks);
}

/** Of the microtask queue: bytes that are there are told after one, the end behind them after three. */
const TURNS = 3;

function onePiece(chunks: readonly Uint8Array[]): Uint8Array {
  const [only] = chunks;
  return only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks);
}

/** A reader some of whose bytes have been read already. */
class BegunReader implements ByteReader {
  readonly #reader: ByteReader;
  readonly #chunks: Uint8Array[];
  #reading: Reading | undefined;

  constructor(reader: ByteReader, chunks: Uint8Array[], reading?: Reading) {
    this.#reader = reader;
    this.#chunks = chunks;
    this.#reading = reading;
  }

  read(): Reading {
    const value = this.#chunks.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    const reading = this.#reading ?? this.#reader.read();
    this.#reading = undefined;
    return reading;
  }

  cancel(reason?: unknown): Promise<void> {
    return this.#reader.cancel(reason);
  }
}
