// Answers: is what a client gets made of the right fields and the right bytes?
// Owns: the claims about `lib/respond.ts` alone.
// Leaves out: the same through the engine (`proxy-conditions.test.ts`, `proxy-range.test.ts`).
import { describe, expect, test } from "bun:test";
import { OriginError, type OriginErrorCode } from "../lib/errors.ts";
import type { Answer } from "../lib/message.ts";
import { ReceivedAnswer } from "../lib/received-answer.ts";
import { aged, answerFromStored, answerPage, faultPage } from "../lib/respond.ts";
import { at, complete, partial, request, storedResponse } from "./rfc9111/test-values.ts";
import { cacheStatusOf } from "./larder-under-test.ts";

const HIT = { word: "HIT", ttl: 60 } as const;
const FRESH = { "cache-control": "max-age=60", etag: '"1"' };

const textOf = (answer: Answer): string | undefined =>
  answer.body instanceof Uint8Array ? Buffer.from(answer.body).toString("latin1") : undefined;

describe("an answer from the store", () => {
  test("has Age, Date, Via, Content-Length and Cache-Status, and the bytes", () => {
    const answer = answerFromStored(
      storedResponse({ fields: { ...FRESH, age: "5" } }),
      request(),
      HIT,
      at(7),
    );
    const fields = Object.fromEntries(answer.fields as unknown as Iterable<[string, string]>);
    expect(fields).toEqual({
      age: "12",
      "cache-control": "max-age=60",
      "cache-status": "larder; hit; ttl=48",
      "content-length": "10",
      date: "Fri, 15 Jan 2027 08:00:00 GMT",
      etag: '"1"',
      via: "1.1 larder",
    });
    expect([answer.status, textOf(answer)]).toEqual([200, "0123456789"]);
  });

  test("§5.1 its Age goes with the clock, also where several answers share a header block", () => {
    const stored = storedResponse();
    const ages = [0, 0, 3, 3, 59].map((now) =>
      answerFromStored(stored, request(), HIT, at(now)).fields.get("age"),
    );
    expect(ages).toEqual(["0", "0", "3", "3", "59"]);
  });

  test("the stored header fields stay as they are", () => {
    const stored = storedResponse({ fields: { ...FRESH, "cache-status": "inner; hit" } });
    const before = [...stored.fields];
    for (const now of [0, 1, 2]) answerFromStored(stored, request(), HIT, at(now));
    answerFromStored(stored, request({ range: "bytes=0-1" }), HIT, at(3));
    answerFromStored(stored, request({ "if-none-match": "*" }), HIT, at(4));
    expect([...stored.fields]).toEqual(before);
  });

  test("answers made of one header block do not change each other", () => {
    const stored = storedResponse({ fields: { ...FRESH, "content-type": "text/plain" } });
    const part = answerFromStored(stored, request({ range: "bytes=0-1" }), HIT, at(0));
    const none = answerFromStored(stored, request({ range: "bytes=99-" }), HIT, at(0));
    const same = answerFromStored(stored, request({ "if-none-match": '"1"' }), HIT, at(0));
    const whole = answerFromStored(stored, request(), HIT, at(0));
    expect([part, none, same, whole].map(({ status }) => status)).toEqual([206, 416, 304, 200]);
    expect([part, none, same, whole].map(({ fields }) => fields.get("content-range"))).toEqual([
      ...["bytes 0-1/10", "bytes */10", null, null],
    ]);
    expect([whole.fields.get("content-length"), whole.fields.get("content-type")]).toEqual([
      "10",
      "text/plain",
    ]);
  });

  test("each client is answered by the entity-tag that it names itself, whoever asked before", () => {
    const stored = storedResponse({ fields: FRESH });
    const asked = ['"1"', '"2"', '"1"', undefined, '"2"', "*", '"0", "1"', "*", '"2"', '"1"'];
    const statuses = asked.map((tags) => {
      const conditions = {
        ...(tags && { "if-none-match": tags }),
        "if-modified-since": "Fri, 15 Jan 2027 08:00:00 GMT",
      };
      return answerFromStored(stored, request(conditions), HIT, at(1)).status;
    });
    expect(statuses).toEqual([304, 200, 304, 304, 200, 304, 304, 304, 200, 304]);
  });

  test("RFC 9110 §9.3.2 to HEAD has the length and no body, and no Range is heard", () => {
    const answer = answerFromStored(storedResponse(), request({ range: "bytes=0-1" }, "HEAD"), HIT, at(0));
    expect([answer.status, answer.body, answer.fields.get("content-length")]).toEqual([200, null, "10"]);
  });

  test("RFC 9110 §8.6 with status 204 has no Content-Length", () => {
    const stored = storedResponse({ status: 204, body: complete("") });
    expect(answerFromStored(stored, request(), HIT, at(0)).fields.has("content-length")).toBe(false);
  });

  test("RFC 9110 §13.2.1 an error is no object of conditions or ranges", () => {
    const stored = storedResponse({ status: 404, fields: FRESH });
    for (const fields of [{ "if-none-match": "*" }, { range: "bytes=0-1" }]) {
      const answer = answerFromStored(stored, request(fields), HIT, at(0));
      expect([answer.status, textOf(answer)]).toEqual([404, "0123456789"]);
    }
  });

  test("RFC 9530 §2 Content-Digest is of the whole: it goes with neither a part nor a 304, Repr-Digest does", () => {
    const fields = { etag: '"1"', "content-digest": "sha-256=:a:", "repr-digest": "sha-256=:b:" };
    const stored = storedResponse({ fields, body: complete("0123456789") });
    for (const asked of [{ range: "bytes=0-1" }, { range: "bytes=0-1,4-5" }, { "if-none-match": '"1"' }]) {
      const answer = answerFromStored(stored, request(asked), HIT, at(0));
      expect([206, 304]).toContain(answer.status);
      expect([answer.fields.has("content-digest"), answer.fields.has("repr-digest")]).toEqual([false, true]);
    }
  });

  test("§3.4 a part is never given for the whole", () => {
    const stored = storedResponse({ status: 206, body: partial(10, [0, "01234"]) });
    expect(answerFromStored(stored, request(), HIT, at(0)).status).toBe(502);
    const range = answerFromStored(stored, request({ range: "bytes=1-3" }), HIT, at(0));
    expect([range.status, textOf(range), range.fields.get("content-range")]).toEqual([
      206,
      "123",
      "bytes 1-3/10",
    ]);
  });

  test("RFC 9110 §14.4 of unknown length says so", () => {
    const stored = storedResponse({ status: 206, body: partial(undefined, [5, "56789"]) });
    const answer = answerFromStored(stored, request({ range: "bytes=6-7" }), HIT, at(0));
    expect([textOf(answer), answer.fields.get("content-range")]).toEqual(["67", "bytes 6-7/*"]);
  });
});

