// Answers: what becomes of a Request on its way in, and of an Answer on its way out?
// Owns: the claims about `lib/wire/web-message.ts`; what leaves is looked at byte by byte, behind a real `serveBun`.
// Leaves out: the socket itself (`serve-bun.test.ts`), the same on node:http (`node-server.test.ts`).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import type { Answer } from "../../lib/message.ts";
import { serveBun, type Running } from "../../lib/wire/serve-bun.ts";
import { responseFrom, WebRequest } from "../../lib/wire/web-message.ts";
import { bytesOf } from "../rfc9111/test-values.ts";

const nowhere = (): undefined => undefined;

describe("a Request as a presented request", () => {
  test("the URL is the target URI, and its authority the authority, however Host is written", () => {
    const request = new Request("http://a.test:81/x?y", { headers: { host: "A.Test:081" } });
    expect(new WebRequest(request, nowhere)).toMatchObject({
      ...{ method: "GET", uri: "http://a.test:81/x?y", authority: "a.test:81", body: null },
    });
    expect(new WebRequest(new Request("http://a.test/"), nowhere).authority).toBe("a.test");
  });

  test.each([[{}], [{ connection: "keep-alive" }], [{ connection: "Close" }]])(
    "with %j the fields are not copied",
    (connection) => {
      const request = new Request("http://a.test/", { headers: { ...connection, accept: "*/*" } });
      expect(new WebRequest(request, nowhere).fields).toBe(request.headers);
    },
  );

  test("RFC 9110 §7.6.1 what Connection names is gone, the Request stays as it is", () => {
    const headers = { connection: "close, X-Hop", "x-hop": "1", "x-end": "2", vary: "x-hop" };
    const request = new Request("http://a.test/", { headers });
    const { fields } = new WebRequest(request, nowhere);
    expect([fields.get("x-hop"), fields.get("x-end")]).toEqual([null, "2"]);
    expect(request.headers.get("x-hop")).toBe("1");
  });

  test("content is handed on as a stream, not read", async () => {
    const request = new Request("http://a.test/", { method: "POST", body: "content" });
    const { method, body } = new WebRequest(request, nowhere);
    expect([method, request.bodyUsed]).toEqual(["POST", false]);
    expect(await new Response(body).text()).toBe("content");
  });

  test("the client's address is looked up only when it is asked for", () => {
    let lookups = 0;
    const presented = new WebRequest(new Request("http://a.test/"), () => `192.0.2.${++lookups}`);
    expect(lookups).toBe(0);
    expect(presented.clientAddress()).toBe("192.0.2.1");
  });
});

