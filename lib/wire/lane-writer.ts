// Answers: how an answer leaves on a connection of the lane.
// Owns: the bytes of a header section, framing (RFC 9112 §6), partial writes and waiting for a client that reads slowly.
// Leaves out: what is answered (`respond.ts`), whose turn it is (`lane-connection.ts`).
import { STATUS_CODES } from "node:http";
import type { Socket } from "bun";
import { clientLeft, OriginError } from "../errors.ts";
import type { Answer, AnswerBlock, ByteReader } from "../message.ts";
import { fieldName, fieldText } from "../store/field-block.ts";
import { writeLatin1 } from "./latin1.ts";

/** How one answer is sent. */
export interface Sending {
  readonly isHead: boolean;
  /** Whether the connection ends behind it. */
  readonly isLast: boolean;
}

/** A header section and what finds room behind it go out in one write from here; it is free again after that. */
const out = Buffer.allocUnsafe(128 * 1024);

/** Writes to one socket, one answer at a time. */
export class LaneWriter {
  readonly #socket: Socket<unknown>;
  /** What the kernel has not taken yet, in order. */
  #waiting: Uint8Array[] = [];
  #onDrained: (() => void) | undefined;
  #onLeft: ((error: OriginError) => void) | undefined;
  /** Where the body that is being sent comes from. */
  #reader: ByteReader | undefined;
  #isClosed = false;
  /** Chunks of bodies that have been written. */
  chunks = 0;

  constructor(socket: Socket<unknown>) {
    this.#socket = socket;
  }

  /** Whether the kernel has taken all of it. */
  get isFlushed(): boolean {
    return this.#waiting.length === 0;
  }

  /**
   * Sends an answer. `true` where the kernel has taken all of it; otherwise it has when the promise resolves. It rejects
   * where the body breaks off, for the client must not see a clean end then, and where the client has left.
   */
  send(answer: Answer, sending: Sending): true | Promise<void> {
    const { status, body } = answer;
    const hasBody = !sending.isHead && status !== 204 && status !== 304;
    if (body instanceof ReadableStream || body instanceof Blob) {
      const stream = body instanceof Blob ? body.stream() : body;
      if (hasBody) return this.#sendStream(answer, stream, sending);
      stream.cancel().catch(() => {});
    }
    const bytes = hasBody && body instanceof Uint8Array ? body : NO_BYTES;
    const { block } = answer;
    if (block !== undefined && status !== 204)
      return this.#sendBlock(answer, block, bytes, sending.isLast) || this.#flushed();
    const isSent = this.#write(headOf(answer, hasBody ? bytes.length : "as-said", sending), bytes, "");
    return isSent ? true : this.#flushed();
  }

