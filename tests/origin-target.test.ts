// Answers: whether a target is read as the names that it spells, or refused.
// Owns: the claims about `lib/origin-target.ts`.
// Leaves out: what lies under the names (`origin-file.test.ts`), what Bun makes of a target (`origin-serve.test.ts`).
import { describe, expect, test } from "bun:test";
import { folderLocation, targetOf } from "../lib/origin-target.ts";

describe("a target", () => {
  test.each([
    ["http://h/", "folder:"],
    ["http://h", "folder:"],
    ["http://h?q", "folder:"],
    ["http://h/a/b", "a|b"],
    ["http://h/a/b/?q/../#f", "folder:a|b"],
    ["http://h/a#/../b?c", "a"],
    ["http://h/a%20b/%C3%BC", "a b|ü"],
    ["http://h/%252e%252e/a", "%2e%2e|a"],
    ["http://h//a", "nameless"],
    ["http://h/a//b", "nameless"],
    ["http://h/a//", "nameless"],
    ["http://h/.env", "nameless"],
    ["http://h/a/.git/b", "nameless"],
    ["http://h/%2eenv", "nameless"],
    ["http://h/a%2f..%2fb", "nameless"],
    ["http://h/%2Fetc%2Fpasswd", "nameless"],
    ["http://h/a%5cb", "nameless"],
    ["http://h/a%00b", "nameless"],
    ["http://h/%", "malformed"],
    ["http://h/a/%g0", "malformed"],
    ["http://h/%c3%28", "malformed"],
  ])("%s is read as %s", (url, read) => {
    expect(shown(targetOf(url, "h"))).toBe(read);
  });

  test.each([
    ["/a/b", "a|b"],
    ["/a/../../b", "nameless"],
    ["/..", "nameless"],
    ["/a\\..\\b", "nameless"],
  ])("%s of an HTTP/1.0 client without Host comes through raw and is read as %s", (url, read) => {
    expect(shown(targetOf(url, null))).toBe(read);
  });

  test.each([["a b"], ["a, b"], [""]])("RFC 9112 §3.2 with the Host %p is malformed", (host) => {
    expect(shown(targetOf("/a", host))).toBe("malformed");
  });

  test("RFC 9112 §3.2 with two Host fields is malformed although Bun makes a URL of it", () => {
    expect(shown(targetOf("http://a/a", "a, b"))).toBe("malformed");
  });
});

test.each([
  ["http://h/a%20b?c=d", "/a%20b/?c=d"],
  ["http://h/%C3%BC/x", "/%C3%BC/x/"],
  ["http://h/a%3Fb", "/a%3Fb/"],
])("the folder %s is found at %s", (url, location) => {
  const target = targetOf(url, "h");
  expect(target.kind === "path" && folderLocation(target)).toBe(location);
});

function shown(target: ReturnType<typeof targetOf>): string {
  if (target.kind !== "path") return target.kind;
  return `${target.folder ? "folder:" : ""}${target.names.join("|")}`;
}
