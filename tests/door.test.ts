// Answers: what does the cache let in, and does what it lets in reach the origin as it came?
// Owns: the claims about `lib/door.ts`, byte by byte over raw sockets, in front of a real `serveBun(cacheApp(…))`.
// Leaves out: what is then done with a request (`proxy-*.test.ts`), answers as Responses (`wire/web-message.test.ts`).
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { METHODS } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { parseList } from "structured-headers";
import { cacheApp } from "../lib/cache-app.ts";
import { cacheEngine } from "../lib/cache-serve.ts";
import { refuse } from "../lib/door.ts";
import type { CacheEvent } from "../lib/events.ts";
import { CACHE_OPTIONS } from "../lib/option-tables.ts";
import { resolveOptions } from "../lib/options.ts";
import { serveBun, type Running } from "../lib/wire/serve-bun.ts";
import { ByteSource, fieldValue, type Head, readBody, readHead } from "./conformance/http-message.ts";

/** All requests that reached the origin since the test began. */
const asked: (Head & { readonly content: string })[] = [];
const events: CacheEvent[] = [];
/** Answers 200 with `ok`, to be stored where the request says so with X-Store. */
const origin = createServer(async (socket) => {
  socket.on("error", () => {});
  const source = new ByteSource(socket);
  for (let head = await readHead(source); head !== undefined; head = await readHead(source)) {
    asked.push({ ...head, content: (await readBody(source, head.fields, false)).text });
    const control = fieldValue(head.fields, "x-store") === undefined ? "no-store" : "max-age=60";
    const body = head.startLine.startsWith("HEAD ") ? "" : "ok";
    socket.write(`HTTP/1.1 200 OK\r\nCache-Control: ${control}\r\nContent-Length: 2\r\n\r\n${body}`);
  }
});
let cache: Running;

beforeAll(async () => {
  await new Promise<void>((listens) => origin.listen(0, "127.0.0.1", listens));
  const argv = ["--origin", `http://127.0.0.1:${(origin.address() as AddressInfo).port}`];
  const engine = cacheEngine(resolveOptions(CACHE_OPTIONS, { argv, env: {}, file: {} }));
  engine.events.on((event) => void events.push(event));
  cache = serveBun(cacheApp(engine.proxy, engine.events), { port: 0, host: "127.0.0.1" });
});

afterEach(() => void [asked, events].forEach((list) => (list.length = 0)));

afterAll(async () => {
  await cache.stop();
  origin.close();
});

const CONTENT = "abc";

