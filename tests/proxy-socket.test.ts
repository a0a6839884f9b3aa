// Answers: is what leaves through a real socket what the engine said, to the byte?
// Owns: the claims about the engine behind `Bun.serve`: framing, vanishing and stalled clients, many clients at once.
// Leaves out: everything that needs no socket (the other `proxy-*.test.ts`).
import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { fieldValue } from "./conformance/http-message.ts";
import type { ReceivedResponse } from "./conformance/raw-client.ts";
import { type Larder, withLarder } from "./larder-under-test.ts";
import type { FieldRecord } from "./scripted-origin.ts";
import { ask } from "./socket-client.ts";

const FRESH = { "Cache-Control": "max-age=60" };
const LARGE = "0123456789abcdef".repeat(8192);

/** A client that has sent a GET and reads nothing but what the test reads. */
async function connected(url: string, target: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.pause();
  socket.write(`GET ${target} HTTP/1.1\r\nHost: larder.test\r\n\r\n`);
  return socket;
}

function next(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    socket.once("data", (bytes: Buffer) => {
      socket.pause();
      resolve(bytes);
    });
    socket.resume();
  });
}

describe("many clients", () => {
  test(
    "200 at once on one cold object of 1 MB: one request to the origin, 200 identical bodies",
    withLarder(async (larder) => {
      const url = larder.serve();
      const body = crypto.getRandomValues(Buffer.alloc(2 ** 20).subarray(0, 65_536));
      const whole = Buffer.concat(Array.from({ length: 16 }, () => body));
      const hash = Bun.hash(whole);
      const asking = Array.from({ length: 200 }, async () => {
        const response = await fetch(`${url}/large`, { keepalive: false });
        const reader = (response.body as ReadableStream<Uint8Array>).getReader();
        const chunks = [(await reader.read()).value ?? new Uint8Array()];
        return { reader, chunks };
      });
      const asked = await larder.origin.asked();
      await asked.head({ fields: { ...FRESH, "Content-Length": String(whole.length) } });
      await asked.send(whole.subarray(0, 300_000));
      const clients = await Promise.all(asking);
      await asked.send(whole.subarray(300_000));
      for (const { reader, chunks } of clients) {
        for (let { value } = await reader.read(); value !== undefined; { value } = await reader.read())
          chunks.push(value);
        expect(Bun.hash(Bun.concatArrayBuffers(chunks))).toBe(hash);
      }
      expect(larder.origin.requests.length).toBe(1);
    }),
  );

  test(
    "one that does not read stalls neither the others nor the storing, and gets all in the end",
    withLarder(async (larder) => {
      const url = larder.serve();
      const stalled = await connected(url, "/a");
      const asked = await larder.origin.asked();
      const body = Buffer.alloc(8 * 2 ** 20, "Q");
      await asked.head({ fields: { ...FRESH, "Content-Length": String(body.length) } });
      const sent = asked.send(body.subarray(0, 2 ** 20));
      const first = await next(stalled);
      const other = fetch(`${url}/a`, { keepalive: false, headers: { Host: "larder.test" } });
      await sent;
      await asked.send(body.subarray(2 ** 20));
      expect((await (await other).bytes()).length).toBe(body.length);
      await larder.until(() => larder.store.stats().responses === 1, "stored");
      // Only the content has such letters.
      const lettersIn = (bytes: Buffer): number => bytes.filter((byte) => byte === 0x51).length;
      let received = lettersIn(first);
      while (received < body.length) received += lettersIn(await next(stalled));
      stalled.destroy();
      expect(received).toBe(body.length);
      expect(larder.origin.requests.length).toBe(1);
    }),
  );
});

describe("a client that vanishes", () => {
  const MOMENTS = ["before the head", "in the middle of the body"];

  test.each(MOMENTS)("%s: what may be stored is stored all the same", async (when) =>
    withLarder(async (larder) => {
      const url = larder.serve();
      const client = await connected(url, "/a");
      const asked = await larder.origin.asked();
      if (when === "before the head") client.destroy();
      await asked.head({ fields: FRESH });
      await asked.chunk(LARGE);
      if (when !== "before the head") {
        await next(client);
        client.destroy();
      }
      await asked.chunk("end");
      await asked.lastChunk();
      await larder.until(() => larder.store.stats().responses === 1, "stored");
      const hit = await ask(url, "GET", "/a");
      expect(hit.body === `${LARGE}end`).toBe(true);
      expect(larder.origin.requests.length).toBe(1);
    })(),
  );

  test.each(MOMENTS)("%s: the request for what may not be stored ends at the origin", async (when) =>
    withLarder(async (larder) => {
      const client = await connected(larder.serve(), "/a");
      const asked = await larder.origin.asked();
      if (when === "before the head") client.destroy();
      await asked.head({ fields: { "Cache-Control": "no-store" } });
      void asked.chunk(LARGE);
      if (when !== "before the head") {
        await next(client);
        client.destroy();
      }
      let isClosed = false;
      void asked.closed.then(() => (isClosed = true));
      await larder.until(() => {
        if (!isClosed) void asked.chunk("more");
        return isClosed;
      }, "the origin's connection is closed");
    })(),
  );
});

