// Answers: whether just those responses are stored that a shared cache may store.
// Owns: the claims about `lib/rfc9111/storing.ts` (§3, §3.5, §5.2.2.3, RFC 9110 §9.3.3).
// Leaves out: which of their fields are stored (`header-fields.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { requestDirectives, responseDirectives } from "../../lib/rfc9111/cache-control.ts";
import {
  mayShareAuthorized,
  reasonNotToStore,
  type NotStoredReason,
  type StoringFacts,
} from "../../lib/rfc9111/storing.ts";
import { dateAt } from "./test-values.ts";

type Fields = Record<string, string>;

/** What is particular about a request and its response. */
interface Case extends Partial<Omit<StoringFacts, "fields" | "request">> {
  readonly response?: Fields;
  readonly presented?: Fields;
}

const MAX_AGE = { "cache-control": "max-age=60" };

function reason({ response = MAX_AGE, presented = {}, ...facts }: Case): NotStoredReason | undefined {
  const [fields, request] = [new Headers(response), new Headers(presented)];
  return reasonNotToStore({
    uri: "http://a/",
    method: "GET",
    request,
    requestDirectives: requestDirectives(request.get("cache-control")),
    status: 200,
    fields,
    directives: responseDirectives(fields),
    isAboutTarget: false,
    framing: "length",
    ...facts,
  });
}

function says(cacheControl: string, others: Fields = {}): Fields {
  return { "cache-control": cacheControl, ...others };
}

const CREDENTIALS = { authorization: "Basic eDp5" };
const RANGE = { range: "bytes=0-4" };
const CONTENT_RANGE = { "content-range": "bytes 0-4/10" };

describe("§3 what is stored", () => {
  test.each<[string, Case]>([
    ["max-age", {}],
    ["max-age=0, for it can be asked about later", { response: says("max-age=0") }],
    ["s-maxage", { response: says("s-maxage=60") }],
    ["public", { response: says("public") }],
    ["Expires", { response: { expires: dateAt(60) } }],
    ["a heuristic status with ETag", { response: { etag: '"1"' } }],
    ["a heuristic status with Last-Modified", { response: { "last-modified": dateAt(-60) } }],
    ["no-cache: it is validated before each reuse", { response: says("no-cache, max-age=60") }],
    ["an unknown status with explicit freshness", { status: 299 }],
    ["an error with explicit freshness", { status: 503 }],
    ["a redirect with explicit freshness", { status: 302 }],
    ["private for some fields only (§5.2.2.7)", { response: says('max-age=60, private="set-cookie"') }],
    ["an unknown directive (§5.2.3)", { response: says("max-age=60, private-ish") }],
    ["Vary (§4.1)", { response: { ...MAX_AGE, vary: "accept" } }],
    ["Pragma: no-cache in the response (§5.4)", { response: { ...MAX_AGE, pragma: "no-cache" } }],
    ["a query", { response: MAX_AGE }],
    ["request no-cache (§5.2.1.4)", { presented: says("no-cache") }],
    ["Cookie in the request", { presented: { cookie: "a=1" } }],
    ["Set-Cookie with explicit freshness", { response: { ...MAX_AGE, "set-cookie": "a=1" } }],
    [
      "a 206 for a range in bytes (§3.3)",
      { status: 206, presented: RANGE, response: { ...MAX_AGE, ...CONTENT_RANGE } },
    ],
    ["chunked framing", { framing: "chunked" }],
    [
      "a page under an asset's name with explicit freshness",
      { uri: "http://a/x.css", response: { ...MAX_AGE, "content-type": "text/html" } },
    ],
    ["no content", { status: 204, framing: "none" }],
  ])("%s", (_, facts) => {
    expect(reason(facts)).toBeUndefined();
  });
});

describe("§3 what is not stored, and why", () => {
  test.each<[NotStoredReason, string, Case]>([
    ["method", "HEAD", { method: "HEAD" }],
    ["method", "PUT", { method: "PUT" }],
    ["method", "an unknown method", { method: "FOO" }],
    ["method", "get: methods are case-sensitive", { method: "get" }],
    ["not-final", "103", { status: 103 }],
    ["answers-conditions", "304", { status: 304 }],
    ["answers-conditions", "412", { status: 412 }],
    ["answers-conditions", "416", { status: 416 }],
    ["request-no-store", "§5.2.1.5", { presented: says("no-store") }],
    ["no-store", "§5.2.2.5", { response: says("max-age=60, no-store") }],
    ["no-store", "§5.2.2.5 over public", { response: says("public, no-store") }],
    ["private", "§5.2.2.7", { response: says("max-age=60, private") }],
    ["private", "§5.2.2.7 over public", { response: says("public, private") }],
    ["authorization", "§3.5", { presented: CREDENTIALS }],
    ["vary-star", "§4.1", { response: { ...MAX_AGE, vary: "accept, *" } }],
    ["set-cookie", "on a heuristic", { response: { "last-modified": dateAt(-60), "set-cookie": "a=1" } }],
    ["no-freshness", "nothing at all", { response: {} }],
    ["no-freshness", "a heuristic status only", { response: { "content-type": "text/plain" } }],
    ["no-freshness", "a validator on a status without heuristic", { status: 302, response: { etag: '"1"' } }],
    ["no-freshness", "an unknown status with validator", { status: 299, response: { etag: '"1"' } }],
    ["no-freshness", "must-revalidate only", { response: says("must-revalidate") }],
    [
      "no-freshness",
      "Expires beside a targeted field",
      { response: { "cdn-cache-control": "immutable", expires: dateAt(60) } },
    ],
    [
      "deception",
      "a page under an asset's name, on a heuristic (§4.2.2)",
      { uri: "http://a/account/x.css", response: { etag: '"1"', "content-type": "text/html" } },
    ],
    ["close-delimited", "its end cannot be verified", { framing: "close" }],
    [
      "unusable-range",
      "a 206 that nobody asked for",
      { status: 206, response: { ...MAX_AGE, ...CONTENT_RANGE } },
    ],
    ["unusable-range", "a 206 without Content-Range", { status: 206, presented: RANGE }],
    [
      "unusable-range",
      "a 206 in other units",
      { status: 206, presented: RANGE, response: { ...MAX_AGE, "content-range": "lines 0-4/10" } },
    ],
  ])("%s: %s", (expected, _, facts) => {
    expect(reason(facts)).toBe(expected);
  });
});