describe("an answer on its way", () => {
  test("§5.1 for a follower has the Age of the stored head", () => {
    const stored = storedResponse({ fields: { ...FRESH, age: "5" } });
    expect([aged(stored, at(2)).get("age"), stored.fields.get("age")]).toEqual(["7", null]);
  });

  test("has Content-Length where all bytes are there", () => {
    const fields = new Headers({ "x-kept": "1", "content-length": "99" });
    const body = new TextEncoder().encode("soup");
    const answer = new ReceivedAnswer({ status: 200, fields, body }, { word: "MISS", fwd: "uri-miss" });
    expect([answer.fields.get("content-length"), answer.fields.get("via")]).toEqual(["4", "1.1 larder"]);
    expect(answer.fields.get("x-kept")).toBe("1");
    expect(fields.get("content-length")).toBe("99");
  });

  test.each<[string, Answer["body"], string | undefined, boolean]>([
    ["bytes of the announced length", new Uint8Array(4), "4", true],
    ["bytes whose length was not announced", new Uint8Array(4), undefined, true],
    ["bytes of another length", new Uint8Array(4), "5", false],
    ["a stream of an announced length", new Blob(["soup"]).stream(), "4", true],
    ["a stream of unknown length", new Blob(["soup"]).stream(), undefined, false],
    ["nothing, to HEAD", null, "4", true],
    ["nothing at all", null, undefined, false],
  ])("says the same as text and as fields, where its length is known: %s", (_, body, length, isText) => {
    const fields = new Headers({ "x-kept": "1", via: "1.0 inner", "set-cookie": "a=1" });
    fields.append("set-cookie", "b=2");
    if (length !== undefined) fields.set("content-length", length);
    const before = [...fields];
    const answer = new ReceivedAnswer({ status: 200, fields, body }, { word: "MISS", fwd: "uri-miss" });
    const { block } = answer;
    expect(block !== undefined).toBe(isText);
    const said = new Headers();
    for (const line of block === undefined ? [] : `${block.lines}${block.ownLines}`.split("\r\n").slice(1)) {
      const colon = line.indexOf(": ");
      said.append(line.slice(0, colon), line.slice(colon + 2));
    }
    if (isText) expect([...said]).toEqual([...answer.fields]);
    expect([...fields]).toEqual(before);
  });
});

