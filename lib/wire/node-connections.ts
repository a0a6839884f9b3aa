// Answers: which connections there are on `node:http`, and what is under way on each.
// Owns: malformed requests, silence, the graceful end: whatever happens to a connection outside of an answer.
// Leaves out: requests and answers (`node-message.ts`, `node-answer.ts`), listening (`serve-node.ts`).
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { TOLD_AT_A_TIME, TOO_MANY } from "./one-too-many.ts";

/** What a client gets where node:http could not read its request, by the code of the error; else 400. */
const MALFORMED: ReadonlyMap<unknown, string> = new Map([
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", "413 Content Too Large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
]);

/** How long a client may take to hear of the end (RFC 9112 §9.6), in milliseconds. */
const LINGER_MS = 1000;

/** All connections, and the answers that have not left yet. */
export class Connections {
  readonly #answers = new Map<Socket, Set<ServerResponse>>();
  /** Kept when it has left, too: the content of its request may still be on its way. */
  readonly #latest = new WeakMap<Socket, ServerResponse>();
  /** Connections on which nothing more is read as a request. */
  readonly #closing = new WeakSet<Socket>();
  readonly #leaving = new WeakSet<Socket>();
  readonly #idleMs: number;
  readonly #most: number;
  #isEnding = false;
  #onEnded = (): void => {};

  /**
   * `idleMs` is how long a connection may be silent where it is the client that is waited for; `most` how many there may
   * be, 0 for any number.
   */
  constructor(idleMs: number, most = 0) {
    this.#idleMs = idleMs;
    this.#most = most === 0 ? Number.POSITIVE_INFINITY : most;
  }

  opened(socket: Socket): void {
    this.#answers.set(socket, new Set());
    // node:http closes with it, behind the last answer.
    const destroySoon = socket.destroySoon.bind(socket);
    socket.destroySoon = () => (this.#isEnding || socket.readableEnded ? destroySoon() : this.#leave(socket));
    socket.once("close", () => {
      this.#answers.delete(socket);
      if (this.#answers.size === 0) this.#onEnded();
    });
    if (this.#answers.size > this.#most + TOLD_AT_A_TIME) socket.destroy();
    else if (this.#answers.size > this.#most) {
      socket.write(TOO_MANY);
      this.#leave(socket);
    }
  }

  /** A request has come; while it is answered its connection is not idle. `false`: it is not to be answered. */
  asked(socket: Socket, outgoing: ServerResponse): boolean {
    if (this.#closing.has(socket)) return false;
    if (this.#isEnding) outgoing.shouldKeepAlive = false;
    const answers = this.#answers.get(socket);
    answers?.add(outgoing);
    this.#latest.set(socket, outgoing);
    outgoing.once("close", () => {
      answers?.delete(outgoing);
      if (this.#isEnding && answers?.size === 0) socket.destroySoon();
    });
    return true;
  }

  /** The connection ends behind this answer; what comes behind it must not be taken for requests (RFC 9112 §9.6). */
  lasts(outgoing: ServerResponse): void {
    outgoing.shouldKeepAlive = false;
    this.#closing.add(outgoing.req.socket);
  }

  /** The answer may take as long as the origin's deadlines allow. */
  waits(socket: Socket): void {
    socket.setTimeout(0);
  }

  /** From now on it is the client that may not be silent for long. */
  isAnswered(socket: Socket): void {
    socket.setTimeout(this.#idleMs);
  }

  /** Settles when what is under way on the connection has left. */
  async turn(socket: Socket): Promise<void> {
    await left([...(this.#answers.get(socket) ?? [])]);
  }

  /** node:http could not read what came. Answers that are due to earlier requests leave first. */
  async malformed(error: NodeJS.ErrnoException, socket: Socket): Promise<void> {
    if (this.#leaving.has(socket) && error.code !== "ECONNRESET") return;
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy(error);
    // Content that cannot be read ends its own request.
    const latest = this.#latest.get(socket);
    const current = latest?.req.complete === false ? latest : undefined;
    await left([...(this.#answers.get(socket) ?? [])].filter((one) => one !== current));
    if (!socket.writable) return void socket.destroySoon();
    if (current?.headersSent === true) {
      // An answer that is whole did not need that content; one that still comes may be made of it.
      if (!current.writableEnded) return void socket.destroy(error);
      await left([current]);
      return void socket.destroySoon();
    }
    const status = MALFORMED.get(error.code) ?? "400 Bad Request";
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.destroySoon();
  }

  /** Ends idle connections, the others when they are answered, and all of them after `drainMs`. */
  async end(drainMs: number): Promise<void> {
    this.#isEnding = true;
    const ended = new Promise<void>((resolve) => (this.#onEnded = resolve));
    for (const [socket, answers] of this.#answers) {
      if (answers.size === 0) socket.destroy();
      for (const outgoing of answers) if (!outgoing.headersSent) outgoing.shouldKeepAlive = false;
    }
    const timer = setTimeout(() => this.#cut(), drainMs);
    if (this.#answers.size > 0) await ended;
    clearTimeout(timer);
  }

  /** To close with bytes unread is a reset, which can overtake the answer: what still comes is dropped for a while. */
  #leave(socket: Socket): void {
    if (this.#leaving.has(socket)) return;
    this.#closing.add(socket);
    this.#leaving.add(socket);
    const linger = (): void => {
      const timer = setTimeout(() => socket.destroy(), LINGER_MS);
      socket.once("close", () => clearTimeout(timer));
    };
    if (socket.writableFinished) linger();
    else socket.once("finish", linger);
    socket.once("end", () => socket.destroySoon());
    socket.end();
    socket.resume();
  }

  #cut(): void {
    for (const socket of this.#answers.keys()) socket.destroy();
    this.#onEnded();
  }
}

async function left(answers: readonly ServerResponse[]): Promise<void> {
  const isLeft = (one: ServerResponse): Promise<void> =>
    new Promise((resolve) => (one.closed ? resolve() : void one.once("close", resolve)));
  await Promise.all(answers.map(isLeft));
}
