// Answers: can a few clients keep Larder busy, or keep something of it for themselves, out of proportion to what they send?
// Owns: the attacks by amplification, loops, and slowness.
// Leaves out: how much is let in at all (`limits.test.ts`).
import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { cacheApp } from "../../lib/cache-app.ts";
import { cacheEngine } from "../../lib/cache-serve.ts";
import { CACHE_OPTIONS } from "../../lib/option-tables.ts";
import { resolveOptions } from "../../lib/options.ts";
import { serveBun, type Running } from "../../lib/wire/serve-bun.ts";
import { withLarder } from "../larder-under-test.ts";
import { ScriptedOrigin } from "../scripted-origin.ts";
import { ask } from "../socket-client.ts";

const FRESH = { "Cache-Control": "max-age=60" };
const LARGE = "0123456789abcdef".repeat(2 ** 20);

/** A cache of its own process-wide parts in front of an origin, with an idle limit of its own. */
function serve(originUrl: string, idleSeconds: number): Running {
  const options = resolveOptions(CACHE_OPTIONS, { argv: ["--origin", originUrl], env: {}, file: {} });
  const engine = cacheEngine(options);
  const app = cacheApp(engine.proxy, engine.events, engine.forwarder);
  return serveBun(app, { port: 0, host: "127.0.0.1", idleSeconds });
}

/** A connection on which these bytes are sent, and the promise that the server ends it. */
function opened(url: string, text: string): { readonly socket: Socket; readonly closed: Promise<void> } {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port), noDelay: true });
  socket.on("error", () => {});
  socket.write(text);
  return { socket, closed: new Promise((resolve) => void socket.once("close", () => resolve())) };
}

describe("range amplification", () => {
  const overlapping = Array.from({ length: 500 }, (_, at) => `${at}-`).join();
  const tiny = Array.from({ length: 500 }, (_, at) => `${at * 2}-${at * 2}`).join();
  const nested = "0-99999,0-99998,0-99997";
  test.each([
    ["500 overlapping ranges", overlapping],
    ["500 ranges of one byte", tiny],
    ["3 overlapping ranges", nested],
    ["500 suffixes", Array.from({ length: 500 }, () => "-100000").join()],
  ])("%s get the content once (RFC 9110 §14.2)", (_, ranges) =>
    withLarder(async (larder) => {
      const body = LARGE.slice(0, 100_000);
      larder.origin.script({ fields: { ...FRESH, ETag: '"1"' }, body });
      const url = larder.serve();
      await ask(url, "GET", "/x");
      const reply = await ask(url, "GET", "/x", { Range: `bytes=${ranges}` });
      expect([reply.status, reply.body.length, larder.origin.requests.length]).toEqual([200, 100_000, 1]);
    })(),
  );
});

describe("CDN loop", () => {
  test(
    "a request that the origin sends back here is 508 (RFC 8586 §2)",
    withLarder(async (larder) => {
      const url = larder.serve();
      larder.origin.script(async (asked) => {
        const fields = asked.fields.filter(([name]) => /^(?:cdn-loop|via)$/i.test(name));
        const back = await ask(url, asked.method, asked.target, Object.fromEntries(fields));
        await asked.reply({ status: back.status, fields: { "Cache-Control": "no-store" }, body: back.body });
      });
      expect((await ask(url, "GET", "/x")).status).toBe(508);
      expect(larder.origin.requests.length).toBe(1);
    }),
  );
});

describe.concurrent("slowness", () => {
  test("heads: one that takes longer than 10 s is cut off, and others are served meanwhile", async () => {
    const origin = await ScriptedOrigin.start();
    origin.script({ fields: FRESH, body: "ok" });
    const cache = serve(origin.url, 60);
    const slow = Array.from({ length: 50 }, () => opened(cache.url, "GET /slow HTTP/1.1\r\nHost: a\r\n"));
    const drip = setInterval(() => slow.forEach(({ socket }) => socket.write("X-A: b\r\n")), 500);
    const all = Promise.all(slow.map(({ closed }) => closed));
    let served = 0;
    for (let isOver = false; !isOver;) {
      expect((await ask(cache.url, "GET", "/x")).body).toBe("ok");
      served++;
      isOver = await Promise.race([all.then(() => true), Bun.sleep(100).then(() => false)]);
    }
    clearInterval(drip);
    expect(served).toBeGreaterThan(10);
    expect(origin.requests.map(({ target }) => target)).toEqual(["/x"]);
    origin.stop();
    await cache.stop();
  }, 30_000);

  test("bodies: an upload that stands still ends with the origin's deadline", async () => {
    await withLarder(
      async (larder) => {
        const url = larder.serve();
        const head = "POST /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n";
        const { socket, closed } = opened(url, `${head}ten bytes.`);
        let answer = "";
        socket.on("data", (bytes: Buffer) => void (answer += bytes.toString("latin1")));
        await closed;
        expect(answer).toMatch(/^HTTP\/1\.1 504 /);
        larder.origin.script({ fields: FRESH, body: "ok" });
        expect((await ask(url, "GET", "/x")).body).toBe("ok");
      },
      { originTimeoutMs: 500 },
    )();
  }, 15_000);

  test("readers that stop: they are cut off, and others are served meanwhile", async () => {
    const origin = await ScriptedOrigin.start();
    origin.script({ fields: FRESH, body: LARGE });
    const cache = serve(origin.url, 4);
    expect((await ask(cache.url, "GET", "/x")).body.length).toBe(LARGE.length);
    const { socket, closed } = opened(cache.url, "GET /x HTTP/1.1\r\nHost: larder.test\r\n\r\n");
    let got = 0;
    await new Promise<void>((resolve) => {
      socket.once("data", (bytes: Buffer) => {
        socket.pause();
        got += bytes.length;
        resolve();
      });
    });
    expect((await ask(cache.url, "GET", "/x")).body.length).toBe(LARGE.length);
    // Past the idle limit: what Larder had not written by then never comes.
    await Bun.sleep(12_000);
    socket.on("data", (bytes: Buffer) => void (got += bytes.length));
    socket.resume();
    await closed;
    expect(got).toBeLessThan(LARGE.length);
    expect(origin.requests.length).toBe(1);
    origin.stop();
    await cache.stop();
  }, 30_000);
});