describe("what is refused: status, Cache-Status and log say why, and the origin is not asked", () => {
  test.each([
    ["HTTP/1.0 without Host", "GET /x HTTP/1.0", [], 400, "host"],
    ["an empty Host", "GET /x HTTP/1.1", ["Host:"], 400, "host"],
    ["a Host with a space", "GET /x HTTP/1.1", ["Host: a b"], 400, "host"],
    ["a Host with a path", "GET /x HTTP/1.1", ["Host: a/b"], 400, "host"],
    ["a Host with a query", "GET /x HTTP/1.1", ["Host: a?b"], 400, "host"],
    ["a Host with a fragment", "GET /x HTTP/1.1", ["Host: a#b"], 400, "host"],
    ["a Host with a user", "GET /x HTTP/1.1", ["Host: user@a"], 400, "host"],
    ["a Host with a backslash", "GET /x HTTP/1.1", ["Host: a\\b"], 400, "host"],
    ["a Host that is no ASCII", "GET /x HTTP/1.1", ["Host: \xe9"], 400, "host"],
    ["a Host whose port is no number", "GET /x HTTP/1.1", ["Host: a:8x"], 400, "host"],
    ["a Host whose port is no port", "GET /x HTTP/1.1", ["Host: a:99999"], 400, "host"],
    ["a Host with an open bracket", "GET /x HTTP/1.1", ["Host: [::1"], 400, "host"],
    ["a Host that no URL can have", "GET /x\x7fy HTTP/1.1", ["Host: %00"], 400, "host"],
    ["two Hosts in one line", "GET /x HTTP/1.1", ["Host: a,b"], 400, "host"],
    ["two Hosts", "GET /x HTTP/1.1", ["Host: a", "Host: b"], 400, "host"],
    ["two Hosts that are the same", "GET /x HTTP/1.1", ["Host: a", "hOST: a"], 400, "host"],
    ["an absolute target and no Host", "GET http://a/x HTTP/1.0", [], 400, "host"],
    ["TRACE", "TRACE /x HTTP/1.1", ["Host: a"], 501, "method"],
    ["CONNECT to an authority", "CONNECT a:443 HTTP/1.1", ["Host: a:443"], 501, "method"],
    ["CONNECT to a path", "CONNECT /x HTTP/1.1", ["Host: a"], 501, "method"],
    ["a target that starts with //", "GET //x HTTP/1.1", ["Host: a"], 400, "target"],
    ["one that starts with ///", "GET ///x HTTP/1.1", ["Host: a"], 400, "target"],
    ["one that starts with // once it is normalised", "GET /y/..//x HTTP/1.1", ["Host: a"], 400, "target"],
    ["one that starts with /\\", "GET /\\x HTTP/1.1", ["Host: a"], 400, "target"],
    ["a target with a fragment", "GET /x#y HTTP/1.1", ["Host: a"], 400, "target"],
    ["a target with a latin1 byte", "GET /\xe9 HTTP/1.1", ["Host: a"], 400, "target"],
    ["a query with a latin1 byte", "GET /?\xff HTTP/1.1", ["Host: a"], 400, "target"],
    ["GET with content", "GET /x HTTP/1.1", ["Host: a", "Content-Length: 3", "", CONTENT], 400, "content"],
    [
      "GET with chunks",
      "GET /x HTTP/1.1",
      ["Host: a", "Transfer-Encoding: chunked", "", "3", CONTENT, "0", "", ""],
      400,
      "content",
    ],
    ["an unknown expectation", "GET /x HTTP/1.1", ["Host: a", "Expect: the-unexpected"], 417, "expect"],
    ["OPTIONS that ends here", "OPTIONS /x HTTP/1.1", ["Host: a", "Max-Forwards: 0"], 204, "max-forwards"],
  ] as const)("%s", async (_, line, rest, status, detail) => {
    const answer = await ask(line, ...rest);
    expect(answer?.status).toBe(status);
    expect(asked).toEqual([]);
    const members = parseList(answer?.get("cache-status") ?? "");
    expect(members.map(([name, parameters]) => [String(name), String(parameters.get("detail"))])).toEqual([
      ["larder", detail],
    ]);
    expect(events).toMatchObject([{ kind: "answered", status, report: { word: "REFUSED", detail } }]);
    expect(answer?.get("cache-control")).toBe("no-store");
    expect(answer?.get("date")).toMatch(/ GMT$/);
    if (status !== 204) expect(answer?.body).toContain(`<h1>${status} `);
  });

  test.each([
    ["HEAD with content", "HEAD /x HTTP/1.1", ["Host: a", "Content-Length: 3", "", CONTENT]],
    ["HEAD of //", "HEAD //x HTTP/1.1", ["Host: a"]],
    ["HEAD without Host", "HEAD /x HTTP/1.0", []],
  ])("%s is 400 without content, with the Content-Length and the Date of the page", async (_, line, rest) => {
    const answer = await ask(line, ...rest);
    expect([answer?.status, answer?.body, asked.length, events.length]).toEqual([400, "", 0, 1]);
    expect(Number(answer?.get("content-length"))).toBeGreaterThan(300);
    expect(parseList(answer?.get("cache-status") ?? "")).toHaveLength(1);
    // RFC 9110 §6.6.1; Bun adds it to a response to GET only.
    expect(answer?.get("date")).toMatch(/ GMT$/);
  });

  test("RFC 9110 §8.6 a 204 has neither Content-Length nor content", async () => {
    const answer = await ask("OPTIONS /x HTTP/1.1", "Host: a", "Max-Forwards: 0");
    expect([answer?.get("content-length"), answer?.body]).toEqual([undefined, ""]);
  });

  test.each(["FOO", "BAN", "get", "Get", "GETS", "X-GET"])(
    "the unknown method %s never reaches it",
    async (method) => {
      // Bun closes the connection; what matters is that the origin does not get it as GET.
      const answer = await ask(`${method} /x HTTP/1.1`, "Host: a");
      expect([answer?.status ?? 501, asked]).toEqual([501, []]);
    },
  );

  test("the rules are asked in order: method, then host, then target, then content", () => {
    const fields = new Headers({ "content-length": "3" });
    expect(refuse({ method: "FOO", url: "/x", fields })?.reason).toBe("method");
    expect(refuse({ method: "GET", url: "/x", fields })?.reason).toBe("host");
    fields.set("host", "a");
    expect(refuse({ method: "GET", url: "http://a//x#y", fields })?.reason).toBe("target");
    expect(refuse({ method: "GET", url: "http://a/x", fields })?.reason).toBe("content");
    fields.delete("content-length");
    expect(refuse({ method: "GET", url: "http://a/x", fields })).toBeUndefined();
  });
});

