// Answers: does anybody get from the store what was meant for another?
// Owns: the attacks that fish for private responses: cookies, credentials, asset names (web cache deception).
// Leaves out: the rules themselves (`rfc9111/storing.test.ts`, `rfc9111/deception.test.ts`).
import { describe, expect, test } from "bun:test";
import { withLarder } from "../larder-under-test.ts";
import type { FieldRecord } from "../scripted-origin.ts";
import { ask } from "../socket-client.ts";

const GUESSED = { "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", ETag: '"1"' };

/** What a second client gets after a first one with credentials asked for the same. */
function second(target: string, response: FieldRecord, first: FieldRecord, check: (body: string) => void) {
  return withLarder(async (larder) => {
    const url = larder.serve();
    larder.origin.script((asked) => {
      const who = asked.get("authorization") ?? asked.get("cookie") ?? "nobody";
      return asked.reply({ fields: response, body: `page of ${who}` });
    });
    await ask(url, "GET", target, first);
    check((await ask(url, "GET", target)).body);
  });
}

const isOwn = (body: string): void => expect(body).toBe("page of nobody");
const isShared = (body: string): void => expect(body).toBe("page of alice");

describe("Set-Cookie leak", () => {
  test.each([
    ["on a heuristic", { ...GUESSED, "Set-Cookie": "session=alice" }],
    ["beside private", { "Cache-Control": "private, max-age=60", "Set-Cookie": "session=alice" }],
    ["beside no-store", { "Cache-Control": "no-store", "Set-Cookie": "session=alice" }],
    ["beside another cookie", { ...GUESSED, "Set-Cookie": ["a=1", "session=alice"] }],
  ])("%s is not stored", (_, response) => second("/x", response, { Cookie: "alice" }, isOwn)());

  test(
    "control: with the origin's own max-age it is",
    second("/x", { "Cache-Control": "max-age=60", "Set-Cookie": "a=1" }, { Cookie: "alice" }, isShared),
  );
});

describe("Authorization leak", () => {
  test.each([
    ["max-age", { "Cache-Control": "max-age=60" }],
    ["Expires", { Expires: "Fri, 01 Jan 2100 00:00:00 GMT" }],
    ["a heuristic", GUESSED],
  ])("a response with %s to credentials is not stored (§3.5)", (_, response) =>
    second("/x", response, { Authorization: "alice" }, isOwn)(),
  );

  test.each(["public, max-age=60", "s-maxage=60", "must-revalidate, max-age=60"])(
    "control: with %s it is",
    (control) => second("/x", { "Cache-Control": control }, { Authorization: "alice" }, isShared)(),
  );
});

describe("private pages under asset names", () => {
  const HTML = { ...GUESSED, "Content-Type": "text/html" };

  test.each([
    "/account/x.css",
    "/account%2fx.css",
    "/account%2Fx.png?a",
    "/account;x.js",
    "/account/x.css;a",
    "/account/%2e%2e/x.css",
    "/account/x.ico%00",
    "/account/x%2ecss",
    "/account/x.woff2%3f",
    "/account%0ax.css",
  ])("%s", (target) => second(target, HTML, { Cookie: "alice" }, isOwn)());

  test("without Content-Type", second("/account/x.css", GUESSED, { Cookie: "alice" }, isOwn));

  test.each([
    ["a real asset", "/x.css", { ...GUESSED, "Content-Type": "text/css" }],
    ["a page of its own name", "/x.html", HTML],
    ["what the origin gives a lifetime", "/x.css", { ...HTML, "Cache-Control": "max-age=60" }],
  ])("control: %s is stored", (_, target, response) =>
    second(target, response, { Cookie: "alice" }, isShared)(),
  );
});