describe("a page", () => {
  test("says what is wrong, and nothing of it is markup", () => {
    const answer = answerPage(400, "Bad <Request>", ["a & <b>"], { word: "REFUSED", detail: "x y" });
    expect(textOf(answer)).toContain("<h1>400 Bad &lt;Request&gt;</h1>");
    expect(textOf(answer)).toContain("<p>a &amp; &lt;b&gt;</p>");
    expect(cacheStatusOf(answer.fields)).toEqual({ detail: "x y" });
    expect(answer.fields.get("content-length")).toBe(String((answer.body as Uint8Array).length));
    expect([answer.fields.get("cache-control"), answer.fields.has("date")]).toEqual(["no-store", true]);
  });

  test.each([
    ["origin-unreachable", false, 502],
    ["origin-timeout", false, 504],
    ["loop", false, 508],
    ["origin-unreachable", true, 504],
    ["a bug", false, 500],
  ] as const)("§5.2.2.2 for %s, where the origin must be had: %p, is %i", (code, mustHaveOrigin, status) => {
    const error = code === "a bug" ? new Error(code) : new OriginError(code, "no");
    const report = { word: "ERROR", fwd: "stale" } as const;
    const answer = faultPage(error, { origin: "http://origin.test", report, mustHaveOrigin });
    expect(answer.status).toBe(status);
    expect(textOf(answer)?.includes("http://origin.test")).toBe(status !== 500);
    expect(textOf(answer)).not.toContain("a bug");
  });

  const faultOf = (code: OriginErrorCode, message: string): Answer =>
    faultPage(new OriginError(code, message), {
      ...{ origin: "http://origin.test", report: { word: "ERROR", fwd: "uri-miss", detail: code } },
      mustHaveOrigin: false,
    });

  test("RFC 9110 §15.5.5 for a path without an origin is 404, says so, and names none", () => {
    const answer = faultOf("no-origin", "No --origin is given for such a path");
    expect([answer.status, answer.fields.has("retry-after")]).toEqual([404, false]);
    expect(textOf(answer)).toContain("<h1>404 Not Found</h1>\n<p>No --origin is given for such a path.</p>");
    expect(textOf(answer)).not.toContain("http://origin.test");
    expect(cacheStatusOf(answer.fields)).toEqual({ fwd: "uri-miss", detail: "no-origin" });
  });

  test("RFC 9110 §15.6.4, §10.2.3 for an origin that is busy is 503, and says when to try again", () => {
    const answer = faultOf("origin-busy", "as many requests as may be are under way to it, or wait");
    expect([answer.status, answer.fields.get("retry-after")]).toEqual([503, "1"]);
    expect(textOf(answer)).toContain("<h1>503 Service Unavailable</h1>");
    expect(textOf(answer)).toContain("Try again in a second.");
    expect(textOf(answer)).not.toContain("--origin");
    expect(answer.fields.get("content-length")).toBe(String((answer.body as Uint8Array).length));
  });

  test.each([
    ["origin-unreachable", 502],
    ["origin-malformed", 502],
    ["origin-incomplete", 502],
    ["origin-corrupt", 502],
    ["origin-timeout", 504],
  ] as const)("RFC 9110 §15.6 for %s is %i, names the origin, and says what can be done", (code, status) => {
    const answer = faultOf(code, "it is <odd>");
    expect([answer.status, answer.fields.has("retry-after")]).toEqual([status, false]);
    expect(textOf(answer)).toContain("the origin http://origin.test gave none: it is &lt;odd&gt;.");
    expect(textOf(answer)).toContain("Is it running?");
  });
});
