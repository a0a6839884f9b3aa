// Answers: what the origin's answers look like on the wire, and what becomes of a target as it is sent.
// Owns: the claims about `lib/origin-serve.ts` over raw sockets; Bun normalises most targets before the app sees them.
// Leaves out: what is answered (`origin-app.test.ts`), start and end (`origin-start.test.ts`).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveOrigin } from "../lib/origin-serve.ts";
import type { Running } from "../lib/wire/serve-bun.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "larder-origin-")));
const root = join(base, "root");
const LARGE_BYTES = 48 * 2 ** 20;
const LITTLE_BYTES = 2 ** 20;
let origin: Running;

beforeAll(() => {
  mkdirSync(join(root, "sub"), { recursive: true });
  writeFileSync(join(base, "secret"), "SECRET");
  writeFileSync(join(root, ".env"), "SECRET");
  writeFileSync(join(root, "index.html"), "index");
  writeFileSync(join(root, "jar"), "jar");
  writeFileSync(join(root, "%2e%2e"), "literal");
  writeFileSync(join(root, "sub", "jar"), "sub jar");
  writeFileSync(join(root, "streamed"), new Uint8Array(2_000_000).fill(1));
  origin = serveOrigin({ port: 0, host: "127.0.0.1", root, maxAge: "auto", log: "off" });
});

afterAll(async () => {
  await origin.stop();
  rmSync(base, { recursive: true });
});

describe("a target as it is sent", () => {
  test.each([
    ["GET / HTTP/1.1", 200, "index"],
    ["GET /jar HTTP/1.1", 200, "jar"],
    ["GET /jar#fragment HTTP/1.1", 200, "jar"],
    ["GET /jar?/../secret HTTP/1.1", 200, "jar"],
    ["GET http://elsewhere.test/jar HTTP/1.1", 200, "jar"],
    ["GET /sub/../jar HTTP/1.1", 200, "jar"],
    ["GET /%252e%252e HTTP/1.1", 200, "literal"],
    ["GET /%252e%252e/secret HTTP/1.1", 404, ""],
    ["GET /../secret HTTP/1.1", 404, ""],
    ["GET /../../../../../../../../etc/passwd HTTP/1.1", 404, ""],
    ["GET /%2e%2e/secret HTTP/1.1", 404, ""],
    ["GET /.%2e/secret HTTP/1.1", 404, ""],
    ["GET /%2e%2e%2fsecret HTTP/1.1", 404, ""],
    ["GET /sub/..%2f..%2fsecret HTTP/1.1", 404, ""],
    ["GET /%2fetc%2fpasswd HTTP/1.1", 404, ""],
    ["GET //etc/passwd HTTP/1.1", 404, ""],
    ["GET ///etc/passwd HTTP/1.1", 404, ""],
    ["GET /..\\secret HTTP/1.1", 404, ""],
    ["GET /..%5csecret HTTP/1.1", 404, ""],
    ["GET /\\etc\\passwd HTTP/1.1", 404, ""],
    ["GET /jar%00.html HTTP/1.1", 404, ""],
    ["GET /.env HTTP/1.1", 404, ""],
    ["GET /%2eenv HTTP/1.1", 404, ""],
    ["GET /caf\xe9 HTTP/1.1", 404, ""],
    ["GET /%zz HTTP/1.1", 400, ""],
    ["GET /% HTTP/1.1", 400, ""],
    ["GET /%ff HTTP/1.1", 400, ""],
    ["OPTIONS / HTTP/1.1", 204, ""],
    ["OPTIONS * HTTP/1.1", 400, ""],
    ["DELETE /jar HTTP/1.1", 405, ""],
  ])("%s → %d %s", async (line, status, content) => {
    const answer = await exchange(`${line}\r\nHost: origin.test\r\nConnection: close\r\n\r\n`);
    expect(answer.status).toBe(status);
    if (status === 200) expect(answer.content).toBe(content);
    expect(answer.content).not.toContain("SECRET");
    expect(answer.content).not.toContain("root:");
  });

  test.each([
    ["/jar", 200],
    ["http://elsewhere.test/jar", 200],
    ["/sub/../../secret", 404],
    ["/..\\..\\secret", 404],
    ["/../../../../../../../../etc/passwd", 404],
  ])("HTTP/1.0 without Host: %s comes through raw, and is %d", async (target, status) => {
    const answer = await exchange(`GET ${target} HTTP/1.0\r\n\r\n`);
    expect(answer.status).toBe(status);
    if (status === 200) expect(answer.content).toBe("jar");
  });

  test.each([["Host: a b"], ["Host:"], ["Host: a\r\nHost: b"], ["X: y"]])(
    "RFC 9112 §3.2 HTTP/1.1 with %p in place of its Host is 400",
    async (field) => {
      const answer = await exchange(`GET /jar HTTP/1.1\r\n${field}\r\nConnection: close\r\n\r\n`);
      expect(answer.status).toBe(400);
    },
  );

  test("a folder whose name is that of a host is no way to another server", async () => {
    const answer = await exchange(`GET //sub HTTP/1.1\r\nHost: origin.test\r\nConnection: close\r\n\r\n`);
    expect(answer.status).toBe(404);
    expect(answer.fields.get("location")).toBeNull();
  });
});

