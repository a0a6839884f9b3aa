// Answers: does a WebSocket pass Larder as if there were none, and does it stay within its bounds?
// Owns: the claims about `lib/wire/relay-bun.ts` and `lib/relay.ts`, frame by frame at both ends.
// Leaves out: the frames themselves (`web-socket-peer.ts`).
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { cacheApp } from "../../lib/cache-app.ts";
import { cacheEngine } from "../../lib/cache-serve.ts";
import type { CacheEvent } from "../../lib/events.ts";
import { CACHE_OPTIONS } from "../../lib/option-tables.ts";
import { resolveOptions } from "../../lib/options.ts";
import { serveBun, type Running } from "../../lib/wire/serve-bun.ts";
import { ScriptedOrigin } from "../scripted-origin.ts";
import { fieldValue } from "../conformance/http-message.ts";
import {
  closing,
  type Handshake,
  OP,
  openClient,
  type Opened,
  type Peer,
  WebSocketOrigin,
} from "../web-socket-peer.ts";

let origin: WebSocketOrigin;
let cache: Running;
const events: CacheEvent[] = [];

function start(originUrl: string, more: readonly string[] = [], port = 0): Running {
  const argv = ["--origin", originUrl, ...more];
  const options = resolveOptions(CACHE_OPTIONS, { argv, env: {}, file: {} });
  const engine = cacheEngine(options);
  engine.events.on((event) => void events.push(event));
  const app = cacheApp(engine.proxy, engine.events, engine.forwarder);
  return serveBun(app, { port, host: "127.0.0.1" });
}

beforeEach(async () => {
  events.length = 0;
  origin = await WebSocketOrigin.start();
  cache = start(origin.url);
});

afterEach(async () => {
  origin.stop();
  await cache.stop();
});

/** Both ends of an open relay. */
async function relay(
  lines: string[] = [],
): Promise<{ client: Peer; server: Peer; opened: Opened; asked: Handshake }> {
  const opening = openClient(cache.url, "/chat?room=1", lines);
  const asked = await origin.next();
  const server = asked.accept();
  const opened = await opening;
  expect(opened.status).toBe(101);
  return { client: opened.peer, server, opened, asked };
}

/** What the client gets where the origin answers the handshake with these bytes. */
async function refused(answer: string, lines: string[] = []): Promise<Opened> {
  const opening = openClient(cache.url, "/chat", lines);
  (await origin.next()).answer(answer);
  return opening;
}

