// Answers: whether CDN-Cache-Control governs this cache as RFC 9213 says.
// Owns: the claims about the targeted field in `lib/rfc9111/cache-control.ts`.
// Leaves out: Cache-Control itself (`cache-control.test.ts`), the lifetime that follows (`freshness.test.ts`).
import { describe, expect, test } from "bun:test";
import { responseDirectives, type ResponseDirectives } from "../../lib/rfc9111/cache-control.ts";
import { deltaSeconds, MAX_DELTA } from "../../lib/rfc9111/time.ts";

const NO_DIRECTIVES = responseDirectives(new Headers());

/** What governs a response with that targeted field, besides a Cache-Control that says `no-store`. */
function governing(targeted: string): ResponseDirectives {
  const fields: Record<string, string> = { "cdn-cache-control": targeted, "cache-control": "no-store" };
  return responseDirectives({ get: (name) => fields[name] ?? null });
}

describe("RFC 9213 §2.2 a valid targeted field takes the place of Cache-Control", () => {
  test.each<[string, Partial<ResponseDirectives>]>([
    ["max-age=60", { maxAge: deltaSeconds(60) }],
    ["s-maxage=60", { sMaxage: deltaSeconds(60) }],
    ["max-age=60, public", { maxAge: deltaSeconds(60), public: true }],
    ["max-age=60;ext=1", { maxAge: deltaSeconds(60) }],
    ["foo, max-age=60, bar=?0", { maxAge: deltaSeconds(60) }],
    ["max-age=99999999999", { maxAge: MAX_DELTA }],
    ["max-age=-1", { maxAge: deltaSeconds(0) }],
    ["max-age=5, max-age=60", { maxAge: deltaSeconds(60) }],
    ["no-cache", { noCache: true }],
    ["private=?1", { private: true }],
    ['private="set-cookie, x-user"', { private: ["set-cookie", "x-user"] }],
    ["must-revalidate, no-store=?0", { mustRevalidate: true }],
    ["stale-while-revalidate=5", { staleWhileRevalidate: deltaSeconds(5) }],
  ])("%s", (value, directives) => {
    expect(governing(value)).toEqual({ ...NO_DIRECTIVES, ...directives, source: "cdn-cache-control" });
  });
});

describe("RFC 9213 §2.1 a field that is empty or invalid is as if it were not there", () => {
  test.each([
    ["empty", ""],
    ["only white space", "   "],
    ["names in upper case, which is no Dictionary", "Max-Age=60"],
    ["a trailing comma", "max-age=60,"],
    ["an empty member", "max-age=60,,public"],
    ["white space around the equals sign", "max-age =60"],
    ["an argument that is no item", "max-age=@x"],
    ["a String where an Integer is meant", 'max-age="60"'],
    ["a Token where an Integer is meant", "max-age=sixty"],
    ["a Boolean where an Integer is meant", "max-age"],
    ["a Decimal where an Integer is meant", "max-age=60.5"],
    ["an Inner List", 'private=("set-cookie")'],
    ["no ASCII", "max-age=60, foo=\u00e4"],
  ])("%s", (_, value) => {
    expect(governing(value)).toEqual({ ...NO_DIRECTIVES, noStore: true });
  });

  test("RFC 9213 §3.1 another target's field is not for this cache", () => {
    const fields = new Headers({ "surrogate-control": "max-age=60", "browser-cache-control": "max-age=60" });
    expect(responseDirectives(fields)).toEqual(NO_DIRECTIVES);
  });
});
