// Answers: can a client make Larder and the origin disagree about where a request ends (RFC 9112 §11.2)?
// Owns: the attacks on framing, header syntax and chunks: what the origin sees, and what the client gets.
// Leaves out: the defence: Bun's parser, `door.ts`, `forward.ts`.
import { describe, expect, test } from "bun:test";
import { withLarder } from "../larder-under-test.ts";
import { lines, rawAsk } from "./raw-bytes.ts";

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: larder.test\r\n\r\n";
const POST = "POST /x HTTP/1.1";

/** Nothing of it reaches the origin; there is one answer, 400, and the connection is closed. */
function refused(text: string): () => Promise<void> {
  return withLarder(async (larder) => {
    larder.origin.script({ body: "origin" });
    const replies = await rawAsk(larder.serve(), text);
    expect(larder.origin.requests.map(({ target }) => target)).toEqual([]);
    // Of a broken start line Bun says 505.
    expect(replies.map(({ status }) => (status === 505 ? 400 : status))).toEqual([400]);
  });
}

/** One request reaches the origin, with this content, framed anew. */
function passedOn(
  text: string,
  content: string,
  check: (fields: Headers) => void = () => {},
): () => Promise<void> {
  return withLarder(async (larder) => {
    larder.origin.script({ body: "origin" });
    const replies = await rawAsk(larder.serve(), text);
    expect(replies[0]?.status).toBe(200);
    expect(larder.origin.requests.map(({ target, body }) => [target, body])).toEqual([["/x", content]]);
    check(
      new Headers(
        larder.origin.requests[0]?.fields.map(([name, value]) => [name, value] as [string, string]),
      ),
    );
  });
}

describe("Content-Length and Transfer-Encoding together", () => {
  test.each([
    ["CL.TE", "Content-Length: 5", "Transfer-Encoding: chunked"],
    ["TE.CL", "Transfer-Encoding: chunked", "Content-Length: 5"],
    ["CL 0", "Content-Length: 0", "Transfer-Encoding: chunked"],
    ["a coding that is not chunked", "Content-Length: 5", "Transfer-Encoding: identity"],
  ])("%s", (_, one, other) => refused(`${lines(POST, one, other)}0\r\n\r\n${SMUGGLED}`)());
});

