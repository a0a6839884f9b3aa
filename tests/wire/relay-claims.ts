// Answers: does WebSocket pass through a Larder on the exact wire?
// Owns: the claims about `lib/wire/relay.ts`, as bytes on raw sockets on both sides.
// Leaves out: what WebSocket says in those bytes; all other requests (`exact-claims.ts`).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { StartLarder } from "./exact-claims.ts";
import { Line, message, RawOrigin, type AskedLine } from "./raw-line.ts";

const KEY = "MDEyMzQ1Njc4OWFiY2RlZg==";
const UPGRADE = [
  ...["Connection: keep-alive, Upgrade", "Upgrade: websocket"],
  ...["Sec-WebSocket-Version: 13", `Sec-WebSocket-Key: ${KEY}`],
];
const SWITCHING = message(
  "HTTP/1.1 101 Switching Protocols",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Accept: x",
);

/** The claims, against what `start` starts; Bun takes a pipelined request for no upgrade, which RFC 9110 §7.8 allows. */
export function claimRelay(runtime: "Bun" | "Node", start: StartLarder): void {
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

  async function opened(early = ""): Promise<{ readonly client: Line; readonly asked: AskedLine }> {
    const client = await Line.to(larder.url);
    client.send(message("GET /chat HTTP/1.1", "Host: larder.test", ...UPGRADE) + early);
    return { client, asked: await origin.asked("/chat") };
  }

  describe("WebSocket", () => {
    test("the request keeps Connection and Upgrade, and has the fields of a gateway", async () => {
      const { client, asked } = await opened();
      const head = asked.head.toLowerCase();
      expect(head).toStartWith("get /chat http/1.1\r\n");
      for (const field of [
        "connection: upgrade",
        "upgrade: websocket",
        `sec-websocket-key: ${KEY.toLowerCase()}`,
      ]) {
        expect(head).toContain(`\r\n${field}\r\n`);
      }
      for (const name of ["via: 1.1 larder", "x-forwarded-for: 127.0.0.1", "x-forwarded-host: larder.test"]) {
        expect(head).toContain(`\r\n${name}\r\n`);
      }
      asked.line.send(SWITCHING);
      const answer = (await client.take("\r\n\r\n")).toLowerCase();
      expect(answer).toStartWith("http/1.1 101 ");
      for (const field of ["connection: upgrade", "upgrade: websocket", "sec-websocket-accept: x"]) {
        expect(answer).toContain(`\r\n${field}\r\n`);
      }
      client.end();
    });

    test("bytes pass in both directions, those that come early too", async () => {
      const { client, asked } = await opened("early bird");
      asked.line.send(`${SWITCHING}origin first`);
      await client.take("\r\n\r\norigin first");
      await asked.line.take("early bird");
      client.send("\x00\xff ping");
      await asked.line.take("\x00\xff ping");
      asked.line.send("\x01\xfe pong");
      await client.take("\x01\xfe pong");
      const much = "much ".repeat(400_000);
      client.send(`${much}!`);
      expect((await asked.line.take("!")).length).toBe(much.length + 1);
      asked.line.send(`${much}!`);
      expect((await client.take("!")).length).toBe(much.length + 1);
      client.end();
    });

    test.each(["end", "reset"] as const)(
      "a client that goes (%s) takes the origin's end along",
      async (how) => {
        const { client, asked } = await opened();
        asked.line.send(SWITCHING);
        await client.take("\r\n\r\n");
        client[how]();
        await asked.line.closed;
      },
    );

    test.each(["end", "reset"] as const)(
      "an origin that goes (%s) takes the client's end along",
      async (how) => {
        const { client, asked } = await opened();
        asked.line.send(`${SWITCHING}last words`);
        await client.take("last words");
        asked.line[how]();
        await client.closed;
      },
    );

    test("an origin that declines is heard, and the connection ends", async () => {
      const { client, asked } = await opened();
      asked.answer(
        `${message("HTTP/1.1 403 No Chat", "Content-Length: 7", "Cache-Control: max-age=60")}no chat`,
      );
      const answer = await client.rest();
      expect(answer).toStartWith("HTTP/1.1 403 No Chat\r\n");
      expect(answer).toContain("larder; fwd=bypass; fwd-status=403");
      expect(answer).toEndWith("\r\n\r\nno chat");
      // It is not stored.
      const again = await opened();
      again.asked.answer(message("HTTP/1.1 404 Gone", "Content-Length: 0"));
      expect(await again.client.rest()).toStartWith("HTTP/1.1 404 Gone\r\n");
    });

    test("an origin that ends without an answer is 502", async () => {
      const { client, asked } = await opened();
      asked.line.end();
      const answer = await client.rest();
      expect(answer).toStartWith("HTTP/1.1 502 ");
      expect(answer).toContain("detail=origin-unreachable");
    });

    test("a client that leaves before the answer ends the request", async () => {
      const { client, asked } = await opened();
      client.reset();
      await asked.line.closed;
    });

    test("the door stands in front of it", async () => {
      const client = await Line.to(larder.url);
      client.send(message("GET /chat HTTP/1.1", "Host: a", "Host: b", ...UPGRADE));
      expect(await client.rest()).toStartWith("HTTP/1.1 400 ");
    });

    test("one that is pipelined behind a request waits for its turn, or is none", async () => {
      const client = await Line.to(larder.url);
      const request = message("GET /before HTTP/1.1", "Host: a");
      client.send(request + message("GET /chat HTTP/1.1", "Host: a", ...UPGRADE));
      const before = await origin.asked("/before");
      expect(before.head).toStartWith("GET /before ");
      before.answer(`${message("HTTP/1.1 200 OK", "Content-Length: 6")}before`);
      await client.take("before");
      const asked = await origin.asked("/chat");
      expect(asked.head.toLowerCase().includes("upgrade: websocket")).toBe(runtime === "Node");
      if (runtime === "Node") asked.line.send(SWITCHING);
      else asked.answer(message("HTTP/1.1 200 OK", "Content-Length: 0"));
      expect(await client.take("\r\n\r\n")).toStartWith(`HTTP/1.1 ${runtime === "Node" ? 101 : 200} `);
      client.end();
    });
  });
}
