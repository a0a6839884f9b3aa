// Answers: how fast `Bun.serve` is when a handler does next to nothing.
// Owns: the yardsticks: one Map probe with one shared header block of nine fields, and a bare `fetch` for `/miss`.
// Leaves out: everything that a cache does.
import { BODIES } from "./scenarios.ts";

const stored = new Map(
  [...BODIES].map(([name, bytes]) => {
    const headers = new Headers({
      date: new Date().toUTCString(),
      etag: `"${name.slice(1)}"`,
      "cache-control": "max-age=3600",
      "content-type": "application/octet-stream",
      "last-modified": new Date().toUTCString(),
      via: "1.1 bare",
      age: "1",
      "cache-status": "bare; hit; ttl=3599",
      "accept-ranges": "bytes",
    });
    const body = bytes.length < 32 * 1024 ? bytes : new Blob([bytes]);
    return [name, { body, init: { status: 200, headers }, notModified: { status: 304, headers } }] as const;
  }),
);

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  development: false,
  reusePort: false,
  fetch(request) {
    const name = request.url.slice(request.url.indexOf("/", 7));
    if (name === "/miss") return passedOn(name);
    const found = stored.get(name);
    if (found === undefined) return new Response(null, { status: 404 });
    if (request.headers.get("if-none-match") !== null) return new Response(null, found.notModified);
    return new Response(found.body, found.init);
  },
});

async function passedOn(name: string): Promise<Response> {
  const response = await fetch(process.argv[2] + name, { decompress: false });
  return new Response(response.body, { status: response.status, headers: response.headers });
}

console.log(`The bare handler is at http://127.0.0.1:${server.port}`);
