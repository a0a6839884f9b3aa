// Answers: what is in an HTTP/1.1 message, line by line and byte by byte, as neither fetch nor node:http shows it.
// Owns: reading heads and bodies from a socket (RFC 9112 §2, §6, §7) and the two date forms; text is latin1.
// Leaves out: who speaks (raw-client.ts, scripted-origin.ts); malformed messages are answered with what was read.
import type { Socket } from "node:net";

export type Field = readonly [name: string, value: string];
export type Head = { readonly startLine: string; readonly fields: readonly Field[] };

/** `complete` is false where the connection ended before the body did. */
export type Body = { readonly text: string; readonly complete: boolean };

/** Bytes of one socket, asked for by line, by number, or up to the end. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  #broken: Error | undefined;

  constructor(socket: Socket) {
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** The error that ended the connection; `undefined` while it is open or where it ended in order. */
  get broken(): Error | undefined {
    return this.#broken;
  }

  /** The next line without its end; `undefined` where the connection ends first. Never throws. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#held.indexOf("\n");
      if (end >= 0) {
        return this.#take(end + 1)
          .toString("latin1")
          .replace(/\r?\n$/, "");
      }
      if (!(await this.#more())) return undefined;
    }
  }

  /** The next `length` bytes. Never throws. */
  async exactly(length: number): Promise<Body> {
    while (this.#held.length < length && (await this.#more()));
    const complete = this.#held.length >= length;
    return { text: this.#take(length).toString("latin1"), complete };
  }

  /** Everything up to the end of the connection. Never throws. */
  async rest(): Promise<Body> {
    while (await this.#more());
    return { text: this.#take(this.#held.length).toString("latin1"), complete: this.#broken === undefined };
  }

  #take(length: number): Buffer {
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return taken;
  }

  async #more(): Promise<boolean> {
    try {
      const next = await this.#chunks.next();
      if (next.done === true) return false;
      this.#held = Buffer.concat([this.#held, next.value]);
      return true;
    } catch (error) {
      this.#broken = error instanceof Error ? error : new Error(String(error));
      return false;
    }
  }
}

/** The next start line and header section; `undefined` where the connection ends first. */
export async function readHead(source: ByteSource): Promise<Head | undefined> {
  const startLine = await source.line();
  if (startLine === undefined) return undefined;
  const fields: Field[] = [];
  for (;;) {
    const line = await source.line();
    if (line === undefined) return undefined;
    if (line === "") return { startLine, fields };
    const colon = line.indexOf(":");
    fields.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
  }
}

/** The body that the header section announces; with `untilClose` one without length lasts to the end. */
export async function readBody(
  source: ByteSource,
  fields: readonly Field[],
  untilClose: boolean,
): Promise<Body> {
  if (fieldValue(fields, "transfer-encoding")?.toLowerCase().includes("chunked") === true) {
    return readChunks(source);
  }
  const length = fieldValue(fields, "content-length");
  if (length !== undefined) return source.exactly(Number.parseInt(length, 10) || 0);
  return untilClose ? source.rest() : { text: "", complete: true };
}

/** The value of a field, several lines joined by a comma; `undefined` where it is absent. */
export function fieldValue(fields: readonly Field[], name: string): string | undefined {
  const lines = fields.filter(([each]) => each.toLowerCase() === name.toLowerCase());
  return lines.length === 0 ? undefined : lines.map(([, value]) => value).join(", ");
}

/** A start line, field lines and the empty line, as the bytes to send. */
export function writeHead(startLine: string, fields: readonly Field[]): Buffer {
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${startLine}\r\n${lines.join("")}\r\n`, "latin1");
}

/** An HTTP-date of `deltaSeconds` after `nowMs`, in the RFC 850 form where asked (RFC 9110 §5.6.7). */
export function httpDate(nowMs: number, deltaSeconds: number, rfc850 = false): string {
  const date = new Date(nowMs + deltaSeconds * 1000);
  const preferred = date.toUTCString();
  if (!rfc850) return preferred;
  const [, day, month, year, time] = preferred.split(" ");
  return `${weekdays[date.getUTCDay()]}, ${day}-${month}-${year?.slice(-2)} ${time} GMT`;
}

const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** Integers in these fields are seconds relative to now. */
export const dateFields: ReadonlySet<string> = new Set([
  "date",
  "expires",
  "last-modified",
  "if-modified-since",
  "if-unmodified-since",
]);

async function readChunks(source: ByteSource): Promise<Body> {
  let text = "";
  for (;;) {
    const size = Number.parseInt((await source.line()) ?? "", 16);
    if (Number.isNaN(size)) return { text, complete: false };
    const chunk = await source.exactly(size);
    text += chunk.text;
    if (!chunk.complete) return { text, complete: false };
    if (size === 0) break;
    await source.line();
  }
  for (;;) {
    const trailer = await source.line();
    if (trailer === undefined || trailer === "") return { text, complete: trailer !== undefined };
  }
}