describe("the handshake (RFC 6455 §4)", () => {
  test("goes on with the fields of any forwarded request, and without those of one connection", async () => {
    const { client, asked, opened } = await relay([
      "Connection: keep-alive, Upgrade, X-Hop",
      "X-Hop: 1",
      "Keep-Alive: timeout=5",
      "Origin: http://page.test",
      "Cookie: a=1; b=2",
      "Authorization: Bearer abc",
      "User-Agent: tests",
      "X-Odd: gr\xfc\xdfe",
      "X-Original-URL: /admin",
      "X_Forwarded_Host: evil.test",
      "X-Forwarded-Host: evil.test",
      "X-Forwarded-For: 192.0.2.7",
      "Via: 1.1 before",
      "Sec-WebSocket-Extensions: permessage-deflate",
    ]);
    expect(asked.startLine).toBe("GET /chat?room=1 HTTP/1.1");
    const got = Object.fromEntries(asked.fields.map(([name, value]) => [name.toLowerCase(), value]));
    expect(got).toMatchObject({
      host: "larder.test",
      origin: "http://page.test",
      cookie: "a=1; b=2",
      authorization: "Bearer abc",
      "user-agent": "tests",
      "x-odd": "gr\xfc\xdfe",
      "x-forwarded-host": "larder.test",
      "x-forwarded-proto": "http",
      "x-forwarded-for": "192.0.2.7, 127.0.0.1",
      via: "1.1 before, 1.1 larder",
      upgrade: "websocket",
      connection: "Upgrade",
    });
    expect(got["cdn-loop"]).toMatch(/^larder-/);
    for (const name of [
      "x-hop",
      "keep-alive",
      "x-original-url",
      "x_forwarded_host",
      "sec-websocket-extensions",
    ]) {
      expect(got).not.toHaveProperty([name]);
    }
    expect(fieldValue(opened.fields, "via")).toBe("1.1 larder");
    expect(fieldValue(opened.fields, "cache-status")).toBe(
      "larder; fwd=bypass; fwd-status=101; detail=websocket",
    );
    client.socket.destroy();
  });

  test("is one PASS in the log, with status 101", async () => {
    const { client } = await relay();
    expect(events).toMatchObject([{ kind: "answered", status: 101, report: { word: "PASS" } }]);
    client.socket.destroy();
  });

  test("the client gets the subprotocol that the origin chooses", async () => {
    const opening = openClient(cache.url, "/chat", ["Sec-WebSocket-Protocol: a, b"]);
    const asked = await origin.next();
    expect(asked.get("sec-websocket-protocol")).toBe("a, b");
    asked.accept(["Sec-WebSocket-Protocol: b"]);
    const { status, fields, peer } = await opening;
    expect([status, fieldValue(fields, "sec-websocket-protocol")]).toEqual([101, "b"]);
    peer.socket.destroy();
  });

  test.each([
    ["none of those offered", ["Sec-WebSocket-Protocol: a"], []],
    ["one that nobody offered", ["Sec-WebSocket-Protocol: a"], ["Sec-WebSocket-Protocol: z"]],
    ["one, and none was offered", [], ["Sec-WebSocket-Protocol: z"]],
  ])("an origin that chooses %s opens nothing, as in browsers", async (_, offered, chosen) => {
    const opening = openClient(cache.url, "/chat", offered);
    (await origin.next()).accept(chosen);
    expect((await opening).status).toBe(502);
  });

  test.each([
    ["403", "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", 403, "fwd-status=403"],
    ["404", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 404, "fwd-status=404"],
    ["503", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 503, "fwd-status=503"],
    [
      "401, of which the challenge is lost",
      "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
      502,
      "fwd-status=401",
    ],
    ["a redirect", "HTTP/1.1 302 No\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", 502, "fwd-status=302"],
    ["200", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 502, "fwd-status=200"],
    [
      "101 that proves nothing",
      "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
      502,
      "detail=origin-unreachable",
    ],
    ["no HTTP", "SSH-2.0-x\r\n\r\n", 502, "detail=origin-unreachable"],
  ])(
    "where the origin answers %s the client is told, and is not upgraded",
    async (_, answer, status, detail) => {
      const opened = await refused(answer);
      expect(opened.status).toBe(status);
      expect(fieldValue(opened.fields, "cache-status")).toContain(detail);
      opened.peer.socket.destroy();
    },
  );

  test("an origin that nobody listens at is 502, one that is silent 504", async () => {
    const nobody = await WebSocketOrigin.start();
    nobody.stop();
    const away = start(nobody.url);
    expect((await openClient(away.url, "/chat")).status).toBe(502);
    await away.stop();
    const hasty = start(origin.url, ["--first-byte-timeout", "1s"]);
    const opening = openClient(hasty.url, "/chat");
    const asked = await origin.next();
    expect((await opening).status).toBe(504);
    await asked.peer.closed;
    await hasty.stop();
  });

  test("an origin that leads back here is 508 (RFC 8586)", async () => {
    const free = await ScriptedOrigin.start();
    free.stop();
    const looping = start(free.url, [], Number(new URL(free.url).port));
    expect((await openClient(looping.url, "/chat")).status).toBe(508);
    expect(origin.asked.length).toBe(0);
    await looping.stop();
  });

  test("a client that leaves before the origin has answered takes its request along", async () => {
    const opening = openClient(cache.url, "/chat").catch(() => undefined);
    const asked = await origin.next();
    const leaving = await openAndLeave();
    await leaving.peer.closed;
    asked.accept();
    (await opening)?.peer.socket.destroy();
  });
});

