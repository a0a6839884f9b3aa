// Answers: what does the exact wire make of requests that want another protocol, or that it cannot read?
// Owns: the claims about Upgrade without a handshake, malformed requests, and what stands behind them on a connection.
// Leaves out: requests that are in order (`exact-claims.ts`), WebSocket (`relay-claims.ts`).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { StartLarder } from "./exact-claims.ts";
import { Line, message, RawOrigin } from "./raw-line.ts";

/** The claims, against what `start` starts; Bun reads on behind an Upgrade that was declined, Node does not. */
export function claimRefusals(runtime: "Bun" | "Node", start: StartLarder): void {
  let origin: RawOrigin;
  let larder: Awaited<ReturnType<StartLarder>>;
  beforeAll(async () => {
    origin = await RawOrigin.start();
    larder = await start(origin.url);
  }, 30_000);
  afterAll(async () => {
    origin.stop();
    await larder.stop();
  }, 30_000);

  const client = (): Promise<Line> => Line.to(larder.url);
  const get = (target: string, ...fields: readonly string[]): string =>
    message(`GET ${target} HTTP/1.1`, "Host: larder.test", ...fields);
  const ok = (body: string): string => message("HTTP/1.1 200 OK", `Content-Length: ${body.length}`) + body;

  describe("other protocols", () => {
    const H2C = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"];

    test("RFC 9110 §7.8 h2c is answered as plain HTTP/1.1", async () => {
      const line = await client();
      line.send(get("/h2c", ...H2C));
      const asked = await origin.asked("/h2c");
      expect(asked.head.toLowerCase()).not.toMatch(/upgrade|http2-settings/);
      asked.answer(ok("plain"));
      expect(await line.take("plain")).toStartWith("HTTP/1.1 200 ");
      line.end();
    });

    /** Requests that ask for a WebSocket, and do not open one (RFC 6455 §4.1). */
    const WEBSOCKET = ["Connection: Upgrade", "Upgrade: websocket"];
    const KEY = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="];

    test.each([
      ["h2c", H2C],
      ["a WebSocket without its key", WEBSOCKET],
      ["a WebSocket with its key", [...WEBSOCKET, ...KEY]],
    ])("a POST that asks for %s hung with its content unread: it is plain HTTP/1.1", async (_, fields) => {
      const line = await client();
      const head = message("POST /plain HTTP/1.1", "Host: a", "Content-Length: 32", ...fields);
      line.send(`${head}GET /hidden HTTP/1.1\r\nHost: a\r\n\r${get("/behind")}`);
      const asked = await origin.asked("/plain");
      await asked.line.take("GET /hidden HTTP/1.1");
      asked.answer(ok("plain"));
      expect(await line.take("plain")).toStartWith("HTTP/1.1 200 ");
      // Node reads nothing behind it: its connection ends, and the client asks again.
      if (runtime === "Node") return expect(await line.rest()).toBe("");
      (await origin.asked("/behind")).answer(ok("behind"));
      expect(await line.take("behind")).toStartWith("HTTP/1.1 200 ");
      line.end();
    });

    test("chunks of a POST that asks for a WebSocket were lost on the way to the origin", async () => {
      const line = await client();
      const head = message("POST /chunked HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", ...WEBSOCKET);
      line.send(`${head}3\r\nabc\r\n0\r\n\r\n`);
      const asked = await origin.asked("/chunked");
      await asked.line.take("3\r\nabc\r\n0\r\n\r\n");
      asked.answer(ok("plain"));
      expect(await line.take("plain")).toStartWith("HTTP/1.1 200 ");
      line.end();
    });

    test("RFC 9110 §7.8 HTTP/1.0 knows no Upgrade", async () => {
      const line = await client();
      line.send(message("GET /old HTTP/1.0", "Host: a", ...WEBSOCKET, ...KEY));
      const asked = await origin.asked("/old");
      expect(asked.head.toLowerCase()).not.toContain("upgrade");
      asked.answer(ok("plain"));
      expect(await line.rest()).toEndWith("plain");
    });
  });

  describe("malformed requests", () => {
    test.each([
      ["a space before the colon", 400, message("GET / HTTP/1.1", "Host : a")],
      ["an obsolete line fold", 400, message("GET / HTTP/1.1", "Host: a", "X: b", " c")],
      [
        "Content-Length with chunks",
        400,
        message("POST / HTTP/1.1", "Host: a", "Content-Length: 3", "Transfer-Encoding: chunked"),
      ],
      ["a control character", 400, message("GET / HTTP/1.1", "Host: a", "X: \x01")],
      ["a header section of 20 KB", 431, message("GET / HTTP/1.1", "Host: a", `X: ${"x".repeat(20_000)}`)],
    ])("%s: %i", async (_, status, request) => {
      const line = await client();
      const answer = await line.send(request).rest();
      expect(answer).toStartWith(`HTTP/1.1 ${status} `);
      expect(answer.toLowerCase()).toContain("connection: close");
    });

    test("garbage behind a request is answered after that request", async () => {
      const line = await client();
      line.send(`${get("/then-garbage")}\x01\x02\r\n\r\n`);
      (await origin.asked("/then-garbage")).answer(ok("first"));
      expect(await line.take("first")).toStartWith("HTTP/1.1 200 ");
      expect(await line.rest()).toStartWith("HTTP/1.1 400 ");
    });

    test("content that cannot be read took the answers in front of it along", async () => {
      const line = await client();
      const content = message("GET /content HTTP/1.1", "Host: a", "Transfer-Encoding: chunked");
      line.send(`${get("/earlier")}${content}-1\r\n`);
      (await origin.asked("/earlier")).answer(ok("earlier"));
      expect(await line.take("earlier")).toStartWith("HTTP/1.1 200 ");
      expect(await line.rest()).toStartWith("HTTP/1.1 400 ");
    });

    test("content that turns out malformed behind its answer got an answer of its own", async () => {
      const line = await client();
      const fields = ["Host: a", "Cache-Control: only-if-cached", "Transfer-Encoding: chunked"];
      line.send(`${message("POST /late HTTP/1.1", ...fields)}3\r\nabc\r\n`);
      expect(await line.take("\r\n\r\n")).toStartWith("HTTP/1.1 504 ");
      line.send("zz\r\n");
      expect(await line.rest()).not.toContain("HTTP/1.1 ");
    });

    test("RFC 9112 §9.6 what follows a refused request went to the origin", async () => {
      const line = await client();
      line.send(message("POST /refused HTTP/1.1", "Host: a", "Host: b") + get("/refused/behind"));
      expect((await line.rest()).match(/^HTTP\/1\.1 \d+/gm)).toEqual(["HTTP/1.1 400"]);
      const other = await client();
      other.send(get("/refused/behind"));
      (await origin.asked("/refused/behind")).answer(ok("asked once"));
      await other.take("asked once");
      other.end();
    });

    test("RFC 9112 §9.6 a reset overtook the answer, where the client sends on behind it", async () => {
      const line = await client();
      line.send(`${get("/last", "Connection: close")}${"x".repeat(200_000)}`);
      (await origin.asked("/last")).answer(ok("y".repeat(100_000)));
      await line.take("y");
      line.send("x".repeat(200_000));
      expect(await line.rest()).toEndWith("y".repeat(99_999));
      expect(await line.closed).toBe("ended");
    });

    test("a chunk that is none ends the request, at the origin too", async () => {
      const line = await client();
      line.send(`${message("POST /chunks HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")}3\r\nabc\r\n`);
      const asked = await origin.asked("/chunks");
      await asked.line.take("abc");
      line.send("zz\r\n");
      expect(await line.rest()).toStartWith("HTTP/1.1 400 ");
      await asked.line.closed;
      expect(asked.line.heard).not.toContain("0\r\n\r\n");
    });
  });
}
