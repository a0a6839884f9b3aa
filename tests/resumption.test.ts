// Answers: of which responses can the rest be asked for, with what fields, and what is taken for that rest?
// Owns: the claims about `lib/resumption.ts`.
// Leaves out: when it is asked for (`incoming-body.test.ts`), over sockets (`proxy-broken.test.ts`).
import { describe, expect, test } from "bun:test";
import type { ReceivedResponse } from "../lib/message.ts";
import { fieldsForRest, lengthWithRest, resumable, type Resumable } from "../lib/resumption.ts";
import { received } from "./rfc9111/test-values.ts";

type Fields = Readonly<Record<string, string>>;

function response(status: number, fields: Fields, length?: number): ReceivedResponse {
  return received({ status, fields: new Headers(fields), length });
}

const RANGING = { etag: '"1"', "accept-ranges": "bytes" };
const PART = { etag: '"1"', "content-range": "bytes 10-19/100" };

describe("RFC 9110 §14.3 what can be resumed", () => {
  test.each([
    ["of known length", response(200, RANGING, 100), { first: 0, last: 99, completeLength: 100 }],
    ["of unknown length", response(200, RANGING), { first: 0, last: undefined, completeLength: undefined }],
    ["a part", response(206, PART, 10), { first: 10, last: 19, completeLength: 100 }],
    [
      "a part of a whole of unknown length",
      response(206, { ...PART, "content-range": "bytes 10-19/*" }),
      { first: 10, last: 19, completeLength: undefined },
    ],
    [
      "whose origin names several units",
      response(200, { ...RANGING, "accept-ranges": "Bytes, pages" }, 5),
      { first: 0, last: 4, completeLength: 5 },
    ],
  ])("a response %s", (_, from, expected) => {
    expect(resumable("GET", from)).toEqual({ etag: '"1"', coding: null, ...expected });
  });

  test("in a content coding: its bytes are those of the coding", () => {
    expect(resumable("GET", response(200, { ...RANGING, "content-encoding": "gzip" }, 9))?.coding).toBe(
      "gzip",
    );
  });

  test.each([
    ["to HEAD", "HEAD", response(200, RANGING, 100)],
    ["to POST", "POST", response(200, RANGING, 100)],
    ["without an entity-tag", "GET", response(200, { "accept-ranges": "bytes", "last-modified": "x" }, 100)],
    ["with a weak entity-tag", "GET", response(200, { ...RANGING, etag: 'W/"1"' }, 100)],
    ["with an entity-tag without quotes", "GET", response(200, { ...RANGING, etag: "1" }, 100)],
    ["without Accept-Ranges", "GET", response(200, { etag: '"1"' }, 100)],
    ["with Accept-Ranges: none", "GET", response(200, { ...RANGING, "accept-ranges": "none" }, 100)],
    ["with another unit", "GET", response(200, { ...RANGING, "accept-ranges": "kilobytes" }, 100)],
    ["in several parts", "GET", response(206, { ...RANGING, "content-type": "multipart/byteranges" }, 100)],
    ["with a part that makes no sense", "GET", response(206, { ...PART, "content-range": "bytes 9-1/100" })],
    ["with a part in another unit", "GET", response(206, { ...PART, "content-range": "pages 1-2/9" })],
    ["that is an error", "GET", response(404, RANGING, 100)],
    ["that is no 200", "GET", response(203, RANGING, 100)],
  ])("not a response %s", (_, method, from) => {
    expect(resumable(method, from)).toBeUndefined();
  });
});

describe("RFC 9110 §13.1.5, §14.2 the question for the rest", () => {
  const whole: Resumable = { etag: '"1"', coding: null, first: 0, last: 99, completeLength: 100 };
  test.each([
    [whole, 1, "bytes=1-99"],
    [{ ...whole, last: undefined, completeLength: undefined }, 7, "bytes=7-"],
    [{ ...whole, first: 10, last: 19 }, 3, "bytes=13-19"],
  ])("of %j from %i on is %s, if it is the same still", (body, at, range) => {
    const fields = fieldsForRest(new Headers({ range: "bytes=10-19", "if-range": '"0"' }), body, at);
    expect([fields.get("range"), fields.get("if-range")]).toEqual([range, '"1"']);
  });

  test("has no other conditions, all other fields, and leaves what was sent as it was", () => {
    const conditions = ["if-none-match", "if-modified-since", "if-match", "if-unmodified-since"];
    const sent = new Headers({ accept: "a/b", host: "origin.test", cookie: "a=1" });
    for (const name of conditions) sent.set(name, '"1"');
    const fields = fieldsForRest(sent, whole, 5);
    expect([...fields.keys()].sort()).toEqual(["accept", "cookie", "host", "if-range", "range"]);
    expect([...sent.keys()].sort()).toEqual(["accept", "cookie", "host", ...conditions].sort());
  });
});

