// Answers: how fast `Bun.serve` is when a handler does next to nothing.
// Owns: the yardstick: one Map probe with one shared header block of nine fields, and a bare `fetch` for all else.
// Leaves out: everything that a cache does: what comes with max-age is kept for ever, and nothing is looked at twice.

interface Kept {
  readonly body: Uint8Array<ArrayBuffer> | Blob;
  readonly headers: Headers;
  readonly ok: ResponseInit;
  readonly notModified: ResponseInit;
  /** For HEAD, which has no body to take it from. */
  readonly head: ResponseInit;
}

const BLOB_FROM_BYTES = 32 * 1024;
const origin = process.argv[2] ?? "";
const kept = new Map<string, Kept>();

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  development: false,
  reusePort: false,
  fetch(request) {
    const target = request.url.slice(request.url.indexOf("/", 7));
    const found = kept.get(target);
    if (found === undefined) return target === "/miss" ? passedOn(target) : taken(target);
    if (request.method === "HEAD") return new Response(null, found.head);
    if (request.headers.get("if-none-match") !== null) return new Response(null, found.notModified);
    const range = request.headers.get("range");
    return range === null ? new Response(found.body, found.ok) : part(found, range);
  },
});

async function passedOn(target: string): Promise<Response> {
  const response = await fetch(origin + target, { decompress: false });
  return new Response(response.body, { status: response.status, headers: response.headers });
}

async function taken(target: string): Promise<Response> {
  const response = await fetch(origin + target, { decompress: false });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  headers.set("age", "1");
  headers.set("cache-status", "bare; hit; ttl=3599");
  headers.set("via", "1.1 bare");
  const head = new Headers(headers);
  head.set("content-length", String(bytes.length));
  kept.set(target, {
    body:
      bytes.length < BLOB_FROM_BYTES ? bytes : new Blob([bytes], { type: headers.get("content-type") ?? "" }),
    headers,
    ok: { status: 200, headers },
    notModified: { status: 304, headers },
    head: { status: 200, headers: head },
  });
  return new Response(bytes, { status: response.status, headers });
}

function part({ body, headers: all }: Kept, range: string): Response {
  const [, first = 0, last = 0] = /^bytes=(\d+)-(\d+)$/.exec(range)?.map(Number) ?? [];
  const headers = new Headers(all);
  headers.set("content-range", `bytes ${first}-${last}/${body instanceof Blob ? body.size : body.length}`);
  return new Response(body.slice(first, last + 1), { status: 206, headers });
}

console.log(`The bare handler is at http://127.0.0.1:${server.port}`);
