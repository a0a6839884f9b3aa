// Answers: does a request reach the origin over Larder's own connections as it was meant, and is the response read strictly?
// Owns: the claims about `lib/wire/forward-tcp.ts`: connections, framing, what is malformed, slow readers.
// Leaves out: what all clients do (`client-claims.ts`), bytes cut anywhere, beside `fetch` (`forward-tcp-laws.test.ts`).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type AddressInfo } from "node:net";
import { failureOf } from "../../lib/received.ts";
import { sendThroughTcp } from "../../lib/wire/forward-tcp.ts";
import { ANYWHERE, startLarder } from "../larder-process.ts";
import { sendingTo, testClient, textOf } from "./client-claims.ts";
import { message, RawOrigin } from "./raw-line.ts";

let origin: RawOrigin;
beforeAll(async () => {
  origin = await RawOrigin.start();
});
afterAll(() => origin.stop());

const send = sendingTo(() => origin.url, sendThroughTcp);
const OK = message("HTTP/1.1 200 OK", "Content-Length: 2");

describe("as every client", () => testClient(sendThroughTcp));

describe("the request", () => {
  test("is the target to the letter, the fields as given, and nothing besides", async () => {
    const fields = new Headers({ host: "named.test:99", "x-odd": "caf\xe9" });
    for (const target of ["//x/../y?q=%2e|{}\"'#f", "/?", "/%2F%61"]) {
      const response = send(target, { fields });
      const asked = await origin.asked(target);
      expect(asked.head).toBe(message(`GET ${target} HTTP/1.1`, "Host: named.test:99", "X-Odd: caf\xe9"));
      asked.answer(`${OK}ok`);
      expect((await response).body).toBeInstanceOf(Uint8Array);
    }
  });

  test("has a Host where none is given", async () => {
    const response = send("/hostless", { fields: new Headers() });
    const asked = await origin.asked("/hostless");
    expect(asked.head).toBe(message("GET /hostless HTTP/1.1", `Host: ${new URL(origin.url).host}`));
    asked.answer(`${OK}ok`);
    await response;
  });

  test("may have a header section that the kernel does not take at once", async () => {
    const large = "x".repeat(4 * 2 ** 20);
    const response = send("/large", { fields: new Headers({ host: "a", large }) });
    const asked = await origin.asked("/large");
    expect(asked.head.length).toBe(message("GET /large HTTP/1.1", "Host: a", `Large: ${large}`).length);
    asked.answer(`${OK}ok`);
    expect(await textOf(await response)).toBe("ok");
  });
});