describe("the framing of an answer", () => {
  test.each([
    ["GET", "/jar", {}, 200],
    ["HEAD", "/jar", {}, 200],
    ["HEAD", "/streamed", {}, 200],
    ["HEAD", "/nothing", {}, 404],
    ["GET", "/jar", { "If-None-Match": "*" }, 304],
    ["HEAD", "/jar", { "If-None-Match": "*" }, 304],
    ["GET", "/jar", { "If-Match": '"x"' }, 412],
    ["GET", "/jar", { Range: "bytes=1-1" }, 206],
    ["GET", "/jar", { Range: "bytes=9-" }, 416],
    ["GET", "/sub", {}, 301],
    ["OPTIONS", "/", {}, 204],
    ["PUT", "/jar", {}, 405],
  ])("%s %s %o → %d, dated once, and the connection goes on", async (method, target, fields, status) => {
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    const request = `${method} ${target} HTTP/1.1\r\nHost: h\r\n${lines.join("")}`;
    // Nothing may be left over in front of the second answer.
    const first = await exchange(
      `${request}\r\n`,
      "GET /jar HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    );
    expect(first.status).toBe(status);
    expect(first.raw.match(/HTTP\/1\.1 \d/g)).toHaveLength(2);
    expect(first.raw.match(/\r\ndate: /gi)).toHaveLength(2);
    expect(first.raw.endsWith("\r\n\r\njar")).toBe(true);
  });

  test("RFC 9110 §9.3.2 HEAD has the length of GET, over the wire too", async () => {
    for (const [target, length] of [
      ["/jar", "3"],
      ["/streamed", "2000000"],
    ]) {
      const answer = await exchange(`HEAD ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
      expect(answer.fields.get("content-length")).toBe(length!);
      expect(answer.fields.get("transfer-encoding")).toBeNull();
      expect(answer.content).toBe("");
    }
  });

  test("nothing is added by Bun that would come with a file as a body", async () => {
    const answer = await exchange(`GET /jar HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
    expect([...answer.fields.keys()].sort()).toEqual(
      [
        "accept-ranges",
        "cache-control",
        "content-length",
        "content-type",
        "date",
        "etag",
        "last-modified",
      ].sort(),
    );
  });

  test("a streamed file arrives byte for byte, a range of it with its Content-Range", async () => {
    const whole = await fetch(`${origin.url}/streamed`);
    expect(Buffer.compare(await whole.bytes(), new Uint8Array(2_000_000).fill(1))).toBe(0);
    const part = await fetch(`${origin.url}/streamed`, { headers: { Range: "bytes=500000-1499999" } });
    expect(part.status).toBe(206);
    expect(part.headers.get("content-range")).toBe("bytes 500000-1499999/2000000");
    expect((await part.bytes()).length).toBe(1_000_000);
  });
});

describe("a large file on a slow connection", () => {
  test("that changes while it is sent: the connection breaks off, and no byte of the new state is sent", async () => {
    writeFileSync(join(root, "changing"), new Uint8Array(LARGE_BYTES).fill(0x61));
    const { content, bodyIsComplete } = await slowly("/changing", () =>
      writeFileSync(join(root, "changing"), new Uint8Array(LARGE_BYTES).fill(0x62)),
    );
    expect(bodyIsComplete).toBe(false);
    expect(content.includes("aaaa")).toBe(true);
    expect(content.includes("b")).toBe(false);
  });

  test.each([
    ["HEAD", {}, 200],
    ["GET", { "If-None-Match": "*" }, 304],
    ["GET", { "If-Match": '"x"' }, 412],
    ["GET", { Range: "bytes=2000000-" }, 416],
  ])("that is not sent is closed: %s %o → %d", async (method, headers, status) => {
    expect((await fetch(`${origin.url}/streamed`, { method, headers })).status).toBe(status);
    expect(openFiles("streamed")).toBe(0);
  });

  test("whose client leaves is closed", async () => {
    writeFileSync(join(root, "left"), new Uint8Array(LARGE_BYTES));
    const abort = new AbortController();
    const response = await fetch(`${origin.url}/left`, { signal: abort.signal });
    await response.body!.getReader().read();
    expect(openFiles("left")).toBe(1);
    abort.abort();
    while (openFiles("left") > 0) await new Promise(setImmediate);
  });
});

interface RawAnswer {
  readonly raw: string;
  readonly status: number;
  readonly fields: Headers;
  readonly content: string;
}

/** Sends `first`, then `second` once something came back; gives all that came until the connection ended. */
function exchange(first: string, second = ""): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(new URL(origin.url).port), "127.0.0.1", () =>
      socket.write(first, "latin1"),
    );
    socket.once("data", () => socket.write(second));
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => {
      const raw = Buffer.concat(chunks).toString("latin1");
      const [head = "", content = ""] = raw.split(/\r\n\r\n(.*)/s);
      const [statusLine = "", ...lines] = head.split("\r\n");
      const fields = new Headers(lines.map((line) => line.split(/: ?(.*)/).slice(0, 2) as [string, string]));
      resolve({ raw, status: Number(statusLine.split(" ")[1]), fields, content });
    });
  });
}

/** Reads a little, lets `change` happen, reads the rest. */
async function slowly(target: string, change: () => void) {
  const chunks: Buffer[] = [];
  await new Promise<void>((closed) => {
    const socket = connect(Number(new URL(origin.url).port), "127.0.0.1", () =>
      socket.write(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`),
    );
    let received = 0;
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      const before = received;
      received += chunk.length;
      if (before < LITTLE_BYTES && received >= LITTLE_BYTES) change();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => closed());
  });
  const raw = Buffer.concat(chunks).toString("latin1");
  return { content: raw.slice(raw.indexOf("\r\n\r\n")), bodyIsComplete: raw.endsWith("\r\n0\r\n\r\n") };
}

function openFiles(name: string): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(join(root, name));
    } catch {
      return false;
    }
  }).length;
}
