// Answers: how clients reach the engine on bare TCP: plain requests at once, all others through `Bun.serve`.
// Owns: the listening socket, how many connections there are, the clock by which they are looked after, the graceful stop.
// Leaves out: one connection (`lane-connection.ts`), and the server behind the lane (`serve-bun.ts`).
import type { TCPSocketListener } from "bun";
import type { Handler } from "../message.ts";
import { Connection, type Lane } from "./lane-connection.ts";
import { SectionMemory } from "./lane-request.ts";
import { TOLD_AT_A_TIME } from "./one-too-many.ts";
import {
  DRAIN_MS,
  IDLE_SECONDS,
  serveBun,
  urlOf,
  type App,
  type Listening,
  type Running,
} from "./serve-bun.ts";

/** What only tests change. */
export interface LaneClock {
  /** Calls once a second; what it returns ends that. */
  readonly everySecond: (act: () => void) => () => void;
}

const CLOCK: LaneClock = {
  everySecond(act) {
    const timer = setInterval(act, 1000);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** Starts serving. @throws an EADDRINUSE error where the port is taken. */
export function serveLane(engine: Handler, app: App, listening: Listening, clock = CLOCK): Running {
  const { host, idleSeconds = IDLE_SECONDS } = listening;
  const addresses = new Map<number, string>();
  const inner = serveBun(app, { ...listening, port: 0, host: "127.0.0.1", sharesPort: false, addresses });
  const lane: Lane = {
    engine,
    sections: new SectionMemory(),
    behind: { port: Number(new URL(inner.url).port), addresses },
    idleSeconds,
    second: 0,
    isStopping: false,
    isRetiring: false,
  };
  const connections = new Set<Connection>();
  let server: TCPSocketListener<Connection>;
  try {
    server = listen(lane, connections, listening);
  } catch (error) {
    void inner.stop();
    throw portError(error, listening.port);
  }
  const endClock = clock.everySecond(() => {
    lane.second++;
    for (const connection of connections) connection.look();
  });
  return {
    url: urlOf(host, server.port),
    stop: () => stop({ lane, connections, server, inner }, listening).finally(endClock),
  };
}

/** Bun does not name the port. */
function portError(error: unknown, port: number): unknown {
  if ((error as Partial<NodeJS.ErrnoException>).code !== "EADDRINUSE") return error;
  return Object.assign(new Error(`Failed to start server. Is port ${port} in use?`), { code: "EADDRINUSE" });
}

interface LaneServer {
  readonly lane: Lane;
  readonly connections: ReadonlySet<Connection>;
  readonly server: TCPSocketListener<Connection>;
  readonly inner: ReturnType<typeof serveBun>;
}

/** As `Bun.serve` behind it: first it is said, then nobody new comes in and who is idle goes, at last all are cut. */
async function stop(
  { lane, connections, server, inner }: LaneServer,
  { drainTimeout = DRAIN_MS, noticeMs = 0 }: Listening,
): Promise<void> {
  lane.isStopping = true;
  inner.giveNotice();
  if (noticeMs > 0) await Bun.sleep(noticeMs);
  server.stop();
  const deadlineMs = performance.now() + drainTimeout;
  // What was accepted just now may have its request with it.
  await Bun.sleep(ACCEPTED_MS);
  lane.isRetiring = true;
  for (const connection of connections) connection.retire();
  const isPlain = (): boolean => [...connections].some(({ isPassedOn }) => !isPassedOn);
  await until(() => !isPlain(), deadlineMs);
  // Until now a request might have had to be passed on.
  const innerStopped = inner.stop();
  await until(() => connections.size === 0, deadlineMs);
  for (const connection of connections) connection.cut();
  await innerStopped;
}

const ACCEPTED_MS = 10;

async function until(isSo: () => boolean, deadlineMs: number): Promise<void> {
  while (!isSo() && performance.now() < deadlineMs) await Bun.sleep(10);
}

function listen(
  lane: Lane,
  connections: Set<Connection>,
  { host, port, sharesPort = false, maxConnections = 0 }: Listening,
): TCPSocketListener<Connection> {
  const most = maxConnections === 0 ? Number.POSITIVE_INFINITY : maxConnections;
  // Bun takes it, its types name it for connections only.
  const sharing = { reusePort: sharesPort, exclusive: !sharesPort };
  return Bun.listen<Connection>({
    hostname: host,
    port,
    ...sharing,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        const connection = new Connection(lane, socket);
        socket.data = connection;
        connections.add(connection);
        if (connections.size > most + TOLD_AT_A_TIME) socket.terminate();
        else if (connections.size > most) connection.refuse();
      },
      data: (socket, bytes) => socket.data.data(bytes),
      drain: (socket) => socket.data.drain(),
      end: (socket) => socket.data.end(),
      close(socket) {
        connections.delete(socket.data);
        socket.data.close();
      },
      // Also what a handler throws: one connection is lost then, and no other.
      error: (socket) => void socket.terminate(),
    },
  });
}
