// Answers: what the contestants of the benchmark cache.
// Owns: bodies of stated sizes, cacheable, and `/miss`, which is not.
// Leaves out: everything that an origin of people's would do.
import { BODIES } from "./scenarios.ts";

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  development: false,
  reusePort: false,
  fetch(request) {
    const name = request.url.slice(request.url.indexOf("/", 7));
    const body = BODIES.get(name);
    if (body === undefined) return new Response("no such body", { status: 404 });
    const lifetime = name === "/miss" ? "no-store" : "max-age=3600";
    return new Response(body, {
      headers: {
        "cache-control": lifetime,
        "content-type": "application/octet-stream",
        etag: `"${name.slice(1)}"`,
      },
    });
  },
});
console.log(`The origin of the benchmark is at http://127.0.0.1:${server.port}`);
