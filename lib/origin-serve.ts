// Answers: how the origin listens and how it ends.
// Owns: the one `Bun.serve` of the origin, the address it is reached at, the graceful stop.
// Leaves out: what it answers (`origin-app.ts`), options (`option-tables.ts`), signals (`origin.ts`).
import { realpathSync, statSync } from "node:fs";
import { ConfigError } from "./errors.ts";
import type { OriginOptions } from "./option-tables.ts";
import { originApp } from "./origin-app.ts";
import { logLines } from "./origin-log.ts";

/** A running origin. */
export interface ServedOrigin {
  /** Scheme, host and real port, such as `http://localhost:8000`; `localhost` where it listens everywhere. */
  readonly url: string;
  /** Takes no new requests, lets the current ones end for at most two seconds, then cuts them; never rejects. */
  stop(): Promise<void>;
}

const DRAIN_MS = 2000;
// Nothing is sent while a large file is hashed for the first time: about a second a gigabyte from a warm disk.
const IDLE_SECONDS = 120;
// No method that is answered here takes content; what comes with others is bounded, not read.
const MAX_REQUEST_BODY_BYTES = 2 ** 20;

/**
 * Serves a folder.
 * @throws ConfigError when the root is no folder; the error of `Bun.serve` when the port is taken.
 */
export function serveOrigin(options: OriginOptions): ServedOrigin {
  const root = realFolder(options.root);
  const app = originApp({ root, maxAge: options.maxAge, log: logLines(options.log) });
  const server = Bun.serve({
    port: options.port,
    hostname: options.host,
    development: false,
    reusePort: false,
    idleTimeout: IDLE_SECONDS,
    maxRequestBodySize: MAX_REQUEST_BODY_BYTES,
    fetch: (request) => app.fetch(request),
  });
  return {
    url: `http://${reachableHost(options.host)}:${server.port}`,
    async stop() {
      await Promise.race([server.stop(), Bun.sleep(DRAIN_MS)]);
      await server.stop(true);
    },
  };
}

function realFolder(root: string): string {
  try {
    const real = realpathSync(root);
    if (statSync(real).isDirectory()) return real;
  } catch {
    // Not there or not readable: the same answer as for a file.
  }
  throw new ConfigError("--root", root, "expected a folder that exists");
}

function reachableHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
