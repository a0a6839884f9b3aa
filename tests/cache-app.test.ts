// Answers: what is the cache's app, seen as a function from Request to Response?
// Owns: the claims about `lib/cache-app.ts` and `cacheEngine`: the main job, what a wire is asked for, what is told.
// Leaves out: raw requests (`door.test.ts`), the engine's decisions (`proxy-*.test.ts`), sockets (`wire/`).
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { cacheApp } from "../lib/cache-app.ts";
import { cacheEngine } from "../lib/cache-serve.ts";
import type { CacheEvent } from "../lib/events.ts";
import { CACHE_OPTIONS } from "../lib/option-tables.ts";
import { resolveOptions } from "../lib/options.ts";

const bytes = crypto.getRandomValues(new Uint8Array(300_000));
const asked: { readonly method: string; readonly url: string; readonly fields: Headers }[] = [];
const origin = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request) {
    asked.push({ method: request.method, url: request.url, fields: new Headers(request.headers) });
    const { pathname } = new URL(request.url);
    const headers = {
      "cache-control": "max-age=60",
      etag: '"a"',
      "content-type": "text/tea",
      "x-path": pathname,
    };
    if (pathname.startsWith("/stream")) return new Response(slowly("tea"), { headers });
    return new Response(pathname.startsWith("/small") ? "tea" : bytes, { headers });
  },
});

const events: CacheEvent[] = [];
const argv = ["--origin", origin.url.origin];
const engine = cacheEngine(resolveOptions(CACHE_OPTIONS, { argv, env: {}, file: {} }));
engine.events.on((event) => void events.push(event));
const app = cacheApp(engine.proxy, engine.events);

const told = { addresses: 0, delays: 0, answered: 0 };
const environment = {
  clientAddress: () => `192.0.2.${++told.addresses}`,
  waits: () => void told.delays++,
  isAnswered: () => void told.answered++,
};

afterEach(() => {
  asked.length = events.length = told.addresses = told.delays = told.answered = 0;
});
afterAll(() => origin.stop(true));

function ask(target: string, init: RequestInit = {}): Response | Promise<Response> {
  const headers = new Headers({ host: "larder.test", ...(init.headers as Record<string, string>) });
  return app.fetch(new Request(`http://larder.test${target}`, { ...init, headers }), environment);
}

describe("the main job", () => {
  test.each(["/small/item", "/large/item"])(
    "%s: a miss, then hits with the same bytes and fields",
    async (target) => {
      const miss = await ask(target);
      const missBytes = await miss.bytes();
      await eventually(() => events.length === 1);
      const hit = await ask(target);
      expect(Buffer.from(await hit.bytes()).equals(missBytes)).toBe(true);
      expect(missBytes.length).toBe(target.startsWith("/small") ? 3 : bytes.length);
      expect(asked.length).toBe(1);
      for (const name of ["etag", "content-type", "cache-control", "x-path", "date", "via"]) {
        expect([name, hit.headers.get(name)]).toEqual([name, miss.headers.get(name)]);
      }
      // Bun's Date of a second is now and then sent in the next one: 59 is right then.
      expect(miss.headers.get("cache-status")).toMatch(
        /^larder; fwd=uri-miss; fwd-status=200; stored; ttl=(?:60|59)$/,
      );
      expect(hit.headers.get("cache-status")).toMatch(/^larder; hit; ttl=(?:60|5\d)$/);
      expect([miss.headers.get("age"), hit.headers.get("via")]).toEqual([null, "1.1 larder"]);
      expect(events.map((event) => event.kind === "answered" && event.report.word)).toEqual(["MISS", "HIT"]);
    },
  );

  test("a hit is answered at once, without a promise", async () => {
    await (await ask("/small/at-once")).text();
    expect(ask("/small/at-once")).toBeInstanceOf(Response);
    expect(ask("/small/at-once", { method: "HEAD" })).toBeInstanceOf(Response);
  });

  test("HEAD of what is stored has its fields, its length, and no content", async () => {
    await (await ask("/small/head")).text();
    const head = await ask("/small/head", { method: "HEAD" });
    expect([head.headers.get("content-length"), head.body, asked.length]).toEqual(["3", null, 1]);
  });

  test("RFC 9110 §8.6 HEAD of what is not stored says the origin's length, and none where that says none", async () => {
    const known = await ask("/small/head-known", { method: "HEAD" });
    expect([known.status, known.headers.get("content-length")]).toEqual([200, "3"]);
    const unknown = await ask("/stream/head-unknown", { method: "HEAD" });
    expect([unknown.status, unknown.headers.get("content-length"), await unknown.text()]).toEqual([
      200,
      null,
      "",
    ]);
    expect(asked.map(({ method }) => method)).toEqual(["HEAD", "HEAD"]);
  });

  test("every path is one, with or without query: they are different keys", async () => {
    const targets = [
      "/small",
      "/small/",
      "/small?",
      "/small?a",
      "/small/%61",
      "/small/a",
      "/small/*",
      "/small/:a",
    ];
    for (const target of [...targets, ...targets]) await (await ask(target)).text();
    expect(asked.map(({ url }) => url.slice(url.indexOf("/small")))).toEqual(targets);
  });
});

