// Answers: does a target mean the responses that it names, and no others?
// Owns: the claims about `lib/store/targets.ts`: the tags of a response, the kinds of targets, softly or not.
// Leaves out: removing them (`removals.ts`, `grouping.ts`), what Cache-Groups says (`../rfc9111/cache-groups.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { labelsOf, meets } from "../../lib/store/labels-of.ts";
import { EVERYTHING, parsedTarget, prefixTarget, softly, tagTarget } from "../../lib/store/targets.ts";

const KEY = "http://larder.test/menu";

const labels = (fields: Record<string, string>): readonly string[] =>
  labelsOf({ key: KEY, fields: new Headers(fields) });

describe("the tags of a response", () => {
  test.each([
    ["surrogate-key", "a b", ["a", "b"]],
    ["cache-tag", "a,b", ["a", "b"]],
    ["cache-tag", " a , b ,, ", ["a", "b"]],
    ["xkey", "a\tb", ["a", "b"]],
    ["surrogate-key", "a a b a", ["a", "b"]],
    ["surrogate-key", "A a", ["A", "a"]],
    ["cache-tag", "", []],
    ["xkey", " ,  ", []],
    ["xkey", '"a" b=c http://x/', ['"a"', "b=c", "http://x/"]],
  ])("%s: %j names %j", (field, value, tags) => {
    expect(labels({ [field]: value })).toEqual(tags.map(tagTarget));
  });

  test("those of several fields count once each, behind its groups", () => {
    const fields = { "cache-groups": '"a"', "surrogate-key": "a b", "cache-tag": "b,c", xkey: "c d" };
    expect(labels(fields)).toEqual(["http://larder.test\na", ...["a", "b", "c", "d"].map(tagTarget)]);
  });

  test("a response without any has no label", () => {
    expect(labels({ "cache-control": "max-age=60" })).toEqual([]);
  });

  test("there are limits: 1024 labels, and 1024 letters each", () => {
    const many = Array.from({ length: 1100 }, (_, at) => `t${at}`);
    expect(labels({ "cache-groups": '"g"', xkey: many.join(" ") })).toHaveLength(1024);
    expect(labels({ xkey: `${"x".repeat(1024)} ${"y".repeat(1025)} z` })).toEqual(
      ["x".repeat(1024), "z"].map(tagTarget),
    );
  });
});

const TARGETS = [
  [KEY, { kind: "uri", name: KEY }],
  ["http://larder.test\nmenu", { kind: "group", name: "http://larder.test\nmenu" }],
  [tagTarget("menu"), { kind: "tag", name: "menu" }],
  [prefixTarget("http://larder.test/"), { kind: "prefix", name: "http://larder.test/" }],
  [EVERYTHING, { kind: "all", name: "" }],
] as const;

test.each(TARGETS)("%j is taken apart, softly or not", (target, parts) => {
  expect(parsedTarget(target)).toEqual({ ...parts, isSoft: false });
  expect(parsedTarget(softly(target))).toEqual({ ...parts, isSoft: true });
  expect(softly(softly(target))).toBe(softly(target));
});

describe("a target means", () => {
  const head = {
    key: KEY,
    fields: new Headers({ "cache-groups": '"menu", "g"', "surrogate-key": "menu t" }),
  };
  test.each<[string, boolean]>([
    [KEY, true],
    [`${KEY}?`, false],
    ["http://larder.test/men", false],
    ["http://larder.test\ng", true],
    ["http://larder.test\nt", false],
    ["http://other.test\ng", false],
    [tagTarget("t"), true],
    [tagTarget("g"), false],
    [tagTarget("T"), false],
    [tagTarget(""), false],
    [tagTarget(KEY), false],
    [prefixTarget("http://larder.test/men"), true],
    [prefixTarget(KEY), true],
    [prefixTarget(`${KEY}/`), false],
    [prefixTarget("HTTP://larder.test/"), false],
    [EVERYTHING, true],
  ])("%j: %p", (target, isMeant) => {
    for (const one of [target, softly(target), parsedTarget(target), parsedTarget(softly(target))])
      expect(meets(one, head)).toBe(isMeant);
  });
});

describe("law", () => {
  const word = fc.stringMatching(/^[!-+\--~]{1,12}$/);
  const name = fc.stringMatching(/^[a-z:/.\- ]{1,12}$/);
  const host = fc.constantFrom("a.test", "tag", "prefix", "all", "soft");
  const key = fc.tuple(host, fc.webPath()).map(([at, path]) => `http://${at}${path || "/"}`);
  const target = fc.oneof(
    key.map((uri) => ({ kind: "uri", text: uri, name: uri })),
    fc.tuple(host, name).map(([at, group]) => {
      const text = `http://${at}\n${group}`;
      return { kind: "group", text, name: text };
    }),
    word.map((tag) => ({ kind: "tag", text: tagTarget(tag), name: tag })),
    key.map((prefix) => ({ kind: "prefix", text: prefixTarget(prefix), name: prefix })),
    fc.constant({ kind: "all", text: EVERYTHING, name: "" }),
  );

  test("whatever it is called, a target is read as what it was made as", () => {
    fc.assert(
      fc.property(target, fc.boolean(), ({ kind, text, name: named }, isSoft) => {
        expect<object>(parsedTarget(isSoft ? softly(text) : text)).toEqual({ kind, name: named, isSoft });
      }),
    );
  });

  test("a response is meant by each of its labels, and by no label that it has not", () => {
    const tags = fc.array(word, { maxLength: 5 });
    fc.assert(
      fc.property(key, tags, fc.array(name, { maxLength: 3 }), target, (uri, has, groups, other) => {
        const fields = new Headers({
          "surrogate-key": has.join(" "),
          "cache-groups": groups.map((group) => `"${group}"`).join(", "),
        });
        const head = { key: uri, fields };
        const own = labelsOf(head);
        for (const label of own) expect(meets(label, head)).toBe(true);
        const expected = {
          uri: uri === other.name,
          group: own.includes(other.text),
          tag: has.includes(other.name),
          prefix: uri.startsWith(other.name),
          all: true,
        }[other.kind];
        expect(meets(other.text, head)).toBe(expected ?? false);
      }),
    );
  });
});
