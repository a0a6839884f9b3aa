// Answers: is it known whether an origin accepts connections, and is nothing of the connection left?
// Owns: the claims about `lib/wire/tcp-connect.ts`, over loopback.
// Leaves out: when it is asked (`origins/connect-probe.test.ts`).
import { describe, expect, test } from "bun:test";
import { createServer, type AddressInfo, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { connectTcp } from "../../lib/wire/tcp-connect.ts";

interface Listener {
  readonly server: Server;
  readonly port: number;
  /** Settles when a connection has come and gone, with the bytes that came on it. */
  readonly gone: Promise<number>;
}

function listen(host: string): Promise<Listener> {
  return new Promise((resolve, reject) => {
    let end: (bytes: number) => void = () => {};
    const gone = new Promise<number>((settle) => (end = settle));
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("close", () => end(socket.bytesRead)).resume();
    });
    server.on("error", reject);
    server.listen(0, host, () => resolve({ server, gone, port: (server.address() as AddressInfo).port }));
  });
}

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
);
const never = new AbortController().signal;

describe("an origin that listens", () => {
  test.each([
    ["127.0.0.1", "http://127.0.0.1"],
    ["127.0.0.1", "http://localhost"],
    ["127.0.0.1", "https://127.0.0.1"],
    ...(hasIpv6 ? [["::1", "http://[::1]"] as const] : []),
  ])("on %s accepts a connection to %s, which is closed again without a byte", async (host, origin) => {
    const { server, port, gone } = await listen(host);
    try {
      expect(await connectTcp(`${origin}:${port}`, never)).toBeUndefined();
      expect(await gone).toBe(0);
    } finally {
      server.close();
    }
  });
});

test("an origin that does not listen refuses", async () => {
  const { server, port } = await listen("127.0.0.1");
  await new Promise((resolve) => server.close(resolve));
  const error = await connectTcp(`http://127.0.0.1:${port}`, never).catch((thrown: unknown) => thrown);
  expect((error as { code?: string }).code).toBe("ECONNREFUSED");
});

describe("a connection that nobody waits for any more", () => {
  test("is not even tried", async () => {
    const error = await connectTcp("http://127.0.0.1:1", AbortSignal.abort("gone")).catch((e: unknown) => e);
    expect(error).toBe("gone");
  });

  test("is given up, for the signal's reason", async () => {
    const { server, port } = await listen("127.0.0.1");
    try {
      const gone = new AbortController();
      const connection = connectTcp(`http://127.0.0.1:${port}`, gone.signal).catch((e: unknown) => e);
      gone.abort("gone");
      expect(await connection).toBe("gone");
    } finally {
      server.close();
    }
  });
});

test("without a port, it is the one of the scheme", async () => {
  // Nothing listens there on a machine that runs tests, or something does: either way the port is named or reached.
  for (const [origin, port] of [
    ["http://127.0.0.1", 80],
    ["https://127.0.0.1", 443],
  ] as const) {
    const error = await connectTcp(origin, never).catch((thrown: unknown) => thrown);
    if (error !== undefined) expect((error as { port?: number }).port).toBe(port);
  }
});