/** The handshake at the origin of a client that is gone. */
async function openAndLeave(): Promise<Handshake> {
  const { connect } = await import("node:net");
  const socket = connect(Number(new URL(cache.url).port), "127.0.0.1");
  socket.write(
    "GET /leave HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const asked = await origin.next();
  socket.destroy();
  return asked;
}

describe("other upgrades are declined: the request is a plain one (RFC 9110 §7.8)", () => {
  test.each([
    [
      "h2c, as curl --http2 sends it",
      ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA"],
    ],
    ["h2c that does not name its settings", ["Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAMA"]],
    ["an unknown protocol", ["Connection: Upgrade", "Upgrade: foo/2"]],
    ["a WebSocket of another version", ["Sec-WebSocket-Version: 8"]],
    ["a WebSocket without a key", ["Sec-WebSocket-Key: short"]],
    ["Upgrade that Connection does not name", ["Connection: keep-alive"]],
  ])("%s", async (_, lines) => {
    const opening = openClient(cache.url, "/plain", lines);
    const asked = await origin.next();
    for (const name of ["upgrade", "http2-settings"]) {
      expect([name, asked.get(name)]).toEqual([name, undefined]);
    }
    expect(asked.get("connection") ?? "").not.toMatch(/upgrade|http2/i);
    asked.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nCache-Control: no-store\r\n\r\n");
    const { status, peer } = await opening;
    expect(status).toBe(200);
    peer.socket.destroy();
  });
});

/** A whole message, and a close, in both directions. */
const DIRECTIONS = [
  ["from the client to the origin", ({ client, server }: Ends) => [client, server] as const],
  ["from the origin to the client", ({ client, server }: Ends) => [server, client] as const],
] as const;

interface Ends {
  readonly client: Peer;
  readonly server: Peer;
}

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, at) => at);

describe.each(DIRECTIONS)("messages %s", (_, ends) => {
  test.each<[string, number, string | Uint8Array]>([
    ["an empty text", OP.text, ""],
    ["an empty binary", OP.binary, ""],
    ["text of all widths of UTF-8, NUL and U+FEFF", OP.text, "\ufeffa\0é€😀"],
    ["binary of all bytes", OP.binary, ALL_BYTES],
    ["125 bytes", OP.binary, new Uint8Array(125).fill(7)],
    ["126 bytes", OP.binary, new Uint8Array(126).fill(7)],
    ["65,535 bytes", OP.binary, new Uint8Array(65_535).fill(7)],
    ["65,536 bytes", OP.binary, new Uint8Array(65_536).fill(7)],
    ["1 MB", OP.binary, new Uint8Array(2 ** 20).map((__, at) => at % 251)],
  ])("%s", async (__, op, payload) => {
    const both = await relay();
    const [from, to] = ends(both);
    await from.send(op, payload);
    const got = await to.next();
    expect([got?.op, got?.fin, got?.masked]).toEqual([op, true, to === both.server]);
    expect(got?.payload.equals(Buffer.from(payload as string))).toBe(true);
    both.client.socket.destroy();
  });

  test("a fragmented message comes whole, in order with what follows", async () => {
    const both = await relay();
    const [from, to] = ends(both);
    await from.send(OP.text, "so", false);
    await from.send(OP.more, "up", true);
    await from.send(OP.binary, "next");
    expect((await to.next())?.payload.toString()).toBe("soup");
    expect((await to.next())?.payload.toString()).toBe("next");
    both.client.socket.destroy();
  });

  test("a ping is answered here, and goes on", async () => {
    const both = await relay();
    const [from, to] = ends(both);
    await from.send(OP.ping, "are you there");
    const [answer, passed] = [await from.next(), await to.next()];
    expect([answer?.op, answer?.payload.toString()]).toEqual([OP.pong, "are you there"]);
    expect([passed?.op, passed?.payload.toString()]).toEqual([OP.ping, "are you there"]);
    both.client.socket.destroy();
  });

  test.each([
    [1000, "done"],
    [1001, ""],
    [1011, "ünder"],
    [3000, "x"],
    [4999, "y".repeat(123)],
    [undefined, ""],
  ])("Close %p with its reason (RFC 6455 §5.5.1)", async (code, reason) => {
    const both = await relay();
    const [from, to] = ends(both);
    await from.sendClose(code, reason);
    expect(closing(await from.next())[0]).toBe(code);
    // It is the server that ends the connection (RFC 6455 §7.1.1).
    if (from === both.server) from.socket.end();
    // Bun says 1000 to a client where no code came, which means the same.
    const passed = code === undefined && to === both.client ? 1000 : code;
    expect(closing(await to.next())).toEqual([passed, reason]);
    await to.sendClose(code, reason);
    if (to === both.server) to.socket.end();
    await both.client.closed;
    await both.server.closed;
  });
});