describe("what is let in", () => {
  const KEPT = METHODS.filter((method) => !["CONNECT", "TRACE"].includes(method));

  test.each(KEPT)("%s reaches the origin as it came", async (method) => {
    const answer = await ask(`${method} /${method} HTTP/1.1`, "Host: a");
    expect([answer?.status, asked.map(({ startLine }) => startLine)]).toEqual([
      200,
      [`${method} /${method} HTTP/1.1`],
    ]);
  });

  test.each([
    ["/b", "/b"],
    ["/a/../b", "/b"],
    ["/a/%2e%2E/b", "/b"],
    ["/a/./b", "/a/b"],
    ["/a\\b", "/a/b"],
    ["/a//b", "/a//b"],
    ["/%61", "/%61"],
    ["/a%2fb", "/a%2fb"],
    ["/a%2Fb", "/a%2Fb"],
    ["/a?", "/a?"],
    ["/?a=//b", "/?a=//b"],
    ["/?a/../b", "/?a/../b"],
    ['/"<>', "/%22%3C%3E"],
    ["/\xc3\xa9", "/%C3%A9"],
    ["http://other/b", "/b"],
    ["/a;b=c,d:@", "/a;b=c,d:@"],
  ])("the target %s: what reaches the origin, %s, is what the cache key says", async (target, reached) => {
    await ask(`GET ${target} HTTP/1.1`, "Host: a");
    expect(asked.map(({ startLine }) => startLine)).toEqual([`GET ${reached} HTTP/1.1`]);
    expect(events).toMatchObject([{ kind: "answered", uri: `http://a${reached}` }]);
  });

  test.each([
    ["ex%41mple", "example"],
    ["1.2.3", "1.2.0.3"],
    ["0x7f.1", "127.0.0.1"],
    ["017700000001", "127.0.0.1"],
  ])("the Host %s never fills what is stored for %s", async (odd, plain) => {
    const target = `/poison-${odd.replaceAll("%", "")}`;
    await ask(`GET ${target} HTTP/1.1`, `Host: ${odd}`, "X-Store: 1");
    const answer = await ask(`GET ${target} HTTP/1.1`, `Host: ${plain}`, "X-Store: 1");
    expect(answer?.status).toBe(200);
    expect(fieldValue(asked.at(-1)?.fields ?? [], "host")).toBe(plain);
  });

  test("the same host in other letters, and its default port, are the same key", async () => {
    for (const host of ["Key.Test", "key.test", "KEY.TEST:80"]) {
      await ask("GET /same HTTP/1.1", `Host: ${host}`, "X-Store: 1");
    }
    expect(asked.length).toBe(1);
    await ask("GET /same HTTP/1.1", "Host: key.test:81", "X-Store: 1");
    expect(asked.map(({ fields }) => fieldValue(fields, "host"))).toEqual(["key.test", "key.test:81"]);
  });

  test("fields whose names differ in case are one field", async () => {
    await ask("GET /case HTTP/1.1", "hOsT: a", "ACCEPT: text/a", "accept: text/b", "X-One: 1", "x-oNE: 2");
    const [head] = asked;
    expect(fieldValue(head?.fields ?? [], "accept")).toBe("text/a, text/b");
    expect(fieldValue(head?.fields ?? [], "x-one")).toBe("1, 2");
  });

  test("RFC 9110 §7.6.1 fields that Connection names stay here, and those of its own list always", async () => {
    await ask(
      "GET /hop HTTP/1.1",
      "Host: a",
      "Connection: X-Hop, close",
      "X-Hop: 1",
      "TE: trailers",
      "X-End: 2",
    );
    await ask("GET /hop HTTP/1.1", "Host: a", "Keep-Alive: timeout=9", "Proxy-Connection: close", "X-End: 2");
    for (const { fields } of asked) {
      for (const name of ["x-hop", "te", "keep-alive", "proxy-connection"]) {
        expect([name, fieldValue(fields, name)]).toEqual([name, undefined]);
      }
      expect(fieldValue(fields, "x-end")).toBe("2");
      expect(fieldValue(fields, "connection") ?? "keep-alive").toBe("keep-alive");
    }
    expect(asked.length).toBe(2);
  });

  test("content of other methods reaches the origin", async () => {
    await ask("POST /content HTTP/1.1", "Host: a", "Content-Length: 3", "", CONTENT);
    await ask(
      "PUT /content HTTP/1.1",
      "Host: a",
      "Transfer-Encoding: chunked",
      "",
      "3",
      CONTENT,
      "0",
      "",
      "",
    );
    expect(asked.map(({ startLine, content }) => [startLine.split(" ")[0], content])).toEqual([
      ["POST", CONTENT],
      ["PUT", CONTENT],
    ]);
  });

  test("GET with Content-Length: 0 has no content", async () => {
    expect((await ask("GET /zero HTTP/1.1", "Host: a", "Content-Length: 0"))?.status).toBe(200);
  });

  test("RFC 9110 §7.6.2 OPTIONS goes on with one less in Max-Forwards", async () => {
    await ask("OPTIONS /far HTTP/1.1", "Host: a", "Max-Forwards: 5");
    expect(asked.map(({ fields }) => fieldValue(fields, "max-forwards"))).toEqual(["4"]);
  });
});

/** One request on a connection of its own; the header section ends by itself where no line is empty. */
async function ask(line: string, ...lines: string[]) {
  const socket = connect(Number(new URL(cache.url).port), "127.0.0.1");
  socket.on("error", () => {});
  const end = lines.includes("") ? "" : "\r\n\r\n";
  socket.write(Buffer.from([line, ...lines].join("\r\n") + end, "latin1"));
  try {
    const source = new ByteSource(socket);
    const head = await readHead(source);
    if (head === undefined) return undefined;
    const status = Number(head.startLine.split(" ")[1]);
    const isBodyless = line.startsWith("HEAD ") || status === 204;
    const body = isBodyless ? "" : (await readBody(source, head.fields, true)).text;
    return { status, body, get: (name: string) => fieldValue(head.fields, name) };
  } finally {
    socket.destroy();
  }
}
