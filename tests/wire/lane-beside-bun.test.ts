// Answers: do the same bytes mean the same on the lane and on `Bun.serve`?
// Owns: the comparison: status, fields and content of each answer, and all that the origin saw, the client's address too.
// Leaves out: sending them (`side-by-side.ts`), what only one of them carries (`lane-connection.test.ts`).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { caseOf } from "../fuzz/fuzz-case.ts";
import { sentBytes } from "../fuzz/suspicion.ts";
import { SideBySide } from "./side-by-side.ts";

setDefaultTimeout(30_000);

let both: SideBySide;
beforeAll(async () => {
  both = await SideBySide.start();
});
afterAll(() => both.stop());

function get(line: string, ...fields: readonly string[]): string {
  return [line, ...fields, "", ""].join("\r\n");
}

const HOST = "Host: larder.test";
const LAST = "Connection: close";

/** Requests as the lane takes them, and as it must not. */
const ODD: readonly (readonly [string, string])[] = [
  ["a plain one", get("GET /a HTTP/1.1", HOST, LAST)],
  ["HEAD", get("HEAD /a HTTP/1.1", HOST, LAST)],
  ["a query", get("GET /a?b=c&d HTTP/1.1", HOST, LAST)],
  ["an empty query", get("GET /a? HTTP/1.1", HOST, LAST)],
  ["percent-encoding", get("GET /%2f%61%zz%C3%A9 HTTP/1.1", HOST, LAST)],
  ["dots", get("GET /a/../b HTTP/1.1", HOST, LAST)],
  ["dots in code", get("GET /a/%2E%2e/b HTTP/1.1", HOST, LAST)],
  ["dots in the query", get("GET /a?/../b HTTP/1.1", HOST, LAST)],
  ["a name with a dot in front", get("GET /.well-known/x HTTP/1.1", HOST, LAST)],
  ["two slashes", get("GET //a HTTP/1.1", HOST, LAST)],
  ["two slashes inside", get("GET /a//b HTTP/1.1", HOST, LAST)],
  ["a backslash", get("GET /a\\b HTTP/1.1", HOST, LAST)],
  ["a fragment", get("GET /a#b HTTP/1.1", HOST, LAST)],
  ["a quote", get("GET /a'b?c'd HTTP/1.1", HOST, LAST)],
  ["letters that are encoded", get('GET /a"b<c>d^e`f{g}|h HTTP/1.1', HOST, LAST)],
  ["latin1 in the target", get("GET /caf\xe9 HTTP/1.1", HOST, LAST)],
  ["a replacement character", get("GET /%EF%BF%BD HTTP/1.1", HOST, LAST)],
  ["absolute-form", get("GET http://other.test/a HTTP/1.1", HOST, LAST)],
  ["asterisk-form", get("GET * HTTP/1.1", HOST, LAST)],
  ["no Host", get("GET /a HTTP/1.1", LAST)],
  ["two Hosts", get("GET /a HTTP/1.1", HOST, HOST, LAST)],
  ["two different Hosts", get("GET /a HTTP/1.1", HOST, "Host: other.test", LAST)],
  ["a list of Hosts", get("GET /a HTTP/1.1", "Host: a, b", LAST)],
  ["Host in capitals", get("GET /a HTTP/1.1", "HOST: LARDER.test", LAST)],
  ["a default port", get("GET /a HTTP/1.1", "Host: larder.test:80", LAST)],
  ["a port", get("GET /a HTTP/1.1", "Host: larder.test:8080", LAST)],
  ["an odd port", get("GET /a HTTP/1.1", "Host: larder.test:99999", LAST)],
  ["a port with a zero in front", get("GET /a HTTP/1.1", "Host: larder.test:08080", LAST)],
  ["an empty port", get("GET /a HTTP/1.1", "Host: larder.test:", LAST)],
  ["an IPv4 address, short", get("GET /a HTTP/1.1", "Host: 127.1", LAST)],
  ["an IPv6 address", get("GET /a HTTP/1.1", "Host: [::1]:80", LAST)],
  ["user information", get("GET /a HTTP/1.1", "Host: u@larder.test", LAST)],
  ["a Host with a path", get("GET /a HTTP/1.1", "Host: larder.test/x", LAST)],
  ["an underscore in Host", get("GET /a HTTP/1.1", "Host: a_b.test", LAST)],
  ["an empty Host", get("GET /a HTTP/1.1", "Host:", LAST)],
  ["a Host with a dot behind", get("GET /a HTTP/1.1", "Host: larder.test.", LAST)],
  ["HTTP/1.0", get("GET /a HTTP/1.0", HOST)],
  ["HTTP/1.2", get("GET /a HTTP/1.2", HOST, LAST)],
  ["HTTP/2.0", get("GET /a HTTP/2.0", HOST, LAST)],
  ["http/1.1", get("GET /a http/1.1", HOST, LAST)],
  ["get", get("get /a HTTP/1.1", HOST, LAST)],
  ["two spaces", get("GET  /a HTTP/1.1", HOST, LAST)],
  ["a space behind", get("GET /a HTTP/1.1 ", HOST, LAST)],
  ["a tab", get("GET\t/a HTTP/1.1", HOST, LAST)],
  ["bare LF", "GET /a HTTP/1.1\nHost: larder.test\n\n"],
  ["bare LF in the middle", "GET /a HTTP/1.1\r\nHost: larder.test\nX: y\r\n\r\n"],
  ["bare CR in a value", get("GET /a HTTP/1.1", HOST, "X: a\rb", LAST)],
  ["NUL in a value", get("GET /a HTTP/1.1", HOST, "X: a\0b", LAST)],
  ["DEL in a value", get("GET /a HTTP/1.1", HOST, "X: a\x7fb", LAST)],
  ["a tab in a value", get("GET /a HTTP/1.1", HOST, "X: a\tb", LAST)],
  ["latin1 in a value", get("GET /a HTTP/1.1", HOST, "X: caf\xe9 \xff\x80", LAST)],
  ["latin1 in a name", get("GET /a HTTP/1.1", HOST, "X\xe9: a", LAST)],
  ["white space around a value", get("GET /a HTTP/1.1", HOST, "X: \t a \t ", LAST)],
  ["no space before a value", get("GET /a HTTP/1.1", HOST, "X:a", LAST)],
  ["an empty value", get("GET /a HTTP/1.1", HOST, "X:", LAST)],
  ["an empty name", get("GET /a HTTP/1.1", HOST, ": a", LAST)],
  ["white space before the colon", get("GET /a HTTP/1.1", HOST, "X : a", LAST)],
  ["obs-fold", get("GET /a HTTP/1.1", HOST, "X: a", " b", LAST)],
  ["a fold in front", get("GET /a HTTP/1.1", " X: a", HOST, LAST)],
  ["no colon", get("GET /a HTTP/1.1", HOST, "X", LAST)],
  ["all letters of a token", get("GET /a HTTP/1.1", HOST, "!#$%&'*+-.^_`|~09aZ: a", LAST)],
  ["a name twice", get("GET /a HTTP/1.1", HOST, "X: a", "x: b", LAST)],
  ["a name twice, once empty", get("GET /a HTTP/1.1", HOST, "X:", "x: b", LAST)],
  ["Cookie twice", get("GET /a HTTP/1.1", HOST, "Cookie: a=b", "Cookie: c=d", LAST)],
  ["Set-Cookie twice", get("GET /a HTTP/1.1", HOST, "Set-Cookie: a=b", "Set-Cookie: c=d", LAST)],
  ["__proto__", get("GET /a HTTP/1.1", HOST, "__proto__: a", "constructor: b", LAST)],
  ["Content-Length: 0", get("GET /a HTTP/1.1", HOST, "Content-Length: 0", LAST)],
  ["Content-Length", `${get("GET /a HTTP/1.1", HOST, "Content-Length: 3", LAST)}abc`],
  ["Transfer-Encoding", `${get("GET /a HTTP/1.1", HOST, "Transfer-Encoding: chunked", LAST)}0\r\n\r\n`],
  [
    "both",
    `${get("GET /a HTTP/1.1", HOST, "Transfer-Encoding: chunked", "Content-Length: 3", LAST)}0\r\n\r\n`,
  ],
  ["Expect", get("GET /a HTTP/1.1", HOST, "Expect: 100-continue", LAST)],
  ["another expectation", get("GET /a HTTP/1.1", HOST, "Expect: x", LAST)],
  ["h2c", get("GET /a HTTP/1.1", HOST, "Upgrade: h2c", "HTTP2-Settings: AAA", "Connection: Upgrade, close")],
  ["TE", get("GET /a HTTP/1.1", HOST, "TE: trailers", "Connection: TE, close")],
  ["Keep-Alive", get("GET /a HTTP/1.1", HOST, "Keep-Alive: timeout=5", LAST)],
  ["fields that Connection names", get("GET /a HTTP/1.1", HOST, "X: a", "Connection: X, close")],
  ["Connection in capitals", get("GET /a HTTP/1.1", HOST, "Connection: CLOSE")],
  ["Connection twice", get("GET /a HTTP/1.1", HOST, "Connection: keep-alive", LAST)],
  ["Max-Forwards", get("GET /a HTTP/1.1", HOST, "Max-Forwards: 0", LAST)],
  [
    "what the client says of itself",
    get("GET /a HTTP/1.1", HOST, "X-Forwarded-For: 1.2.3.4", "Via: 1.0 a", LAST),
  ],
  [
    "fields that are believed",
    get("GET /a HTTP/1.1", HOST, "X-Forwarded-Host: evil", "Forwarded: host=e", LAST),
  ],
  ["only-if-cached", get("GET /a HTTP/1.1", HOST, "Cache-Control: only-if-cached", LAST)],
  ["a range", get("GET /a HTTP/1.1", HOST, "Range: bytes=0-2", LAST)],
  ["a condition", get("GET /a HTTP/1.1", HOST, 'If-None-Match: "a"', LAST)],
  ["101 fields", get("GET /a HTTP/1.1", HOST, ...Array(99).fill("X: a"), LAST)],
  ["150 fields", get("GET /a HTTP/1.1", HOST, ...Array(148).fill("X: a"), LAST)],
  ["300 fields", get("GET /a HTTP/1.1", HOST, ...Array(298).fill("X: a"), LAST)],
  ["15 KB", get("GET /a HTTP/1.1", HOST, `X: ${"a".repeat(15_000)}`, LAST)],
  ["17 KB", get("GET /a HTTP/1.1", HOST, `X: ${"a".repeat(17_000)}`, LAST)],
  ["17 KB of target", get(`GET /${"a".repeat(17_000)} HTTP/1.1`, HOST, LAST)],
  [
    "9 KB of target and 9 KB of field",
    get(`GET /${"a".repeat(9000)} HTTP/1.1`, HOST, `X: ${"a".repeat(9000)}`, LAST),
  ],
  ["POST", `${get("POST /a HTTP/1.1", HOST, "Content-Length: 3", LAST)}abc`],
  [
    "POST in chunks",
    `${get("POST /a HTTP/1.1", HOST, "Transfer-Encoding: chunked", LAST)}3\r\nabc\r\n0\r\n\r\n`,
  ],
  ["OPTIONS", get("OPTIONS /a HTTP/1.1", HOST, LAST)],
  ["DELETE", get("DELETE /a HTTP/1.1", HOST, LAST)],
  ["TRACE", get("TRACE /a HTTP/1.1", HOST, LAST)],
  ["CONNECT", get("CONNECT larder.test:80 HTTP/1.1", HOST, LAST)],
  ["an unknown method", get("FOO /a HTTP/1.1", HOST, LAST)],
  ["no request at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
];

describe("one request", () => {
  test.each(ODD)("%s", async (_, text) => {
    const [bun, lane] = await both.send(text, [text.slice(0, text.indexOf(" "))]);
    expect(lane).toEqual(bun);
  });
});

describe("requests behind each other: none is lost, none is made up", () => {
  const plain = get("GET /a HTTP/1.1", HOST);
  const post = `${get("POST /p HTTP/1.1", HOST, "Content-Length: 3")}abc`;
  const smuggling = ODD.find(([name]) => name === "both")?.[1] ?? "";
  test.each([
    ["plain ones", [plain, plain, plain], [200, 200, 200], ["GET /a", "GET /a", "GET /a"]],
    ["plain, and one to hand over", [plain, post], [200, 200], ["GET /a", "POST /p"]],
    ["a refusal behind a plain one", [plain, smuggling, plain], [200, 400], ["GET /a"]],
    [
      "content that looks like a request",
      [`${get("GET /a HTTP/1.1", HOST, `Content-Length: ${plain.length}`)}${plain}`],
      [400],
      [],
    ],
    [
      "behind close",
      [get("GET /a HTTP/1.1", HOST, LAST), get("GET /behind HTTP/1.1", HOST)],
      [200],
      ["GET /a"],
    ],
    ["behind a refusal", [get("GET /a HTTP/1.1", HOST, HOST), get("GET /b HTTP/1.1", HOST)], [400], []],
  ] as const)("%s", async (_, texts, statuses, seen) => {
    const methods = texts.map((text) => text.slice(0, text.indexOf(" ")));
    const [, lane] = await both.send(texts.join(""), methods);
    expect(lane.answers.map(({ status }) => status)).toEqual([...statuses]);
    expect(lane.atOrigin.map((one) => one.split("\n")[0])).toEqual([...seen]);
  });
});

test("some 300 requests at random, whole or mutated", async () => {
  const found: unknown[] = [];
  for (let number = 0; number < 900; number++) {
    const fuzzCase = caseOf(20_261_125, number);
    const { requests, rest } = fuzzCase.run;
    if (fuzzCase.size > 1 || requests.length > 1 || rest?.kind === "incomplete") continue;
    const text = sentBytes(fuzzCase).replace("\r\n", "\r\nConnection: close\r\n");
    const outcomes = await both.send(text, [requests[0]?.method ?? rest?.method ?? ""]);
    // Behind a head that is right, content that is not may reach the origin in part, on either wire; so may what is in
    // front of trailers, which Bun refuses.
    const [request] = requests;
    const isClear = rest === undefined && request?.liberties.length === 0 && request.trailers.length === 0;
    const [bun, lane] = outcomes.map(({ answers, atOrigin }) =>
      JSON.stringify([answers, isClear ? atOrigin.filter((one) => one.includes(`${number}.0`)) : ""]),
    );
    if (bun !== lane) found.push({ text, bun, lane });
  }
  expect(found).toEqual([]);
}, 120_000);
