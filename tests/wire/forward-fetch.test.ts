// Answers: does a request reach the origin as it was meant, and the response come back as it was sent?
// Owns: the claims about `lib/wire/forward-fetch.ts`, against an origin on a raw socket.
// Leaves out: which fields are sent and what a response means (`forward.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { sendThroughFetch } from "../../lib/wire/forward-fetch.ts";
import type { OriginResponse, OutgoingRequest } from "../../lib/wire/origin-exchange.ts";
import { ByteSource, readBody, readHead } from "../conformance/http-message.ts";
import { ANYWHERE, startLarder } from "../larder-process.ts";

/** What the origin answers, and the requests that it got: start line, sorted fields, content. */
let answer = Buffer.alloc(0);
const asked: string[][] = [];
const sockets = new Set<Socket>();
const origin = createServer(async (socket) => {
  sockets.add(socket.on("error", () => {}));
  const source = new ByteSource(socket);
  for (let head = await readHead(source); head !== undefined; head = await readHead(source)) {
    const { text } = await readBody(source, head.fields, false);
    asked.push([
      head.startLine,
      ...head.fields.map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort(),
      text,
    ]);
    socket.write(answer);
  }
});
let url = "";

beforeAll(async () => {
  await new Promise<void>((listens) => origin.listen(0, "127.0.0.1", listens));
  url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  origin.close();
});

test("the fields leave as given, with a Host of one's own and no Accept-Encoding", async () => {
  answers("HTTP/1.1 200 OK", "Content-Length: 0");
  await send({ fields: new Headers({ host: "named.test:99", accept: "*/*", "user-agent": "tea" }) });
  expect(asked.at(-1)).toEqual([
    "GET /x?y HTTP/1.1",
    ...["accept: */*", "connection: keep-alive", "host: named.test:99", "user-agent: tea"],
    "",
  ]);
});

test("encoded content comes as it was encoded, with its fields", async () => {
  const bytes = gzipSync("tea ".repeat(100));
  answers("HTTP/1.1 200 OK", "Content-Encoding: gzip", `Content-Length: ${bytes.length}`);
  answer = Buffer.concat([answer, bytes]);
  const response = await send({});
  expect(Buffer.from(await bytesOf(response)).equals(bytes)).toBe(true);
  expect(response.fields.get("content-encoding")).toBe("gzip");
  expect(response.fields.get("content-length")).toBe(String(bytes.length));
});

test("a redirection is an answer, and is not followed", async () => {
  answers("HTTP/1.1 302 Found", "Location: /elsewhere", "Content-Length: 0");
  const before = asked.length;
  const response = await send({});
  expect([response.status, response.fields.get("location")]).toEqual([302, "/elsewhere"]);
  expect(asked.length).toBe(before + 1);
});

test("the method and the content go along; the content may be a stream", async () => {
  answers("HTTP/1.1 201 Created", "Content-Length: 0");
  const body = new Response("content").body;
  await send({ method: "PUT", body, fields: new Headers({ "content-length": "7" }) });
  expect([asked.at(-1)?.[0], asked.at(-1)?.at(-1)]).toEqual(["PUT /x?y HTTP/1.1", "content"]);
});

test("what cannot be repeated goes out on a connection of its own", async () => {
  answers("HTTP/1.1 200 OK", "Content-Length: 0");
  await bytesOf(await send({}));
  const before = sockets.size;
  await bytesOf(await send({ method: "POST", mayReuseConnection: false }));
  expect([asked.at(-1)?.[0], sockets.size]).toEqual(["POST /x?y HTTP/1.1", before + 1]);
});

test("where no header section comes, or the deadline does, it rejects", async () => {
  answers("not HTTP at all");
  await expect(send({})).rejects.toThrow();
  await expect(send({ signal: AbortSignal.abort("late") })).rejects.toBe("late");
});

test("a proxy that the environment names is not used for the origin", async () => {
  answers("HTTP/1.1 200 OK", "Cache-Control: max-age=60", "Content-Length: 3", "", "tea");
  const proxy = "http://127.0.0.1:1";
  const env = { http_proxy: proxy, HTTP_PROXY: proxy, no_proxy: "", NO_PROXY: "" };
  const cache = await startLarder("cache.ts", [...ANYWHERE, "--origin", url, "--log", "off"], { env });
  const response = await fetch(cache.url);
  expect([response.status, await response.text()]).toEqual([200, "tea"]);
  expect(await cache.stop()).toBe(0);
});

/** Lines of a response; the header section ends by itself where no line is empty. */
function answers(...lines: string[]): void {
  answer = Buffer.from(lines.join("\r\n") + (lines.includes("") ? "" : "\r\n\r\n"));
}

function send(particulars: Partial<OutgoingRequest>): Promise<OriginResponse> {
  return sendThroughFetch({
    ...{
      origin: url,
      target: "/x?y",
      method: "GET",
      fields: new Headers(),
      body: null,
      mayReuseConnection: true,
    },
    signal: new AbortController().signal,
    ...particulars,
  });
}

async function bytesOf({ body }: OriginResponse): Promise<Uint8Array> {
  if (body === null || body instanceof ReadableStream || body instanceof Uint8Array)
    return new Response(body).bytes();
  const chunks: Uint8Array[] = [];
  for (let read = await body.read(); !read.done; read = await body.read()) chunks.push(read.value!);
  return Buffer.concat(chunks);
}
