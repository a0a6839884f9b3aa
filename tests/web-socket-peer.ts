// Answers: what a WebSocket peer sends and gets, frame by frame (RFC 6455 §5).
// Owns: a client and an origin on raw sockets; neither answers pings or Close frames by itself.
// Leaves out: claims (`wire/relay-bun.test.ts`).
import { createHash } from "node:crypto";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { ByteSource, type Field, fieldValue, readHead } from "./conformance/http-message.ts";

/** Opcodes (RFC 6455 §5.2). */
export const OP = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** A frame as it came. */
export interface Frame {
  readonly op: number;
  readonly fin: boolean;
  readonly masked: boolean;
  readonly payload: Buffer;
}

/** One end of a WebSocket. */
export class Peer {
  readonly socket: Socket;
  /** Settles when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  readonly #source: ByteSource;
  readonly #masks: boolean;

  constructor(socket: Socket, source: ByteSource, masks: boolean) {
    this.socket = socket;
    this.#source = source;
    this.#masks = masks;
    this.closed = new Promise((resolve) => void socket.once("close", () => resolve()));
  }

  /** The next frame, `undefined` where the connection ends first. */
  async next(): Promise<Frame | undefined> {
    const head = await this.#bytes(2);
    if (head === undefined) return undefined;
    const [first = 0, second = 0] = head;
    let length = second & 0x7f;
    if (length === 126) length = (await this.#bytes(2))?.readUInt16BE() ?? 0;
    else if (length === 127) length = Number((await this.#bytes(8))?.readBigUInt64BE() ?? 0);
    const masked = second >= 0x80;
    const mask = masked ? await this.#bytes(4) : undefined;
    const payload = await this.#bytes(length);
    if (payload === undefined) return undefined;
    if (mask !== undefined) for (let at = 0; at < length; at++) payload[at]! ^= mask[at & 3]!;
    return { op: first & 0x0f, fin: first >= 0x80, masked, payload };
  }

  /** Settles when the other end has ended the connection; reads what is left of it. */
  async gone(): Promise<void> {
    while ((await this.next()) !== undefined);
    await this.closed;
  }

  /** Sends one frame; settles when it is on its way. */
  send(op: number, payload: string | Uint8Array = "", fin = true): Promise<void> {
    const bytes = Buffer.from(payload as string);
    const length = bytes.length;
    const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
    head[0] = (fin ? 0x80 : 0) | op;
    head[1] = (this.#masks ? 0x80 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127);
    if (head.length === 4) head.writeUInt16BE(length, 2);
    if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
    const mask = Buffer.from(this.#masks ? [1, 2, 3, 4] : []);
    if (this.#masks) for (let at = 0; at < length; at++) bytes[at]! ^= mask[at & 3]!;
    return new Promise((resolve) => {
      this.socket.write(Buffer.concat([head, mask, bytes]), () => resolve());
    });
  }

  /** A Close frame; without a code an empty one. */
  sendClose(code?: number, reason = ""): Promise<void> {
    if (code === undefined) return this.send(OP.close);
    return this.send(OP.close, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]));
  }

  async #bytes(length: number): Promise<Buffer | undefined> {
    const { text, complete } = await this.#source.exactly(length);
    return complete ? Buffer.from(text, "latin1") : undefined;
  }
}

/** Code and reason of a Close frame. */
export function closing(frame: Frame | undefined): readonly [code: number | undefined, reason: string] {
  if (frame?.op !== OP.close) throw new Error(`not a Close frame: ${frame?.op}`);
  if (frame.payload.length === 0) return [undefined, ""];
  return [frame.payload.readUInt16BE(), frame.payload.subarray(2).toString()];
}

/** What a client got for its handshake. */
export interface Opened {
  readonly status: number;
  readonly fields: readonly Field[];
  readonly peer: Peer;
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** A client's handshake on a connection of its own; further lines may replace those that it has. */
export async function openClient(
  url: string,
  target: string,
  lines: readonly string[] = [],
): Promise<Opened> {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port), noDelay: true });
  socket.on("error", () => {});
  const usual = [
    "Host: larder.test",
    "Connection: keep-alive, Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${KEY}`,
  ];
  const named = (line: string): string => line.slice(0, line.indexOf(":")).toLowerCase();
  const kept = usual.filter((line) => !lines.some((other) => named(other) === named(line)));
  socket.write(Buffer.from([`GET ${target} HTTP/1.1`, ...kept, ...lines, "", ""].join("\r\n"), "latin1"));
  const source = new ByteSource(socket);
  const head = await readHead(source);
  if (head === undefined) throw new Error("no answer to the handshake");
  const status = Number(head.startLine.split(" ")[1]);
  return { status, fields: head.fields, peer: new Peer(socket, source, true) };
}

/** A handshake at the origin. */
export class Handshake {
  readonly startLine: string;
  readonly fields: readonly Field[];
  readonly peer: Peer;

  constructor(startLine: string, fields: readonly Field[], peer: Peer) {
    this.startLine = startLine;
    this.fields = fields;
    this.peer = peer;
  }

  get(name: string): string | undefined {
    return fieldValue(this.fields, name);
  }

  /** Opens the WebSocket; further bytes go out in the same segment. */
  accept(lines: readonly string[] = [], further: Uint8Array = new Uint8Array()): Peer {
    const hash = createHash("sha1").update(
      `${this.get("sec-websocket-key")}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
    );
    const head = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Accept: ${hash.digest("base64")}`,
      ...lines,
    ];
    this.peer.socket.write(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), further]));
    return this.peer;
  }

  /** Answers with these bytes as they are. */
  answer(text: string): void {
    this.peer.socket.write(Buffer.from(text, "latin1"));
  }
}

/** An origin that waits for the test to take each handshake. */
export class WebSocketOrigin {
  url = "";
  /** Handshakes and plain requests so far. */
  readonly asked: Handshake[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #waiting: ((handshake: Handshake) => void)[] = [];
  readonly #untaken: Handshake[] = [];
  readonly #server: Server = createServer({ noDelay: true }, (socket) => void this.#serve(socket));

  static async start(): Promise<WebSocketOrigin> {
    const origin = new WebSocketOrigin();
    await new Promise<void>((resolve) => void origin.#server.listen(0, "127.0.0.1", resolve));
    origin.url = `http://127.0.0.1:${(origin.#server.address() as AddressInfo).port}`;
    return origin;
  }

  /** The next request. */
  next(): Promise<Handshake> {
    const untaken = this.#untaken.shift();
    return untaken === undefined
      ? new Promise((resolve) => void this.#waiting.push(resolve))
      : Promise.resolve(untaken);
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on("error", () => {});
    const source = new ByteSource(socket);
    const head = await readHead(source);
    if (head === undefined) return void socket.destroy();
    const handshake = new Handshake(head.startLine, head.fields, new Peer(socket, source, false));
    this.asked.push(handshake);
    (this.#waiting.shift() ?? ((one) => void this.#untaken.push(one)))(handshake);
  }
}
