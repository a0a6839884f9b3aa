// Answers: how a connection goes on whose request the lane does not take.
// Owns: the bytes between the client and the server behind the lane, both ways, at the pace of the slower one.
// Leaves out: which requests these are (`lane-request.ts`), the client's end of it (`lane-connection.ts`).
import type { Socket } from "bun";
import { TOO_MANY } from "./one-too-many.ts";

/** Who is asked for at which port of the server behind: it sees the lane's own address. */
export type ClientAddresses = Map<number, string>;

/** Where the server behind the lane is, and what it is told. */
export interface Behind {
  readonly port: number;
  readonly addresses: ClientAddresses;
}

/** The client's end. */
export interface TunnelClient {
  /** `undefined` where it has just been gone. */
  readonly address: string | undefined;
  readonly socket: Socket<unknown>;
  /** All has been sent: the client is told so, and what it still sends is dropped. */
  finish(): void;
  /** No clean end. */
  cut(): void;
}

/** Bytes that one end has not taken yet hold up the other. */
class Pipe {
  readonly #from: Socket<unknown>;
  readonly #to: Socket<unknown>;
  #waiting: Uint8Array | undefined;
  #atEnd: (() => void) | undefined;

  constructor(from: Socket<unknown>, to: Socket<unknown>) {
    this.#from = from;
    this.#to = to;
  }

  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  push(bytes: Uint8Array): void {
    const all = this.#waiting === undefined ? bytes : Buffer.concat([this.#waiting, bytes]);
    const written = Math.max(0, this.#to.write(all));
    this.#waiting = written < all.length ? all.subarray(written) : undefined;
    if (this.#waiting !== undefined) this.#from.pause();
    else this.#atEnd?.();
  }

  drain(): void {
    if (this.#waiting === undefined) return;
    this.push(NO_BYTES);
    if (this.#waiting === undefined) this.#from.resume();
  }

  /** Nothing more comes; `act` when the other end has taken all of it. The first end counts. */
  end(act: () => void): void {
    this.#atEnd ??= act;
    if (this.#waiting === undefined) this.#atEnd();
  }
}

const NO_BYTES = new Uint8Array();

/** A client's connection, joined to the server behind the lane for as long as it lasts. */
export class Tunnel {
  readonly #client: TunnelClient;
  #server: Socket<unknown> | undefined;
  #toServer: Pipe | undefined;
  #toClient: Pipe | undefined;
  #isGone = false;

  constructor(client: TunnelClient) {
    this.#client = client;
  }

  /** Whether it is the client that is waited for. */
  get holdsBack(): boolean {
    return this.#toClient?.isWaiting === true;
  }

  /** Opens the other end, and sends it what has come so far; where that cannot be done, the client gets 503. */
  async open({ port, addresses }: Behind, first: Uint8Array, hasEnded: boolean): Promise<void> {
    const client = this.#client;
    client.socket.pause();
    let ownPort = 0;
    const socket = {
      open: (server: Socket<unknown>) => {
        if (this.#isGone) return void server.terminate();
        ownPort = server.localPort;
        if (client.address !== undefined) addresses.set(ownPort, client.address);
        this.#join(server);
        this.#toServer?.push(first);
        if (hasEnded) this.end();
      },
      data: (_: Socket<unknown>, bytes: Uint8Array) => this.#toClient?.push(bytes),
      drain: () => this.#toServer?.drain(),
      end: (server: Socket<unknown>) => {
        this.#toServer = undefined;
        server.end();
        this.#endClient(() => client.finish());
      },
      close: (_: Socket<unknown>, error?: Error) => {
        addresses.delete(ownPort);
        this.#toServer = undefined;
        this.#endClient(() => (error === undefined ? client.finish() : client.cut()));
      },
      error: (server: Socket<unknown>) => server.terminate(),
    };
    try {
      await Bun.connect({ hostname: "127.0.0.1", port, socket, allowHalfOpen: true });
    } catch {
      if (this.#isGone) return;
      client.socket.write(TOO_MANY);
      client.socket.resume();
      client.finish();
    }
  }

  /** The client sent something. Behind the server's end it is dropped. */
  data(bytes: Uint8Array): void {
    this.#toServer?.push(bytes);
  }

  /** The client takes bytes again. */
  drain(): void {
    this.#toClient?.drain();
  }

  /** The client ended its half. */
  end(): void {
    const server = this.#server;
    this.#toServer?.end(() => void server?.shutdown());
  }

  /** The client is gone. */
  close(): void {
    this.#isGone = true;
    this.#server?.terminate();
  }

  #join(server: Socket<unknown>): void {
    const { socket } = this.#client;
    this.#server = server;
    this.#toServer = new Pipe(socket, server);
    this.#toClient = new Pipe(server, socket);
    socket.resume();
  }

  /** The server sends nothing more: it may have been held up by it, the client is read on to its end. */
  #endClient(act: () => void): void {
    if (this.#isGone) return;
    this.#client.socket.resume();
    this.#toClient?.end(act);
  }
}
