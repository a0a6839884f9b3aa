// Answers: how a Hono app that has nothing to do with caching is reached, on Bun and on Node.
// Owns: the choice between `Bun.serve` and node:http.
// Leaves out: the wires of the cache itself (`serve-lane.ts`, `serve-bun.ts`, `serve-node.ts`).
import { getRequestListener } from "@hono/node-server";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { serveBun, urlOf, type Listening, type Running } from "./serve-bun.ts";

/** What answers requests. */
export interface PlainApp {
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

/** Starts serving. Rejects with an EADDRINUSE error where the port is taken. */
export async function servePlain(app: PlainApp, listening: Listening): Promise<Running> {
  if (process.versions.bun !== undefined) return serveBun(app, listening);
  const { host, port } = listening;
  const server = createServer(getRequestListener((request) => app.fetch(request)));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    url: urlOf(host, (server.address() as AddressInfo).port),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
