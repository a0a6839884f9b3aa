// Answers: whether cache directives are read as §5.2 writes them.
// Owns: the claims about `lib/rfc9111/cache-control.ts` (§5.2, §5.4, RFC 5861, RFC 8246) but its targeted field.
// Leaves out: CDN-Cache-Control (`cache-control-targeted.test.ts`) and what follows from the directives.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  parseDirectives,
  requestDirectives,
  responseDirectives,
  type RequestDirectives,
  type ResponseDirectives,
} from "../../lib/rfc9111/cache-control.ts";
import { deltaSeconds, MAX_DELTA } from "../../lib/rfc9111/time.ts";
import { fieldText, LONG_TEXTS, quickestMs, TOO_LONG_MS } from "./test-values.ts";

const NO_RESPONSE_DIRECTIVES = responseDirectives(new Headers());

function ofResponse(cacheControl: string): ResponseDirectives {
  return responseDirectives({ get: (name) => (name === "cache-control" ? cacheControl : null) });
}

const SIXTY = deltaSeconds(60);

describe("§5.2.2 response directives", () => {
  test.each<[string, string, Partial<ResponseDirectives>]>([
    ["§5.2.2.1", "max-age=60", { maxAge: SIXTY }],
    ["§5.2.2.2", "must-revalidate", { mustRevalidate: true }],
    ["§5.2.2.3", "must-understand", { mustUnderstand: true }],
    ["§5.2.2.4", "no-cache", { noCache: true }],
    ["§5.2.2.5", "no-store", { noStore: true }],
    ["§5.2.2.6", "no-transform", {}],
    ["§5.2.2.7", "private", { private: true }],
    ["§5.2.2.8", "proxy-revalidate", { proxyRevalidate: true }],
    ["§5.2.2.9", "public", { public: true }],
    ["§5.2.2.10", "s-maxage=60", { sMaxage: SIXTY }],
    ["§5.2.3", "community=UCI", {}],
    ["RFC 5861 §3", "stale-while-revalidate=60", { staleWhileRevalidate: SIXTY }],
    ["RFC 5861 §4", "stale-if-error=60", { staleIfError: SIXTY }],
    ["RFC 8246 §2", "immutable", { immutable: true }],
    ["§5.2 any case", "Max-Age=60, PUBLIC", { maxAge: SIXTY, public: true }],
    ["§5.2 quoted argument", 'max-age="60"', { maxAge: SIXTY }],
    ["§5.2 escapes in a quoted argument", 'max-age="\\60"', { maxAge: SIXTY }],
    ["§5.2 empty members", ",max-age=60,,public,", { maxAge: SIXTY, public: true }],
    ["§5.2 a superfluous argument", "no-store=1", { noStore: true }],
    ["§5.2.3 a directive inside an unknown one's argument", 'foo="no-store, private"', {}],
    ["§4.2.1 the first of several", "max-age=60, max-age=5", { maxAge: SIXTY }],
    ["§1.2.2 saturation", "max-age=99999999999", { maxAge: MAX_DELTA }],
    ["no other name", "max-aged=60, x-max-age=60, no-stores, nostore, maxage=60", {}],
    ["nothing", "", {}],
  ])("%s: %s", (_, value, directives) => {
    expect(ofResponse(value)).toEqual({ ...NO_RESPONSE_DIRECTIVES, ...directives });
  });

  test.each([
    ["max-age"],
    ["max-age="],
    ['max-age=""'],
    ["max-age=-60"],
    ["max-age=60.0"],
    ["max-age=60s"],
    ["max-age=1e3"],
    ["max-age='60'"],
    ["max-age=6 0"],
    ["max-age= 60"],
    ["max-age =60"],
    ["max-age\t=60"],
    ["max-age=\t60"],
    ['max-age="60'],
    ['max-age=60"'],
    ['max-age="60\\"'],
    ["max-age=x, max-age=60"],
  ])("§4.2.1 invalid freshness information is stale: %j", (value) => {
    expect(ofResponse(value).maxAge).toBe(deltaSeconds(0));
  });

  test.each([
    ['private="set-cookie"', ["set-cookie"]],
    ['private="Set-Cookie, X-User"', ["set-cookie", "x-user"]],
    ["private=set-cookie", ["set-cookie"]],
    ['private=" set-cookie ,"', ["set-cookie"]],
  ])("§5.2.2.7 %s is for those fields only", (value, names) => {
    expect(ofResponse(value).private).toEqual(names);
    expect(ofResponse(value.replace("private", "no-cache")).noCache).toEqual(names);
  });

  test.each([
    ["private"],
    ["PRIVATE"],
    ["private="],
    ['private=""'],
    ['private=","'],
    ['private= "set-cookie"'],
    ['private="set-cookie'],
    ['private="set cookie"'],
    ["private='set-cookie'x\"y\""],
    ['private="{set-cookie}"'],
  ])("§5.2.2.7 an argument that names no field leaves the unqualified form: %s", (value) => {
    expect(ofResponse(value).private).toBe(true);
    expect(ofResponse(value.replace(/private/i, "no-cache")).noCache).toBe(true);
  });
});

