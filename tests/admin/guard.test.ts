// Answers: is the admin for those only who may use it, and for no page in their browser?
// Owns: the claims about `lib/admin/guard.ts`.
// Leaves out: the answers that it gives with it (`admin-app.test.ts`).
import { describe, expect, spyOn, test } from "bun:test";
import * as crypto from "node:crypto";
import { refusal } from "../../lib/admin/guard.ts";

const HERE = { host: "localhost:8002" };
const JSON_TYPE = { "content-type": "application/json" };

/** The status with which a request is refused, or `undefined`. */
function refused(method: string, fields: Record<string, string>, token = ""): number | undefined {
  return refusal({ method, fields: new Headers(fields) }, token)?.status;
}

describe("without a token it is asked by a name that is this machine's", () => {
  test.each([
    "localhost",
    "localhost:8002",
    "LocalHost:1",
    "127.0.0.1",
    "127.0.0.1:8002",
    "127.1.2.3:65535",
    "[::1]",
    "[::1]:8002",
  ])("%s may", (host) => expect(refused("GET", { host })).toBeUndefined());

  // DNS rebinding: a name of somebody else that leads here, for a browser that thinks it is theirs.
  test.each([
    "",
    "evil.test",
    "evil.test:8002",
    "localhost.evil.test",
    "127.0.0.1.evil.test",
    "evil.test#localhost",
    "localhost@evil.test",
    "localhost:8002.evil.test",
    "localhost:",
    "localhost:123456",
    "localhost.",
    "::1",
    "0.0.0.0",
    "127.0.0.1 evil",
    "127.0.0.1,evil.test",
    "128.0.0.1",
    "192.168.0.1",
    "xlocalhost",
  ])("%j may not", (host) => {
    expect(refused("GET", { host })).toBe(421);
    expect(refused("POST", { host, ...JSON_TYPE })).toBe(421);
  });

  test("no Host is none of them", () => expect(refused("GET", {})).toBe(421));

  test("with a token the name does not matter: no page has that", () => {
    expect(refused("GET", { host: "evil.test", authorization: "Bearer t" }, "t")).toBeUndefined();
  });
});

describe("with a token", () => {
  test.each([
    ["Bearer secret", undefined],
    ["bearer secret", undefined],
    ["Bearer   secret", undefined],
    ["Bearer Secret", 401],
    ["Bearer secre", 401],
    ["Bearer secrets", 401],
    ["Bearer secret x", 401],
    ["Bearer", 401],
    ["Bearer ", 401],
    ["Basic secret", 401],
    ["secret", 401],
    ["", 401],
  ])("Authorization %j: %p", (authorization, status) => {
    expect(refused("GET", { ...HERE, authorization }, "secret")).toBe(status);
    expect(refused("POST", { ...HERE, ...JSON_TYPE, authorization }, "secret")).toBe(status);
  });

  test("none is refused before anything else is looked at", () => {
    expect(refused("POST", { host: "evil.test", origin: "http://evil.test" }, "secret")).toBe(401);
  });

  test("how much of it is right shows in no time: always as many bytes are compared, all of them", () => {
    const compared = spyOn(crypto, "timingSafeEqual");
    for (const given of ["", "s", "secret", "x".repeat(5000)])
      refused("GET", { ...HERE, authorization: `Bearer ${given}` }, "secret");
    const lengths = compared.mock.calls.map(([one, other]) => [one.byteLength, other.byteLength]);
    compared.mockRestore();
    expect(lengths).toEqual([1, 2, 3, 4].map(() => [32, 32]));
  });
});

describe("to change something", () => {
  const change = (fields: Record<string, string>, token = ""): number | undefined =>
    refused("POST", { ...HERE, ...JSON_TYPE, ...fields }, token);

  test.each([
    [{}, undefined],
    [{ origin: "http://localhost:8002" }, undefined],
    [{ origin: "http://localhost:8003" }, 403],
    [{ origin: "http://127.0.0.1:8002" }, 403],
    [{ origin: "http://evil.test" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: "" }, 403],
    [{ origin: "file://" }, 403],
    [{ origin: "http://localhost:8002.evil.test" }, 403],
    [{ origin: "http://evil.test/localhost:8002" }, 403],
    [{ origin: "http://localhost:8002@evil.test" }, 403],
    [{ "sec-fetch-site": "none" }, undefined],
    [{ "sec-fetch-site": "same-origin", origin: "http://localhost:8002" }, undefined],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "cross-site", origin: "http://localhost:8002" }, 403],
    [{ "sec-fetch-site": "" }, 403],
  ])("%j: %p", (fields, status) => {
    expect(change(fields as Record<string, string>)).toBe(status);
    const withToken = { ...fields, authorization: "Bearer t" } as Record<string, string>;
    expect(change(withToken, "t")).toBe(status);
  });

  test.each([
    ["application/json", undefined],
    ["application/json; charset=utf-8", undefined],
    ["application/json ;x=y", undefined],
    ["Application/JSON", undefined],
    ["application/jsonx", 415],
    ["application/json, text/plain", 415],
    ["text/plain", 415],
    ["text/plain; application/json", 415],
    ["application/x-www-form-urlencoded", 415],
    ["multipart/form-data; boundary=x", 415],
    ["", 415],
  ])("Content-Type %j: %p", (type, status) => expect(change({ "content-type": type })).toBe(status));

  test("no Content-Type is refused: a form of another site could send that", () =>
    expect(refused("POST", HERE)).toBe(415));

  test.each(["POST", "PUT", "DELETE", "PATCH", "post", "get", "PURGE"])("%s is taken for that", (method) => {
    expect(refused(method, { ...HERE, ...JSON_TYPE, origin: "http://evil.test" })).toBe(403);
  });

  test.each(["GET", "HEAD", "OPTIONS"])("%s changes nothing, and is let in", (method) => {
    expect(refused(method, { ...HERE, origin: "http://evil.test" })).toBeUndefined();
  });
});
