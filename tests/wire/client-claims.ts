// Answers: what does every client of origins do, whatever it is made of?
// Owns: the claims that the one of node:http and the one of Larder's own share, against an origin on raw sockets.
// Leaves out: what each does besides (`forward-node.test.ts`, `forward-tcp.test.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { readerOf } from "../../lib/received.ts";
import type { OriginResponse, OutgoingRequest, Send } from "../../lib/wire/origin-exchange.ts";
import { message, RawOrigin } from "./raw-line.ts";

/** Sends a GET without content to an origin, with these particulars. */
export type SendTo = (target: string, particulars?: Partial<OutgoingRequest>) => Promise<OriginResponse>;

export function sendingTo(origin: () => string, send: Send): SendTo {
  return (target, particulars = {}) =>
    send({
      origin: origin(),
      target,
      method: "GET",
      fields: new Headers({ host: "named.test:99" }),
      body: null,
      signal: new AbortController().signal,
      mayReuseConnection: true,
      ...particulars,
    });
}

/** All of a body; rejects where it breaks off. */
export async function textOf({ body }: Pick<OriginResponse, "body">): Promise<string> {
  if (body === null) return "";
  const reader = body instanceof ReadableStream ? body.getReader() : readerOf(body);
  const chunks: Uint8Array[] = [];
  for (let read = await reader.read(); !read.done; read = await reader.read())
    chunks.push(read.value as Uint8Array);
  return Buffer.concat(chunks).toString("latin1");
}

export function testClient(client: Send): void {
  let origin: RawOrigin;
  beforeAll(async () => {
    origin = await RawOrigin.start();
  });
  afterAll(() => origin.stop());
  const send = sendingTo(() => origin.url, client);

  test("encoded content comes as it was encoded, and a redirection is an answer", async () => {
    const bytes = gzipSync("tea ".repeat(100)).toString("latin1");
    const response = send("/gzip");
    const fields = ["Content-Encoding: gzip", "Location: /elsewhere", `Content-Length: ${bytes.length}`];
    (await origin.asked("/gzip")).answer(message("HTTP/1.1 302 Found", ...fields) + bytes);
    const received = await response;
    expect([received.status, received.fields.get("location")]).toEqual([302, "/elsewhere"]);
    expect(await textOf(received)).toBe(bytes);
  });

  test.each([
    ["HTTP/1.0 200 OK", "Transfer-Encoding: chunked", true],
    ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", false],
    ["HTTP/1.0 200 OK", "Content-Length: 13", false],
  ])("RFC 9112 §6.1 whether the framing is faulty: %s with %s is %p", async (line, framing, isFaulty) => {
    const target = `/faulty/${line.slice(5, 8)}/${framing.length}`;
    const response = send(target, { mayReuseConnection: false });
    const body = framing.startsWith("T") ? "3\r\ntea\r\n0\r\n\r\n" : "tea, and milk";
    (await origin.asked(target)).answer(message(line, framing) + body);
    const received = await response;
    expect(received.isFramingFaulty === true).toBe(isFaulty);
    expect(await textOf(received)).toStartWith("tea");
  });

  test("a signal ends it while it waits for the header section", async () => {
    const controller = new AbortController();
    const response = send("/abort/head", { signal: controller.signal });
    const asked = await origin.asked("/abort/head");
    asked.line.send("HTTP/1.1 200 OK\r\nX-Half:");
    controller.abort(new Error("too late"));
    await expect(response).rejects.toThrow();
    await asked.line.closed;
  });

  test("a signal ends it in the middle of the content", async () => {
    const controller = new AbortController();
    const response = send("/abort/body", { signal: controller.signal });
    const asked = await origin.asked("/abort/body");
    asked.line.send(`${message("HTTP/1.1 200 OK", "Content-Length: 10")}half`);
    const received = await response;
    const text = textOf(received);
    controller.abort(new Error("too late"));
    await expect(text).rejects.toThrow();
    await asked.line.closed;
  });

  test("a signal that has aborted before sends nothing", async () => {
    const before = origin.connections;
    await expect(send("/abort/before", { signal: AbortSignal.abort(new Error("over")) })).rejects.toThrow();
    expect(origin.connections).toBe(before);
  });

  test("content that nobody wants ends the connection", async () => {
    const response = send("/cancel");
    const asked = await origin.asked("/cancel");
    asked.line.send(`${message("HTTP/1.1 200 OK", "Content-Length: 10")}half`);
    const { body } = await response;
    if (!(body instanceof Uint8Array)) await body?.cancel();
    await asked.line.closed;
  });

  test("300 requests are under way at a time, and a connection is used again", async () => {
    const targets = Array.from({ length: 300 }, (_, index) => `/many/${index}`);
    const responses = targets.map((target) => send(target));
    const all = await Promise.all(targets.map((target) => origin.asked(target)));
    const before = origin.connections;
    for (const asked of all) asked.answer(`${message("HTTP/1.1 200 OK", "Content-Length: 2")}ok`);
    for (const response of responses) expect(await textOf(await response)).toBe("ok");
    const again = send("/many/again");
    (await origin.asked("/many/again")).answer(message("HTTP/1.1 204 None"));
    await again;
    expect(origin.connections).toBe(before);
  });

  test("nothing listens there: the error has a code", async () => {
    await expect(send("/", { origin: "http://127.0.0.1:1" })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await expect(send("/", { origin: "http://localhost:1" })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await expect(send("/", { origin: "http://no.invalid" })).rejects.toMatchObject({ code: "ENOTFOUND" });
  });

  test("a target that cannot be sent is not", async () => {
    for (const target of ["/a b", "/a\r\nX-Added: 1", "/a\n", "/\0"]) {
      const before = origin.connections;
      await expect(send(target, { mayReuseConnection: false })).rejects.toThrow();
      expect(origin.connections).toBe(before);
    }
  });

  test("where the connection ends in front of a response, or in its header section, it rejects", async () => {
    for (const start of ["", "HTTP/1.1 200 OK\r\nX-Half: "]) {
      const response = send("/early", { mayReuseConnection: false });
      const asked = await origin.asked("/early");
      asked.line.send(start).end();
      await expect(response).rejects.toMatchObject({ code: "ECONNRESET" });
    }
  });
}
