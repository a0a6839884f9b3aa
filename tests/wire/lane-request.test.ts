// Answers: does the lane read a request as `Bun.serve` does, where it takes one?
// Owns: the laws about `lib/wire/lane-request.ts`, and the memory of header sections.
// Leaves out: connections (`lane-connection.test.ts`), whole exchanges (`lane-beside-bun.test.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import {
  isPlainTarget,
  LaneRequest,
  SectionMemory,
  type HeaderSection,
} from "../../lib/wire/lane-request.ts";
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
  const read = readBy(new SectionMemory(), section);
  if (read === undefined || !isPlainTarget(target)) return undefined;
  const request = new LaneRequest(method, target, read, CLIENT);
  for (const [name, value] of request.fields) expect(read.facts[method].fields.get(name)).toBe(value);
  return { method: request.method, uri: request.uri, fields: request.fields.toJSON() };
}

/** As it stands behind a request line; `undefined` where it is not taken, or ends before that text does. */
function readBy(memory: SectionMemory, section: string): HeaderSection | undefined {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\n${section}\r\n\r\n`, "latin1");
  const known = memory.read(bytes, REQUEST_LINE.length);
  return known?.bytes.length === bytes.length - REQUEST_LINE.length ? known.section : undefined;
}

const REQUEST_LINE = "GET / HTTP/1.1\r\n";

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
  const section = readBy(memory, "Host: a.test");
  expect(section?.authority).toBe("a.test");
  expect(readBy(memory, "Host: a.test")).toBe(section);
  expect(readBy(memory, "Host: a.test\r\nTE: x")).toBeUndefined();
  // More than both generations hold, while one of them is asked for again and again.
  for (let at = 0; at < 10_000; at++) {
    readBy(memory, `Host: a.test\r\nX: ${at}`);
    if (at % 100 === 0) expect(readBy(memory, "Host: a.test")).toBe(section);
  }
  for (let at = 0; at < 10_000; at++) readBy(memory, `Host: a.test\r\nY: ${at}`);
  expect(readBy(memory, "Host: a.test")).not.toBe(section);
});

test("it is known again where another request follows at once, and ends where its empty line is", () => {
  const memory = new SectionMemory();
  const bytes = Buffer.from(`${REQUEST_LINE}Host: a.test\r\n\r\n${REQUEST_LINE}Host: b.test\r\n\r\n`);
  const first = memory.read(bytes, REQUEST_LINE.length);
  expect(first?.section?.authority).toBe("a.test");
  expect(first?.bytes.toString()).toBe("Host: a.test\r\n\r\n");
  expect(memory.read(bytes, REQUEST_LINE.length)).toBe(first);
  expect(readBy(memory, "Host: a.test")).toBe(first?.section);
  expect(memory.read(bytes.subarray(0, REQUEST_LINE.length + 14), REQUEST_LINE.length)).toBeUndefined();
});

test("two sections with the same hash are not taken for each other", () => {
  const byHash = new Map<number, string>();
  let pair: readonly string[] | undefined;
  for (let at = 0; pair === undefined; at++) {
    const section = `Host: a.test\r\nCookie: ${(at * 2654435761).toString(36)}`;
    const hash = Bun.hash.crc32(`${section}\r\n\r\n`);
    const other = byHash.get(hash);
    if (other !== undefined && other.length === section.length) pair = [other, section];
    byHash.set(hash, section);
  }
  const memory = new SectionMemory();
  for (const section of [...pair, ...pair])
    expect(readBy(memory, section)?.headers().get("cookie")).toBe(section.split("Cookie: ")[1] ?? "");
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