describe("framing", () => {
  async function missAndHit(larder: Larder, url: string): Promise<ReceivedResponse[]> {
    const miss = await ask(url, "GET", "/a");
    await larder.until(() => larder.collapser.inFlight === 0, "stored");
    return [miss, await ask(url, "GET", "/a")];
  }

  test.each([
    ["a small body", "length", "soup"],
    ["an empty body", "length", ""],
    ["a large body", process.env["LARDER_TEST_WIRE"] === "bun" ? "chunked" : "length", LARGE],
  ])("RFC 9112 §6 %s: by %s on a miss, by length on a hit, never by both", async (_, onMiss, body) =>
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH, body });
      const [miss, hit] = await missAndHit(larder, larder.serve());
      for (const [reply, framing] of [
        [miss!, onMiss],
        [hit!, "length"],
      ] as const) {
        const length = fieldValue(reply.fields, "content-length");
        const coding = fieldValue(reply.fields, "transfer-encoding");
        expect([length, coding]).toEqual(
          framing === "length" ? [String(body.length), undefined] : [undefined, "chunked"],
        );
        expect([reply.body === body, reply.complete]).toEqual([true, true]);
      }
    })(),
  );

  test(
    "RFC 9112 §6.3 an origin that sends both framing fields: the client gets one, and the right one",
    withLarder(async (larder) => {
      larder.origin.script(async (asked) => {
        await asked.head({ fields: { ...FRESH, "Content-Length": "4", "Transfer-Encoding": "chunked" } });
        await asked.chunk(LARGE);
        await asked.lastChunk();
      });
      for (const reply of await missAndHit(larder, larder.serve())) {
        const names = reply.fields.map(([name]) => name.toLowerCase());
        const framing = names.filter((name) => name === "content-length" || name === "transfer-encoding");
        expect([framing.length, reply.body === LARGE]).toEqual([1, true]);
      }
    }),
  );

  test.each([
    ["small", "soup"],
    ["large", LARGE],
  ])("RFC 9110 §8.3 a %s response without Content-Type gets none", async (_, body) =>
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH, body });
      const url = larder.serve();
      const replies = [...(await missAndHit(larder, url)), await ask(url, "HEAD", "/a")];
      replies.push(await ask(url, "GET", "/a", { Range: "bytes=0-1" }));
      for (const { fields } of replies) expect(fieldValue(fields, "content-type")).toBeUndefined();
    })(),
  );

  test.each([204, 304])("RFC 9110 §6.4.1 a %i has no content and no Transfer-Encoding", async (status) =>
    withLarder(async (larder) => {
      larder.origin.script({ status: status === 304 ? 200 : status, fields: { ...FRESH, ETag: '"1"' } });
      const url = larder.serve();
      const conditions: FieldRecord = status === 304 ? { "If-None-Match": '"1"' } : {};
      for (const _ of ["miss", "hit"]) {
        const reply = await ask(url, "GET", "/a", conditions);
        expect([reply.status, reply.body]).toEqual([status, ""]);
        expect(fieldValue(reply.fields, "transfer-encoding")).toBeUndefined();
        if (status === 204) expect(fieldValue(reply.fields, "content-length")).toBeUndefined();
      }
    })(),
  );

  test(
    "RFC 9110 §8.6 HEAD: the length of the content where it is known, and no other",
    withLarder(async (larder) => {
      const url = larder.serve();
      larder.origin.script((asked) => asked.head({ fields: { ...FRESH, "Transfer-Encoding": "chunked" } }));
      const unknown = await ask(url, "HEAD", "/a");
      expect([unknown.status, fieldValue(unknown.fields, "content-length")]).toEqual([200, undefined]);
      larder.origin.script({ fields: FRESH, body: LARGE });
      for (const method of ["HEAD", "GET", "HEAD"]) {
        const known = await ask(url, method, "/b");
        if (method === "HEAD") expect(fieldValue(known.fields, "content-length")).toBe(String(LARGE.length));
      }
    }),
  );

  test(
    "a body that breaks off reaches no clean end",
    withLarder(async (larder) => {
      larder.origin.script(async (asked) => {
        await asked.head({ fields: FRESH });
        await asked.chunk(LARGE);
        asked.breakOff();
      });
      const reply = await ask(larder.serve(), "GET", "/a").catch(() => undefined);
      expect(reply?.status === 502 || reply?.complete !== true).toBe(true);
    }),
  );
});
