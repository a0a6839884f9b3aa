// Answers: can a client have a response stored under another key than the origin made it for?
// Owns: the attacks on the cache key: target, Host, Vary, names and numbers of fields.
// Leaves out: fields that are in no key (`believed-fields.test.ts`).
import { describe, expect, test } from "bun:test";
import { type Larder, withLarder } from "../larder-under-test.ts";
import { ask } from "../socket-client.ts";
import { lines, rawAsk } from "./raw-bytes.ts";

const FRESH = { "Cache-Control": "max-age=60" };

/** An origin that says what it was asked for; all of it may be stored. */
function echo(larder: Larder): string {
  larder.origin.script((asked) =>
    asked.reply({ fields: FRESH, body: `${asked.get("host")} ${asked.target}` }),
  );
  return larder.serve();
}

describe("absolute-form against Host", () => {
  test(
    "what the origin is asked for, and what it is stored for, is the same host",
    withLarder(async (larder) => {
      const url = echo(larder);
      const [odd] = await rawAsk(url, lines("GET http://evil.test/x HTTP/1.1"));
      expect(odd?.body).toBe("larder.test /x");
      expect((await ask(url, "GET", "/x")).body).toBe("larder.test /x");
      expect((await ask(url, "GET", "/x", { Host: "evil.test" })).body).toBe("evil.test /x");
      expect(larder.origin.requests.length).toBe(2);
    }),
  );
});

describe("Host tricks", () => {
  test.each([
    ["two Hosts", "Host: good.test\r\nHost: evil.test"],
    ["two Hosts that are equal", "Host: good.test\r\nHost: good.test"],
    ["a list", "Host: good.test,evil.test"],
    ["a user in front", "Host: good.test@evil.test"],
    ["a port and a user in front", "Host: good.test:80@evil.test"],
    ["a path", "Host: good.test/evil"],
    ["a query", "Host: good.test?evil"],
    ["a fragment", "Host: good.test#evil"],
    ["a backslash", "Host: good.test\\evil"],
    ["a space", "Host: good.test evil.test"],
    ["a port that is no number", "Host: good.test:evil"],
    ["a port over 65535", "Host: good.test:65536"],
    ["nothing", "Host:"],
    ["no Host", "X-Host: good.test"],
  ])("%s is 400", (_, line) =>
    withLarder(async (larder) => {
      const replies = await rawAsk(echo(larder), `GET /x HTTP/1.1\r\n${line}\r\nConnection: close\r\n\r\n`);
      expect([replies.map(({ status }) => status), larder.origin.requests.length]).toEqual([[400], 0]);
    })(),
  );

  test.each([
    ["another port", "good.test:81"],
    ["a dot at the end", "good.test."],
    ["a subdomain", "evil.good.test"],
  ])("%s is another key, and the origin sees it", (_, host) =>
    withLarder(async (larder) => {
      const url = echo(larder);
      await ask(url, "GET", "/x", { Host: host });
      expect((await ask(url, "GET", "/x", { Host: "good.test" })).body).toBe("good.test /x");
      expect(larder.origin.requests.map((asked) => asked.get("host"))).toEqual([host, "good.test"]);
    })(),
  );

  test.each([["GOOD.test"], ["good.test:80"], ["go%6fd.test"]])(
    "%s leaves as good.test, which is its key",
    (host) =>
      withLarder(async (larder) => {
        const url = echo(larder);
        expect((await ask(url, "GET", "/x", { Host: host })).body).toBe("good.test /x");
        expect((await ask(url, "GET", "/x", { Host: "good.test" })).body).toBe("good.test /x");
        expect(larder.origin.requests.length).toBe(1);
      })(),
  );
});

