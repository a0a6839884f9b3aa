// Answers: what is made of a response head from the origin, and what of a request that got none?
// Owns: the claims about `lib/received.ts` alone.
// Leaves out: the same through the forwarder (`forward.test.ts`), bodies (`incoming-body.test.ts`).
import { describe, expect, test } from "bun:test";
import { OriginError } from "../lib/errors.ts";
import type { ReceivedResponse } from "../lib/message.ts";
import { failureOf, receivedFrom } from "../lib/received.ts";

const MOMENT_MS = 1_800_000_000_500;

type Fields = Readonly<Record<string, string>>;

function receive(status: number, fields: Fields = {}, particulars: object = {}): ReceivedResponse {
  const body = new Response("soup").body;
  return receivedFrom(
    { status, fields: new Headers(fields), body },
    {
      ...{ method: "GET", requestTimeMs: MOMENT_MS - 2000, responseTimeMs: MOMENT_MS, trustsClose: false },
      ...particulars,
    },
  );
}

describe("RFC 9112 §6.3 the end of a body", () => {
  test.each([
    ["nothing, where the end of a connection may be a break", {}, false, "close", undefined],
    ["nothing, where that is trusted", {}, true, "trusted-close", undefined],
    ["a length, trusted or not", { "content-length": "4" }, true, "length", 4],
    ["a length of 0", { "content-length": "0" }, false, "length", 0],
    ["several equal lengths", { "content-length": "4, 4" }, false, "length", 4],
    ["chunks, trusted or not", { "transfer-encoding": "chunked" }, true, "chunked", undefined],
    ["both: chunks", { "transfer-encoding": "chunked", "content-length": "4" }, false, "chunked", undefined],
  ] as const)("%s", (_, fields, trustsClose, framing, length) => {
    expect(receive(200, fields, { trustsClose })).toMatchObject({ framing, length });
  });

  test("RFC 9112 §6.1 faulty framing is not trusted, whatever it says", () => {
    for (const fields of [{ "transfer-encoding": "chunked" }, {}]) {
      const response = { status: 200, fields: new Headers(fields), body: null, isFramingFaulty: true };
      const facts = { method: "GET", requestTimeMs: MOMENT_MS, responseTimeMs: MOMENT_MS, trustsClose: true };
      expect(receivedFrom(response, facts).framing).toBe("close");
    }
  });

  test.each([
    [204, "GET"],
    [304, "GET"],
    [200, "HEAD"],
    [206, "HEAD"],
  ])("%i to %s has none, and keeps the Content-Length of what GET would get", (status, method) => {
    const { body, framing, length, fields } = receive(status, { "content-length": "4" }, { method });
    expect([body, framing, length, fields.get("content-length")]).toEqual([null, "none", undefined, "4"]);
  });
});

describe("header fields", () => {
  test("RFC 9110 §7.6.1 those of the connection stay behind, all others come along", () => {
    const { fields } = receive(200, {
      ...{
        connection: "close, x-hop",
        "x-hop": "1",
        "keep-alive": "timeout=1",
        "transfer-encoding": "chunked",
      },
      ...{ te: "trailers", upgrade: "h2c", "proxy-connection": "close", etag: '"1"', "x-end": "2" },
    });
    expect([...fields.keys()].sort()).toEqual(["date", "etag", "x-end"]);
  });

  test("are a block of their own", () => {
    const fields = new Headers({ etag: '"1"' });
    const facts = { method: "GET", requestTimeMs: 0, responseTimeMs: 0, trustsClose: false };
    receivedFrom({ status: 200, fields, body: null }, facts).fields.set("etag", '"2"');
    expect([...fields]).toEqual([["etag", '"1"']]);
  });

  test.each([
    ["a Date stays", "Thu, 14 Jan 2027 08:00:00 GMT", "Thu, 14 Jan 2027 08:00:00 GMT"],
    ["two Dates are none", "Thu, 14 Jan 2027 08:00:00 GMT, Thu, 14 Jan 2027 08:00:00 GMT", undefined],
    ["an empty one is none", "", undefined],
  ])("RFC 9110 §6.6.1 %s", (_, date, expected = "Fri, 15 Jan 2027 08:00:00 GMT") => {
    expect(receive(200, { date }).fields.get("date")).toBe(expected);
  });
});

describe("what may not be passed on", () => {
  test.each([
    [100, {}],
    [101, {}],
    [199, {}],
    [200, { "transfer-encoding": "gzip, chunked" }],
    [200, { "transfer-encoding": "chunked, chunked" }],
    [200, { "transfer-encoding": "" }],
  ])("%i with %j is malformed, and its body is ended", async (status, fields) => {
    let isCancelled = false;
    const body = new ReadableStream({ cancel: () => void (isCancelled = true) });
    const facts = { method: "GET", requestTimeMs: 0, responseTimeMs: 0, trustsClose: false };
    const receiving = (): unknown =>
      receivedFrom({ status, fields: new Headers(fields as Fields), body }, facts);
    expect(receiving).toThrow(OriginError);
    expect(receiving).toThrow(expect.objectContaining({ code: "origin-malformed", status: 502 }));
    expect(isCancelled).toBe(true);
  });

  test.each([200, 201, 299, 302, 418, 499, 500, 599, 600, 999])("%i may", (status) => {
    expect(receive(status, { "transfer-encoding": "Chunked" }).status).toBe(status);
  });
});

describe("a request that got no response", () => {
  test.each([
    ["ECONNREFUSED", "nothing listens there (connection refused)"],
    ["ConnectionRefused", "nothing listens there (connection refused)"],
    ["ECONNRESET", "it closed the connection without an answer"],
    ["ConnectionClosed", "it closed the connection without an answer"],
    ["ENOTFOUND", "its name is not known"],
    ["EWHATEVER", "It said this"],
  ])("with code %s: %s", (code, message) => {
    const cause = Object.assign(new Error("It said this."), { code });
    expect(failureOf(cause)).toMatchObject({ code: "origin-unreachable", status: 502, message, cause });
  });

  test.each([
    "Malformed_HTTP_Response",
    "InvalidHTTPResponse",
    "HPE_INVALID_CONSTANT",
    "HPE_HEADER_OVERFLOW",
  ])("with code %s is malformed", (code) => {
    expect(failureOf(Object.assign(new Error("no"), { code }))).toMatchObject({ code: "origin-malformed" });
  });

  test("that was given up says why", () => {
    const why = new OriginError("origin-timeout", "no response within 1 s");
    expect(failureOf(why)).toBe(why);
    const named = new Error('ECONNRESET fetching "http://a/secret". For more information, pass verbose');
    expect(failureOf(named).message).toBe("ECONNRESET");
    expect(failureOf(Object.assign(named, { code: "Malformed_HTTP_Response" })).message).not.toContain(
      "secret",
    );
  });

  test.each(["text", 7, {}])("for an odd reason, %p, is unreachable", (odd) => {
    expect(failureOf(odd)).toMatchObject({ code: "origin-unreachable", message: String(odd) });
  });
});
