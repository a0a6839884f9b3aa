// Answers: what a client gets that reads byte by byte, stalls, or leaves in the middle.
// Owns: one request on a connection of its own, its content without framing, and whether the end was a clean one.
// Leaves out: claims; messages that are read in one go (`../conformance/raw-client.ts`).
import { connect, type Socket } from "node:net";
import { ByteSource, type Field, fieldValue, readHead, writeHead } from "../conformance/http-message.ts";
import { type CacheStatus, cacheStatusOf } from "../larder-under-test.ts";

/** What is particular about a request: GET without content where nothing else is said; content has its length. */
export interface Request {
  readonly method?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What came: status 0 where no whole header section did. Text is latin1, bytes one to one. */
export interface Got {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly text: string;
  /** True at a clean end: all of Content-Length, the last chunk, or an orderly end of the connection. */
  readonly complete: boolean;
}

/** How long a client waits for what it was told to read: less than a test may take. */
const LIMIT_MS = 8000;

/** A client that has sent its request and reads no faster than it is told. */
export class StreamClient {
  /** Settles when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  status = 0;
  fields: readonly Field[] = [];
  readonly #socket: Socket;
  readonly #source: ByteSource;
  readonly #method: string;
  #head: Promise<boolean> | undefined;
  #text = "";
  /** Bytes to the end of the body or of this chunk; infinite where the connection ends it. */
  #left = 0;
  #end: "clean" | "cut" | undefined;
  #isSilent = false;

  private constructor(socket: Socket, method: string) {
    this.#socket = socket;
    this.#source = new ByteSource(socket);
    this.#method = method;
    this.closed = new Promise((resolve) => void socket.once("close", () => resolve()));
  }

  /** Connects and sends. @throws where nobody listens. */
  static async open(url: string, target: string, request: Request = {}): Promise<StreamClient> {
    const { method = "GET", fields = {}, body = "" } = request;
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", () => resolve());
      socket.on("error", reject);
    });
    const client = new StreamClient(socket, method);
    const isFramed = Object.keys(fields).some((name) => /^(?:content-length|transfer-encoding)$/i.test(name));
    const length = body === "" || isFramed ? {} : { "Content-Length": String(body.length) };
    const lines = { Host: "larder.test", ...length, ...fields };
    client.send(writeHead(`${method} ${target} HTTP/1.1`, Object.entries(lines)).toString("latin1") + body);
    return client;
  }

  /** More of the request, byte by byte. */
  send(bytes: string): void {
    this.#socket.write(Buffer.from(bytes, "latin1"));
  }

  /** Waits for the header section; false where the connection ends without one. @throws as `rest`. */
  head(): Promise<boolean> {
    return this.#withinLimit(() => (this.#head ??= this.#readHead()));
  }

  /** So many bytes of content; fewer where the body ends before. @throws as `rest`. */
  read(length: number): Promise<string> {
    return this.#withinLimit(() => this.#read(length));
  }

  /** All that is left. @throws where neither all of it nor an end of the connection comes in time. */
  async rest(): Promise<Got> {
    const got = await this.#withinLimit(() => this.#rest());
    this.#socket.destroy();
    return got;
  }

  /** Gone, without a word. */
  leave(): void {
    this.#socket.destroy();
  }

  /** A connection that hangs must be told from one that is cut off. */
  async #withinLimit<Value>(wait: () => Promise<Value>): Promise<Value> {
    const timer = setTimeout(() => {
      this.#isSilent = true;
      this.#socket.destroy();
    }, LIMIT_MS);
    const value = await wait();
    clearTimeout(timer);
    if (this.#isSilent) throw new Error(`neither an answer nor an end within ${LIMIT_MS} ms`);
    return value;
  }

  async #read(length: number): Promise<string> {
    if (!(await this.head())) return "";
    while (this.#text.length < length && this.#end === undefined)
      await this.#more(length - this.#text.length);
    const read = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    return read;
  }

  async #rest(): Promise<Got> {
    const pieces: string[] = [];
    if (await this.head()) {
      while (this.#end === undefined) {
        await this.#more(2 ** 16);
        pieces.push(this.#text);
        this.#text = "";
      }
      pieces.push(this.#text);
    }
    const { status, fields } = this;
    return { status, fields, text: pieces.join(""), complete: this.#end === "clean" };
  }

  async #readHead(): Promise<boolean> {
    const head = await readHead(this.#source);
    const [, code] = /^HTTP\/1\.1 (\d{3})/.exec(head?.startLine ?? "") ?? [];
    if (head === undefined || code === undefined) {
      this.#end = "cut";
      return false;
    }
    this.status = Number(code);
    this.fields = head.fields;
    const isBodiless = this.#method === "HEAD" || this.status === 204 || this.status === 304;
    if (!this.#isChunked) this.#left = Number(fieldValue(head.fields, "content-length") ?? Infinity);
    if (isBodiless || (this.#left === 0 && !this.#isChunked)) this.#end = "clean";
    return true;
  }

  get #isChunked(): boolean {
    return fieldValue(this.fields, "transfer-encoding")?.toLowerCase() === "chunked";
  }

  async #nextChunk(): Promise<void> {
    const line = (await this.#source.line()) ?? "";
    this.#left = /^[0-9a-f]+$/i.test(line) ? Number.parseInt(line, 16) : Number.NaN;
    if (Number.isNaN(this.#left)) this.#end = "cut";
    else if (this.#left === 0) this.#end = (await this.#source.line()) === "" ? "clean" : "cut";
  }

  async #more(wanted: number): Promise<void> {
    if (this.#isChunked && this.#left === 0) await this.#nextChunk();
    if (this.#end !== undefined) return;
    const { text, complete } = await this.#source.exactly(Math.min(this.#left, wanted));
    this.#text += text;
    this.#left -= text.length;
    if (!complete) {
      const isOver = this.#left === Infinity && this.#source.broken === undefined;
      this.#end = isOver ? "clean" : "cut";
    } else if (this.#left === 0) {
      if (!this.#isChunked) this.#end = "clean";
      else if ((await this.#source.line()) !== "") this.#end = "cut";
    }
  }
}

/** A request on a connection of its own, and all that came. */
export async function get(url: string, target: string, request: Request = {}): Promise<Got> {
  return (await StreamClient.open(url, target, request)).rest();
}

/** Larder's own parameters of Cache-Status; fails where there are none. */
export function cacheStatusIn({ fields }: Pick<Got, "fields">): CacheStatus {
  return cacheStatusOf(new Headers({ "Cache-Status": fieldValue(fields, "cache-status") ?? "" }));
}