describe("cache key confusion", () => {
  test.each([
    ["/a//b", "/a/b"],
    ["/a%2fb", "/a/b"],
    ["/a%2Fb", "/a%2fb"],
    ["/a?", "/a"],
    ["/a?b", "/a?b="],
    ["/a?b=1&c=2", "/a?c=2&b=1"],
    ["/a?b=1&b=2", "/a?b=1"],
    ["/a%3fb", "/a?b"],
    ["/a%00", "/a"],
    ["/a%23b", "/a"],
    ["/a;b", "/a"],
    ["/A", "/a"],
    ["/a/", "/a"],
    ["/%61", "/a"],
    ["/a%20", "/a"],
    ["/a+b", "/a%20b"],
    ["/a%252fb", "/a%2fb"],
    ["/a..%2fb", "/b"],
  ])("%s is not %s", (odd, plain) =>
    withLarder(async (larder) => {
      const url = echo(larder);
      expect((await ask(url, "GET", odd)).body).toBe(`larder.test ${odd}`);
      expect((await ask(url, "GET", plain)).body).toBe(`larder.test ${plain}`);
    })(),
  );

  test.each([
    ["/a/../b", "/b"],
    ["/a/%2e%2e/b", "/b"],
    ["/a/./b", "/a/b"],
    ["/a\\b", "/a/b"],
  ])("%s leaves as %s, which is its key", (odd, plain) =>
    withLarder(async (larder) => {
      const url = echo(larder);
      for (const target of [odd, plain]) {
        expect((await ask(url, "GET", target)).body).toBe(`larder.test ${plain}`);
      }
      expect(larder.origin.requests.length).toBe(1);
    })(),
  );

  test.each(["/a#b", "//a", "/a/..//b", "/\\a", "/\xe9"])(
    "%s is 400: it could not leave as it came",
    (target) =>
      withLarder(async (larder) => {
        const replies = await rawAsk(echo(larder), lines(`GET ${target} HTTP/1.1`));
        expect([replies.map(({ status }) => status), larder.origin.requests.length]).toEqual([[400], 0]);
      })(),
  );
});

describe("Vary explosion", () => {
  test(
    "a key has 64 variants at most, the newest, and all of them still fit",
    withLarder(async (larder) => {
      larder.origin.script((asked) =>
        asked.reply({ fields: { ...FRESH, Vary: "X-Any" }, body: `${asked.get("x-any")}` }),
      );
      for (let at = 0; at < 200; at++) await larder.get("/x", { "X-Any": `${at}` });
      expect(larder.store.stats().responses).toBe(64);
      const newest = await larder.get("/x", { "X-Any": "199" });
      expect([newest.text, newest.cacheStatus["hit"]]).toEqual(["199", true]);
      expect((await larder.get("/x", { "X-Any": "0" })).cacheStatus).toMatchObject({ fwd: "vary-miss" });
    }),
  );
});

describe("hash flooding and odd field names", () => {
  test(
    "190 fields with names of one length, and those of an object's own, neither slow nor confuse",
    withLarder(async (larder) => {
      larder.origin.script({ fields: { ...FRESH, Vary: "__proto__, constructor, toString" }, body: "ok" });
      const url = larder.serve();
      const many = Array.from({ length: 180 }, (_, at) => [`x-${at.toString(36).padStart(4, "0")}`, "1"]);
      const odd = ["__proto__", "constructor", "toString", "hasOwnProperty"].map((name) => [name, "1"]);
      const fields: Record<string, string> = Object.fromEntries([...many, ...odd]);
      expect((await ask(url, "GET", "/x", fields)).status).toBe(200);
      expect(larder.origin.requests[0]?.get("__proto__")).toBe("1");
      const other = await ask(url, "GET", "/x", { ...fields, constructor: "other" });
      expect(other.fields.find(([name]) => name.toLowerCase() === "cache-status")?.[1]).toContain(
        "vary-miss",
      );
    }),
  );
});

describe("a query of 100,000 entries", () => {
  test(
    "is 431; one that fits the 16 KB of a head leaves as it came, in one key",
    withLarder(async (larder) => {
      const url = echo(larder);
      const query = (entries: number): string => `/?${"a&".repeat(entries)}`;
      const [huge] = await rawAsk(url, lines(`GET ${query(100_000)} HTTP/1.1`));
      expect([huge?.status, larder.origin.requests.length]).toEqual([431, 0]);
      for (const _ of ["miss", "hit"]) {
        expect((await ask(url, "GET", query(7000))).body).toBe(`larder.test ${query(7000)}`);
      }
      expect(larder.origin.requests.length).toBe(1);
    }),
  );
});
