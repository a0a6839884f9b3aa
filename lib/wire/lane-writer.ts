// Answers: how an answer leaves on a connection of the lane.
// Owns: the bytes of a header section, framing (RFC 9112 §6), partial writes and waiting for a client that reads slowly.
// Leaves out: what is answered (`respond.ts`), whose turn it is (`serve-lane.ts`).
import { STATUS_CODES } from "node:http";
import type { Socket } from "bun";
import { OriginError } from "../errors.ts";
import type { Answer } from "../message.ts";
import { fieldText } from "../store/field-block.ts";
import { writeLatin1 } from "./latin1.ts";

/** How one answer is sent. */
export interface Sending {
  readonly isHead: boolean;
  /** Whether the connection ends behind it. */
  readonly isLast: boolean;
}

/** A header section and what is small behind it go out in one write from here; it is free again after that. */
const out = Buffer.allocUnsafe(64 * 1024);

/** Writes to one socket, one answer at a time. */
export class LaneWriter {
  readonly #socket: Socket<unknown>;
  /** What the kernel has not taken yet, in order. */
  readonly #waiting: Uint8Array[] = [];
  #drained: (() => void) | undefined;

  constructor(socket: Socket<unknown>) {
    this.#socket = socket;
  }

  /** Whether the kernel has taken all of it. */
  get isFlushed(): boolean {
    return this.#waiting.length === 0;
  }

  /**
   * Sends an answer. `true` where the kernel has taken all of it; otherwise it has when the promise resolves. It rejects
   * where the body breaks off: the client must not see a clean end then. It never settles where the client has left.
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
    const isSent = this.#write(headOf(answer, hasBody ? bytes.length : "as-said", sending), bytes, "");
    return isSent ? true : this.#flushed();
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
    this.#drained?.();
    this.#drained = undefined;
  }

  async #sendStream(answer: Answer, stream: ReadableStream<Uint8Array>, sending: Sending): Promise<void> {
    const reader = stream.getReader();
    const length = answer.body instanceof Blob ? answer.body.size : lengthOf(answer);
    let left = length ?? Number.POSITIVE_INFINITY;
    let before = headOf(answer, length ?? "chunked", sending);
    for (;;) {
      const { done, value = NO_BYTES } = await reader.read();
      left -= value.length;
      if (left < 0 || (done && length !== undefined && left !== 0)) {
        reader.cancel().catch(() => {});
        throw new OriginError("origin-incomplete", "the body is not as long as it was announced");
      }
      if (length === undefined && value.length > 0) before += `${value.length.toString(16)}\r\n`;
      const end = length !== undefined ? "" : done ? "0\r\n\r\n" : "\r\n";
      if ((value.length > 0 || done) && !this.#write(before, value, end)) await this.#flushed();
      if (value.length > 0 || done) before = "";
      if (done) return;
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
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#drained = resolve));
  }
}

const NO_BYTES = new Uint8Array();

function lengthOf({ fields }: Answer): number | undefined {
  const length = fields.get("content-length");
  return length === null ? undefined : Number(length);
}

/** Fields that the framing decides. */
const FRAMING = /\r\n(?:Content-Length|Transfer-Encoding|Connection): [^\r\n]*/g;

/** Status line and header section. `framing` is the length of the body, or how else its end is known. */
function headOf(answer: Answer, framing: number | "chunked" | "as-said", { isLast }: Sending): string {
  const { status, reason, block } = answer;
  const phrase = reason ?? STATUS_CODES[status] ?? "";
  const close = isLast ? "\r\nConnection: close" : "";
  // What is made from a stored response says its length itself.
  if (block !== undefined)
    return `HTTP/1.1 ${status} ${phrase}${block.lines}${block.ownLines}${close}\r\n\r\n`;
  const said = fieldText(answer.fields);
  if (framing === "as-said") return `HTTP/1.1 ${status} ${phrase}${said}${close}\r\n\r\n`;
  const own = framing === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${framing}`;
  return `HTTP/1.1 ${status} ${phrase}${said.replace(FRAMING, "")}\r\n${own}${close}\r\n\r\n`;
}