describe("what is taken for the rest", () => {
  const whole: Resumable = { etag: '"1"', coding: null, first: 0, last: 99, completeLength: 100 };
  const open: Resumable = { ...whole, last: undefined, completeLength: undefined };
  const part: Resumable = { ...whole, first: 10, last: 19 };
  const partOfUnknown: Resumable = { ...part, completeLength: undefined };
  const rest = (range: string, fields: Fields = {}, length?: number): ReceivedResponse =>
    response(206, { etag: '"1"', "content-range": `bytes ${range}`, ...fields }, length);

  test.each([
    ["all that is lacking", rest("40-99/100", {}, 60), whole, 40, 100],
    ["it in chunks", rest("40-99/100"), whole, 40, 100],
    ["the last byte", rest("99-99/100", {}, 1), whole, 99, 100],
    ["where the length was not known", rest("40-99/100", {}, 60), open, 40, 100],
    ["that of a part", rest("15-19/100", {}, 5), part, 5, 10],
    ["that of a part of something", rest("15-19/*", {}, 5), partOfUnknown, 5, 10],
    ["that of a part, whose whole has become known", rest("15-19/100", {}, 5), partOfUnknown, 5, 10],
    [
      "it in the same coding",
      rest("40-99/100", { "content-encoding": "br" }),
      { ...whole, coding: "br" },
      40,
      100,
    ],
  ])("%s", (_, from, body, at, length) => {
    expect(lengthWithRest(from, body, at)).toBe(length);
  });

  test.each([
    ["the whole", response(200, { etag: '"1"', "content-range": "bytes 40-99/100" }, 100), whole],
    ["nothing", response(416, { "content-range": "bytes */100" }, 0), whole],
    ["304", response(304, { etag: '"1"', "content-range": "bytes 40-99/100" }), whole],
    ["no Content-Range", response(206, { etag: '"1"' }, 60), whole],
    ["several parts", response(206, { etag: '"1"', "content-type": "multipart/byteranges" }, 60), whole],
    ["one that begins later", rest("41-99/100"), whole],
    ["one that begins earlier", rest("39-99/100"), whole],
    ["one that begins at the start", rest("0-99/100"), whole],
    ["one that ends earlier", rest("40-98/100"), whole],
    ["one of a longer whole", rest("40-99/101"), whole],
    ["one that ends with a longer whole", rest("40-100/101"), whole],
    ["one of a whole of unknown length", rest("40-99/*"), whole],
    ["one whose end cannot be known", rest("40-99/*"), open],
    ["one that ends before the end", rest("40-98/100"), open],
    ["one beyond the part that was asked for", rest("50-99/100"), { ...part, first: 10 }],
    ["one with a Content-Length that contradicts it", rest("40-99/100", {}, 59), whole],
    ["one with another entity-tag", rest("40-99/100", { etag: '"2"' }), whole],
    ["one with a weak entity-tag", rest("40-99/100", { etag: 'W/"1"' }), whole],
    ["one in a coding", rest("40-99/100", { "content-encoding": "gzip" }), whole],
    ["one in no coding any more", rest("40-99/100"), { ...whole, coding: "gzip" }],
  ])("not %s", (_, from, body) => {
    expect(lengthWithRest(from, body, 40)).toBeUndefined();
  });

  test("RFC 9110 §15.3.7 not one without an entity-tag: nothing says that it is the same", () => {
    const fields = new Headers({ "content-range": "bytes 40-99/100" });
    expect(lengthWithRest(received({ status: 206, fields }), whole, 40)).toBeUndefined();
  });
});
