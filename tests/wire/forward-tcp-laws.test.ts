// Answers: does a response mean the same however its bytes are cut, and the same as to `fetch`?
// Owns: the laws of `lib/wire/forward-tcp.ts`.
// Leaves out: single claims (`forward-tcp.test.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { createServer, type AddressInfo, type Server } from "node:net";
import { sendThroughFetch } from "../../lib/wire/forward-fetch.ts";
import { sendThroughTcp } from "../../lib/wire/forward-tcp.ts";
import type { Send } from "../../lib/wire/origin-exchange.ts";
import { sendingTo, textOf } from "./client-claims.ts";

/** What the origin answers: pieces, each a packet of its own; then it ends the connection, or waits. */
interface Script {
  readonly pieces: readonly string[];
  readonly ends: boolean;
}

let script: Script = { pieces: [], ends: true };
let server: Server;
let url = "";
beforeAll(async () => {
  server = createServer(async (socket) => {
    socket.setNoDelay(true).on("error", () => {});
    await new Promise((resolve) => socket.once("data", resolve));
    const { pieces, ends } = script;
    for (const piece of pieces) {
      socket.write(Buffer.from(piece, "latin1"));
      if (pieces.length > 1) await new Promise((resolve) => setImmediate(resolve));
    }
    if (ends) socket.end();
  });
  await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

/** What came of a response: all that there is to see of it, or that it was refused. */
async function meaningOf(client: Send, method: string, said: Script): Promise<unknown> {
  script = said;
  const send = sendingTo(() => url, client);
  try {
    const response = await send("/", { method, mayReuseConnection: false });
    const text = await textOf(response);
    return { status: response.status, fields: [...response.fields], text };
  } catch {
    return "refused";
  }
}

const fieldLine = fc
  .tuple(
    fc.constantFrom(
      "X-A",
      "x-a",
      "ETag",
      "Set-Cookie",
      "Vary",
      "Connection",
      "Keep-Alive",
      "X!#$%&'*+.^_`|~9",
    ),
    fc.constantFrom("", "a", " a ", "\ta, b", "caf\xe9", "keep-alive", "close", "timeout=9", '"q"', "a  b"),
  )
  .map(([name, value]) => `${name}:${value}`);

const content = fc
  .array(
    fc.constantFrom("a", "\r\n", "0\r\n\r\n", "\0", "\xff", "HTTP/1.1 200 OK\r\n\r\n", "x".repeat(300)),
    {
      maxLength: 8,
    },
  )
  .map((parts) => parts.join(""));

function chunked(text: string, sizes: readonly number[], more: readonly string[]): string {
  let coded = "";
  let at = 0;
  for (const size of sizes) {
    const chunk = text.slice(at, at + size);
    if (chunk !== "") coded += `${chunk.length.toString(16)}${more[0] ?? ""}\r\n${chunk}\r\n`;
    at += size;
  }
  const last = text.slice(at);
  if (last !== "") coded += `${last.length.toString(16)}\r\n${last}\r\n`;
  return `${coded}0\r\n${more[1] ?? ""}\r\n`;
}

interface Valid {
  readonly bytes: string;
  readonly method: string;
  readonly status: number;
  readonly text: string;
}

const valid: fc.Arbitrary<Valid> = fc
  .record({
    interim: fc.constantFrom(
      "",
      "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n",
    ),
    method: fc.constantFrom("GET", "GET", "GET", "HEAD"),
    status: fc.constantFrom(200, 204, 205, 206, 301, 304, 404, 500, 599),
    version: fc.constantFrom("1.1", "1.1", "1.0"),
    reason: fc.constantFrom(" OK", " ", "", " Odd \xe9 one"),
    lines: fc.array(fieldLine, { maxLength: 5 }),
    text: content,
    framing: fc.constantFrom("length", "lengths", "chunked", "close"),
    sizes: fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 4 }),
    more: fc.constantFrom(["", ""], [";a", ""], ['; a="b"', "A: b\r\n"]),
  })
  .map(({ interim, method, status, version, reason, lines, text, framing, sizes, more }) => {
    const isBodiless = method === "HEAD" || [204, 205, 304].includes(status);
    const length = `Content-Length: ${text.length}`;
    const framings = { length: [length], lengths: [length, length], chunked: ["Transfer-Encoding: chunked"] };
    const own = framing === "close" ? [] : framings[framing];
    const coded = framing === "chunked" ? chunked(text, sizes, more) : text;
    const head = [`HTTP/${version} ${status}${reason}`, ...lines, ...own].join("\r\n");
    const bytes = `${interim}${head}\r\n\r\n${isBodiless ? "" : coded}`;
    return { bytes, method, status, text: isBodiless ? "" : text };
  });

