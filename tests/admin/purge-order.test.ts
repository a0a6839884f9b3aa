// Answers: is an order to purge read as what it says, or is one line said about what is wrong with it?
// Owns: the claims about `lib/admin/purge-order.ts`.
// Leaves out: what targets mean (`../store/targets.test.ts`), who may order (`guard.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { purgeOrder } from "../../lib/admin/purge-order.ts";
import { EVERYTHING, parsedTarget, prefixTarget, softly, tagTarget } from "../../lib/store/targets.ts";

const order = (value: unknown): object => purgeOrder(JSON.stringify(value));

const RIGHT: readonly (readonly [object, readonly string[]])[] = [
  [{ url: "http://a.test/b?c" }, ["http://a.test/b?c"]],
  [{ url: "http://a.test/b#c" }, ["http://a.test/b"]],
  [{ url: "http://a.test" }, ["http://a.test", "http://a.test/"]],
  [{ url: "HTTP://A.test:80/b" }, ["HTTP://A.test:80/b", "http://a.test/b"]],
  [{ url: "http://a.test/b|c" }, [...new Set(["http://a.test/b|c", new URL("http://a.test/b|c").href])]],
  [{ url: ["http://a.test/1", "http://a.test/2"] }, ["http://a.test/1", "http://a.test/2"]],
  [{ prefix: "http://a.test/b" }, [prefixTarget("http://a.test/b")]],
  [{ prefix: "http://a.test" }, [prefixTarget("http://a.test/")]],
  [{ prefix: "http://a.test:8" }, [prefixTarget("http://a.test:8/")]],
  [{ prefix: "https://A.test/b" }, [prefixTarget("https://A.test/b"), prefixTarget("https://a.test/b")]],
  [{ tag: "menu" }, [tagTarget("menu")]],
  [{ tag: ["a", "b"] }, [tagTarget("a"), tagTarget("b")]],
  [{ tag: "soft x" }, [tagTarget("soft x")]],
  [{ group: "g", origin: "http://a.test" }, ["http://a.test\ng"]],
  [{ group: ["g", "h"], origin: "HTTP://A.test:80/b" }, ["http://a.test\ng", "http://a.test\nh"]],
  [{ group: "g", origin: "http://a.test:81" }, ["http://a.test:81\ng"]],
  [{ all: true }, [EVERYTHING]],
];

describe("what is right", () => {
  test.each(RIGHT)("%j", (value, targets) => {
    expect(order(value)).toEqual({ targets });
    expect(order({ ...value, soft: false })).toEqual({ targets });
    expect(order({ ...value, soft: true })).toEqual({ targets: targets.map(softly) });
  });

  test("up to a thousand names", () => {
    const names = Array.from({ length: 1000 }, (_, at) => `t${at}`);
    expect(order({ tag: names })).toEqual({ targets: names.map(tagTarget) });
    expect(order({ tag: [...names, "x"] })).toHaveProperty("wrong");
  });
});

const LIST = "expected a text, or a list of up to 1000";
const WHOLE = "expected it with scheme and host, such as http://example.com/a";

const WRONG: readonly (readonly [string, string])[] = [
  ["", 'expected a JSON object such as { "url": "http://example.com/" }'],
  ["{", 'expected a JSON object such as { "url": "http://example.com/" }'],
  ...["null", "[]", '"all"', "1", "true", '[{"all":true}]', '{"all":true}x'].map(
    (text) => [text, 'expected a JSON object such as { "url": "http://example.com/" }'] as const,
  ),
  ["{}", "expected one of url, prefix, tag, group, all"],
  ['{"soft":true}', "expected one of url, prefix, tag, group, all"],
  ['{"tag":"a","url":"http://a.test/"}', "expected one of url, prefix, tag, group, all"],
  ['{"all":true,"tag":null}', "expected one of url, prefix, tag, group, all"],
  ['{"tags":["a"]}', "unknown: tags"],
  ['{"tag":"a","Soft":true,"x":1}', "unknown: Soft, x"],
  ['{"__proto__":{"all":true}}', "unknown: __proto__"],
  ['{"tag":"a","soft":1}', "soft: expected true or false"],
  ['{"tag":"a","soft":null}', "soft: expected true or false"],
  ['{"tag":"a","soft":"true"}', "soft: expected true or false"],
  ['{"all":false}', "all: expected true"],
  ['{"all":"yes"}', "all: expected true"],
  ['{"tag":"a","origin":"http://a.test"}', "origin: goes with group only"],
  ['{"all":true,"origin":"http://a.test"}', "origin: goes with group only"],
  ...["null", '""', "[]", "1", "{}", '["a",1]', '["a",""]', '[["a"]]', '"a\\nb"', '"a\\u0000"'].map(
    (tag) => [`{"tag":${tag}}`, `tag: ${LIST}`] as const,
  ),
  ...["/a", "a.test/a", "ftp://a.test/", "//a.test/", "http://", "http:/a", "javascript:1"].flatMap((url) => [
    [`{"url":"${url}"}`, `url: ${WHOLE}`] as const,
    [`{"prefix":"${url}"}`, `prefix: ${WHOLE}`] as const,
  ]),
  ['{"url":["http://a.test/","b"]}', `url: ${WHOLE}`],
  ['{"url":"http://a.test/\\r\\nx"}', `url: ${LIST}`],
  ...["", ',"origin":1', ',"origin":"a.test"', ',"origin":"data:x"', ',"origin":["http://a.test"]'].map(
    (origin) =>
      [
        `{"group":"g"${origin}}`,
        'group: expected its origin too, such as { "group": "a", "origin": "http://example.com" } (RFC 9875)',
      ] as const,
  ),
];

describe("what is wrong is said in one line", () => {
  test.each(WRONG)("%j", (text, wrong) => expect(purgeOrder(text)).toEqual({ wrong }));
});

test("law: whatever comes, it is targets or one line, and a name never becomes another kind of target", () => {
  const kind = fc.constantFrom("url", "prefix", "tag", "group", "all");
  const value = fc.oneof(fc.string(), fc.array(fc.string()), fc.webUrl(), fc.jsonValue());
  fc.assert(
    fc.property(kind, value, fc.boolean(), (name, given, soft) => {
      const origin = name === "group" ? { origin: "http://a.test" } : {};
      const said = purgeOrder(JSON.stringify({ [name]: given, soft, ...origin }));
      if ("wrong" in said) return void expect(said.wrong).not.toMatch(/[\x00-\x1f]/);
      const kinds = said.targets.map((target) => parsedTarget(target));
      for (const one of kinds) expect([one.kind, one.isSoft]).toEqual([name === "url" ? "uri" : name, soft]);
      return undefined;
    }),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.string(), (text) => void expect(purgeOrder(text)).toBeObject()));
});
