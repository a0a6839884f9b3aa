// Answers: whether a client is told that it already has the stored response just when it has.
// Owns: the claims about `lib/rfc9111/preconditions.ts` (§4.3.2, RFC 9110 §13.1.2, §13.1.3, §13.1.5, §13.2).
// Leaves out: If-Match and If-Unmodified-Since, which are forwarded (`reuse.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ifRangeHolds, isNotModified, NOT_IN_304 } from "../../lib/rfc9111/preconditions.ts";
import {
  dateAt,
  fieldText,
  LONG_TEXTS,
  NOW,
  quickestMs,
  storedResponse,
  TOO_LONG_MS,
} from "./test-values.ts";

type Fields = Record<string, string>;

const tagged = storedResponse({ fields: { etag: '"1"', "last-modified": dateAt(-1000) } });
const weak = storedResponse({ fields: { etag: 'W/"1"' } });
const dated = storedResponse({ fields: { "last-modified": dateAt(-1000) } });
const bare = storedResponse();

function notModified(fields: Fields, stored = tagged): boolean {
  return isNotModified(new Headers(fields), stored, NOW);
}

describe("RFC 9110 §13.1.2 If-None-Match", () => {
  test.each([
    ['"1"', true],
    ['W/"1"', true],
    ['"0", "1"', true],
    ['"0","1","2"', true],
    ['"0", W/"1"', true],
    ["*", true],
    [" * ", true],
    ['"2"', false],
    ["1", false],
    ['"1', false],
    ['w/"1"', false],
    ['"0, 1"', false],
    ["", false],
  ])('%j against the entity-tag "1": not modified %p', (ifNoneMatch, result) => {
    expect(notModified({ "if-none-match": ifNoneMatch })).toBe(result);
  });

  test("a weak entity-tag matches by weak comparison", () => {
    expect(notModified({ "if-none-match": '"1"' }, weak)).toBe(true);
    expect(notModified({ "if-none-match": 'W/"1"' }, weak)).toBe(true);
  });

  test("an entity-tag with a comma or a backslash is one", () => {
    const odd = storedResponse({ fields: { etag: '"a,\\"' } });
    expect(notModified({ "if-none-match": '"x", "a,\\"' }, odd)).toBe(true);
  });

  test("* matches a response without entity-tag, a tag does not", () => {
    expect(notModified({ "if-none-match": "*" }, bare)).toBe(true);
    expect(notModified({ "if-none-match": '"1"' }, bare)).toBe(false);
  });

  test("an entity-tag that came without quotes matches as it came", () => {
    const unquoted = storedResponse({ fields: { etag: "abc" } });
    expect(notModified({ "if-none-match": "abc" }, unquoted)).toBe(true);
    expect(notModified({ "if-none-match": '"abc"' }, unquoted)).toBe(false);
  });
});

describe("RFC 9110 §13.1.3 If-Modified-Since", () => {
  test.each([
    ["equal to Last-Modified", dateAt(-1000), true],
    ["later", dateAt(-999), true],
    ["earlier", dateAt(-1001), false],
    ["in RFC 850 form", "Friday, 15-Jan-27 08:00:00 GMT", true],
    ["in letters of any case", dateAt(-1000).toLowerCase(), true],
    ["no date", "yesterday", false],
    ["in another zone", dateAt(-1000).replace("GMT", "CET"), false],
    ["two dates, which are none", `${dateAt(-1000)}, ${dateAt(-999)}`, false],
  ])("%s", (_, since, result) => {
    expect(notModified({ "if-modified-since": since }, dated)).toBe(result);
  });

  test("§4.3.2 Date stands in where there is no Last-Modified", () => {
    expect(notModified({ "if-modified-since": dateAt(0) }, bare)).toBe(true);
    expect(notModified({ "if-modified-since": dateAt(-1) }, bare)).toBe(false);
  });

  test("§4.3.2 the time it was received stands in where there is no Date either", () => {
    const undated = storedResponse({ fields: { "cache-control": "max-age=60", date: "never" } });
    expect(notModified({ "if-modified-since": dateAt(0) }, undated)).toBe(true);
    expect(notModified({ "if-modified-since": dateAt(-1) }, undated)).toBe(false);
  });

  test("an unreadable Last-Modified says nothing", () => {
    const odd = storedResponse({ fields: { "last-modified": "yesterday" } });
    expect(notModified({ "if-modified-since": dateAt(0) }, odd)).toBe(false);
  });

  test.each([
    ["the tag matches", { "if-none-match": '"1"', "if-modified-since": dateAt(-5000) }, true],
    ["the tag does not match", { "if-none-match": '"2"', "if-modified-since": dateAt(0) }, false],
  ])("§4.3.2 it is ignored beside If-None-Match: %s", (_, fields, result) => {
    expect(notModified(fields)).toBe(result);
  });
});

