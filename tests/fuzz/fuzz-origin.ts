// Answers: what the cache lets through, and how an origin answers that.
// Owns: a raw-socket origin that takes nothing but well-formed requests, and names in each answer what it answers.
// Leaves out: whether a client sent such a request (`oracle.ts`).
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { readRequest, type ReadRequest } from "./request-reader.ts";
import { valuesOf, type Liberty } from "./message-grammar.ts";
import { answerBody, tokenIn, tokenOf } from "./token.ts";

/** What the origin tells whoever judges. */
export interface OriginEars {
  readonly request: (request: ReadRequest, token: string | undefined) => void;
  readonly malformed: (why: string, bytes: string) => void;
}

/**
 * What a cache may pass on as a client sent it: characters of the target, a host of digits, long heads, and DEL in a field value, which
 * recipients may retain (RFC 9110 §5.5). All else is the cache's own doing.
 */
const PASSED_ON: ReadonlySet<Liberty> = new Set(["target-characters", "numeric-host", "large", "delete"]);

/** The origin; `serial` counts its answers. */
export class FuzzOrigin {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #ears: OriginEars;
  #serial = 0;

  private constructor(ears: OriginEars) {
    this.#ears = ears;
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  /** Starts one on any free port of loopback. */
  static async start(ears: OriginEars): Promise<FuzzOrigin> {
    const origin = new FuzzOrigin(ears);
    await new Promise<void>((resolve) => origin.#server.listen(0, "127.0.0.1", () => resolve()));
    return origin;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Requests that came so far. */
  get serial(): number {
    return this.#serial;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let held = "";
    let turn = Promise.resolve();
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (bytes) => {
      held += bytes.toString("latin1");
      while (held !== "" && !socket.destroyed) {
        const reading = readRequest(held, 0);
        if (reading.kind === "incomplete") break;
        const liberties =
          reading.kind === "bad"
            ? [reading.why]
            : reading.request.liberties.filter((one) => !PASSED_ON.has(one));
        if (reading.kind === "bad" || liberties.length > 0) {
          this.#ears.malformed(liberties.join(), held.slice(0, 2000));
          socket.destroy();
          break;
        }
        const { request } = reading;
        held = held.slice(request.end);
        turn = turn.then(() => this.#answer(socket, request));
      }
    });
  }

  async #answer(socket: Socket, request: ReadRequest): Promise<void> {
    const serial = ++this.#serial;
    const token = tokenOf(request.target, request.fields);
    this.#ears.request(request, token);
    const room = roomOf(request.target, token);
    if (room === "x") return void socket.destroy();
    if (room === "w") await Bun.sleep(serial % 25);
    if (socket.destroyed) return;
    const answer = answerTo(request, { token: token ?? "-", room, serial: String(serial) });
    socket.write(answer, "latin1");
    if (room === "y") socket.destroySoon();
    else if (request.isLast) socket.end();
  }
}

/** Only a target that names itself may be stored under its name: another case may make the same target by chance. */
function roomOf(target: string, token: string | undefined): string {
  if (token?.startsWith("c") === true) return "c";
  const [, room = "f"] = /^\/([a-z])\//.exec(target) ?? [];
  return room === "c" || (room === "v" && tokenIn(target) === undefined) ? "f" : room;
}

interface About {
  readonly token: string;
  readonly room: string;
  readonly serial: string;
}

/** What a room answers besides 200 with a length and no-store. */
const ROOMS: Readonly<Record<string, string>> = {
  c: "Cache-Control: max-age=3600\r\nLast-Modified: Sat, 01 Jan 2022 00:00:00 GMT\r\n",
  v: "Cache-Control: max-age=60\r\nVary: Accept-Encoding, X-Odd\r\n",
};

function answerTo(request: ReadRequest, { token, room, serial }: About): string {
  const isStored = room === "c" || room === "v";
  const caching = isStored ? (ROOMS[room] ?? "") : "Cache-Control: no-store\r\n";
  const stays = room === "c" ? "0" : serial;
  const size = room === "b" ? 150_000 : Bun.hash.crc32(token) % 3000;
  const [host = ""] = valuesOf(request.fields, "host");
  const isUnchanged = room === "c" && valuesOf(request.fields, "if-none-match").includes(`"${token}"`);
  const status = isUnchanged
    ? "304 Not Modified"
    : room === "h"
      ? "204 No Content"
      : room === "e"
        ? "404 Not Found"
        : "200 OK";
  const head =
    `HTTP/1.1 ${status}\r\nDate: ${new Date().toUTCString()}\r\n${caching}` +
    (isStored ? `ETag: "${token}"\r\n` : "") +
    `X-Answers: ${token}\r\nX-Saw: ${request.method}\r\nX-Host: ${host}\r\nX-Serial: ${stays}\r\n`;
  if (isUnchanged || room === "h") return `${head}\r\n`;
  const body = answerBody(token, stays, size);
  const isHead = request.method === "HEAD";
  if (room === "z")
    return `${head}X-Size: ${size}\r\nTransfer-Encoding: chunked\r\n\r\n${isHead ? "" : chunked(body)}`;
  const sent = room === "y" ? body.slice(0, size / 2) : body;
  return `${head}X-Size: ${size}\r\nContent-Length: ${size}\r\n\r\n${isHead ? "" : sent}`;
}

function chunked(body: string): string {
  const pieces = body.match(/[^]{1,700}/g) ?? [];
  return [...pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`), "0\r\n\r\n"].join("");
}
