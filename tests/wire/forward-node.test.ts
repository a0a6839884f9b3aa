// Answers: does a request reach the origin through node:http as it was meant, and the response come back as it was sent?
// Owns: the claims about `lib/wire/forward-node.ts` that a client of Larder cannot see: aborting, connections, errors.
// Leaves out: what passes through to clients (`exact-claims.ts`, `exact-answer-claims.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { sendThroughNode } from "../../lib/wire/forward-node.ts";
import type { OutgoingRequest, StreamedResponse } from "../../lib/wire/origin-exchange.ts";
import { message, RawOrigin } from "./raw-line.ts";

let origin: RawOrigin;
beforeAll(async () => {
  origin = await RawOrigin.start();
});
afterAll(() => origin.stop());

function send(target: string, particulars: Partial<OutgoingRequest> = {}): Promise<StreamedResponse> {
  return sendThroughNode({
    origin: origin.url,
    target,
    method: "GET",
    fields: new Headers({ host: "named.test:99" }),
    body: null,
    signal: new AbortController().signal,
    mayReuseConnection: true,
    ...particulars,
  });
}

async function textOf({ body }: StreamedResponse): Promise<string> {
  let text = "";
  for await (const chunk of body ?? []) text += Buffer.from(chunk).toString("latin1");
  return text;
}

test("the Host is the one that is given, and nothing is asked for besides", async () => {
  const response = send("/host");
  const asked = await origin.asked("/host");
  expect(asked.head).toBe(message("GET /host HTTP/1.1", "host: named.test:99", "Connection: keep-alive"));
  asked.answer(message("HTTP/1.1 204 None"));
  expect((await response).status).toBe(204);
});

test("encoded content comes as it was encoded, and a redirection is an answer", async () => {
  const bytes = gzipSync("tea ".repeat(100)).toString("latin1");
  const response = send("/gzip");
  const fields = ["Content-Encoding: gzip", "Location: /elsewhere", `Content-Length: ${bytes.length}`];
  (await origin.asked("/gzip")).answer(message("HTTP/1.1 302 Found", ...fields) + bytes);
  const received = await response;
  expect([received.status, received.reason, received.fields.get("location")]).toEqual([
    302,
    "Found",
    "/elsewhere",
  ]);
  expect(await textOf(received)).toBe(bytes);
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
  await (await response).body?.cancel();
  await asked.line.closed;
});

test("a body that breaks off breaks the request off", async () => {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from("half")),
    pull: (controller) => controller.error(new Error("the client has left")),
  });
  const response = send("/upload", { method: "PUT", body, mayReuseConnection: false });
  await expect(response).rejects.toThrow("the client has left");
});

test("an origin that answers before it has all of the content is heard", async () => {
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
  });
  const response = send("/early", { method: "PUT", body, mayReuseConnection: false });
  const asked = await origin.asked("/early");
  asked.line.send(`${message("HTTP/1.1 413 Too Much", "Content-Length: 3", "Connection: close")}no!`);
  const received = await response;
  expect([received.status, await textOf(received)]).toEqual([413, "no!"]);
  asked.line.reset();
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

test.each([
  ["nothing listens there", "http://127.0.0.1:1", "ECONNREFUSED"],
  ["a target that cannot be sent", undefined, "ERR_UNESCAPED_CHARACTERS"],
])("%s: the error has a code", async (_, url, code) => {
  const response = send(url === undefined ? "/a b" : "/", url === undefined ? {} : { origin: url });
  await expect(response).rejects.toMatchObject({ code });
});

test("a header section of 100 KB is taken, in 3000 lines too", async () => {
  const lines = Array.from({ length: 3000 }, (_, index) => `X-${index}: ${"x".repeat(25)}`);
  const response = send("/large");
  (await origin.asked("/large")).answer(message("HTTP/1.1 200 OK", "Content-Length: 0", ...lines));
  expect((await response).fields.get("x-2999")).toBe("x".repeat(25));
});
