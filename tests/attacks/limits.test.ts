// Answers: how much is let in, and what does it cost while it passes?
// Owns: the limits of the default wire, and what a real process of Larder holds in memory at them.
// Leaves out: attacks that stay within them (`exhaustion.test.ts`).
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { startLarder } from "../larder-process.ts";
import { type Larder, withLarder } from "../larder-under-test.ts";
import { ScriptedOrigin } from "../scripted-origin.ts";
import { ask } from "../socket-client.ts";
import { lines, rawAsk } from "./raw-bytes.ts";

const FRESH = { "Cache-Control": "max-age=60" };

function answering(larder: Larder): string {
  larder.origin.script({ fields: FRESH, body: "ok" });
  return larder.serve();
}

describe("huge heads", () => {
  test(
    "a target of 8,000 bytes passes unchanged (RFC 9110 §4.1)",
    withLarder(async (larder) => {
      const target = `/${"a".repeat(7999)}`;
      expect((await ask(answering(larder), "GET", target)).status).toBe(200);
      expect(larder.origin.requests[0]?.target).toBe(target);
    }),
  );

  test(
    "150 fields pass unchanged",
    withLarder(async (larder) => {
      const fields = Object.fromEntries(
        Array.from({ length: 150 }, (_, at) => [`X-Field-${at}`, `value ${at}`]),
      );
      expect((await ask(answering(larder), "GET", "/x", fields)).status).toBe(200);
      for (const [name, value] of Object.entries(fields)) {
        expect(larder.origin.requests[0]?.get(name)).toBe(value);
      }
    }),
  );

  test.each([
    ["a target of 17 KB", lines(`GET /${"a".repeat(17_000)} HTTP/1.1`)],
    ["a field of 17 KB", lines("GET /x HTTP/1.1", `X-A: ${"a".repeat(17_000)}`)],
    ["a name of 17 KB", lines("GET /x HTTP/1.1", `${"a".repeat(17_000)}: a`)],
    ["17 KB in 170 fields", lines("GET /x HTTP/1.1", ...Array(170).fill(`X-A: ${"a".repeat(100)}`))],
    ["300 fields", lines("GET /x HTTP/1.1", ...Array(300).fill("X-A: a"))],
  ])("%s is 431", (_, text) =>
    withLarder(async (larder) => {
      const replies = await rawAsk(answering(larder), text);
      expect([replies.map(({ status }) => status), larder.origin.requests.length]).toEqual([[431], 0]);
    })(),
  );
});

describe("many connections", () => {
  test(
    "a client that ends its half of the connection behind the request is gone: no answer, and no harm",
    withLarder(async (larder) => {
      const url = larder.serve();
      const socket = connect({ host: "127.0.0.1", port: Number(new URL(url).port), allowHalfOpen: true });
      socket.on("error", () => {});
      socket.end("GET /x HTTP/1.1\r\nHost: larder.test\r\n\r\n");
      const closed = new Promise<void>((resolve) => void socket.once("close", () => resolve()));
      socket.resume();
      await closed;
      larder.origin.script({ fields: FRESH, body: "ok" });
      expect((await ask(url, "GET", "/y")).body).toBe("ok");
      for (const asked of larder.origin.requests) if (asked.target === "/x") asked.breakOff();
    }),
  );

  const IDLE = 5000;
  const [, limit = "0"] = /Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  const few = Number(limit) < 3 * IDLE;
  test.skipIf(few)(
    `${IDLE} idle connections cost the process less than 64 MB, and others are served (needs ulimit -n ${3 * IDLE})`,
    async () => {
      const origin = await ScriptedOrigin.start();
      origin.script({ fields: FRESH, body: "ok" });
      const cache = await startLarder("cache.ts", ["0", "--host", "127.0.0.1", "--origin", origin.url]);
      const port = Number(new URL(cache.url).port);
      expect((await ask(cache.url, "GET", "/x")).body).toBe("ok");
      const before = residentBytes(cache.pid);
      const idle: Socket[] = [];
      while (idle.length < IDLE) {
        const hundred = Array.from({ length: 100 }, () => connect({ host: "127.0.0.1", port }));
        await Promise.all(
          hundred.map((one) => new Promise((resolve) => one.on("error", () => {}).once("connect", resolve))),
        );
        idle.push(...hundred);
      }
      for (let at = 0; at < 200; at++) expect((await ask(cache.url, "GET", "/x")).body).toBe("ok");
      expect(idle.filter(({ destroyed }) => destroyed).length).toBe(0);
      expect(residentBytes(cache.pid) - before).toBeLessThan(64 * 2 ** 20);
      for (const one of idle) one.destroy();
      expect((await ask(cache.url, "GET", "/y")).body).toBe("ok");
      origin.stop();
      expect(await cache.stop()).toBe(0);
    },
    60_000,
  );
});

