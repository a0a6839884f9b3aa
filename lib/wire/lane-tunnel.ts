// Answers: how a connection goes on whose request the lane does not take.
// Owns: the bytes between the client and the server behind the lane, both ways, at the pace of the slower one.
// Leaves out: which requests these are (`lane-request.ts`).
import type { Socket } from "bun";

/** Who is asked for at which port of the server behind: it sees the lane's own address. */
export type ClientAddresses = Map<number, string>;

/** Bytes that one end has not taken yet hold up the other. */
class Pipe {
  readonly #from: Socket<unknown>;
  readonly #to: Socket<unknown>;
  #waiting: Uint8Array | undefined;
  #hasEnded = false;

  constructor(from: Socket<unknown>, to: Socket<unknown>) {
    this.#from = from;
    this.#to = to;
  }

  push(bytes: Uint8Array): void {
    const all = this.#waiting === undefined ? bytes : Buffer.concat([this.#waiting, bytes]);
    const written = Math.max(0, this.#to.write(all));
    this.#waiting = written < all.length ? all.subarray(written) : undefined;
    if (this.#waiting !== undefined) this.#from.pause();
    else if (this.#hasEnded) this.#to.end();
  }

  drain(): void {
    if (this.#waiting === undefined) return;
    this.push(NO_BYTES);
    if (this.#waiting === undefined) this.#from.resume();
  }

  /** Nothing more comes: the other end is told when it has got all. */
  end(): void {
    this.#hasEnded = true;
    if (this.#waiting === undefined) this.#to.end();
  }
}

const NO_BYTES = new Uint8Array();

/** A client's connection, joined to the server behind the lane for as long as it lasts. */
export class Tunnel {
  readonly #client: Socket<unknown>;
  #server: Socket<unknown> | undefined;
  #toServer: Pipe | undefined;
  #toClient: Pipe | undefined;
  #isGone = false;

  constructor(client: Socket<unknown>) {
    this.#client = client;
  }

  /** Opens the other end, and sends it what has come so far; where that cannot be done, the client is cut off. */
  async open(port: number, addresses: ClientAddresses, first: Uint8Array, hasEnded: boolean): Promise<void> {
    const client = this.#client;
    client.pause();
    let ownPort = 0;
    const socket = {
      open: (server: Socket<unknown>) => {
        if (this.#isGone) return void server.terminate();
        ownPort = server.localPort;
        addresses.set(ownPort, client.remoteAddress);
        this.#server = server;
        this.#toServer = new Pipe(client, server);
        this.#toClient = new Pipe(server, client);
        client.resume();
        this.#toServer.push(first);
        if (hasEnded) this.#toServer.end();
      },
      data: (_: Socket<unknown>, bytes: Uint8Array) => this.#toClient?.push(bytes),
      drain: () => this.#toServer?.drain(),
      end: () => this.#toClient?.end(),
      close: (_: Socket<unknown>, error?: Error) => {
        addresses.delete(ownPort);
        if (error === undefined) this.#toClient?.end();
        else client.terminate();
      },
      error: () => client.terminate(),
    };
    await Bun.connect({ hostname: "127.0.0.1", port, socket, allowHalfOpen: true }).catch(() =>
      client.terminate(),
    );
  }

  /** The client sent something. */
  data(bytes: Uint8Array): void {
    this.#toServer?.push(bytes);
  }

  /** The client takes bytes again. */
  drain(): void {
    this.#toClient?.drain();
  }

  /** The client ended its half. */
  end(): void {
    this.#toServer?.end();
  }

  /** The client is gone. */
  close(): void {
    this.#isGone = true;
    this.#server?.terminate();
  }
}
