// Answers: how clients reach a Hono app through `Bun.serve`.
// Owns: the options of the listening socket: port, limits, timeouts.
// Leaves out: what the app answers (`cache-app.ts`, `origin-app.ts`).
/** What a wire tells the app besides the request. */
export interface WireEnvironment {
  readonly clientAddress: (request: Request) => string | undefined;
  /** Lifts the idle timeout: the answer may take as long as the origin's deadline allows. */
  readonly expectDelay: (request: Request) => void;
}

/** What answers requests: a Hono app. */
export interface App {
  readonly fetch: (request: Request, environment: WireEnvironment) => Response | Promise<Response>;
}

/** Where to listen. */
export interface Listening {
  readonly port: number;
  readonly host: string;
}

/** A server that runs. `url` names the port that it really has. */
export interface Running {
  readonly url: string;
  /** Takes no new requests, lets those in flight end for at most ten seconds, then cuts them; never rejects. */
  readonly stop: () => Promise<void>;
}

/** Seconds a connection may be silent. */
const IDLE_TIMEOUT_SECONDS = 120;

/** Milliseconds that requests in flight have to end. */
const DRAIN_MS = 10_000;

/** Starts serving. @throws an EADDRINUSE error where the port is taken. */
export function serveBun(app: App, { port, host }: Listening): Running {
  const environment: WireEnvironment = {
    clientAddress: (request) => server.requestIP(request)?.address,
    expectDelay: (request) => server.timeout(request, 0),
  };
  const server = Bun.serve({
    port,
    hostname: host,
    development: false,
    // Without this a second process would silently share the port.
    reusePort: false,
    idleTimeout: IDLE_TIMEOUT_SECONDS,
    maxRequestBodySize: Number.POSITIVE_INFINITY,
    fetch: (request) => app.fetch(request, environment),
  });
  const isAnyAddress = host === "0.0.0.0" || host === "::";
  return {
    url: `http://${isAnyAddress ? "localhost" : bracketed(host)}:${server.port}`,
    async stop() {
      const drained = server.stop();
      await Promise.race([drained, Bun.sleep(DRAIN_MS)]);
      await server.stop(true);
    },
  };
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
