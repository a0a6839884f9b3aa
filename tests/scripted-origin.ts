// Answers: what an origin says, byte by byte and when a test lets it go on.
// Owns: the origin on a raw socket.
// Leaves out: the Larder in front of it (`larder-under-test.ts`), the origin of the conformance cases (`conformance/`).
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import {
  ByteSource,
  type Field,
  fieldValue,
  type Head,
  readBody,
  readHead,
} from "./conformance/http-message.ts";

/** Header fields by name; several values are several lines. */
export type FieldRecord = Readonly<Record<string, string | readonly string[]>>;

/** A whole response: status 200 and an empty body where nothing else is said. */
export interface Response {
  readonly status?: number;
  readonly fields?: FieldRecord;
  readonly body?: string | Uint8Array;
}

/** A request at the origin, which the test answers as it likes. */
export class Asked {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  readonly body: string;
  /** Settles when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;

  constructor({ startLine, fields }: Head, body: string, socket: Socket, closed: Promise<void>) {
    [this.method = "", this.target = ""] = startLine.split(" ");
    this.fields = fields;
    this.body = body;
    this.closed = closed;
    this.#socket = socket;
  }

  /** A field of the request, several lines joined. */
  get(name: string): string | undefined {
    return fieldValue(this.fields, name);
  }

  /** Bytes as they are; text is latin1. Settles when they are on their way. */
  send(bytes: string | Uint8Array): Promise<void> {
    const buffer = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    return new Promise((resolve) => void this.#socket.write(buffer, () => resolve()));
  }

  /** The status line and the header section; without a framing field the body is chunked. */
  head({ status = 200, fields = {} }: Response = {}): Promise<void> {
    const names = new Set(Object.keys(fields).map((name) => name.toLowerCase()));
    const isFramed = names.has("content-length") || names.has("transfer-encoding") || names.has("connection");
    const framed = isFramed ? fields : { ...fields, "Transfer-Encoding": "chunked" };
    const lines = Object.entries(framed).flatMap(([name, values]) =>
      [values].flat().map((value) => `${name}: ${value}\r\n`),
    );
    return this.send(`HTTP/1.1 ${status} Scripted\r\n${lines.join("")}\r\n`);
  }

  chunk(bytes: string | Uint8Array): Promise<void> {
    const buffer = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    return this.send(Buffer.concat([Buffer.from(`${buffer.length.toString(16)}\r\n`), buffer, CRLF]));
  }

  lastChunk(): Promise<void> {
    return this.send("0\r\n\r\n");
  }

  /** A whole response, with Content-Length where the status may have content. */
  async reply({ status = 200, fields = {}, body = "" }: Response = {}): Promise<void> {
    const isBodiless = status === 204 || status === 304;
    const length = isBodiless ? { Connection: "keep-alive" } : { "Content-Length": String(body.length) };
    await this.head({ status, fields: { ...length, ...fields } });
    if (!isBodiless && this.method !== "HEAD") await this.send(body);
  }

  /** Ends the connection, in order. */
  end(): void {
    this.#socket.end();
  }

  /** Ends the connection in the middle of whatever it is. */
  breakOff(): void {
    this.#socket.destroy();
  }

  /** The same with a TCP reset: what is still on its way may be lost. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }
}

const CRLF = Buffer.from("\r\n");

/** An origin that answers with a script, or waits until the test takes each request and answers it. */
export class ScriptedOrigin {
  /** All requests so far, in order of arrival. */
  readonly requests: Asked[] = [];
  url = "";
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #waiting: ((asked: Asked) => void)[] = [];
  readonly #untaken: Asked[] = [];
  #script: ((asked: Asked) => unknown) | undefined;

  private constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => void this.#serve(socket));
  }

  /** Listens on 127.0.0.1, on a free port or on the one where another has stopped. */
  static async start(port = 0): Promise<ScriptedOrigin> {
    const origin = new ScriptedOrigin();
    await new Promise<void>((resolve) => void origin.#server.listen(port, "127.0.0.1", resolve));
    origin.url = `http://127.0.0.1:${(origin.#server.address() as AddressInfo).port}`;
    return origin;
  }

  /** From now on requests are answered by themselves; with `undefined` the test takes them again. */
  script(script: Response | ((asked: Asked) => unknown) | undefined): void {
    this.#script = typeof script === "object" ? (asked) => asked.reply(script) : script;
  }

  /** The next request that no script answers. */
  asked(): Promise<Asked> {
    const next = this.#untaken.shift();
    return next === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(next);
  }

  /** Accepts no more connections and ends those that are there. */
  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    const closed = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
    void closed.then(() => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const source = new ByteSource(socket);
    for (;;) {
      const head = await readHead(source);
      if (head === undefined) return void socket.destroy();
      const body = await readBody(source, head.fields, false);
      const asked = new Asked(head, body.text, socket, closed);
      this.requests.push(asked);
      if (this.#script !== undefined) void this.#script(asked);
      else (this.#waiting.shift() ?? ((one) => this.#untaken.push(one)))(asked);
    }
  }
}
