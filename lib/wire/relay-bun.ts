// Answers: how the messages of a WebSocket pass between a client of `Bun.serve` and the origin.
// Owns: both sockets of a relay: opening, messages, pings, close codes, back-pressure and its bounds.
// Leaves out: which requests open one, and the fields of the handshake (`relay.ts`).
import type { Server, ServerWebSocket, WebSocketHandler } from "bun";

/** A handshake as it is to leave for the origin. */
export interface RelayRequest {
  /** `ws:` or `wss:`. */
  readonly url: string;
  readonly fields: Headers;
  /** Subprotocols that the client offers, in its order. */
  readonly protocols: readonly string[];
  /** Aborts when the origin has not answered in time. */
  readonly signal: AbortSignal;
  /** Aborts when the client is gone before the relay is open. */
  readonly gone: AbortSignal | undefined;
}

/** Why there is no WebSocket to the origin. */
export type RelayRefusal =
  /** It answered with another status than 101. */
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "unreachable"; readonly message: string }
  | { readonly kind: "timeout" };

/** From so many unsent bytes to one side on, nothing more is read from the other until they are sent. */
const PAUSE_BYTES = 2 ** 20;

/** A longer message ends the relay with 1009 (RFC 6455 §7.4.1); it could only be passed on whole. */
const MESSAGE_BYTES = 2 ** 24;

/** More unsent bytes to one side end the relay with 1013: what was read before the pause took effect, and no more. */
const LIMIT_BYTES = 2 * MESSAGE_BYTES;

/** Milliseconds that a side may leave everything unread. */
const STALL_MS = 120_000;

/** Milliseconds that a side has to answer a Close frame (RFC 6455 §7.1.1). */
const CLOSE_MS = 5000;

/** Bun's client tells no drain event. */
const DRAIN_POLL_MS = 20;

/** Says so in words only; the status is not to be had otherwise. */
const ANSWERED = /Expected 101 status code: (\d{3})/;

type Message = string | Buffer<ArrayBuffer>;

/** A client's WebSocket and the origin's, each other's ends. */
export class Relay {
  readonly #origin: WebSocket;
  #client: ServerWebSocket<Relay> | undefined;
  /** What comes before the client's end is open. Bun opens that first, as it is; a message must not hang on it. */
  readonly #early: Message[] = [];
  #isOver = false;
  #waiting: Timer | undefined;

