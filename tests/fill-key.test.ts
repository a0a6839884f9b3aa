// Answers: which requests find each other, and which never do?
// Owns: the claims about `lib/fill-key.ts`.
// Leaves out: the following itself (`collapse.test.ts`, `proxy-collapse.test.ts`).
import { describe, expect, test } from "bun:test";
import { fillKeyOf } from "../lib/fill-key.ts";
import type { StoredResponse } from "../lib/message.ts";
import type { RequestFacts } from "../lib/rfc9111/reuse.ts";
import { request, storedResponse } from "./rfc9111/test-values.ts";

const URI = "http://larder.test/menu";

function keyOf(of: RequestFacts, stored: readonly StoredResponse[] = [], uri = URI): string | undefined {
  return fillKeyOf(uri, of, { why: "uri-miss", stored }, "meaning");
}

describe("§4 one request is enough for", () => {
  test.each([
    ["two alike", {}, {}],
    [
      "two whose conditions differ: Larder answers them itself",
      { "if-none-match": '"1"' },
      { "if-modified-since": "x" },
    ],
    ["two clients with cookies of their own", { cookie: "a=1" }, { cookie: "a=2" }],
    ["two of the same range", { range: "bytes=0-4" }, { range: "bytes=0-4" }],
    ["one that takes what is stale", { "cache-control": "max-stale=5" }, {}],
  ] as readonly [string, Record<string, string>, Record<string, string>][])("%s", (_, one, other) => {
    expect(keyOf(request(one))).toBeString();
    expect(keyOf(request(one))).toBe(keyOf(request(other))!);
  });

  test("§4.1 two variants that mean the same", () => {
    const stored = [
      storedResponse({ fields: { vary: "accept-language" }, request: { "accept-language": "en" } }),
    ];
    const keys = ["de, en", "DE,en"].map((value) => keyOf(request({ "accept-language": value }), stored));
    expect(keys[0]).toBe(keys[1]!);
  });
});

describe("§4 each asks on its own", () => {
  test.each([
    ["for another URI", keyOf(request(), [], `${URI}?`)],
    ["for another range", keyOf(request({ range: "bytes=0-4" }))],
    ["for another range than that", keyOf(request({ range: "bytes=0-5" }))],
  ])("%s", (_, key) => {
    const others = [keyOf(request()), keyOf(request({ range: "bytes=0-4" }), [], `${URI}/`)];
    expect(key).toBeString();
    expect(others).not.toContain(key);
  });

  test("§4.1 for another variant, of what was stored last", () => {
    const stored = ["accept-encoding", "accept-language"].map((vary) => storedResponse({ fields: { vary } }));
    const keyFor = (fields: Record<string, string>): string | undefined => keyOf(request(fields), stored);
    expect(keyFor({ "accept-language": "de" })).not.toBe(keyFor({ "accept-language": "fr" })!);
    expect(keyFor({ "accept-language": "de" })).not.toBe(keyFor({})!);
    expect(keyFor({ "accept-encoding": "br" })).toBe(keyFor({})!);
  });

  test.each([
    ["HEAD", request({}, "HEAD")],
    ["POST", request({}, "POST")],
    ["§5.2.1.5 no-store", request({ "cache-control": "no-store" })],
    ["§5.2.1.4 no-cache", request({ "cache-control": "no-cache" })],
    ["§3.5 Authorization", request({ authorization: "Basic YTpi" })],
    ["RFC 9110 §13.1.5 If-Range", request({ range: "bytes=0-4", "if-range": '"1"' })],
    ["RFC 9110 §13.1.1 If-Match", request({ "if-match": '"1"' })],
    ["RFC 9110 §13.1.4 If-Unmodified-Since", request({ "if-unmodified-since": "x" })],
  ])("%s has no key", (_, of) => {
    expect(keyOf(of)).toBeUndefined();
  });

  test("one that is forwarded because it asks for that has no key", () => {
    expect(fillKeyOf(URI, request(), { why: "request", stored: [] }, "meaning")).toBeUndefined();
    for (const why of ["uri-miss", "vary-miss", "stale", "partial"] as const) {
      expect(fillKeyOf(URI, request(), { why, stored: [] }, "meaning")).toBeString();
    }
  });
});