describe("obfuscated Transfer-Encoding", () => {
  test.each([
    ["xchunked", "Transfer-Encoding: xchunked"],
    ["chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"],
    ["chunked, chunked", "Transfer-Encoding: chunked, chunked"],
    ["chunked, then another", "Transfer-Encoding: chunked, gzip"],
    ["another, then chunked", "Transfer-Encoding: gzip, chunked"],
    ["identity beside chunked", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"],
    ["in quotes", 'Transfer-Encoding: "chunked"'],
    ["a vertical tab", "Transfer-Encoding: \x0bchunked"],
    ["a NUL", "Transfer-Encoding: chunked\0"],
    ["a tab before the colon", "Transfer-Encoding\t: chunked"],
    ["a space in front of the name", " Transfer-Encoding: chunked"],
    ["chunked with a parameter", "Transfer-Encoding: chunked;q=1"],
    ["empty", "Transfer-Encoding:"],
  ])("%s", (_, line) => refused(`${lines(POST, line)}0\r\n\r\n${SMUGGLED}`)());

  test("HTTP/1.0", refused(`${lines("POST /x HTTP/1.0", "Transfer-Encoding: chunked")}0\r\n\r\n${SMUGGLED}`));
});

describe("odd Content-Length", () => {
  test.each([
    ["two that differ", "Content-Length: 3\r\nContent-Length: 4"],
    ["a list of two that differ", "Content-Length: 3, 4"],
    ["a plus sign", "Content-Length: +3"],
    ["a minus sign", "Content-Length: -3"],
    ["hexadecimal", "Content-Length: 0x3"],
    ["empty", "Content-Length:"],
    ["a fraction", "Content-Length: 3.0"],
    ["an exponent", "Content-Length: 3e0"],
    ["over 2^64", "Content-Length: 18446744073709551619"],
    ["spaces within", "Content-Length: 3 3"],
    ["an underscore", "Content-Length: 3_0"],
  ])("%s", (_, line) => refused(`${lines(POST, line)}abc${SMUGGLED}`)());

  test("two that are equal leave as one (RFC 9112 §6.3)", () =>
    passedOn(`${lines(POST, "Content-Length: 3", "Content-Length: 3")}abc`, "abc", (fields) => {
      expect(fields.get("content-length")).toBe("3");
    })());
});

describe("bare CR and bare LF in a head", () => {
  test.each([
    ["CR within a value", lines("GET /x HTTP/1.1", "X-A: a\rX-B: b")],
    ["CR at the end of a value", lines("GET /x HTTP/1.1", "X-A: a\r")],
    ["CR in a name", lines("GET /x HTTP/1.1", "X\r-A: a")],
    ["CR in the start line", lines("GET /x\rHTTP/1.1")],
    ["LF ends a line", "GET /x HTTP/1.1\nHost: larder.test\nConnection: close\n\n"],
    ["LF ends a field", `GET /x HTTP/1.1\r\nHost: larder.test\r\nX-A: a\nX-B: b\r\n\r\n`],
  ])("%s", (_, text) => refused(text)());
});

describe("obs-fold", () => {
  test.each([
    ["with a space", "X-A: a\r\n b"],
    ["with a tab", "X-A: a\r\n\tb"],
    ["that hides Transfer-Encoding", "X-A: a\r\n Transfer-Encoding: chunked"],
  ])("%s", (_, line) => refused(lines("GET /x HTTP/1.1", line))());
});

describe("white space before a colon, and names that are no tokens", () => {
  test.each([
    ["a space", "Content-Length : 3"],
    ["a tab", "X-A\t: a"],
    ["no colon", "X-A"],
    ["no name", ": a"],
    ["a bracket in the name", "X(A): a"],
    ["a latin1 byte in the name", "X\xe9: a"],
  ])("%s", (_, line) => refused(`${lines(POST, line)}abc`)());
});

describe("NUL and control bytes in a head", () => {
  test.each([
    ["NUL in a value", lines("GET /x HTTP/1.1", "X-A: a\0b")],
    ["NUL in a name", lines("GET /x HTTP/1.1", "X\0A: b")],
    ["NUL in the target", lines("GET /x\0 HTTP/1.1")],
    ["BEL in a value", lines("GET /x HTTP/1.1", "X-A: a\x07b")],
  ])("%s", (_, text) => refused(text)());
});

describe("broken chunks", () => {
  const CHUNKED = lines(POST, "Transfer-Encoding: chunked");
  test.each([
    ["a size over 2^64", "10000000000000005\r\nabcde\r\n0\r\n\r\n"],
    ["a size that is no number", "xyz\r\nabc\r\n0\r\n\r\n"],
    ["a size with 0x", "0x3\r\nabc\r\n0\r\n\r\n"],
    ["a negative size", "-3\r\nabc\r\n0\r\n\r\n"],
    ["a space before the size", " 3\r\nabc\r\n0\r\n\r\n"],
    ["more bytes than the size says", "3\r\nabcdef\r\n0\r\n\r\n"],
    ["LF for CRLF behind the size", "3\nabc\r\n0\r\n\r\n"],
    ["LF for CRLF in an extension", "3;a\nb\r\nabc\r\n0\r\n\r\n"],
    ["no CRLF behind the bytes", "3\r\nabc0\r\n\r\n"],
  ])("%s: no whole request reaches the origin", (_, body) =>
    withLarder(async (larder) => {
      larder.origin.script({ body: "origin" });
      const replies = await rawAsk(larder.serve(), CHUNKED + body + SMUGGLED);
      expect(larder.origin.requests.map(({ target }) => target)).not.toContain("/smuggled");
      expect(replies.map(({ status }) => status).filter((status) => status < 400)).toEqual([]);
    })(),
  );

  test("extensions end here (RFC 9112 §7.1.1)", () =>
    passedOn(`${CHUNKED}3;a=b\r\nabc\r\n0;c\r\n\r\n`, "abc")());
});

describe("request trailers", () => {
  test(
    "reach neither the origin as fields nor the next request",
    withLarder(async (larder) => {
      larder.origin.script({ body: "origin" });
      const head = lines(POST, "Transfer-Encoding: chunked");
      await rawAsk(
        larder.serve(),
        `${head}3\r\nabc\r\n0\r\nX-Evil: 1\r\nContent-Length: 9\r\n\r\n${SMUGGLED}`,
      );
      for (const asked of larder.origin.requests) {
        expect([asked.target, asked.body, asked.get("x-evil")]).toEqual(["/x", "abc", undefined]);
      }
    }),
  );
});

describe("fat GET", () => {
  test.each([
    ["GET", "Content-Length: 4", "a=ev"],
    ["GET", "Transfer-Encoding: chunked", "4\r\na=ev\r\n0\r\n\r\n"],
    ["HEAD", "Content-Length: 4", "a=ev"],
  ])("content in %s with %s is 400: it is in no cache key", (method, line, body) =>
    refused(lines(`${method} /x HTTP/1.1`, line) + body)(),
  );
});