/** Bytes of memory that a process has at the moment. */
function residentBytes(pid: number): number {
  const [, kilobytes = "0"] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

const UPLOAD_BYTES = 2 ** 30;

describe("huge uploads", () => {
  test(`${UPLOAD_BYTES / 2 ** 20} MB pass with their Content-Length; an origin that does not read stops the client; the process grows by less than 64 MB`, async () => {
    const origin = await CountingOrigin.start();
    const cache = await startLarder("cache.ts", ["0", "--host", "127.0.0.1", "--origin", origin.url]);
    await ask(cache.url, "GET", "/warm");
    const before = residentBytes(cache.pid);
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(cache.url).port) });
    socket.on("error", () => {});
    let reply = "";
    socket.on("data", (bytes: Buffer) => void (reply += bytes.toString("latin1")));
    socket.write(
      `PUT /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n`,
    );
    const chunk = Buffer.alloc(2 ** 20, "larder");
    let [sent, peak] = [0, 0];
    const sending = (async () => {
      for (; sent < UPLOAD_BYTES; sent += chunk.length) {
        await new Promise<void>((resolve) => void socket.write(chunk, () => resolve()));
        peak = Math.max(peak, residentBytes(cache.pid));
      }
    })();
    // The origin reads nothing yet: what is sent comes to a standstill.
    for (let last = -1; last !== sent; await Bun.sleep(300)) last = sent;
    expect(sent).toBeLessThan(2 ** 26);
    origin.read();
    await sending;
    await new Promise((resolve) => void socket.once("close", resolve));
    expect(reply).toMatch(/^HTTP\/1\.1 201 /);
    expect(origin.heads.at(-1)).toContain(`\r\nContent-Length: ${UPLOAD_BYTES}\r\n`);
    expect(origin.heads.at(-1)).not.toMatch(/transfer-encoding/i);
    expect(origin.contentBytes).toBe(UPLOAD_BYTES);
    expect((peak - before) / 2 ** 20).toBeLessThan(64);
    origin.stop();
    expect(await cache.stop()).toBe(0);
  }, 120_000);

  test("what the origin answers before it has read the content reaches the client (413)", async () => {
    const origin = await CountingOrigin.start("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
    const cache = await startLarder("cache.ts", ["0", "--host", "127.0.0.1", "--origin", origin.url]);
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(cache.url).port) });
    socket.on("error", () => {});
    socket.write("PUT /large HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nso far");
    let reply = "";
    for await (const bytes of socket) {
      reply += String(bytes);
      if (reply.endsWith("big")) break;
    }
    expect(reply).toMatch(/^HTTP\/1\.1 413 /);
    origin.stop();
    await cache.stop();
  }, 30_000);
});

/** An origin that counts content and keeps none of it; it reads when it is told to. */
class CountingOrigin {
  readonly heads: string[] = [];
  contentBytes = 0;
  url = "";
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sockets: Socket[] = [];

  readonly #early: string | undefined;

  private constructor(early: string | undefined) {
    this.#early = early;
  }

  /** @param early what it answers a request with content at once */
  static async start(early?: string): Promise<CountingOrigin> {
    const origin = new CountingOrigin(early);
    await new Promise<void>((resolve) => void origin.#server.listen(0, "127.0.0.1", resolve));
    origin.url = `http://127.0.0.1:${(origin.#server.address() as AddressInfo).port}`;
    return origin;
  }

  /** From now on content is read. */
  read(): void {
    for (const socket of this.#sockets) socket.resume();
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#sockets.push(socket);
    socket.on("error", () => {});
    let head: string | undefined;
    let [length, got] = [0, 0];
    socket.on("data", (bytes: Buffer) => {
      let content = bytes.length;
      if (head === undefined) {
        const end = bytes.indexOf("\r\n\r\n");
        head = `${bytes.subarray(0, end).toString("latin1")}\r\n`;
        this.heads.push(head);
        content = bytes.length - end - 4;
        length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
        if (length > 0) socket.pause();
        if (this.#early !== undefined) socket.write(this.#early);
      }
      got += content;
      this.contentBytes += content;
      if (got >= length) socket.end("HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
  }
}