describe("connections", () => {
  async function isKeptAfter(answer: string, method = "GET"): Promise<boolean> {
    const own = await RawOrigin.start();
    const sendThere = sendingTo(() => own.url, sendThroughTcp);
    const response = sendThere("/", { method });
    (await own.asked("/")).answer(answer);
    await textOf(await response);
    const next = sendThere("/next");
    (await own.asked("/next")).answer(`${OK}ok`);
    await next;
    own.stop();
    return own.connections === 1;
  }

  test.each([
    ["with a length", "GET", `${OK}ok`],
    [
      "that is chunked",
      "GET",
      `${message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")}1\r\na\r\n0\r\n\r\n`,
    ],
    ["without content", "GET", message("HTTP/1.1 304 Not Modified", "Content-Length: 10")],
    ["of 204", "GET", message("HTTP/1.1 204 None")],
    ["of 205", "GET", message("HTTP/1.1 205 None", "Content-Length: 0")],
    ["to HEAD", "HEAD", message("HTTP/1.1 200 OK", "Content-Length: 10")],
    ["to HEAD of unknown length", "HEAD", message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")],
    ["with an interim one in front", "GET", `${message("HTTP/1.1 103 Early Hints", "Link: <a>")}${OK}ok`],
  ])("one serves again behind a response %s", async (_, method, answer) => {
    expect(await isKeptAfter(answer, method)).toBe(true);
  });

  test.each([
    ["that says close", message("HTTP/1.1 200 OK", "Content-Length: 0", "Connection: x, Close")],
    ["of HTTP/1.0", message("HTTP/1.0 200 OK", "Content-Length: 0")],
    ["with bytes behind it", `${OK}ok!`],
    ["with content that must not be", `${message("HTTP/1.1 204 None")}ok`],
    ["of 204 that announces content", message("HTTP/1.1 204 None", "Content-Length: 2")],
    ["of 205 that announces content", message("HTTP/1.1 205 None", "Transfer-Encoding: chunked")],
    ["of 205 that announces nothing", message("HTTP/1.1 205 None")],
    [
      "with both framings",
      `${message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Length: 3")}0\r\n\r\n`,
    ],
    ["that is kept for no time", message("HTTP/1.1 200 OK", "Content-Length: 0", "Keep-Alive: timeout=1")],
  ])("none serves again behind a response %s", async (_, answer) => {
    expect(await isKeptAfter(answer)).toBe(false);
  });

  test("one that was closed meanwhile is replaced, once", async () => {
    const first = send("/first", { mayReuseConnection: false });
    const asked = await origin.asked("/first");
    asked.answer(`${OK}ok`);
    await first;
    const second = send("/second");
    const again = await origin.asked("/second");
    again.line.reset();
    const third = await origin.asked("/second");
    expect(third.line).not.toBe(again.line);
    third.line.reset();
    await expect(second).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("a name is reached at each of its addresses", async () => {
    for (const host of ["127.0.0.1", "::1"]) {
      const server = createServer((socket) => void socket.write(`${OK}ok`));
      await new Promise<void>((listens) => server.listen(0, host, listens));
      const { port } = server.address() as AddressInfo;
      const named = host === "::1" ? ["localhost", "[::1]"] : ["localhost", host];
      for (const name of named)
        expect(await textOf(await send("/", { origin: `http://${name}:${port}` }))).toBe("ok");
      server.close();
    }
  });
});

describe("the response", () => {
  test("interim ones are handed on, in order, and are not the response", async () => {
    const interim: unknown[] = [];
    const response = send("/103", {
      onInterim: (status, fields) => interim.push([status, fields.get("link")]),
    });
    const hints = message("HTTP/1.1 103 Early Hints", "Link: <a>");
    (await origin.asked("/103")).answer(`${message("HTTP/1.1 100 Continue")}${hints}${OK}ok`);
    expect([(await response).status, interim]).toEqual([200, [[103, "<a>"]]]);
  });

  test("its lines of one name are joined, those of Set-Cookie kept apart, letters of latin1 kept", async () => {
    const response = send("/fields");
    const lines = [
      "Vary: a",
      "VARY:\tb ",
      "Set-Cookie: a=1",
      "Set-Cookie: b=2",
      "X-Odd: caf\xe9",
      "X-Empty:",
    ];
    (await origin.asked("/fields")).answer(message("HTTP/1.1 200", ...lines, "Content-Length: 0"));
    const { fields } = await response;
    expect([fields.get("vary"), fields.get("x-odd"), fields.get("x-empty")]).toEqual(["a, b", "caf\xe9", ""]);
    expect(fields.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  test("the end of the connection is the end of a body of no other framing, a reset is not", async () => {
    for (const ends of [true, false]) {
      const response = send("/close");
      const { line } = await origin.asked("/close");
      line.send(`${message("HTTP/1.0 200 OK")}so f`);
      const text = textOf(await response);
      line.send("ar");
      await Bun.sleep(5);
      if (ends) line.end();
      else line.reset();
      if (ends) expect(await text).toBe("so far");
      else await expect(text).rejects.toMatchObject({ code: "ECONNRESET" });
    }
  });

  test.each([
    ["a length", `${message("HTTP/1.1 200 OK", "Content-Length: 10")}half`],
    ["chunks", `${message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")}4\r\nhalf\r\n`],
    ["a last chunk", `${message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")}4\r\nhalf\r\n0\r\n`],
  ])("a body of %s that breaks off is no body", async (_, start) => {
    const response = send("/broken");
    const { line } = await origin.asked("/broken");
    line.send(start);
    const text = textOf(await response);
    line.end();
    await expect(text).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("a reader that stops holds up the origin", async () => {
    const response = send("/stalled");
    const { line } = await origin.asked("/stalled");
    const size = 64 * 2 ** 20;
    line.send(message("HTTP/1.1 200 OK", `Content-Length: ${size}`));
    const { body } = await response;
    const before = process.memoryUsage().rss;
    let sent = 0;
    for (; sent < size; sent += 2 ** 20) line.send("x".repeat(2 ** 20));
    await Bun.sleep(200);
    expect(line.unsent).toBeGreaterThan(48 * 2 ** 20);
    expect(process.memoryUsage().rss - before).toBeLessThan(160 * 2 ** 20);
    expect((await textOf({ body })).length).toBe(size);
  });
});

const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/** Each of them is refused, whatever it would be taken for elsewhere. */
const MALFORMED: readonly (readonly [what: string, bytes: string])[] = [
  ["no HTTP", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["another version", message("HTTP/1.2 200 OK", "Content-Length: 0")],
  ["HTTP/2", message("HTTP/2 200", "Content-Length: 0")],
  ["a status of two digits", message("HTTP/1.1 20 OK", "Content-Length: 0")],
  ["a status of four digits", message("HTTP/1.1 2000 OK", "Content-Length: 0")],
  ["a status below 100", message("HTTP/1.1 099 OK", "Content-Length: 0")],
  ["a status that cannot be passed on", message("HTTP/1.1 600 OK", "Content-Length: 0")],
  ["101 unasked", message("HTTP/1.1 101 Switching Protocols", "Upgrade: x", "Connection: upgrade")],
  ["lines that end in LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"],
  ["one line that ends in LF", "HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n"],
  ["a bare CR", message("HTTP/1.1 200 OK", "A: b\rContent-Length: 5", "Content-Length: 0")],
  ["NUL in a value", message("HTTP/1.1 200 OK", "A: b\0", "Content-Length: 0")],
  ["DEL in a value", message("HTTP/1.1 200 OK", "A: b\x7f", "Content-Length: 0")],
  ["a folded line", message("HTTP/1.1 200 OK", "A: b", " c", "Content-Length: 0")],
  ["a space in front of a colon", message("HTTP/1.1 200 OK", "Content-Length : 0")],
  ["a space in front of the first field", message("HTTP/1.1 200 OK", " A: b", "Content-Length: 0")],
  ["a name of other letters", message("HTTP/1.1 200 OK", "A(b): c", "Content-Length: 0")],
  ["no name", message("HTTP/1.1 200 OK", ": c", "Content-Length: 0")],
  ["no colon", message("HTTP/1.1 200 OK", "A", "Content-Length: 0")],
  [
    "257 fields",
    message("HTTP/1.1 200 OK", ...Array.from({ length: 256 }, () => "A: b"), "Content-Length: 0"),
  ],
  ["more than 1 MB of fields", message("HTTP/1.1 200 OK", `A: ${"b".repeat(2 ** 20)}`, "Content-Length: 0")],
  ["a length with a sign", `${message("HTTP/1.1 200 OK", "Content-Length: +2")}ok`],
  ["a length of -1", `${message("HTTP/1.1 200 OK", "Content-Length: -1")}ok`],
  ["an empty length", `${message("HTTP/1.1 200 OK", "Content-Length:")}ok`],
  ["a length in hex", `${message("HTTP/1.1 200 OK", "Content-Length: 0x2")}ok`],
  ["a list of lengths", `${message("HTTP/1.1 200 OK", "Content-Length: 2, 2")}ok`],
  ["a length that no number holds", `${message("HTTP/1.1 200 OK", "Content-Length: 9999999999999999")}ok`],
  ["two lengths", `${message("HTTP/1.1 200 OK", "Content-Length: 2", "Content-Length: 1")}ok`],
  [
    "a length that is none beside chunks",
    `${message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Length: x")}0\r\n\r\n`,
  ],
  ["another coding", message("HTTP/1.1 200 OK", "Transfer-Encoding: gzip, chunked")],
  ["chunked twice", message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked")],
  ["an unknown coding", message("HTTP/1.1 200 OK", "Transfer-Encoding: xchunked", "Content-Length: 0")],
  ["a vertical tab behind chunked", message("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\x0b")],
  ["a chunk of no size", `${CHUNKED}\r\nok\r\n0\r\n\r\n`],
  ["a chunk of another size", `${CHUNKED}0x2\r\nok\r\n0\r\n\r\n`],
  ["a size with a sign", `${CHUNKED}-2\r\nok\r\n0\r\n\r\n`],
  ["a size that no number holds", `${CHUNKED}10000000000002\r\nok\r\n0\r\n\r\n`],
  ["a space in front of a size", `${CHUNKED} 2\r\nok\r\n0\r\n\r\n`],
  ["a chunk that is longer than it says", `${CHUNKED}1\r\nok\r\n0\r\n\r\n`],
  ["a size line that ends in LF", `${CHUNKED}2\nok\r\n0\r\n\r\n`],
  ["a chunk that ends in LF", `${CHUNKED}2\r\nok\n0\r\n\r\n`],
  ["an extension with a bare CR", `${CHUNKED}2;a=\rb\r\nok\r\n0\r\n\r\n`],
  ["an extension with NUL", `${CHUNKED}2;a=\0\r\nok\r\n0\r\n\r\n`],
  ["an endless extension", `${CHUNKED}2;a=${"b".repeat(9000)}\r\nok\r\n0\r\n\r\n`],
  ["a trailer that is none", `${CHUNKED}2\r\nok\r\n0\r\nA b\r\n\r\n`],
  ["a folded trailer", `${CHUNKED}2\r\nok\r\n0\r\nA: b\r\n c\r\n\r\n`],
  ["an endless trailer section", `${CHUNKED}2\r\nok\r\n0\r\n${"A: b\r\n".repeat(4000)}\r\n`],
];

describe("malformed is", () => {
  test.each(MALFORMED)("%s", async (_, bytes) => {
    for (const size of [bytes.length, Math.ceil(bytes.length / 2), 7]) {
      if (bytes.length / size > 100) continue;
      const failure = send("/malformed", { mayReuseConnection: false })
        .then(textOf)
        .catch((reason: unknown) => reason);
      const { line } = await origin.asked("/malformed");
      for (let at = 0; at < bytes.length; at += size) {
        line.send(bytes.slice(at, at + size));
        if (size < bytes.length) await Bun.sleep(0);
      }
      expect(failureOf(await failure).code).toBe("origin-malformed");
      await line.closed;
    }
  });

  test("and is neither stored nor passed on: the client gets 502, and the next one what is right", async () => {
    const raw = await RawOrigin.start();
    const cache = await startLarder("cache.ts", [...ANYWHERE, "--origin", raw.url, "--log", "off"]);
    const fresh = ["Cache-Control: max-age=60", "Content-Length: 2"];
    const first = fetch(`${cache.url}/x`);
    const { line } = await raw.asked("/x");
    line.send(`${message("HTTP/1.1 200 OK", "A : b", ...fresh)}no`);
    expect((await first).status).toBe(502);
    const second = fetch(`${cache.url}/x`);
    (await raw.asked("/x")).answer(`${message("HTTP/1.1 200 OK", ...fresh)}ok`);
    expect(await (await second).text()).toBe("ok");
    expect(await cache.stop()).toBe(0);
    raw.stop();
  });
});
