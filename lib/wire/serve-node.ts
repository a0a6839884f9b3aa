// Answers: how clients reach a Hono app through `@hono/node-server` on `node:http`, on Bun and on Node.
// Owns: the listening socket: its limits and timeouts, and every way in which node:http hands a request over.
// Leaves out: what the app answers (`exact-app.ts`), messages (`node-message.ts`, `node-answer.ts`).
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import {
  createServer,
  ServerResponse,
  type IncomingMessage,
  type Server,
  type ServerOptions,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Answer } from "../message.ts";
import { sendAnswer } from "./node-answer.ts";
import { Connections } from "./node-connections.ts";
import { ExactIncoming, opensTunnel } from "./node-message.ts";
import type { Listening, Running } from "./serve-bun.ts";

/** What the app gets besides the request, which is only what the adapter could make of it. */
export interface NodeEnvironment {
  readonly incoming: ExactIncoming;
  readonly outgoing: ServerResponse;
  readonly connections: Connections;
}

/** What answers requests: a Hono app that answers through `outgoing`. */
export interface NodeApp {
  readonly fetch: (request: Request, environment: NodeEnvironment) => Response | Promise<Response>;
}

/** Limits that only tests change, in milliseconds. */
export interface NodeLimits {
  /** How long a header section may take. */
  readonly headMs: number;
}

const IDLE_SECONDS = 120;
const DRAIN_MS = 10_000;
const LIMITS: NodeLimits = { headMs: 10_000 };

/** Starts serving. Rejects with an EADDRINUSE error where the port is taken. */
export async function serveNode(
  app: NodeApp,
  { port, host, idleSeconds = IDLE_SECONDS, drainTimeout = DRAIN_MS, maxConnections }: Listening,
  { headMs } = LIMITS,
): Promise<Running> {
  const idleMs = idleSeconds * 1000;
  const connections = new Connections(idleMs, maxConnections);
  const adapter = getRequestListener(
    (request, environment) => app.fetch(request, { ...(environment as Handed), connections }),
    { overrideGlobalObjects: false },
  );
  const options: ServerOptions & UpgradeChoice = {
    IncomingMessage: ExactIncoming as NonNullable<ServerOptions["IncomingMessage"]>,
    // Bun asks this instead of the request's own `upgrade`.
    shouldUpgradeCallback: (incoming) => opensTunnel(incoming as IncomingMessage),
    // The door says what is missing.
    requireHostHeader: false,
    headersTimeout: headMs,
    // An upload may take long; silence ends it.
    requestTimeout: 0,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: Math.min(1000, headMs),
  };
  const server = createServer(options);
  server.timeout = idleMs;
  // Otherwise those beyond 2000 would vanish without a word; the 16 KB of a header section are the limit.
  server.maxHeadersCount = 0;
  listen(server, connections, (incoming, outgoing) => void adapter(incoming, outgoing));
  await listening(server, port, host);
  const isAnyAddress = host === "0.0.0.0" || host === "::";
  const name = isAnyAddress ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${name}:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.close();
      await connections.end(drainTimeout);
    },
  };
}

type Handed = Omit<NodeEnvironment, "connections">;
type Handle = (incoming: ExactIncoming, outgoing: ServerResponse) => void;

interface UpgradeChoice {
  readonly shouldUpgradeCallback: (incoming: unknown) => boolean;
}

/**
 * Sends what the engine says, now or when it is there; for the adapter all of it has been sent already. With `undefined`
 * the connection belongs to somebody else now.
 */
export function respond(
  { incoming, outgoing, connections }: NodeEnvironment,
  answer: Answer | Promise<Answer | undefined>,
): Response {
  if (!(answer instanceof Promise)) {
    void sendAnswer(outgoing, answer);
    return RESPONSE_ALREADY_SENT;
  }
  connections.waits(incoming.socket);
  const send = (ready: Answer | undefined): void => {
    if (ready === undefined) return;
    connections.isAnswered(incoming.socket);
    void sendAnswer(outgoing, ready);
  };
  // A fault of Larder itself must not end the process.
  answer.then(send, () => void outgoing.destroy());
  return RESPONSE_ALREADY_SENT;
}

function listen(server: Server, connections: Connections, handle: Handle): void {
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const exact = incoming as ExactIncoming;
    // What is written when the client has just left is an error that nobody need hear of.
    outgoing.on("error", () => {});
    if (!connections.asked(incoming.socket, outgoing)) return;
    if (exact.isStranded) connections.lasts(outgoing);
    exact.target = incoming.url ?? "";
    // The adapter makes a URL of these two, which nobody looks at, and would answer for itself where it cannot.
    incoming.url = "/";
    incoming.headers.host = "larder";
    handle(exact, outgoing);
  };
  /** node:http has let go of the connection: an answer takes hold of it again, when it is its turn. */
  const onBareSocket = async (incoming: IncomingMessage, bare: Duplex, head: Buffer): Promise<void> => {
    const socket = bare as Socket;
    const outgoing = new ServerResponse(incoming);
    socket.on("error", () => socket.destroy());
    await connections.turn(socket);
    if (socket.destroyed) return;
    outgoing.shouldKeepAlive = false;
    outgoing.assignSocket(socket);
    outgoing.once("finish", () => socket.destroySoon());
    (incoming as ExactIncoming).tunnel = { socket, head };
    onRequest(incoming, outgoing);
  };
  server.on("connection", (socket) => connections.opened(socket));
  for (const event of ["request", "checkContinue", "checkExpectation"]) server.on(event, onRequest);
  for (const event of ["upgrade", "connect"]) server.on(event, onBareSocket);
  server.on("clientError", (error, socket) => void connections.malformed(error, socket as Socket));
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
