// Answers: does a request reach the origin through node:http as it was meant, and the response come back as it was sent?
// Owns: the claims about `lib/wire/forward-node.ts` that a client of Larder cannot see: content on its way out, errors.
// Leaves out: what all clients do (`client-claims.ts`), what passes through to clients (`exact-claims.ts`, `exact-answer-claims.ts`).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sendThroughNode } from "../../lib/wire/forward-node.ts";
import { sendingTo, testClient, textOf } from "./client-claims.ts";
import { message, RawOrigin } from "./raw-line.ts";

let origin: RawOrigin;
beforeAll(async () => {
  origin = await RawOrigin.start();
});
afterAll(() => origin.stop());

const send = sendingTo(() => origin.url, sendThroughNode);

describe("as every client", () => testClient(sendThroughNode));

test("the Host is the one that is given, and nothing is asked for besides", async () => {
  const response = send("/host");
  const asked = await origin.asked("/host");
  expect(asked.head).toBe(message("GET /host HTTP/1.1", "host: named.test:99", "Connection: keep-alive"));
  asked.answer(message("HTTP/1.1 204 None"));
  expect((await response).status).toBe(204);
});

test("the reason phrase comes as it was sent", async () => {
  const response = send("/reason");
  (await origin.asked("/reason")).answer(message("HTTP/1.1 200 Fine so far", "Content-Length: 0"));
  expect((await response).reason).toBe("Fine so far");
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

test("a target that cannot be sent: the error has a code", async () => {
  await expect(send("/a b")).rejects.toMatchObject({ code: "ERR_UNESCAPED_CHARACTERS" });
});

test("a header section of 100 KB is taken, in 3000 lines too", async () => {
  const lines = Array.from({ length: 3000 }, (_, index) => `X-${index}: ${"x".repeat(25)}`);
  const response = send("/large");
  (await origin.asked("/large")).answer(message("HTTP/1.1 200 OK", "Content-Length: 0", ...lines));
  expect((await response).fields.get("x-2999")).toBe("x".repeat(25));
});