describe("an end that is gone", () => {
  test.each([
    ["ends without a Close frame", (peer: Peer) => peer.socket.end()],
    ["breaks off", (peer: Peer) => peer.socket.resetAndDestroy()],
    ["breaks the protocol", (peer: Peer) => peer.send(3, "reserved opcode")],
    ["sends text that is no UTF-8", (peer: Peer) => peer.send(OP.text, Buffer.from([0xff, 0xfe]))],
  ])("the origin %s: the client is closed with 1011", async (_, leave) => {
    const { client, server } = await relay();
    leave(server);
    expect(closing(await client.next())[0]).toBe(1011);
    await client.sendClose(1011);
    await client.gone();
    await server.gone();
  });

  test.each([
    ["ends without a Close frame", (peer: Peer) => peer.socket.end()],
    ["breaks off", (peer: Peer) => peer.socket.resetAndDestroy()],
    ["breaks the protocol", (peer: Peer) => peer.send(3, "reserved opcode")],
    ["sends text that is no UTF-8", (peer: Peer) => peer.send(OP.text, Buffer.from([0xff, 0xfe]))],
  ])("the client %s: the origin's connection ends", async (_, leave) => {
    const { client, server } = await relay();
    leave(client);
    await server.gone();
    await client.gone();
  });

  test("what the origin says right behind its 101 arrives", async () => {
    const opening = openClient(cache.url, "/chat");
    const hello = Buffer.from([0x80 | OP.text, 2, 0x68, 0x69]);
    (await origin.next()).accept([], Buffer.concat([hello, hello]));
    const { status, peer } = await opening;
    expect(status).toBe(101);
    for (const _ of "hi") expect((await peer.next())?.payload.toString()).toBe("hi");
    peer.socket.destroy();
  });

  test("a cache that stops closes both ends with 1001", async () => {
    const stopping = start(origin.url);
    const opening = openClient(stopping.url, "/chat");
    const server = (await origin.next()).accept();
    const client = (await opening).peer;
    const stopped = stopping.stop();
    expect(closing(await client.next())).toEqual([1001, "the cache is stopping"]);
    expect(closing(await server.next())).toEqual([1001, "the cache is stopping"]);
    await client.sendClose(1001);
    server.socket.end();
    await stopped;
  });
});

const CHUNK = new Uint8Array(2 ** 16).fill(9);
const CHUNKS = 1024;

describe.each(DIRECTIONS)("bounds, %s", (_, ends) => {
  test("who does not read stops who writes, and nothing is lost (64 MB)", async () => {
    const both = await relay();
    const [from, to] = ends(both);
    to.socket.pause();
    let sent = 0;
    const sending = (async () => {
      for (; sent < CHUNKS; sent++) await from.send(OP.binary, CHUNK);
    })();
    // The sockets' own buffers and Larder's take some of it; then it stands still.
    for (let before = -1; before !== sent;) {
      before = sent;
      await Bun.sleep(300);
    }
    expect(sent).toBeLessThan(CHUNKS / 2);
    let bytes = 0;
    to.socket.removeAllListeners("readable");
    to.socket.on("data", (data: Buffer) => void (bytes += data.length));
    to.socket.resume();
    await sending;
    const header = both.server === to ? 14 : 10;
    const expected = CHUNKS * (CHUNK.length + header);
    for (let tries = 0; bytes < expected && tries < 2000; tries++) await Bun.sleep(5);
    expect(bytes).toBe(expected);
    both.client.socket.destroy();
  }, 30_000);

  test("a message of more than 16 MB ends the relay with 1009", async () => {
    const both = await relay();
    const [from] = ends(both);
    void from.send(OP.binary, new Uint8Array(2 ** 24 + 1));
    from.socket.on("error", () => {});
    if (from === both.server) expect(closing(await both.client.next())[0]).toBe(1009);
    await both.server.gone();
  }, 30_000);
});
