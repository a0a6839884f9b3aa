// Answers: which groups does a response name?
// Owns: the claims about `lib/rfc9111/cache-groups.ts` (RFC 9875).
// Leaves out: what becomes of a group (`../proxy-groups.test.ts`), the index (`../store/grouping.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { groupTargets, originOf, originOfGroup } from "../../lib/rfc9111/cache-groups.ts";

const URI = "http://larder.test:8001/a?b#c";
const named = (field: string | null): string[] =>
  groupTargets(URI, field).map((target) => target.slice("http://larder.test:8001\n".length));

describe("RFC 9875 §2 groups are a List of Strings", () => {
  test.each<[string | null, string[]]>([
    [null, []],
    ["", []],
    ['"a"', ["a"]],
    ['"a", "b"', ["a", "b"]],
    ['"a";x=1, "b"', ["a", "b"]],
    ['"a", "a"', ["a"]],
    ['"A", "a"', ["A", "a"]],
    ['"with \\"quotes\\" and, comma"', ['with "quotes" and, comma']],
    ['""', [""]],
    ["a, b", []],
    ['"a", b', []],
    ['"a", 1', []],
    ['"a" "b"', []],
    ['("a" "b")', []],
    ['"a', []],
    ['"a",', []],
  ])("%p", (field, names) => expect(named(field)).toEqual(names));

  test("at least 32 groups, and 32 letters of each, are kept; one that is too long takes no other with it", () => {
    const many = Array.from({ length: 300 }, (_, at) => `group-${at}`);
    const field = many.map((name) => `"${name}"`).join(", ");
    expect(named(field)).toEqual(many.slice(0, 256));
    expect(named(`"${"x".repeat(32)}", "${"y".repeat(5000)}", "z"`)).toEqual(["x".repeat(32), "z"]);
  });

  test("no text makes it throw, and what it names is of the origin", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
        for (const target of groupTargets(URI, text))
          expect(originOfGroup(target)).toBe("http://larder.test:8001");
      }),
    );
  });
});

test.each([
  ["http://a.test", "http://a.test"],
  ["http://a.test/", "http://a.test"],
  ["http://a.test:81?x/y", "http://a.test:81"],
  ["http://[::1]:81/x", "http://[::1]:81"],
])("RFC 9110 §4.3.1 the origin of %s", (uri, origin) => {
  expect(originOf(uri)).toBe(origin);
  expect(originOfGroup(uri)).toBeUndefined();
});
