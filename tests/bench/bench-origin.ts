// Answers: what the contestants of the benchmark cache.
// Owns: bodies with the header fields of a static file, `/miss` with no-store, and the count of requests at `/count`.
// Leaves out: the bytes (`bodies.ts`), everything else that an origin of people's would do.
import { bodyOf, etagOf } from "./bodies.ts";

const lastModified = new Date(Date.now() - 30 * 86_400_000).toUTCString();
let count = 0;

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  development: false,
  reusePort: false,
  fetch(request) {
    const target = request.url.slice(request.url.indexOf("/", 7));
    if (target === "/count") return Response.json(count);
    count++;
    const body = bodyOf(target);
    if (body === undefined) return new Response("no such body", { status: 404 });
    return new Response(body, {
      headers: {
        "accept-ranges": "bytes",
        "cache-control": target === "/miss" ? "no-store" : "max-age=3600",
        "content-type": "application/octet-stream",
        etag: etagOf(target),
        "last-modified": lastModified,
      },
    });
  },
});
console.log(`The origin of the benchmark is at http://127.0.0.1:${server.port}`);