describe("§5.2.2.3 must-understand", () => {
  const both = says("must-understand, no-store, max-age=60");

  test.each([200, 203, 301, 404, 410, 451, 503])(
    "makes no-store void where the status %i is known",
    (status) => {
      expect(reason({ status, response: both })).toBeUndefined();
    },
  );

  test.each([299, 399, 499, 599])("forbids storing where the status %i is not known", (status) => {
    expect(reason({ status, response: both })).toBe("not-understood");
    expect(reason({ status, response: says("must-understand, max-age=60") })).toBe("not-understood");
  });

  test("leaves private as it is", () => {
    expect(reason({ response: says("must-understand, no-store, private, max-age=60") })).toBe("private");
  });
});

describe("§3.5 responses to requests with Authorization", () => {
  test.each([
    ["must-revalidate", true],
    ["public", true],
    ["s-maxage=60", true],
    ["s-maxage=0", true],
    ["max-age=60", false],
    ["proxy-revalidate, max-age=60", false],
    ["no-cache, max-age=60", false],
    ["immutable, max-age=60", false],
  ])("%s allows sharing: %p", (cacheControl, may) => {
    const fields = says(cacheControl);
    expect(mayShareAuthorized(responseDirectives(new Headers(fields)))).toBe(may);
    expect(reason({ presented: CREDENTIALS, response: { ...fields, expires: dateAt(60) } })).toBe(
      may ? undefined : "authorization",
    );
  });
});

describe("RFC 9110 §9.3.3 responses to POST", () => {
  test.each<[string, Case, NotStoredReason | undefined]>([
    ["are stored with max-age and their URI in Content-Location", { isAboutTarget: true }, undefined],
    ["with s-maxage", { isAboutTarget: true, response: says("s-maxage=60") }, undefined],
    ["with Expires", { isAboutTarget: true, response: { expires: dateAt(60) } }, undefined],
    ["not about another URI", { isAboutTarget: false }, "method"],
    ["not on a heuristic", { isAboutTarget: true, response: { "last-modified": dateAt(-60) } }, "method"],
    [
      "not by public, which is no freshness information",
      { isAboutTarget: true, response: says("public") },
      "method",
    ],
    ["not with no-store", { isAboutTarget: true, response: says("max-age=60, no-store") }, "no-store"],
  ])("%s", (_, facts, expected) => {
    expect(reason({ method: "POST", ...facts })).toBe(expected);
  });
});

describe("laws of storing", () => {
  const FORBIDDING = ["no-store", "private"];
  const OTHERS = ["public", "max-age=60", "s-maxage=5", "immutable", "must-revalidate", "no-cache"];
  const statuses = fc.integer({ min: 100, max: 599 });

  test("§5.2.2.5, §5.2.2.7 nothing makes a response stored that says no-store or private", () => {
    const directives = fc
      .tuple(fc.subarray(FORBIDDING, { minLength: 1 }), fc.subarray(OTHERS))
      .chain(([forbidding, others]) =>
        fc.shuffledSubarray([...forbidding, ...others], { minLength: forbidding.length + others.length }),
      );
    fc.assert(
      fc.property(directives, statuses, (all, status) => {
        return reason({ status, response: says(all.join(", "), { etag: '"1"' }) }) !== undefined;
      }),
    );
  });

  test("§3.5 no response to Authorization is stored without must-revalidate, public or s-maxage", () => {
    const silent = ["max-age=60", "immutable", "proxy-revalidate", "no-cache", "stale-if-error=5"];
    fc.assert(
      fc.property(fc.subarray(silent), statuses, (directives, status) => {
        const response = says(directives.join(", "), { etag: '"1"', expires: dateAt(60) });
        return reason({ status, response, presented: CREDENTIALS }) !== undefined;
      }),
    );
  });
});
