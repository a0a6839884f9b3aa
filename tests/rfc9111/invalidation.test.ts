// Answers: whether unsafe requests make just those stored responses invalid that §4.4 names.
// Owns: the claims about `lib/rfc9111/invalidation.ts` (§4.4, RFC 9110 §9.2.1, §9.3.3).
// Leaves out: removing them (`tests/proxy.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { invalidationTargets, isContentLocationOfTarget } from "../../lib/rfc9111/invalidation.ts";
import { fieldText, LONG_TEXTS, quickestMs, TOO_LONG_MS, URI } from "./test-values.ts";

type Fields = Record<string, string>;

function invalidated(method: string, status: number, fields: Fields = {}, uri = URI): string[] {
  return invalidationTargets({
    method,
    uri,
    status,
    fields: new Headers(fields),
    originAuthorities: ["localhost:8000"],
  });
}

describe("§4.4 the target URI is invalidated by a non-error response to an unsafe method", () => {
  test.each(["POST", "PUT", "DELETE", "PATCH", "MKCOL", "FOO", "get"])(
    "%s is unsafe or unknown",
    (method) => {
      expect(invalidated(method, 200)).toEqual([URI]);
    },
  );

  test.each(["GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "SEARCH", "QUERY"])("%s is safe", (method) => {
    expect(invalidated(method, 200, { location: "/other" })).toEqual([]);
  });

  test.each([200, 201, 202, 204, 206, 299, 300, 302, 303, 304, 399])("%i is no error", (status) => {
    expect(invalidated("POST", status)).toEqual([URI]);
  });

  test.each([100, 103, 400, 404, 409, 412, 500, 503, 599])("%i invalidates nothing", (status) => {
    expect(invalidated("POST", status, { location: "/other" })).toEqual([]);
  });
});

describe("§4.4 the URIs in Location and Content-Location", () => {
  const other = "http://larder.test/other";

  test.each<[string, Fields, string[]]>([
    ["Location is invalidated too", { location: other }, [URI, other]],
    ["Content-Location is invalidated too", { "content-location": other }, [URI, other]],
    ["both are", { location: other, "content-location": "/third" }, [URI, other, "http://larder.test/third"]],
    ["a relative one counts from the target URI", { location: "other?a=1" }, [URI, `${other}?a=1`]],
    ["a fragment is no part of a key", { location: `${other}#part` }, [URI, other]],
    ["nor are a name and a password", { location: "http://me:secret@larder.test/other" }, [URI, other]],
    ["the target URI itself counts once", { location: URI, "content-location": "/menu" }, [URI]],
    ["the default port is the same origin", { location: "http://larder.test:80/other" }, [URI, other]],
    ["letters of a host are in any case", { location: "HTTP://LARDER.test/other" }, [URI, other]],
    [
      "the origin's own name stands for the client's",
      { location: "http://localhost:8000/other" },
      [URI, other],
    ],
    ["another host is not touched", { location: "http://other.test/other" }, [URI]],
    ["another port is not touched", { location: "http://larder.test:8080/other" }, [URI]],
    ["another scheme is not touched", { location: "https://larder.test/other" }, [URI]],
    ["a host in front of the own one is not touched", { location: "http://larder.test@other.test/" }, [URI]],
    ["a relative host is not touched", { location: "//other.test/other" }, [URI]],
    ["another scheme's URI is not touched", { location: "data:text/plain,a" }, [URI]],
    ["what is no URI is not touched", { location: "http://[" }, [URI]],
  ])("%s", (_, fields, uris) => {
    expect(invalidated("POST", 201, fields)).toEqual(uris);
  });

  test("the origin's own name stands for the client's host and port", () => {
    const uris = invalidated(
      "POST",
      201,
      { location: "http://localhost:8000/b" },
      "http://larder.test:8001/a",
    );
    expect(uris).toEqual(["http://larder.test:8001/a", "http://larder.test:8001/b"]);
  });

  test("another origin's URI is never among them", () => {
    fc.assert(
      fc.property(fieldText, fc.webUrl(), (text, url) => {
        const fields: Fields = { location: text, "content-location": url };
        const uris = invalidationTargets({
          method: "POST",
          uri: URI,
          status: 200,
          fields: { get: (name) => fields[name] ?? null },
          originAuthorities: ["localhost:8000"],
        });
        return uris.every((uri) => new URL(uri).origin === "http://larder.test");
      }),
    );
  });

  test.each(LONG_TEXTS)("16 KB of %s are read quickly", (_, text) => {
    const facts = { uri: URI, fields: { get: () => text }, originAuthorities: ["localhost:8000"] };
    expect(quickestMs(() => invalidationTargets({ ...facts, method: "POST", status: 200 }))).toBeLessThan(
      TOO_LONG_MS,
    );
  });
});

describe("RFC 9110 §9.3.3 a POST response that says what a GET would get", () => {
  test.each<[string, Fields, boolean]>([
    ["names the target URI", { "content-location": URI }, true],
    ["names it relatively", { "content-location": "/menu" }, true],
    ["names it as the origin knows it", { "content-location": "http://localhost:8000/menu" }, true],
    ["does not name another URI", { "content-location": "/other" }, false],
    ["does not name another query", { "content-location": "/menu?a=1" }, false],
    ["does not name another origin", { "content-location": "http://other.test/menu" }, false],
    ["has Content-Location, not Location", { location: URI }, false],
    ["has Content-Location", {}, false],
  ])("%s", (_, fields, isAboutTarget) => {
    const facts = { uri: URI, fields: new Headers(fields), originAuthorities: ["localhost:8000"] };
    expect(isContentLocationOfTarget(facts)).toBe(isAboutTarget);
  });
});
