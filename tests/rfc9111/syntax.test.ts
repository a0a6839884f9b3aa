// Answers: whether field values fall into the parts that RFC 9110 gives them.
// Owns: the claims about `lib/rfc9111/syntax.ts` (RFC 9110 §5.6.1, §5.6.2, §5.6.4, §8.8.3, §12.4.2).
// Leaves out: what the parts mean (the tests of the files that use them).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  isToken,
  listMembers,
  parseEntityTag,
  parseEntityTags,
  stronglyEqual,
  unquoted,
  weaklyEqual,
  weightedMembers,
} from "../../lib/rfc9111/syntax.ts";
import { fieldText, LONG_TEXTS, quickestMs, TOO_LONG_MS } from "./test-values.ts";

describe("RFC 9110 §5.6.1 lists", () => {
  test.each<[string, string[]]>([
    ["", []],
    ["a", ["a"]],
    ["a,b", ["a", "b"]],
    [" a ,\tb\t", ["a", "b"]],
    [",a,, ,b,", ["a", "b"]],
    ['a="b, c", d', ['a="b, c"', "d"]],
    ['"a\\"b, c", d', ['"a\\"b, c"', "d"]],
    ['"a\\\\", d', ['"a\\\\"', "d"]],
    ['"", a', ['""', "a"]],
    ["a b, c", ["a b", "c"]],
  ])("%j has the members %j", (value, members) => {
    expect(listMembers(value)).toEqual(members);
  });

  test("a quote that is never closed hides nothing behind it", () => {
    expect(listMembers('a, "b, c')).toEqual(["a", '"b', "c"]);
    expect(listMembers('a="x, y", b="c, no-store, d="')).toEqual(['a="x, y"', 'b="c, no-store, d="']);
    expect(listMembers('max-age=60, foo="bar, no-store')).toEqual(["max-age=60", 'foo="bar', "no-store"]);
  });
});

describe("RFC 9110 §5.6.4 quoted strings", () => {
  test.each([
    ['"a"', "a"],
    ['""', ""],
    ['"a\\"b"', 'a"b'],
    ['"a\\\\"', "a\\"],
    ['"\\a"', "a"],
    ["a", "a"],
    ['"a', '"a'],
    ['"', '"'],
    ['"a\\"', '"a\\"'],
    ['"a"b"', '"a"b"'],
  ])("the text of %j is %j", (value, text) => {
    expect(unquoted(value)).toBe(text);
  });
});

describe("RFC 9110 §5.6.2 tokens", () => {
  test.each(["a", "A-Z0-9", "!#$%&'*+-.^_`|~"])("%j is one", (value) => {
    expect(isToken(value)).toBe(true);
  });

  test.each(["", " a", "a b", "a,b", "a=b", '"a"', "a(b)", "ä", "a\n"])("%j is none", (value) => {
    expect(isToken(value)).toBe(false);
  });
});

describe("RFC 9110 §8.8.3 entity-tags", () => {
  test.each([
    ['"1"', '"1"', true, true],
    ['W/"1"', 'W/"1"', false, true],
    ['W/"1"', '"1"', false, true],
    ['W/"1"', 'W/"2"', false, false],
    ['"1"', '"2"', false, false],
    ['"a"', '"A"', false, false],
    ['w/"1"', '"1"', false, false],
    ["1", "1", true, true],
    ["1", '"1"', false, false],
  ])("§8.8.3.2 %s and %s: strongly equal %p, weakly equal %p", (one, other, strongly, weakly) => {
    const [a, b] = [parseEntityTag(one), parseEntityTag(other)];
    expect([stronglyEqual(a, b), weaklyEqual(a, b)]).toEqual([strongly, weakly]);
  });

  test.each([
    ['"1"', ['"1"']],
    ['"1", W/"2","3"', ['"1"', 'W/"2"', '"3"']],
    ['"a,b", "c"', ['"a,b"', '"c"']],
    ['"a\\", "b"', ['"a\\"', '"b"']],
    ['""', ['""']],
    ["1, 2 ", ["1", "2"]],
    [", ,", []],
    ["", []],
  ])("§13.1.2 the list %s is %j", (value, tags) => {
    const members = parseEntityTags(value).map(({ weak, opaque }) => (weak ? `W/${opaque}` : opaque));
    expect(members).toEqual(tags);
  });
});

describe("RFC 9110 §12.4.2 weights", () => {
  test.each<[string, [string, number][]]>([
    ["", []],
    ["a", [["a", 1000]]],
    [
      "a;q=0.5, b",
      [
        ["a", 500],
        ["b", 1000],
      ],
    ],
    ["a;q=0", [["a", 0]]],
    ["a;q=0.001", [["a", 1]]],
    ["a;q=1.000", [["a", 1000]]],
    ["a ; Q=0.5", [["a", 500]]],
    ["text/html;level=1;q=0.3", [["text/html;level=1", 300]]],
    ["text/html ; level=1", [["text/html;level=1", 1000]]],
    ["*;q=0.1", [["*", 100]]],
  ])("%j has the members %j", (value, members) => {
    expect(weightedMembers(value).map(({ range, weight }) => [range, weight])).toEqual(members);
  });

  test.each(["a;q=", "a;q=x", "a;q=2", "a;q=0.1234", "a;q=-1"])(
    "an unreadable weight counts as 1: %s",
    (value) => {
      expect(weightedMembers(value)[0]?.weight).toBe(1000);
    },
  );
});

describe("laws of syntax", () => {
  test("members are trimmed, not empty, and stay the same when listed again", () => {
    fc.assert(
      fc.property(fieldText, (text) => {
        const members = listMembers(text);
        expect(members).not.toContain("");
        expect(listMembers(members.join(", "))).toEqual(members);
      }),
    );
  });

  test("§5.6.4 a quoted string gives back what was quoted", () => {
    fc.assert(fc.property(fieldText, (text) => unquoted(`"${text.replaceAll(/["\\]/g, "\\$&")}"`) === text));
  });

  test("§8.8.3.2 comparing is symmetric, and strong equality implies weak", () => {
    fc.assert(
      fc.property(fieldText, fieldText, (one, other) => {
        const [a, b] = [parseEntityTag(one), parseEntityTag(other)];
        expect(weaklyEqual(a, b)).toBe(weaklyEqual(b, a));
        expect(stronglyEqual(a, b)).toBe(stronglyEqual(b, a));
        expect(!stronglyEqual(a, b) || weaklyEqual(a, b)).toBe(true);
        expect(weaklyEqual(a, a)).toBe(true);
      }),
    );
  });

  test("parsing never throws, and weights are 0 to 1000", () => {
    fc.assert(
      fc.property(fieldText, (text) => {
        parseEntityTags(text);
        isToken(text);
        return weightedMembers(text).every(({ weight }) => weight >= 0 && weight <= 1000);
      }),
    );
  });

  test.each(LONG_TEXTS)("16 KB of %s are split into members quickly", (_, text) => {
    expect(quickestMs(() => listMembers(text))).toBeLessThan(TOO_LONG_MS);
  });

  test.each(LONG_TEXTS)("16 KB of %s are read as weighted members quickly", (_, text) => {
    expect(quickestMs(() => weightedMembers(text))).toBeLessThan(TOO_LONG_MS);
  });

  test.each(LONG_TEXTS)("16 KB of %s are read as entity-tags and quoted strings quickly", (_, text) => {
    expect(quickestMs(() => [parseEntityTags(text), unquoted(text)])).toBeLessThan(TOO_LONG_MS);
  });
});
