// Answers: what is behind a Larder whose memory is looked at: objects of any size, with the header fields of real ones.
// Owns: the header section that most stored responses have, and bodies of a size that the path names.
// Leaves out: which objects are asked for (`mixes.ts`).

/** An origin on loopback. */
export interface RealisticOrigin {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const LARGEST_BYTES = 16 * 2 ** 20;

/** Nine fields, different for each object, as a framework and its web server would send them. */
export function realisticFields(name: string): Record<string, string> {
  return {
    "cache-control": "public, max-age=3600, stale-while-revalidate=60",
    "content-type": "application/json; charset=utf-8",
    date: new Date().toUTCString(),
    etag: `"${Bun.hash(name).toString(16)}"`,
    "last-modified": new Date(Date.now() - 1000 * (Bun.hash.crc32(name) % 1e7)).toUTCString(),
    server: "realistic/1.0",
    vary: "Accept-Encoding",
    "x-content-type-options": "nosniff",
    "x-request-id": Bun.hash(`id ${name}`).toString(36),
  };
}

/** Serves `/NAME/SIZE` with that many bytes, and `/no-store/SIZE` for nobody to keep. */
export function startRealisticOrigin(): RealisticOrigin {
  const bytes = Uint8Array.from({ length: LARGEST_BYTES }, (_, at) => (at * 31) % 251);
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    development: false,
    reusePort: false,
    fetch(request) {
      const path = request.url.slice(request.url.indexOf("/", 7));
      const size = Number(path.slice(path.lastIndexOf("/") + 1));
      const headers = realisticFields(path);
      if (path.startsWith("/no-store/")) headers["cache-control"] = "no-store";
      return new Response(bytes.subarray(0, size), { headers });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(true) };
}