describe("§5.2.1 request directives", () => {
  const none = requestDirectives(null);

  test.each<[string, string, Partial<RequestDirectives>]>([
    ["§5.2.1.1", "max-age=60", { maxAge: SIXTY }],
    ["§5.2.1.1", "max-age=0", { maxAge: deltaSeconds(0) }],
    ["§5.2.1.2", "max-stale=60", { maxStale: SIXTY }],
    ["§5.2.1.2 any staleness", "max-stale", { maxStale: MAX_DELTA }],
    ["§5.2.1.3", "min-fresh=60", { minFresh: SIXTY }],
    ["§5.2.1.4", "no-cache", { noCache: true }],
    ["§5.2.1.5", "no-store", { noStore: true }],
    ["§5.2.1.6", "no-transform", { noTransform: true }],
    ["§5.2.1.7", "only-if-cached", { onlyIfCached: true }],
    ["§5.2 any case, quoted", 'NO-CACHE, Max-Age="60"', { noCache: true, maxAge: SIXTY }],
    ["§5.2.3", "community=UCI", {}],
    ["unreadable times are absent", "max-age=x, max-stale=x, min-fresh=-1", {}],
    ["an empty argument is not no argument", "max-stale=", {}],
    ["nothing", "", {}],
  ])("%s: %s", (_, value, directives) => {
    expect(requestDirectives(value)).toEqual({ ...none, ...directives });
  });

  test("§5.4 Pragma has no meaning, and nothing is asked for without Cache-Control", () => {
    expect(Object.values(none)).toEqual([undefined, undefined, undefined, false, false, false, false]);
  });
});

describe("laws of cache-control", () => {
  test("parsing never throws on any text", () => {
    fc.assert(
      fc.property(fieldText, (text) => {
        parseDirectives(text);
        requestDirectives(text);
        responseDirectives({ get: () => text });
      }),
    );
  });

  test("§1.2.2 whatever comes, times are spans or absent", () => {
    const isSpan = (time: number | undefined) => time === undefined || (time >= 0 && time <= MAX_DELTA);
    fc.assert(
      fc.property(fieldText, (text) => {
        const { maxAge, sMaxage, staleIfError, staleWhileRevalidate } = ofResponse(`max-age=${text}`);
        const asked = requestDirectives(`max-stale=${text}`);
        const times = [maxAge, sMaxage, staleIfError, staleWhileRevalidate, asked.maxStale, asked.maxAge];
        return times.every(isSpan) && maxAge !== undefined;
      }),
    );
  });

  test("§5.2.3 an unknown directive changes nothing", () => {
    const known = ["max-age=60", "no-store", 'private="a, b"', "public", "must-revalidate", "no-cache"];
    const unknown = fc.stringMatching(/^x-[a-z]{1,8}(=([a-z]{1,8}|"[a-z, =]{0,8}"))?$/);
    fc.assert(
      fc.property(fc.subarray(known), unknown, (directives, extension) => {
        expect(ofResponse([extension, ...directives].join(", "))).toEqual(ofResponse(directives.join(", ")));
      }),
    );
  });

  test("§5.2 the order of directives does not matter", () => {
    const known = ["max-age=60", "no-store", 'private="a, b"', "public", "s-maxage=5", "immutable"];
    fc.assert(
      fc.property(fc.shuffledSubarray(known), (directives) => {
        expect(ofResponse(directives.join(","))).toEqual(ofResponse(directives.toReversed().join(" ,\t")));
      }),
    );
  });

  test.each(LONG_TEXTS)("16 KB of %s are parsed quickly", (_, text) => {
    const parse = () => [requestDirectives(text), responseDirectives({ get: () => text })];
    expect(quickestMs(parse)).toBeLessThan(TOO_LONG_MS);
  });
});
