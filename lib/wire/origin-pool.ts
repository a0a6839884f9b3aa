// Answers: on which connection a request goes to its origin.
// Owns: connecting, the connections that are kept open for the next request, and for how long.
// Leaves out: what happens on one (`origin-connection.ts`), how many may be in use (`origins/places.ts`).
import { OriginConnection, type ConnectionKeeper, type Exchange } from "./origin-connection.ts";
import { HeadReader } from "./response-head.ts";

/** Idle connections to one origin that are kept. */
const MAX_IDLE = 256;

/** Seconds for which an idle connection is kept where the origin says nothing; `fetch` keeps it for five minutes. */
const IDLE_SECONDS = 60;

/** The connections to one origin, such as `http://localhost:8000`. */
export class OriginPool implements ConnectionKeeper {
  readonly heads = new HeadReader();
  readonly #hostname: string;
  readonly #port: number;
  /** The one that was used last is taken first: the others can be closed. */
  readonly #idle: OriginConnection[] = [];
  /** Counts seconds while there are idle ones. */
  #second = 0;
  #ticking: ReturnType<typeof setInterval> | undefined;

  constructor(origin: string) {
    const { hostname, port } = new URL(origin);
    this.#hostname = hostname.replace(/^\[|\]$/g, "");
    this.#port = port === "" ? 80 : Number(port);
  }

  /** Sends it on a connection that is free, if it may go out on one that was used before. */
  send(exchange: Exchange): void {
    const free = exchange.outgoing.mayReuseConnection ? this.#idle.pop() : undefined;
    if (free === undefined) this.#connect(exchange);
    else free.send(exchange);
  }

  repeat(exchange: Exchange): void {
    this.#connect(exchange);
  }

  keep(connection: OriginConnection, seconds = IDLE_SECONDS): void {
    // At its last moment the origin may close it just as a request is sent.
    const keptSeconds = Math.min(seconds, IDLE_SECONDS) - 1;
    if (keptSeconds <= 0 || this.#idle.length >= MAX_IDLE) return connection.breakOff(undefined);
    connection.keptUntil = this.#second + keptSeconds;
    this.#idle.push(connection);
    this.#ticking ??= setInterval(() => this.#tick(), 1000).unref();
  }

  forget(connection: OriginConnection): void {
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #tick(): void {
    this.#second++;
    for (const connection of [...this.#idle])
      if (connection.keptUntil < this.#second) connection.breakOff(undefined);
    if (this.#idle.length > 0) return;
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }

  #connect(exchange: Exchange): void {
    const to = { hostname: this.#hostname, port: this.#port, socket: this.#handlers };
    Bun.connect<OriginConnection>(to).then(
      (socket) => (exchange.isOver ? socket.data.breakOff(undefined) : socket.data.send(exchange)),
      (error: unknown) => exchange.isOver || exchange.fail(error),
    );
  }

  readonly #handlers: Bun.SocketHandler<OriginConnection> = {
    open: (socket) => {
      socket.data = new OriginConnection(this, socket);
    },
    data: (socket, bytes) => socket.data.data(bytes),
    drain: (socket) => socket.data.drain(),
    end: (socket) => socket.data.end(),
    close: (socket, error) => socket.data.close(error),
    error: (socket, error) => socket.data.close(error),
    // The promise says so.
    connectError: () => {},
  };
}
