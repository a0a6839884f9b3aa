// Answers: does a request reach the origin that its path is for, and no other by pretence?
// Owns: the claims about `lib/origins/routes.ts`.
// Leaves out: how a route is typed (`option-values.test.ts`), the choice within a pool (`pool.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { routesOf } from "./scripted-routes.ts";

const ROUTES = routesOf("/=main", "/api=api", "/api/v2=new", "/a=short");

describe("the longest prefix wins", () => {
  test.each([
    ["/", "/"],
    ["/?/api", "/"],
    ["*", "/"],
    ["/api", "/api"],
    ["/api/", "/api"],
    ["/api/x?y", "/api"],
    ["/api?x=/api/v2", "/api"],
    ["/api//x", "/api"],
    ["/api/v2", "/api/v2"],
    ["/api/v2/x", "/api/v2"],
    ["/api/v2x", "/api"],
    ["/apis", "/"],
    ["/api.html", "/"],
    ["/a", "/a"],
    ["/a/pi", "/a"],
    ["/x/api", "/"],
  ])("%s is under %s", (target, prefix) => expect(ROUTES.for(target)?.prefix).toBe(prefix));
});

describe("the raw path is compared, as the origin will see it", () => {
  test.each(["/API", "//api", "/%61pi", "/api%2fx", "/api%3Fx", "/api;x", "/api\\x", "/ap%69/x", "/api#x"])(
    "%s is not /api",
    (target) => expect(ROUTES.for(target)?.prefix).toBe("/"),
  );
});

describe("RFC 3986 §5.2.4: a path that climbs", () => {
  test.each([
    "/api/../admin",
    "/x/../api/y",
    "/./api",
    "/api/.",
    "/api/..",
    "/api/..?x",
    "/api/%2e%2e/admin",
    "/api/.%2E/admin",
    "/api/%2E/admin",
    "/api/..%2fadmin",
    "/api/x%2F..%2F..%2Fadmin",
    "/api/..\\admin",
    "/api/..%5Cadmin",
    "/api\\..\\admin",
    "/api//../admin",
    "/api/..;/admin",
    "/api/..;v=1/admin",
    "/api/%2e%2e%3b/admin",
    "/..",
  ])("%s has no route where prefixes tell origins apart", (target) => {
    expect([ROUTES.for(target), routesOf("/api=api").for(target)]).toEqual([undefined, undefined]);
  });

  test.each(["/api/../admin", "/..", "/%2e%2e/x", "/a/./b"])(
    "%s passes where all goes to one pool",
    (target) => {
      expect(routesOf("/=a", "/=b").for(target)?.prefix).toBe("/");
    },
  );

  test.each([
    "/api/...",
    "/api/.well-known",
    "/api/a..",
    "/api/..a",
    "/api/a.b",
    "/api/%2e%2e%2e",
    "/api/x?/../",
  ])("%s does not climb", (target) => expect(ROUTES.for(target)?.prefix).toBe("/api"));
});

test("what no prefix matches has no route", () => {
  const routes = routesOf("/api=api");
  expect([routes.for("/"), routes.for("/apis"), routes.for("*"), routes.for("/api")?.prefix]).toEqual([
    undefined,
    undefined,
    undefined,
    "/api",
  ]);
});

test("origins of one prefix are a pool, in the order in which they are named", () => {
  const routes = routesOf("/=b", "/api=c", "/=a");
  expect(routes.pools.map(({ prefix, origins }) => [prefix, ...origins.map(({ url }) => url)])).toEqual([
    ["/api", "http://c"],
    ["/", "http://b", "http://a"],
  ]);
});

test("an origin that serves several prefixes has one set of places and one breaker", () => {
  const routes = routesOf("/=a", "/api=a", "/api=b");
  expect(routes.origins.map(({ url }) => url)).toEqual(["http://a", "http://b"]);
  expect(routes.for("/api")?.origins[0]).toBe(routes.for("/")!.origins[0]!);
});

test("law: of all prefixes that are the path or end at a slash in it, it is the longest", () => {
  const segment = fc.constantFrom("a", "b", "ab", "A", "");
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join("/")}`);
  const prefix = fc
    .array(fc.constantFrom("a", "b", "ab"), { maxLength: 3 })
    .map((names) => `/${names.join("/")}`);
  fc.assert(
    fc.property(fc.uniqueArray(prefix, { minLength: 1, maxLength: 6 }), path, (prefixes, target) => {
      const routes = routesOf(...prefixes.map((one) => `${one}=origin`));
      const steps = target.split("/");
      const isPrefix = (one: string): boolean => {
        const names = one === "/" ? [""] : one.split("/");
        return names.every((name, index) => name === steps[index]);
      };
      const [longest] = prefixes.filter(isPrefix).sort((a, b) => b.length - a.length);
      expect(routes.for(target)?.prefix).toBe(longest);
      expect(routes.for(`${target}?q=/a/../b`)?.prefix).toBe(longest);
    }),
    { numRuns: 500 },
  );
});