  /** What is made from a stored response says its length itself, and is text already: nothing is put together. */
  #sendBlock(
    { status, reason }: Answer,
    { lines, ownLines }: AnswerBlock,
    bytes: Uint8Array,
    isLast: boolean,
  ): boolean {
    const line = statusLine(status, reason);
    const end = isLast ? LAST : END;
    const headLength = line.length + lines.length + ownLines.length + end.length;
    if (headLength > out.length) return this.#write(line + lines + ownLines + end, bytes, "");
    let at = writeLatin1(out, line, 0);
    at += writeLatin1(out, lines, at);
    at += writeLatin1(out, ownLines + end, at);
    // Two writes of a large body are two deliveries: the first one is to be worth the reader's while.
    const first = at + bytes.length <= out.length ? bytes : bytes.subarray(0, out.length - at);
    out.set(first, at);
    return this.#putHit(at, first.length, bytes);
  }

  /** A header section of that length and the first bytes behind it, from `out`. What waits is the stored body itself. */
  #putHit(headLength: number, firstLength: number, bytes: Uint8Array): boolean {
    const length = headLength + firstLength;
    const written = this.isFlushed ? Math.max(0, this.#socket.write(out, 0, length)) : 0;
    if (written === length && firstLength === bytes.length) return true;
    if (written < headLength) this.#waiting.push(Buffer.from(out.subarray(written, headLength)));
    const rest = bytes.subarray(Math.max(0, written - headLength));
    if (written === length) return this.#put(rest, rest.length);
    if (rest.length > 0) this.#waiting.push(rest);
    return false;
  }

  /** The kernel takes bytes again. */
  drain(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) break;
      const written = Math.max(0, this.#socket.write(next));
      if (written < next.length) {
        this.#waiting[0] = next.subarray(written);
        return;
      }
      this.#waiting.shift();
    }
    this.#onDrained?.();
    this.#onDrained = undefined;
  }

  /** The client has left: whatever waits for it is given up. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
    this.#reader?.cancel().catch(() => {});
    this.#onLeft?.(clientLeft());
  }

  async #sendStream(answer: Answer, stream: ReadableStream<Uint8Array>, sending: Sending): Promise<void> {
    const reader: ByteReader = stream.getReader();
    this.#reader = reader;
    try {
      await this.#sendAll(answer, reader, sending);
    } catch (error) {
      reader.cancel().catch(() => {});
      throw error;
    } finally {
      this.#reader = undefined;
    }
  }

  async #sendAll(answer: Answer, reader: ByteReader, sending: Sending): Promise<void> {
    const length = answer.body instanceof Blob ? answer.body.size : lengthOf(answer);
    let left = length ?? Number.POSITIVE_INFINITY;
    let before = headOf(answer, length ?? "chunked", sending);
    for (;;) {
      const { done, value = NO_BYTES } = await reader.read();
      left -= value.length;
      if (left < 0 || (done && length !== undefined && left !== 0)) throw otherLength();
      if (value.length === 0 && !done) continue;
      // The last byte that was announced is a clean end: it has to be known that this is one.
      if (left === 0 && !done) await ended(reader);
      if (length === undefined && value.length > 0) before += `${value.length.toString(16)}\r\n`;
      const end = length !== undefined ? "" : done ? "0\r\n\r\n" : "\r\n";
      if (!this.#write(before, value, end)) await this.#flushed();
      this.chunks++;
      if (done || left === 0) return;
      before = "";
    }
  }

  /** In order behind what waits already; false where the kernel has not taken all of it. */
  #write(before: string, bytes: Uint8Array, after: string): boolean {
    if (before.length + bytes.length + after.length <= out.length) {
      // Latin1 text has as many bytes as letters.
      let length = writeLatin1(out, before, 0);
      out.set(bytes, length);
      length += bytes.length;
      if (after !== "") length += writeLatin1(out, after, length);
      return this.#put(out, length);
    }
    this.#put(Buffer.from(before, "latin1"), before.length);
    this.#put(bytes, bytes.length);
    return this.#put(Buffer.from(after, "latin1"), after.length);
  }

  #put(bytes: Uint8Array, length: number): boolean {
    const isFree = this.#waiting.length === 0;
    const written = isFree && length > 0 ? Math.max(0, this.#socket.write(bytes, 0, length)) : 0;
    if (written === length) return isFree;
    this.#waiting.push(bytes === out ? Buffer.from(out.subarray(written, length)) : bytes.subarray(written));
    return false;
  }

  #flushed(): Promise<void> {
    if (this.#isClosed) return Promise.reject(clientLeft());
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#onDrained = resolve;
      this.#onLeft = reject;
    });
  }
}

const NO_BYTES = new Uint8Array();

async function ended(reader: ByteReader): Promise<void> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (value !== undefined && value.length > 0) throw otherLength();
  }
}

function otherLength(): OriginError {
  return new OriginError("origin-incomplete", "the body is not as long as it was announced");
}

function lengthOf({ fields }: Answer): number | undefined {
  const length = fields.get("content-length");
  return length === null ? undefined : Number(length);
}

/** Fields that the framing decides. */
const FRAMING = new Set(["content-length", "transfer-encoding", "connection"]);

const LENGTH_LINE = /\r\nContent-Length: [^\r\n]*/g;

const END = "\r\n\r\n";
const LAST = `\r\nConnection: close${END}`;
const OK = "HTTP/1.1 200 OK";

function statusLine(status: number, reason: string | undefined): string {
  if (status === 200 && reason === undefined) return OK;
  return `HTTP/1.1 ${status} ${reason ?? STATUS_CODES[status] ?? ""}`;
}

/** Status line and header section. `framing` is the length of the body, or how else its end is known. */
function headOf(answer: Answer, framing: number | "chunked" | "as-said", { isLast }: Sending): string {
  const line = statusLine(answer.status, answer.reason);
  const end = isLast ? LAST : END;
  const { status, block } = answer;
  if (block !== undefined || framing === "as-said" || status === 204) {
    const said = block === undefined ? fieldText(answer.fields) : block.lines + block.ownLines;
    // RFC 9110 §8.6: a 204 has no Content-Length, whatever the origin said.
    return line + (status === 204 ? said.replace(LENGTH_LINE, "") : said) + end;
  }
  const own = framing === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${framing}`;
  // It lives no longer than the writing takes: a sum will do.
  let head = line;
  answer.fields.forEach((value, name) => {
    if (!FRAMING.has(name)) head += `\r\n${fieldName(name)}: ${value}`;
  });
  return `${head}\r\n${own}${end}`;
}