describe("what a wire is asked for", () => {
  test("the client's address for a miss only, and it goes to the origin", async () => {
    await (await ask("/small/address")).text();
    await (await ask("/small/address")).text();
    expect(told.addresses).toBe(1);
    expect(asked[0]?.fields.get("x-forwarded-for")).toBe("192.0.2.1");
    expect(asked[0]?.fields.get("host")).toBe("larder.test");
  });

  test("time for a miss only, and no more than until it is answered", async () => {
    await (await ask("/small/time")).text();
    expect([told.delays, told.answered]).toEqual([1, 1]);
    await (await ask("/small/time")).text();
    await (await ask("/small/time", { method: "OPTIONS", headers: { "max-forwards": "0" } })).text();
    expect([told.delays, told.answered]).toEqual([1, 1]);
  });

  test("nothing at all is needed: without an environment the main job is done too", async () => {
    const request = (): Request =>
      new Request("http://larder.test/small/bare", { headers: { host: "larder.test" } });
    const [miss, hit] = [await app.fetch(request()), await app.fetch(request())];
    expect([miss.status, await miss.text(), hit.status, await hit.text()]).toEqual([200, "tea", 200, "tea"]);
    expect(asked.length).toBe(1);
  });
});

describe("what is refused", () => {
  test.each(["GET", "HEAD"])(
    "%s without Host: a page, for HEAD without its content, and one event",
    async (method) => {
      const response = await app.fetch(new Request("http://larder.test/small", { method }), environment);
      expect([response.status, response.headers.get("cache-status")]).toEqual([400, "larder; detail=host"]);
      const text = await response.text();
      expect(text === "").toBe(method === "HEAD");
      expect(Number(response.headers.get("content-length"))).toBeGreaterThan(100);
      expect(events).toEqual([
        {
          ...{ kind: "answered", method, uri: "http://larder.test/small", status: 400 },
          ...{ report: { word: "REFUSED", detail: "host" }, durationMs: 0, background: false },
        },
      ]);
      expect([asked.length, told.delays, told.addresses]).toEqual([0, 0, 0]);
    },
  );

  test("only-if-cached without anything stored is 504, and the origin is not asked", async () => {
    const response = await ask("/small/only", { headers: { "cache-control": "only-if-cached" } });
    expect([response.status, response.headers.get("cache-status")]).toEqual([
      504,
      "larder; detail=only-if-cached",
    ]);
    expect([asked.length, events.length]).toEqual([0, 1]);
  });
});

/** Waits for what happens in a later turn. */
async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}

/** A stream whose length nobody knows beforehand. */
function slowly(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async start(controller) {
      await new Promise(setImmediate);
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
}

describe("a request for a WebSocket", () => {
  const handshake = {
    host: "larder.test",
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  const relayingApp = cacheApp(engine.proxy, engine.events, engine.forwarder);

  test("that is refused sets the idle limit of the connection again, one that opens does not", async () => {
    for (const [refusal, status, answered] of [
      [{ kind: "status", status: 403 } as const, 403, 1],
      [undefined, 200, 0],
    ] as const) {
      told.delays = told.answered = 0;
      const wire = { ...environment, relay: () => Promise.resolve(refusal) };
      const request = new Request("http://larder.test/chat", { headers: handshake });
      expect((await relayingApp.fetch(request, wire)).status).toBe(status);
      expect([told.delays, told.answered]).toEqual([1, answered]);
    }
  });

  test("is a plain one on a wire that relays nothing, and without an origin to relay to", async () => {
    expect((await ask("/small", { headers: handshake })).status).toBe(200);
    const request = new Request("http://larder.test/small", { headers: handshake });
    expect((await relayingApp.fetch(request, environment as never)).status).toBe(200);
  });
});
