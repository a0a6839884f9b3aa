// Answers: does the lane read a request as `Bun.serve` does, where it takes one?
// Owns: the laws about `lib/wire/lane-request.ts`, and the memory of header sections.
// Leaves out: connections (`lane-connection.test.ts`), whole exchanges (`lane-beside-bun.test.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { isPlainTarget, LaneRequest, SectionMemory } from "../../lib/wire/lane-request.ts";
import { Line } from "./raw-line.ts";

const CLIENT = { address: "127.0.0.1", gone: new AbortController().signal };

/** What a server understood. */
interface Understood {
  readonly method: string;
  readonly uri: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

let server: ReturnType<typeof Bun.serve>;
let last: Understood | undefined;
beforeAll(() => {
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      last = { method: request.method, uri: request.url, fields: request.headers.toJSON() };
      return new Response("");
    },
  });
});
afterAll(() => server.stop(true));

function byLane(method: "GET" | "HEAD", target: string, section: string): Understood | undefined {
  const read = new SectionMemory().read(section);
  if (read === undefined || !isPlainTarget(target)) return undefined;
  const request = new LaneRequest(method, target, read, CLIENT);
  for (const [name, value] of request.fields) expect(read.facts[method].fields.get(name)).toBe(value);
  return { method: request.method, uri: request.uri, fields: request.fields.toJSON() };
}

async function byBun(text: string): Promise<Understood | undefined> {
  last = undefined;
  const line = await Line.to(server.url.origin);
  line.send(text);
  await line.rest();
  return last;
}

const method = fc.constantFrom("GET", "HEAD");
const piece = fc.oneof(
  fc.constantFrom(
    "/",
    ".",
    "..",
    "//",
    "%2e",
    "%2F",
    "%",
    "?",
    "&",
    "=",
    "'",
    ":",
    "@",
    "*",
    "~",
    "%EF%BF%BD",
    "[",
    "\\",
    "#",
  ),
  fc.string({ unit: "grapheme-ascii", maxLength: 4 }),
);
const target = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join("")}`);
const name = fc.oneof(
  fc.constantFrom(
    "X-A",
    "x-a",
    "Cookie",
    "Accept",
    "ETag",
    "Range",
    "If-None-Match",
    "Cache-Control",
    "__proto__",
  ),
  fc.constantFrom("Content-Length", "TE", "Upgrade", "Expect", "Set-Cookie", "Host", "Connection"),
  fc.string({ unit: fc.constantFrom(..."abcXYZ019-_!#$'*+.^`|~: \t\x00\xe9"), minLength: 1, maxLength: 6 }),
);
const value = fc.oneof(
  fc.constantFrom("", "a", " a ", "\ta, b\t", "close", "keep-alive", "0", "bytes=0-1", '"a"', "no-cache"),
  fc.string({ unit: fc.constantFrom(...'ab,;= \t"\\\x00\x0b\x7f\x80\xe9\xff\r\n'), maxLength: 8 }),
);
const host = fc.constantFrom(
  "a.test",
  "a.test:8080",
  "A.test",
  "a.test:80",
  "1.2.3",
  "[::1]",
  "a_b",
  "a.",
  "a b",
  "",
  "x:0",
);

test("what the lane takes, Bun.serve reads as the same method, URI and fields", async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(
      method,
      target,
      host,
      fc.array(fc.tuple(name, value), { maxLength: 5 }),
      async (...given) => {
        const [verb, path, authority, fields] = given;
        const lines = [["Host", authority], ...fields, ["Connection", "close"]].map(([a, b]) => `${a}: ${b}`);
        const section = lines.join("\r\n");
        const lane = byLane(verb as "GET", path, section);
        if (lane === undefined || /[\r\n ]/.test(path)) return;
        taken++;
        expect(await byBun(`${verb} ${path} HTTP/1.1\r\n${section}\r\n\r\n`)).toEqual(lane);
      },
    ),
    { numRuns: 3000, seed: 9112 },
  );
  expect(taken).toBeGreaterThan(100);
}, 60_000);

test("a section is read once while it is asked for, whether it is taken or not", () => {
  const memory = new SectionMemory();
  const section = memory.read("Host: a.test");
  expect(section?.authority).toBe("a.test");
  expect(memory.read("Host: a.test")).toBe(section);
  expect(memory.read("Host: a.test\r\nTE: x")).toBeUndefined();
  // More than both generations hold, while one of them is asked for again and again.
  for (let at = 0; at < 10_000; at++) {
    memory.read(`Host: a.test\r\nX: ${at}`);
    if (at % 100 === 0) expect(memory.read("Host: a.test")).toBe(section);
  }
  for (let at = 0; at < 10_000; at++) memory.read(`Host: a.test\r\nY: ${at}`);
  expect(memory.read("Host: a.test")).not.toBe(section);
});

test.each([
  ["/", true],
  ["/a?b", true],
  ["/a%20b", true],
  ["/a?b=/c/", true],
  ["", false],
  ["a", false],
  ["//", false],
  ["/./a", false],
  ["/a/..", false],
  ["/a/%2e", false],
  ["/.a", false],
  ["/a b", false],
  ["/a#b", false],
  ["/a'b", false],
  ["/caf\xe9", false],
  ["*", false],
  ["http://a/", false],
])("%s is plain: %p", (text, isPlain) => {
  expect(isPlainTarget(text)).toBe(isPlain);
});
