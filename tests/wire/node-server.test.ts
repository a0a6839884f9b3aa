// Answers: does the cache's app do its main job under `@hono/node-server`, on node:http?
// Owns: the claim that the engine knows no socket API: `serve({ fetch: app.fetch })` is all that it takes.
// Leaves out: the same under `Bun.serve` (`start.test.ts`, `web-message.test.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startLarder, type LarderProcess } from "../larder-process.ts";

const bytes = crypto.getRandomValues(new Uint8Array(50_000));
const asked: string[] = [];
const origin = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    asked.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`.trim());
    return new Response(bytes, { headers: { "cache-control": "max-age=60", etag: '"a"' } });
  },
});

/** In a process of its own, since the package puts a Response of its own in the place of the global one. */
const SCRIPT = `
import { serve } from "@hono/node-server";
import { cacheApp } from "./lib/cache-app.ts";
import { cacheEngine } from "./lib/cache-serve.ts";
import { CACHE_OPTIONS } from "./lib/option-tables.ts";
import { resolveOptions } from "./lib/options.ts";

const argv = ["--origin", ${JSON.stringify(origin.url.origin)}];
const { proxy, events } = cacheEngine(resolveOptions(CACHE_OPTIONS, { argv, env: {}, file: {} }));
const app = cacheApp(proxy, events);
serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => {
  console.log("node:http is at http://127.0.0.1:" + port);
});`;
let larder: LarderProcess;

beforeAll(async () => {
  larder = await startLarder(process.execPath, ["-e", SCRIPT]);
});
afterAll(async () => {
  await larder.stop();
  await origin.stop(true);
});

test("a miss asks the origin, the hit after it does not, and both have the same bytes", async () => {
  const first = await fetch(`${larder.url}/item`);
  expect(first.status).toBe(200);
  expect(first.headers.get("cache-status")).toMatch(
    /^larder; fwd=uri-miss; fwd-status=200; stored; ttl=\d+$/,
  );
  expect(Buffer.from(await first.bytes()).equals(bytes)).toBe(true);
  const second = await fetch(`${larder.url}/item`);
  expect(second.headers.get("cache-status")).toMatch(/^larder; hit; ttl=\d+$/);
  expect(second.headers.get("age")).toMatch(/^\d+$/);
  expect(Buffer.from(await second.bytes()).equals(bytes)).toBe(true);
  expect(asked.splice(0)).toEqual(["GET /item"]);
});

test("content goes to the origin, and what is refused does not", async () => {
  const posted = await fetch(`${larder.url}/post`, { method: "POST", body: "content" });
  expect([posted.status, asked.splice(0)]).toEqual([200, ["POST /post content"]]);
  const refused = await fetch(`${larder.url}/item`, { method: "OPTIONS", headers: { "max-forwards": "0" } });
  expect([refused.status, refused.headers.get("cache-status")]).toEqual([204, "larder; detail=max-forwards"]);
  expect(asked).toEqual([]);
});

test("HEAD of what is stored has no content and the length of it", async () => {
  await (await fetch(`${larder.url}/head`)).bytes();
  const head = await fetch(`${larder.url}/head`, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "50000", ""]);
  expect(asked.splice(0)).toEqual(["GET /head"]);
});