describe("an Answer as a Response", () => {
  let server: Running;
  let answer: Answer;
  beforeAll(() => {
    server = serveBun({ fetch: () => responseFrom(answer) }, { port: 0, host: "127.0.0.1" });
  });
  afterAll(() => server.stop());

  const DATE = { date: "Fri, 15 Jan 2027 08:00:00 GMT" };
  const LARGE = "0123456789".repeat(20_000);

  test.each([
    ["bytes", "tea", 3],
    ["no bytes at all", "", 0],
    ["many bytes", LARGE, LARGE.length],
  ])("%s without Content-Type: none is made up, and Content-Length is there", async (_, text, length) => {
    const { head, body } = await sent({ status: 200, fields: new Headers(DATE), body: bytesOf(text) });
    expect(head).toEqual(["HTTP/1.1 200 OK", `content-length: ${length}`, `date: ${DATE.date}`]);
    expect(body === text).toBe(true);
  });

  test.each([
    ["bytes", bytesOf("tea"), "content-length: 3", "tea"],
    ["a stream", streamOf("te", "a"), "transfer-encoding: chunked", "2\r\nte\r\n1\r\na\r\n0\r\n\r\n"],
  ])("%s with Content-Type: that one", async (_, body, framing, text) => {
    const fields = new Headers({ ...DATE, "content-type": "text/tea" });
    const answered = await sent({ status: 200, fields, body });
    expect(answered.head).toEqual([
      "HTTP/1.1 200 OK",
      ...["content-type: text/tea", framing, `date: ${DATE.date}`].sort(),
    ]);
    expect(answered.body).toBe(text);
  });

  test("a stream without Content-Type: none is made up", async () => {
    const { head } = await sent({ status: 200, fields: new Headers(DATE), body: streamOf("tea") });
    expect(head.filter((line) => line.startsWith("content-type"))).toEqual([]);
  });

  test.each([
    ["a slice less a byte", 256 * 1024 - 1],
    ["a slice", 256 * 1024],
    ["several slices", 1_000_003],
  ])("a Blob without Content-Type, of %s, goes out as a stream without one", async (_, length) => {
    const bytes = Uint8Array.from({ length }, (_byte, at) => at % 251);
    // A Blob's own type is no Content-Type either: the origin has sent none.
    for (const type of ["", "text/plain"]) {
      const blob = new Blob([bytes], { type });
      const response = responseFrom({ status: 200, fields: new Headers(DATE), body: blob });
      expect([...response.headers]).toEqual([["date", DATE.date]]);
      expect(Buffer.from(await response.bytes()).equals(bytes)).toBe(true);
      const { head, body } = await sent({ status: 200, fields: new Headers(DATE), body: blob });
      expect(head.filter((line) => line.startsWith("content-type"))).toEqual([]);
      expect(unchunked(body) === Buffer.from(bytes).toString("latin1")).toBe(true);
    }
  });

  test.each([
    ["all of them", 0, 1_000_003],
    ["some from the middle", 300_007, 600_011],
    ["fewer than are large", 300_007, 300_019],
  ])("many bytes, %s: each client gets them to the byte, and their length", async (_, first, end) => {
    const all = Uint8Array.from({ length: 1_000_003 }, (_byte, at) => at % 251);
    const body = all.subarray(first, end);
    const text = Buffer.from(body).toString("latin1");
    for (const type of [{ "content-type": "text/tea" }, {}]) {
      for (let client = 0; client < 2; client++) {
        const answered = await sent({ status: 200, fields: new Headers({ ...DATE, ...type }), body });
        const types = answered.head.filter((line) => line.startsWith("content-type"));
        expect(types).toEqual("content-type" in type ? ["content-type: text/tea"] : []);
        const hasLength = answered.head.includes(`content-length: ${body.length}`);
        expect(hasLength || !("content-type" in type)).toBe(true);
        expect((hasLength ? answered.body : unchunked(answered.body)) === text).toBe(true);
      }
    }
  });

  test("a Blob with Content-Type goes out as it is: that one, and its length", async () => {
    const fields = new Headers({ ...DATE, "content-type": "text/tea" });
    const { head, body } = await sent({ status: 200, fields, body: new Blob(["tea"], { type: "a/b" }) });
    expect(head).toEqual([
      "HTTP/1.1 200 OK",
      "content-length: 3",
      "content-type: text/tea",
      `date: ${DATE.date}`,
    ]);
    expect(body).toBe("tea");
  });

  test("no body for HEAD: the Content-Length of what GET would get", async () => {
    const fields = new Headers({ ...DATE, "content-length": "12345", "content-type": "text/tea" });
    const { head, body } = await sent({ status: 200, fields, body: null }, "HEAD");
    expect(head).toEqual([
      "HTTP/1.1 200 OK",
      "content-length: 12345",
      "content-type: text/tea",
      `date: ${DATE.date}`,
    ]);
    expect(body).toBe("");
  });

  test.each([
    [204, null],
    [204, new Uint8Array()],
    [304, null],
    [304, new Uint8Array()],
  ])("%d has no content, whether the body is %p", async (status, none) => {
    const { head, body } = await sent({ status, fields: new Headers({ ...DATE, etag: '"a"' }), body: none });
    expect(head.slice(1).filter((line) => !line.startsWith("content-length"))).toEqual([
      `date: ${DATE.date}`,
      'etag: "a"',
    ]);
    expect(body).toBe("");
  });

  test.each([200, 203, 299, 404, 418, 499, 500, 599])(
    "the status code %d is sent as it is",
    async (status) => {
      const { head } = await sent({ status, fields: new Headers(DATE), body: bytesOf("tea") });
      expect(head[0]).toStartWith(`HTTP/1.1 ${status} `);
    },
  );

  test("fields leave as they came: two Set-Cookie lines, latin1 bytes, lists, empty values", async () => {
    const fields = new Headers({ ...DATE, "x-latin1": "caf\xe9 \xff", "x-list": "a, b", "x-empty": "" });
    fields.append("set-cookie", "a=1");
    fields.append("set-cookie", "b=2");
    const { head } = await sent({ status: 204, fields, body: null });
    expect(head.slice(1).sort()).toEqual(
      [
        `date: ${DATE.date}`,
        "set-cookie: a=1",
        "set-cookie: b=2",
        "x-empty: ",
        "x-latin1: caf\xe9 \xff",
        "x-list: a, b",
      ].sort(),
    );
  });

  test("the Answer's fields, which other answers share, are not changed", async () => {
    const fields = new Headers({ ...DATE, "x-one": "1" });
    const before = [...fields];
    for (const body of [bytesOf("tea"), bytesOf(""), null]) await sent({ status: 200, fields, body });
    const response = responseFrom({ status: 200, fields, body: bytesOf("tea") });
    response.headers.set("x-one", "2");
    expect([...fields]).toEqual(before);
  });

  test("the bytes, which the store owns, are not changed, and can be sent again", async () => {
    const bytes = bytesOf("tea");
    for (const type of ["text/tea", undefined]) {
      const fields = new Headers(type === undefined ? DATE : { ...DATE, "content-type": type });
      for (let time = 0; time < 2; time++)
        expect((await sent({ status: 200, fields, body: bytes })).body).toBe("tea");
    }
    expect([(bytes.buffer as ArrayBuffer).detached, bytes]).toEqual([false, bytesOf("tea")]);
  });

  test("a stream that breaks off is no clean end: the last chunk is missing", async () => {
    const body = streamOf("tea", new Error("broken off"));
    const answered = await sent({ status: 200, fields: new Headers(DATE), body });
    expect(answered.head[0]).toBe("HTTP/1.1 200 OK");
    expect(answered.body).toBe("3\r\ntea\r\n");
  });

  /** The head, in lower-case names and in order of the alphabet, and the body with its framing. */
  async function sent(what: Answer, method = "GET"): Promise<{ head: string[]; body: string }> {
    answer = what;
    const chunks: Buffer[] = [];
    await new Promise<void>((ends) => {
      const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
      socket.on("data", (chunk: Buffer) => void chunks.push(chunk));
      socket.on("error", () => {}).on("close", () => ends());
      socket.write(`${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    });
    const text = Buffer.concat(chunks).toString("latin1");
    const end = text.indexOf("\r\n\r\n");
    const [first = "", ...lines] = text.slice(0, end).split("\r\n");
    const fields = lines.map((line) => line.replace(/^[^:]*/, (name) => name.toLowerCase()));
    return {
      head: [first, ...fields.filter((line) => line !== "connection: close").sort()],
      body: text.slice(end + 4),
    };
  }
});

/** A stream that is not there at once: each chunk comes in a turn of its own. An error breaks it off. */
function streamOf(...chunks: (string | Error)[]): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await new Promise(setImmediate);
        const next = chunks.shift();
        if (next === undefined) controller.close();
        else if (next instanceof Error) controller.error(next);
        else controller.enqueue(bytesOf(next));
      },
    },
    { highWaterMark: 0 },
  );
}

/** The content of a body in chunks, in latin1; fails where its last chunk is missing. */
function unchunked(body: string): string {
  let content = "";
  for (let at = 0; ;) {
    const lineEnd = body.indexOf("\r\n", at);
    const length = Number.parseInt(body.slice(at, lineEnd), 16);
    expect(length).toBeGreaterThanOrEqual(0);
    if (length === 0) return content;
    content += body.slice(lineEnd + 2, lineEnd + 2 + length);
    at = lineEnd + 2 + length + 2;
  }
}
