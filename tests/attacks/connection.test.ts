// Answers: can a client get past Larder through fields that are meant for one connection, or poison it with an error?
// Owns: the attacks with Upgrade, Connection, and requests that only the origin finds too large or too odd.
// Leaves out: relays that do open (`wire/relay-bun.test.ts`).
import { describe, expect, test } from "bun:test";
import { cacheApp } from "../../lib/cache-app.ts";
import { cacheEngine } from "../../lib/cache-serve.ts";
import { CACHE_OPTIONS } from "../../lib/option-tables.ts";
import { resolveOptions } from "../../lib/options.ts";
import { serveBun } from "../../lib/wire/serve-bun.ts";
import { fieldValue } from "../conformance/http-message.ts";
import { withLarder } from "../larder-under-test.ts";
import { ScriptedOrigin } from "../scripted-origin.ts";
import { ask } from "../socket-client.ts";
import { openClient } from "../web-socket-peer.ts";
import { lines, rawAsk } from "./raw-bytes.ts";

const FRESH = { "Cache-Control": "max-age=60" };
const INNER = "GET /inner HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

describe("h2c smuggling", () => {
  const upgrade = ["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"];

  test(
    "the origin never hears of h2c, and what follows is a request to Larder",
    withLarder(async (larder) => {
      larder.origin.script((asked) => asked.reply({ fields: FRESH, body: asked.target }));
      const url = larder.serve();
      const head = (...options: string[]): string =>
        ["GET /x HTTP/1.1", "Host: a", `Connection: ${options.join()}`, ...upgrade, "", ""].join("\r\n");
      // Connection names the fields, or hides that it should.
      const [miss] = await rawAsk(url, head("Upgrade", "HTTP2-Settings", "close"));
      expect([miss?.status, miss?.body]).toEqual([200, "/x"]);
      const hidden = lines("GET /hidden HTTP/1.1", ...upgrade);
      expect((await rawAsk(url, hidden)).map(({ body }) => body)).toEqual(["/hidden"]);
      // A hit, so that this wire does not give up on what is pipelined behind it.
      const replies = await rawAsk(url, head("Upgrade", "HTTP2-Settings") + INNER);
      expect(replies.map(({ body }) => body)).toEqual(["/x", "/inner"]);
      expect(larder.origin.requests.map(({ target }) => target)).toEqual(["/x", "/hidden", "/inner"]);
      for (const asked of larder.origin.requests) {
        expect([asked.get("upgrade"), asked.get("http2-settings")]).toEqual([undefined, undefined]);
        expect(asked.get("connection") ?? "").not.toMatch(/upgrade|http2/i);
      }
    }),
  );

  test(
    "an origin that switches all the same opens no tunnel: 502",
    withLarder(async (larder) => {
      const url = larder.serve();
      const asking = rawAsk(url, lines("GET /x HTTP/1.1", ...upgrade));
      const asked = await larder.origin.asked();
      await asked.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
      expect((await asking).map(({ status }) => status)).toEqual([502]);
      asked.breakOff();
    }),
  );
});

describe("WebSocket smuggling", () => {
  test.each([
    ["the origin refuses", "426 Upgrade Required", 426],
    ["the origin answers like a page", "200 OK", 502],
  ])("where %s no tunnel opens: the bytes behind never reach it", async (_, phrase, status) => {
    const origin = await ScriptedOrigin.start();
    const argv = ["--origin", origin.url];
    const options = resolveOptions(CACHE_OPTIONS, { argv, env: {}, file: {} });
    const { proxy, events, forwarder } = cacheEngine(options);
    const cache = serveBun(cacheApp(proxy, events, forwarder), { port: 0, host: "127.0.0.1" });
    const opening = openClient(cache.url, "/chat");
    const asked = await origin.asked();
    expect(asked.get("upgrade")).toBe("websocket");
    await asked.send(`HTTP/1.1 ${phrase}\r\nContent-Length: 0\r\n\r\n`);
    const { status: got, peer } = await opening;
    expect(got).toBe(status);
    peer.socket.write("GET //inner HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await peer.gone();
    expect(origin.requests.map(({ target }) => target)).toEqual(["/chat"]);
    origin.stop();
    await cache.stop();
  });
});

describe("fields removed through Connection", () => {
  test.each(["Authorization", "Cookie", "Cache-Control", "Host", "Content-Type"])(
    "%s stays, whatever Connection says (RFC 9110 §7.6.1)",
    (name) =>
      withLarder(async (larder) => {
        larder.origin.script({ fields: FRESH, body: "ok" });
        const value = name === "Host" ? "larder.test" : "one";
        await ask(larder.serve(), "GET", "/x", { [name]: value, Connection: `${name}, X-Other` });
        expect(larder.origin.requests[0]?.get(name)).toBe(value);
      })(),
  );

  test(
    "a response is stored for the request as the origin saw it",
    withLarder(async (larder) => {
      const url = larder.serve();
      larder.origin.script((asked) =>
        asked.reply({ fields: { ...FRESH, Vary: "X-Side" }, body: asked.get("x-side") ?? "none" }),
      );
      expect((await ask(url, "GET", "/x", { "X-Side": "evil", Connection: "X-Side" })).body).toBe("none");
      expect((await ask(url, "GET", "/x", { "X-Side": "evil" })).body).toBe("evil");
      expect((await ask(url, "GET", "/x")).body).toBe("none");
      expect(larder.origin.requests.length).toBe(2);
    }),
  );
});

describe("errors that one client provokes", () => {
  test.each([400, 403, 408, 413, 417, 429, 431, 500, 502, 503, 505])(
    "%d without explicit freshness is not stored",
    (status) =>
      withLarder(async (larder) => {
        const url = larder.serve();
        larder.origin.script((asked) =>
          asked.get("x-huge") === undefined
            ? asked.reply({ fields: FRESH, body: "page" })
            : asked.reply({
                status,
                fields: { "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", ETag: '"1"' },
              }),
        );
        const error = await ask(url, "GET", "/x", { "X-Huge": "a".repeat(9000) });
        expect(error.status).toBe(status);
        expect(fieldValue(error.fields, "cache-status")).not.toContain("stored");
        expect((await ask(url, "GET", "/x")).body).toBe("page");
      })(),
  );
});
