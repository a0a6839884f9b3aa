// Answers: what passes over one TCP connection, seen from either end.
// Owns: bytes as latin1 text, waiting for some of them, and how a connection ended; an origin made of such connections.
// Leaves out: what is said (the claims), responses as messages (`conformance/raw-client.ts`).
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { Signal } from "../../lib/signal.ts";

/** One end of a connection; nothing is interpreted. */
export class Line {
  /** All that came and has not been taken. */
  heard = "";
  /** How the other end went: in order, or with a reset. */
  readonly closed: Promise<"ended" | "reset">;
  readonly #socket: Socket;
  #hasEnded = false;
  #wake = (): void => {};

  constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true);
    const closed = Promise.withResolvers<"ended" | "reset">();
    this.closed = closed.promise;
    socket.on("data", (bytes) => this.#hears(bytes.toString("latin1")));
    socket.on("end", () => closed.resolve("ended"));
    socket.on("error", () => closed.resolve("reset"));
    socket.on("close", () => {
      closed.resolve("ended");
      this.#hasEnded = true;
      this.#wake();
    });
  }

  static async to(url: string): Promise<Line> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: false });
    const line = new Line(socket);
    await new Promise((resolve) => socket.once("connect", resolve));
    return line;
  }

  send(text: string): this {
    this.#socket.write(Buffer.from(text, "latin1"));
    return this;
  }

  /** Waits for the pattern and takes all up to its end. @throws where the connection ends without it. */
  async take(pattern: RegExp | string): Promise<string> {
    for (;;) {
      const found = typeof pattern === "string" ? this.heard.indexOf(pattern) : this.heard.search(pattern);
      if (found >= 0) {
        const length = typeof pattern === "string" ? pattern.length : pattern.exec(this.heard)?.[0].length;
        const taken = this.heard.slice(0, found + (length ?? 0));
        this.heard = this.heard.slice(taken.length);
        return taken;
      }
      if (this.#hasEnded) throw new Error(`the connection ended without ${pattern}: ${this.heard}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** All that comes until the other end closes. */
  async rest(): Promise<string> {
    await this.closed;
    return this.heard;
  }

  /** Bytes that the other end has left in the way of those behind them. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  pause(): void {
    this.#socket.pause();
  }

  end(): void {
    this.#socket.end();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  #hears(text: string): void {
    this.heard += text;
    this.#wake();
  }
}

/** A request at the origin: its header section, and the connection that it came on. */
export interface AskedLine {
  readonly head: string;
  readonly line: Line;
  /** Answers, and waits for the next request on this connection. */
  readonly answer: (text: string) => void;
}

/** An origin of which the test writes every byte. */
export class RawOrigin {
  url = "";
  connections = 0;
  readonly #server: Server = createServer((socket) => void this.#serve(new Line(socket)));
  readonly #lines = new Set<Line>();
  readonly #asked: AskedLine[] = [];
  readonly #news = new Signal();

  static async start(): Promise<RawOrigin> {
    const origin = new RawOrigin();
    await new Promise<void>((resolve) => void origin.#server.listen(0, "127.0.0.1", resolve));
    origin.url = `http://127.0.0.1:${(origin.#server.address() as AddressInfo).port}`;
    return origin;
  }

  /** The next request for that target, whichever comes besides. */
  async asked(target: string): Promise<AskedLine> {
    for (;;) {
      const at = this.#asked.findIndex(({ head }) => head.split(" ")[1] === target);
      const [found] = at < 0 ? [] : this.#asked.splice(at, 1);
      if (found !== undefined) return found;
      await this.#news.next();
    }
  }

  stop(): void {
    this.#server.close();
    for (const line of this.#lines) line.reset();
  }

  async #serve(line: Line): Promise<void> {
    this.connections++;
    this.#lines.add(line);
    for (;;) {
      const head = await line.take("\r\n\r\n").catch(() => undefined);
      if (head === undefined) return void this.#lines.delete(line);
      await new Promise<void>((resolve) => {
        const answer = (text: string): void => {
          line.send(text);
          resolve();
        };
        this.#asked.push({ head, line, answer });
        this.#news.tell();
      });
    }
  }
}

/** A message of these lines, with the empty line behind its header section. */
export function message(...lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}