  /** @param origin is open */
  constructor(origin: WebSocket) {
    this.#origin = origin;
    origin.addEventListener("message", ({ data }) => this.#fromOrigin(data as Message));
    origin.addEventListener("ping", ({ data }) => void this.#client?.ping(data as Buffer<ArrayBuffer>));
    origin.addEventListener("close", ({ code, reason }) => this.#originClosed(code, reason));
    origin.addEventListener("error", () => {});
  }

  /** The subprotocol that the origin chose, empty for none. */
  get protocol(): string {
    return this.#origin.protocol;
  }

  /** The client's end is open too. */
  attach(client: ServerWebSocket<Relay>): void {
    this.#client = client;
    for (const message of this.#early.splice(0)) this.#fromOrigin(message);
    if (this.#origin.readyState >= WebSocket.CLOSING) this.#originClosed(1006, "");
  }

  /** A message of the client. */
  fromClient(message: Message): void {
    if (this.#isOver) return;
    this.#origin.send(message);
    const unsent = this.#origin.bufferedAmount;
    if (unsent > LIMIT_BYTES) this.end(1013, "the origin does not read");
    else if (unsent > PAUSE_BYTES) this.#awaitOrigin();
  }

  /** Bun has answered a ping itself; the origin is pinged too, so that its own idle timer hears of it. */
  pinged(data: Buffer): void {
    if (!this.#isOver) this.#origin.ping(data as Buffer<ArrayBuffer>);
  }

  /** The client has taken what was held back for it. */
  drained(): void {
    this.#origin.resume();
  }

  /** The client closed, or is gone. */
  clientClosed(code: number, reason: string): void {
    this.#client = undefined;
    this.#over();
    // A paused socket would not read the answer to the Close frame.
    this.#origin.resume();
    closeWith(this.#origin, code, reason);
    setTimeout(() => this.#origin.terminate(), CLOSE_MS).unref();
  }

  /** Closes both ends, with a code and reason for either. */
  end(code: number, reason: string): void {
    const client = this.#client;
    this.clientClosed(code, reason);
    client?.close(code, reason);
  }

  #fromOrigin(message: Message): void {
    if (this.#isOver) return;
    if (this.#client === undefined) return void this.#early.push(message);
    if (message.length > MESSAGE_BYTES) return this.end(1009, "a message is too long");
    const sent = this.#client.send(message);
    if (sent === 0) return this.end(1013, "the client does not read");
    if (this.#client.getBufferedAmount() > PAUSE_BYTES) this.#origin.pause();
  }

  #originClosed(code: number, reason: string): void {
    const client = this.#client;
    if (this.#isOver || client === undefined) return;
    this.#over();
    this.#client = undefined;
    if (client.isPaused) client.resume();
    // 1006 and 1015 are never sent (RFC 6455 §7.4.1): an origin that is gone is an error of the server.
    if (code === 1006 || code === 1015) client.close(1011, "the origin is gone");
    else if (code === 1005) client.close();
    else client.close(code, reason);
  }

  /** The client is not read from until the origin has taken what is unsent. */
  #awaitOrigin(): void {
    if (this.#waiting !== undefined) return;
    this.#client?.pause();
    let [unsent, unchangedMs] = [this.#origin.bufferedAmount, 0];
    this.#waiting = setInterval(() => {
      const now = this.#origin.bufferedAmount;
      unchangedMs = now < unsent ? 0 : unchangedMs + DRAIN_POLL_MS;
      unsent = now;
      if (unchangedMs >= STALL_MS) return this.end(1013, "the origin does not read");
      if (unsent > PAUSE_BYTES) return;
      this.#stopWaiting();
      this.#client?.resume();
    }, DRAIN_POLL_MS);
  }

  #stopWaiting(): void {
    clearInterval(this.#waiting);
    this.#waiting = undefined;
  }

  #over(): void {
    this.#isOver = true;
    this.#stopWaiting();
  }
}

/** Opens a WebSocket to the origin, before the client is told anything. Never rejects. */
export function openRelay(request: RelayRequest): Promise<Relay | RelayRefusal> {
  const socket = webSocketTo(request);
  if (!(socket instanceof WebSocket)) return Promise.resolve(socket);
  return new Promise((resolve) => {
    const settle = (relay: Relay | RelayRefusal): void => {
      request.signal.removeEventListener("abort", expire);
      request.gone?.removeEventListener("abort", leave);
      resolve(relay);
    };
    const refuse = (refusal: RelayRefusal): void => {
      settle(refusal);
      socket.terminate();
    };
    const leave = (): void => refuse({ kind: "unreachable", message: "the client is gone" });
    const expire = (): void => refuse({ kind: "timeout" });
    request.signal.addEventListener("abort", expire);
    request.gone?.addEventListener("abort", leave);
    socket.addEventListener("open", () => settle(new Relay(socket)));
    socket.addEventListener("error", (event) => refuse(refusalFrom(event)));
  });
}

function refusalFrom(event: Event): RelayRefusal {
  const message = "message" in event ? String(event.message) : "";
  const [, status] = ANSWERED.exec(message) ?? [];
  return status === undefined
    ? { kind: "unreachable", message: "it opened no WebSocket" }
    : { kind: "status", status: Number(status) };
}

/** The relays of one server. */
export class Relays {
  readonly #open = new Set<Relay>();

  /** What `Bun.serve` does with the client's ends. */
  readonly handlers: WebSocketHandler<Relay> = {
    // Each hop would have to inflate and deflate what passes.
    perMessageDeflate: false,
    maxPayloadLength: MESSAGE_BYTES,
    backpressureLimit: LIMIT_BYTES,
    idleTimeout: STALL_MS / 1000,
    sendPings: true,
    open: (client) => {
      this.#open.add(client.data);
      client.data.attach(client);
    },
    message: (client, message) => client.data.fromClient(message),
    ping: (client, data) => client.data.pinged(data),
    drain: (client) => client.data.drained(),
    close: (client, code, reason) => {
      this.#open.delete(client.data);
      client.data.clientClosed(code, reason);
    },
  };

  /** Opens the origin's end, then the client's, with these fields in its 101 response; `undefined` where it is open. */
  async start(
    server: Server<Relay>,
    request: Request,
    outgoing: RelayRequest,
    fields: Readonly<Record<string, string>>,
  ): Promise<RelayRefusal | undefined> {
    const relay = await openRelay(outgoing);
    if (!(relay instanceof Relay)) return relay;
    // Without this field Bun would choose the first subprotocol that the client offers.
    const headers = { ...fields, "Sec-WebSocket-Protocol": relay.protocol };
    if (!server.upgrade(request, { data: relay, headers })) relay.clientClosed(1001, "the client is gone");
    return undefined;
  }

  /** Closes all of them: the server stops. */
  end(): void {
    for (const relay of this.#open) relay.end(1001, "the cache is stopping");
  }
}

function webSocketTo({ url, fields, protocols }: RelayRequest): WebSocket | RelayRefusal {
  try {
    const socket = new WebSocket(url, {
      headers: Object.fromEntries(fields),
      protocols: [...protocols],
      perMessageDeflate: false,
    });
    socket.binaryType = "nodebuffer";
    return socket;
  } catch (error) {
    return { kind: "unreachable", message: error instanceof Error ? error.message : String(error) };
  }
}

/** 1005 says that no code was sent, 1006 that the connection broke off: neither can be sent (RFC 6455 §7.4.1). */
function closeWith(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState >= WebSocket.CLOSING) return;
  if (code === 1005) socket.close();
  else if (code === 1006 || code === 1015) socket.terminate();
  else socket.close(code, reason);
}