/** How far into the bytes; a `fc.double` is nearly always next to 0. */
const share = fc.nat(10_000).map((parts) => parts / 10_001);

const cuts = fc.array(share, { maxLength: 8 });

function cut(text: string, at: readonly number[]): string[] {
  const places = [...new Set(at.map((far) => Math.floor(far * text.length)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => text.slice(from, places[index])).filter((piece) => piece !== "");
}

test("a valid response is read as it was meant, however it is cut", async () => {
  await fc.assert(
    fc.asyncProperty(valid, cuts, async ({ bytes, method, status, text }, places) => {
      const whole = await meaningOf(sendThroughTcp, method, { pieces: [bytes], ends: true });
      expect(whole).toMatchObject({ status, text });
      const cutUp = await meaningOf(sendThroughTcp, method, { pieces: cut(bytes, places), ends: true });
      expect(cutUp).toEqual(whole);
    }),
    { numRuns: 400 },
  );
});

test("a valid response is to this client what it is to fetch", async () => {
  await fc.assert(
    fc.asyncProperty(valid, async ({ bytes, method }) => {
      const said = { pieces: [bytes], ends: true };
      const ours = await meaningOf(sendThroughTcp, method, said);
      expect(ours).toEqual(await meaningOf(sendThroughFetch, method, said));
    }),
    { numRuns: 400 },
  );
});

const spoiled = fc
  .tuple(valid, share, fc.constantFrom(0, 1, 2, 4), fc.constantFrom(..."\r\n\0 :;,-+0x5\x7f\xff"))
  .map(([{ bytes, method }, far, removed, letter]) => {
    const at = Math.floor(far * bytes.length);
    return { method, bytes: bytes.slice(0, at) + (removed > 1 ? "" : letter) + bytes.slice(at + removed) };
  });

test("of a response with a byte amiss this client makes what fetch makes, or refuses it", async () => {
  await fc.assert(
    fc.asyncProperty(spoiled, cuts, async ({ bytes, method }, places) => {
      const ours = await meaningOf(sendThroughTcp, method, { pieces: cut(bytes, places), ends: true });
      if (ours === "refused") return;
      expect(ours).toEqual(await meaningOf(sendThroughFetch, method, { pieces: [bytes], ends: true }));
    }),
    { numRuns: 1500 },
  );
}, 30_000);

/** Header sections of one origin that differ in little: what was read of one must not show in the next. */
const similar = fc
  .array(
    fc.record({
      line: fc.constantFrom("HTTP/1.1 200 OK", "HTTP/1.1 200 OK", "HTTP/1.1 404 None", "HTTP/1.0 200 OK"),
      etag: fc.constantFrom('ETag: "a"', 'ETag: "b"', 'etag: "c"', "ETag:", "X-A: a", "ETag : a"),
      connection: fc.constantFrom(
        "Connection: keep-alive",
        "Connection: close",
        "X-A: b",
        "Keep-Alive: timeout=1",
      ),
      cookie: fc.constantFrom("Set-Cookie: a=1", "Set-Cookie: a=2", "ETag: d", "X-A: c"),
      framing: fc.constantFrom(
        "Content-Length: 2",
        "Content-Length: 3",
        "Transfer-Encoding: chunked",
        "X-A: d",
        "Content-Length: x",
      ),
      other: fc.constantFrom("Content-Length: 2", "X-B: a", "X-B: b", "Transfer-Encoding: chunked"),
      body: fc.constantFrom("ok", "ok!", "2\r\nok\r\n0\r\n\r\n"),
    }),
    { minLength: 2, maxLength: 6 },
  )
  .map((all) => all.map(({ body, ...lines }) => `${Object.values(lines).join("\r\n")}\r\n\r\n${body}`));

test("what one response said is not taken for what the next one says", async () => {
  await fc.assert(
    fc.asyncProperty(similar, async (responses) => {
      for (const bytes of responses) {
        const said = { pieces: [bytes], ends: true };
        const ours = await meaningOf(sendThroughTcp, "GET", said);
        expect(ours).toEqual(await meaningOf(sendThroughFetch, "GET", said));
      }
    }),
    { numRuns: 400 },
  );
});