describe("RFC 9110 §13.2.1 preconditions count only for a successful response", () => {
  test.each([
    [200, true],
    [206, true],
    [301, false],
    [404, false],
    [410, false],
    [503, false],
  ])("%i: not modified %p", (status, result) => {
    const stored = storedResponse({ status, fields: { etag: '"1"' } });
    expect(notModified({ "if-none-match": '"1"' }, stored)).toBe(result);
  });

  test("without preconditions everything counts as modified", () => {
    expect(notModified({})).toBe(false);
  });
});

describe("RFC 9110 §13.1.5 If-Range", () => {
  const sameSecond = storedResponse({ fields: { "last-modified": dateAt(0) } });
  const secondBefore = storedResponse({ fields: { "last-modified": dateAt(-1) } });

  test.each([
    ["there is none", null, tagged, true],
    ["the strong tag", '"1"', tagged, true],
    ["another tag", '"2"', tagged, false],
    ["a weak form of the strong tag", 'W/"1"', tagged, false],
    ["a weak tag, even the same", 'W/"1"', weak, false],
    ["the strong form of a weak tag", '"1"', weak, false],
    ["a tag where none is stored", '"1"', dated, false],
    ["a list, which it cannot be", '"0", "1"', tagged, false],
    ["*, which it cannot be", "*", tagged, false],
    ["the date of Last-Modified", dateAt(-1000), dated, true],
    ["a later date: it must be equal", dateAt(-999), dated, false],
    ["an earlier date", dateAt(-1001), dated, false],
    ["a date where there is no Last-Modified", dateAt(0), bare, false],
    ["no date", "yesterday", dated, false],
    ["§8.8.2.2 a date a second before Date is strong", dateAt(-1), secondBefore, true],
    ["§8.8.2.2 a date in the second of Date is weak", dateAt(0), sameSecond, false],
  ])("%s", (_, ifRange, stored, result) => {
    expect(ifRangeHolds(ifRange, stored, NOW)).toBe(result);
  });
});

describe("RFC 9110 §15.4.5 a 304", () => {
  test.each(["cache-control", "content-location", "date", "etag", "expires", "vary"])(
    "carries %s",
    (name) => {
      expect(NOT_IN_304).not.toContain(name);
    },
  );
});

describe("laws of preconditions", () => {
  test("§4.3.2 nothing that a client sends makes them throw", () => {
    fc.assert(
      fc.property(fieldText, fieldText, (asked, validator) => {
        const validators = { etag: validator, lastModified: validator };
        isNotModified({ get: () => asked }, { ...tagged, validators }, NOW);
        isNotModified({ get: (name) => (name === "if-modified-since" ? asked : null) }, tagged, NOW);
        ifRangeHolds(asked, { ...tagged, validators }, NOW);
      }),
    );
  });

  test("§8.8.3.2 a client that sends back a quoted tag, weak or strong, alone or in a list, is told", () => {
    const opaque = fc.stringMatching(/^[!#-~\x80-\xff]{0,12}$/);
    fc.assert(
      fc.property(opaque, fc.boolean(), fc.array(opaque, { maxLength: 3 }), (tag, isWeak, others) => {
        const etag = `${isWeak ? "W/" : ""}"${tag}"`;
        const stored = { ...tagged, validators: { etag, lastModified: undefined } };
        const list = [...others.map((other) => `"${other}"`), etag].join(", ");
        return isNotModified(new Headers({ "if-none-match": list }), stored, NOW);
      }),
    );
  });

  test("§13.1.5 If-Range never holds by a weak tag", () => {
    fc.assert(
      fc.property(fieldText, (text) => {
        const stored = { ...tagged, validators: { etag: `W/${text}`, lastModified: undefined } };
        return !ifRangeHolds(text, stored, NOW) && !ifRangeHolds(`W/${text}`, stored, NOW);
      }),
    );
  });

  test.each(LONG_TEXTS)("16 KB of %s are compared quickly", (_, text) => {
    const compare = () => [
      isNotModified({ get: () => text }, tagged, NOW),
      ifRangeHolds(text, { ...tagged, validators: { etag: text, lastModified: text } }, NOW),
    ];
    expect(quickestMs(compare)).toBeLessThan(TOO_LONG_MS);
  });
});
