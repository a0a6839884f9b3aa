// Answers: does every byte pass between a client and the server behind the lane, at the pace of the slower one?
// Owns: the claims about `lib/wire/lane-tunnel.ts`, in front of a server of raw sockets.
// Leaves out: which requests go there (`lane-connection.test.ts`), what `Bun.serve` makes of them (`lane-beside-bun.test.ts`).
import { expect, test } from "bun:test";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Connection, type Lane } from "../../lib/wire/lane-connection.ts";
import { SectionMemory } from "../../lib/wire/lane-request.ts";
import { until } from "./lane-rig.ts";

/** Both ends of one tunnel, and who the server was told it is. */
interface Ends {
  readonly client: Socket;
  readonly server: Socket;
  readonly addresses: ReadonlyMap<number, string>;
  readonly tick: (seconds: number) => void;
}

const FIRST = "POST / HTTP/1.1\r\n";

/** A test with a tunnel of its own, opened by the first bytes, which the server has got. */
function withTunnel(body: (ends: Ends) => Promise<unknown>): () => Promise<void> {
  return async () => {
    const accepted = Promise.withResolvers<Socket>();
    const behind = createServer({ allowHalfOpen: true }, (socket) => accepted.resolve(quiet(socket)));
    await new Promise<void>((resolve) => void behind.listen(0, "127.0.0.1", resolve));
    const { lane, connections, port, stop } = listening((behind.address() as AddressInfo).port);
    const client = quiet(
      connect({ port, host: "127.0.0.1", localAddress: "127.0.0.3", allowHalfOpen: true }),
    );
    client.write(FIRST);
    const server = await accepted.promise;
    expect(String(await once(server, "data"))).toBe(FIRST);
    const tick = (seconds: number): void => {
      for (let at = 0; at < seconds; at++) {
        lane.second++;
        for (const connection of connections) connection.look();
      }
    };
    try {
      await body({ client, server, addresses: lane.behind.addresses, tick });
    } finally {
      for (const socket of [client, server]) socket.destroy();
      stop();
      behind.close();
    }
  };
}

function listening(port: number) {
  const addresses = new Map<number, string>();
  const lane: Lane = {
    engine: { handle: () => ({ status: 500, fields: new Headers(), body: null }) },
    sections: new SectionMemory(),
    behind: { port, addresses },
    idleSeconds: 20,
    second: 0,
    isStopping: false,
    isRetiring: false,
  };
  const connections = new Set<Connection>();
  const server = Bun.listen<Connection>({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: {
      open(socket) {
        socket.data = new Connection(lane, socket);
        connections.add(socket.data);
      },
      data: (socket, bytes) => socket.data.data(bytes),
      drain: (socket) => socket.data.drain(),
      end: (socket) => socket.data.end(),
      close: (socket) => socket.data.close(),
    },
  });
  return { lane, connections, port: server.port, stop: () => server.stop(true) };
}

function quiet(socket: Socket): Socket {
  return socket.on("error", () => {});
}

function once(socket: Socket, event: string): Promise<unknown> {
  return new Promise((resolve) => void socket.once(event, resolve));
}

/** Bytes of which no two places look alike. */
const LARGE = Buffer.from(Uint8Array.from({ length: 32 * 2 ** 20 }, (_, at) => (at * 31 + (at >> 8)) & 255));

async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => chunks.push(bytes)).resume();
  await until(() => chunks.reduce((sum, { length }) => sum + length, 0) >= LARGE.length);
  return Buffer.concat(chunks);
}

test(
  "the server can look up whose connection it is, as long as it lasts",
  withTunnel(async ({ client, server, addresses }) => {
    expect(addresses.get(server.remotePort ?? 0)).toBe("127.0.0.3");
    client.resetAndDestroy();
    await until(() => addresses.size === 0);
  }),
);

test.each(["up", "down"] as const)("32 MB %s pass whole, and wait for the end that reads slowly", (way) =>
  withTunnel(async ({ client, server }) => {
    const [from, to] = way === "up" ? [client, server] : [server, client];
    to.pause();
    let isTaken = false;
    from.write(LARGE, () => (isTaken = true));
    await Bun.sleep(300);
    // Kernel buffers take some of it; the lane must not take the rest.
    expect(isTaken).toBe(false);
    expect(Buffer.compare(await all(to), LARGE)).toBe(0);
  })(),
);

test(
  "the client's end is passed on behind its last byte, and the answer still comes",
  withTunnel(async ({ client, server }) => {
    client.end(LARGE);
    const ended = once(server, "end");
    expect(Buffer.compare(await all(server), LARGE)).toBe(0);
    await ended;
    server.end("the answer");
    expect(String(await once(client, "data"))).toBe("the answer");
    await once(client, "end");
  }),
);

test(
  "the server's end is passed on behind its last byte, whatever the client still sends",
  withTunnel(async ({ client, server, tick }) => {
    client.pause();
    server.end(LARGE);
    for (let at = 0; at < 20; at++) client.write("x".repeat(100_000));
    const ended = once(client, "end");
    expect(Buffer.compare(await all(client), LARGE)).toBe(0);
    await ended;
    tick(3);
    client.write("x");
    await once(client, "close");
  }),
);

test(
  "a reset of the server is one for the client, behind what came before it",
  withTunnel(async ({ client, server }) => {
    server.write("begun");
    expect(String(await once(client, "data"))).toBe("begun");
    const error = once(client, "error");
    server.resetAndDestroy();
    expect(await error).toMatchObject({ code: "ECONNRESET" });
  }),
);

test(
  "a client that is gone takes the server's connection with it",
  withTunnel(async ({ client, server }) => {
    const closed = once(server, "close");
    client.resetAndDestroy();
    await closed;
  }),
);

test(
  "a client that takes nothing is cut after the idle time, also when the server has gone",
  withTunnel(async ({ client, server, tick }) => {
    client.pause();
    server.end(LARGE);
    await Bun.sleep(100);
    tick(22);
    client.resume();
    const error = await Promise.race([once(client, "error"), once(client, "end")]);
    expect(error).toMatchObject({ code: "ECONNRESET" });
  }),
);

test("without a server behind it, the client gets 503", async () => {
  const { port, stop } = listening(1);
  const client = quiet(connect(port, "127.0.0.1"));
  client.write(FIRST);
  expect(String(await once(client, "data"))).toStartWith("HTTP/1.1 503 ");
  await once(client, "end");
  client.destroy();
  stop();
});
