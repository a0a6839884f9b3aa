// Answers: how clients reach a Hono app through `Bun.serve`.
// Owns: the options of the listening socket: port, limits, timeouts.
// Leaves out: what the app answers (`cache-app.ts`, `origin-app.ts`).
import type { Server } from "bun";
import { Relays, type Relay, type RelayRefusal, type RelayRequest } from "./relay-bun.ts";

/** What a wire tells the app besides the request. */
export interface WireEnvironment {
  readonly clientAddress: (request: Request) => string | undefined;
  /** Lifts the idle timeout of a connection while its answer may take as long as the origin's deadline allows. */
  readonly waits: (request: Request) => void;
  /** Sets it again: from now on it is the client that may not be silent for long. */
  readonly isAnswered: (request: Request) => void;
  /**
   * Opens a WebSocket to the origin, and if that works, the client's, with these fields in its 101 response; whatever
   * the app answers then is not sent. `undefined` where it is open.
   */
  readonly relay: (
    request: Request,
    outgoing: RelayRequest,
    fields: Readonly<Record<string, string>>,
  ) => Promise<RelayRefusal | undefined>;
}

/** What answers requests: a Hono app. */
export interface App {
  readonly fetch: (request: Request, environment: WireEnvironment) => Response | Promise<Response>;
}

/** Where to listen. */
export interface Listening {
  readonly port: number;
  readonly host: string;
  /** Seconds that a connection may be silent, at most 255; 120 where it is not said. */
  readonly idleSeconds?: number;
  /** Milliseconds that requests in flight have to end when it stops; 10,000 where it is not said. */
  readonly drainTimeout?: number;
  /** Whether other processes may listen on the same port: those of the same user that say so too. */
  readonly sharesPort?: boolean;
  /** How many connections there may be at a time; more get 503. 0, or not said: no limit. `Bun.serve` has none. */
  readonly maxConnections?: number;
  /** Who is really behind a port of this machine, where a wire in front passes connections on. */
  readonly addresses?: ReadonlyMap<number, string> | undefined;
  /** Milliseconds for which clients of kept connections are told that it stops, before it does; 0 if not said. */
  readonly noticeMs?: number;
}

/** A server whose answers can say that it is about to stop, before it does. */
interface Announcing extends Running {
  readonly giveNotice: () => void;
}

/** A server that runs. `url` names the port that it really has. */
export interface Running {
  readonly url: string;
  /** Takes no new requests, lets those in flight end for as long as they have, then cuts them; never rejects. */
  readonly stop: () => Promise<void>;
}

/** Seconds that a connection may be silent, where nothing else is said. */
export const IDLE_SECONDS = 120;

/** Milliseconds that requests in flight have to end, where nothing else is said. */
export const DRAIN_MS = 10_000;

/** Starts serving. @throws an EADDRINUSE error where the port is taken. */
export function serveBun(app: App, listening: Listening): Announcing {
  const { port, host, idleSeconds = IDLE_SECONDS, drainTimeout = DRAIN_MS } = listening;
  const { noticeMs = 0, sharesPort = false, addresses } = listening;
  const relays = new Relays();
  let isStopping = false;
  // A client that sent its next request on this connection would lose it.
  const asLast = (response: Response): Response => {
    if (isStopping) response.headers.set("connection", "close");
    return response;
  };
  const server = Bun.serve({
    port,
    hostname: host,
    development: false,
    // Where it is not said, a second process would silently share the port.
    reusePort: sharesPort,
    idleTimeout: idleSeconds,
    maxRequestBodySize: Number.POSITIVE_INFINITY,
    fetch(request) {
      const response = app.fetch(request, environment);
      return response instanceof Promise ? response.then(asLast) : asLast(response);
    },
    websocket: relays.handlers,
  });
  const environment = environmentOf(server, relays, { idleSeconds, addresses });
  return {
    url: urlOf(host, server.port),
    giveNotice() {
      isStopping = true;
    },
    async stop() {
      isStopping = true;
      if (noticeMs > 0) await Bun.sleep(noticeMs);
      const drained = server.stop();
      relays.end();
      await Promise.race([drained, Bun.sleep(drainTimeout)]);
      await server.stop(true);
    },
  };
}

function environmentOf(
  server: Server<Relay>,
  relays: Relays,
  { idleSeconds, addresses }: { readonly idleSeconds: number } & Pick<Listening, "addresses">,
): WireEnvironment {
  return {
    clientAddress(request) {
      const peer = server.requestIP(request);
      return peer === null ? undefined : (addresses?.get(peer.port) ?? plainAddress(peer.address));
    },
    waits: (request) => server.timeout(request, 0),
    isAnswered: (request) => server.timeout(request, idleSeconds),
    relay: (request, outgoing, fields) => relays.start(server, request, outgoing, fields),
  };
}

/**
 * An address as people write it: IPv4 where a socket for both says `::ffff:192.0.2.1`. Whatever its type says, a socket
 * has none when its client has just been gone.
 */
export function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/, "");
}

/** Where clients find it. */
export function urlOf(host: string, port: number | undefined): string {
  const isAnyAddress = host === "0.0.0.0" || host === "::";
  return `http://${isAnyAddress ? "localhost" : bracketed(host)}:${port}`;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
