// Answers: whether the oracle would see a cache that does wrong: here is one, and one that does right.
// Owns: a plain reverse proxy by the letter, and a table of faults that can be planted in it.
// Leaves out: caching. It stands where the cache stands, so that what is found is the fault and nothing else.
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { CacheUnderFuzz } from "./larder-child.ts";
import { valuesOf } from "./message-grammar.ts";
import { readRequest, type ReadRequest } from "./request-reader.ts";
import { readResponse } from "./response-reader.ts";

/** What is wrong with it. */
export type Fault =
  /** Nothing. */
  | "none"
  /** Now and then two clients get each other's answers. */
  | "swaps"
  /** Takes Content-Length for the length where both framings are there, and sends chunked on. */
  | "length-over-coding"
  /** Leaves out the second half of a body, and says so in Content-Length. */
  | "truncates"
  /** Leaves out the end of a body, and keeps the connection. */
  | "cuts"
  /** Never answers some requests. */
  | "hangs"
  /** Answers 500 to some. */
  | "fails"
  /** Sends some POST requests twice. */
  | "repeats"
  /** Answers for the first host whatever host is asked. */
  | "mixes-hosts"
  /** Sends a second response behind some. */
  | "echoes"
  /** Sends on what it cannot read. */
  | "lets-through";

const REFUSAL = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
/** One in so many is treated wrongly. */
const SOME = 40;

/** Starts one in front of the origin at that port of loopback. */
export async function startFaultyProxy(originPort: number, fault: Fault): Promise<CacheUnderFuzz> {
  const proxy = new FaultyProxy(originPort, fault);
  await proxy.listen();
  return { url: proxy.url, memoryBytes: () => undefined, stop: async () => proxy.stop() };
}

class FaultyProxy {
  readonly #originPort: number;
  readonly #fault: Fault;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  #count = 0;
  #earlier: string | undefined;
  #host: string | undefined;

  constructor(originPort: number, fault: Fault) {
    this.#originPort = originPort;
    this.#fault = fault;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", () => resolve()));
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    let held = "";
    let isRefused = false;
    let turn = Promise.resolve();
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (bytes) => {
      held += bytes.toString("latin1");
      while (held !== "" && !isRefused) {
        const reading = readRequest(held, 0);
        if (reading.kind === "incomplete") break;
        const whole = reading.kind === "bad" ? this.#misread(held) : held.slice(0, reading.request.end);
        const request = reading.kind === "bad" ? undefined : reading.request;
        const isOk =
          whole !== undefined && request?.fault === undefined && (request?.liberties.length ?? 0) === 0;
        isRefused = !isOk || request?.isLast === true;
        if (!isOk) turn = turn.then(() => void socket.end(REFUSAL));
        else turn = turn.then(() => this.#pass(socket, whole, request));
        held = held.slice(whole?.length ?? 0);
      }
    });
  }

  /** What a faulty one makes of bytes that must be refused: the bytes that it sends on. */
  #misread(held: string): string | undefined {
    const end = held.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const [, length] = /\r\ncontent-length: (\d+)\r\n/i.exec(held.slice(0, end + 2)) ?? [];
    const isBoth = length !== undefined && /\r\ntransfer-encoding: chunked\r\n/i.test(held.slice(0, end + 2));
    const whole = held.slice(0, end + 4 + Number(length));
    if (this.#fault === "length-over-coding" && isBoth) {
      return readRequest(withoutLength(whole), 0).kind === "request" ? whole : undefined;
    }
    return this.#fault === "lets-through" ? held : undefined;
  }

  async #pass(socket: Socket, whole: string, request: ReadRequest | undefined): Promise<void> {
    const isChosen = ++this.#count % SOME === 0;
    if (request?.method === "CONNECT") return void socket.end("HTTP/1.1 501 No\r\nConnection: close\r\n\r\n");
    if (this.#fault === "hangs" && isChosen) return new Promise(() => {});
    if (this.#fault === "fails" && isChosen)
      return void socket.write("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    this.#host ??= valuesOf(request?.fields ?? [], "host")[0];
    const sent = request === undefined && this.#fault === "length-over-coding" ? withoutLength(whole) : whole;
    const method = request?.method ?? "GET";
    let answer = await this.#ask(
      this.#fault === "mixes-hosts" ? sent.replace(/host: .*/i, `Host: ${this.#host}`) : sent,
      method,
    );
    if (this.#fault === "repeats" && method === "POST") await this.#ask(sent, method);
    if (answer === undefined) return void socket.destroy();
    if (answer === "") return void socket.write("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n");
    answer = this.#spoilt(answer, method, isChosen);
    if (request?.isLast === true) socket.end(answer, "latin1");
    else socket.write(answer, "latin1");
  }

  #spoilt(answer: string, method: string, isChosen: boolean): string {
    const end = answer.indexOf("\r\n\r\n") + 4;
    const [head, body] = [answer.slice(0, end), answer.slice(end)];
    const hasLength = /content-length: [1-9]\d/i.test(head) && method !== "HEAD";
    if (this.#fault === "echoes" && isChosen) return answer + answer;
    if (this.#fault === "cuts" && isChosen && hasLength) return head + body.slice(0, -1);
    if (this.#fault === "truncates" && hasLength) {
      const half = body.slice(0, body.length / 2);
      return head.replace(/content-length: \d+/i, `Content-Length: ${half.length}`) + half;
    }
    if (this.#fault !== "swaps" || method !== "GET" || !hasLength) return answer;
    const other = this.#earlier;
    this.#earlier = answer;
    return isChosen && other !== undefined ? other : answer;
  }

  /** The response of the origin on a connection of its own; empty where there is none, `undefined` where it breaks off. */
  async #ask(bytes: string, method: string): Promise<string | undefined> {
    const origin = connect({ host: "127.0.0.1", port: this.#originPort, noDelay: true });
    this.#sockets.add(origin);
    const answer = Promise.withResolvers<string | undefined>();
    let held = "";
    origin.on("error", () => {});
    origin.on("close", () => answer.resolve(held === "" ? "" : undefined));
    origin.on("data", (chunk) => {
      held += chunk.toString("latin1");
      const reading = readResponse(held, 0, { method, closed: "open" });
      if (reading.kind === "read") answer.resolve(held.slice(0, reading.end));
    });
    origin.write(bytes, "latin1");
    const text = await answer.promise;
    this.#sockets.delete(origin);
    // Bytes behind a request are read by the origin in the same turn of its loop, or the connection is gone.
    origin.end();
    return text;
  }
}

function withoutLength(message: string): string {
  return message.replace(/content-length: \d+\r\n/i, "");
}
