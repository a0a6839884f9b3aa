// Answers: can bytes of two versions ever end up in one body?
// Owns: the claims about resumptions that are answered with something else, and about fills that may not be resumed.
// Leaves out: resumptions that go well (`fill-resume.test.ts`).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Asked, FieldRecord, Response } from "../scripted-origin.ts";
import { RESUMABLE } from "./dying-origin.ts";
import { expectWhole, FRESH, numbered, Rig, TEST_LIMIT_MS } from "./rig.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const WHOLE = numbered(40);
const OTHER = "x".repeat(WHOLE.length);
const CAME = 15;
const REST = WHOLE.slice(CAME);

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start(["--breaker", "0", "--first-byte-timeout", "2s"]);
});
afterAll(() => rig.stop());

/** A part of some version: what is wrong about it is said in the other fields. */
function part(range: string, body = OTHER.slice(CAME), fields: FieldRecord = {}): Response {
  return { status: 206, fields: { ...RESUMABLE, "Content-Range": range, ...fields }, body };
}

const TAG2 = { ETag: '"v2"' };

const ANSWERS: readonly (readonly [what: string, answer: Response | ((asked: Asked) => unknown)])[] = [
  ["200 with another version", { fields: { ...RESUMABLE, ...TAG2 }, body: OTHER }],
  ["200 with another version, without a validator", { fields: FRESH, body: OTHER }],
  ["200 with a shorter version", { fields: { ...RESUMABLE, ...TAG2 }, body: OTHER.slice(0, CAME) }],
  ["206 with another ETag", part("bytes 15-39/40", undefined, TAG2)],
  ["206 with a weak ETag", part("bytes 15-39/40", undefined, { ETag: 'W/"v1"' })],
  ["206 that starts before", part("bytes 14-39/40", OTHER.slice(14))],
  ["206 that starts behind", part("bytes 16-39/40", OTHER.slice(16))],
  ["206 from the first byte", part("bytes 0-39/40", OTHER)],
  ["206 with another total", part("bytes 15-39/41")],
  ["206 with a larger total, up to it", part("bytes 15-44/45", "x".repeat(30))],
  ["206 that ends behind its total", part("bytes 15-40/40", "x".repeat(26))],
  ["206 whose range is backwards", part("bytes 39-15/40")],
  ["206 in another unit", part("lines 15-39/40")],
  ["206 with a range that is none", part("bytes fifteen-39/40")],
  ["206 with two ranges", part("bytes 15-39/40, bytes 15-39/40")],
  ["206 without Content-Range", { status: 206, fields: RESUMABLE, body: OTHER.slice(CAME) }],
  ["206 of several parts", part("", "--b\r\n\r\nx", { "Content-Type": "multipart/byteranges; boundary=b" })],
  ["416", { status: 416, fields: { "Content-Range": "bytes */12" }, body: OTHER }],
  ["412", { status: 412, body: OTHER }],
  ["404", { status: 404, body: OTHER }],
  ["503", { status: 503, body: OTHER }],
  ["301", { status: 301, fields: { Location: "/other" }, body: OTHER }],
  ["no HTTP", (asked) => asked.send("SSH-2.0-OpenSSH\r\n\r\n")],
  ["nothing, again and again", (asked) => asked.breakOff()],
  ["a head and no more, again and again", dyingAfterHead],
];

function dyingAfterHead(asked: Asked): Promise<void> {
  const fields = { ...RESUMABLE, "Content-Range": "bytes 15-39/40", "Content-Length": String(REST.length) };
  return asked.head({ status: 206, fields }).then(() => asked.breakOff());
}

/** Two readers have the first bytes when the origin dies; what each gets of the rest. */
async function rests(target: string, fields: FieldRecord, answer: Response | ((asked: Asked) => unknown)) {
  const leader = await rig.open(target);
  const asked = await rig.origin.asked(target);
  await asked.head({ fields: { ...fields, "Content-Length": String(WHOLE.length) } });
  await asked.send(WHOLE.slice(0, CAME));
  const readers = [leader, await rig.open(target)];
  for (const reader of readers) expect(await reader.read(CAME)).toBe(WHOLE.slice(0, CAME));
  rig.origin.on(target, answer);
  asked.breakOff();
  return Promise.all(readers.map((reader) => reader.rest()));
}

/** The origin has recovered: what it has now is passed on whole and stored. */
async function expectFilledAnew(target: string): Promise<void> {
  rig.origin.on(target, { fields: { ...RESUMABLE, ...TAG2 }, body: "anew" });
  const before = rig.origin.requests(target).length;
  expectWhole(await rig.get(target), "anew");
  expectWhole(await rig.get(target), "anew");
  expect(rig.origin.requests(target).length).toBe(before + 1);
}

describe("a resumption answered with", () => {
  test.concurrent.each(ANSWERS)("%s: no byte of it, no clean end, nothing stored", async (what, answer) => {
    const target = `/refused/${what.replaceAll(/\W+/g, "-")}`;
    for (const { text, complete } of await rests(target, RESUMABLE, answer)) {
      expect([text, complete]).toEqual(["", false]);
    }
    expect(rig.origin.requests(target)[1]?.get("range")).toStartWith(`bytes=${CAME}-`);
    await expectFilledAnew(target);
  });

  test.concurrent("200 with the same version: never a byte twice", async () => {
    const replies = await rests("/same", RESUMABLE, { fields: RESUMABLE, body: WHOLE });
    for (const { text, complete } of replies) {
      expect(REST.startsWith(text)).toBe(true);
      expect(complete).toBe(text === REST);
    }
  });

  test.concurrent(
    "a part that is shorter than asked for: never a gap, never a clean end before the end",
    async () => {
      let at = CAME;
      const replies = await rests("/short", RESUMABLE, (asked) => {
        const [, first = ""] = /^bytes=(\d+)-/.exec(asked.get("range") ?? "") ?? [];
        at = Number(first);
        const last = Math.min(at + 4, WHOLE.length - 1);
        return asked.reply(part(`bytes ${at}-${last}/40`, WHOLE.slice(at, last + 1)));
      });
      for (const { text, complete } of replies) {
        expect(REST.startsWith(text)).toBe(true);
        expect(complete).toBe(text === REST);
      }
    },
  );

  test.concurrent("the right part, longer than its range: nothing of what exceeds it", async () => {
    const replies = await rests("/longer", RESUMABLE, (asked) =>
      asked.send(
        `HTTP/1.1 206 P\r\nETag: "v1"\r\nContent-Range: bytes 15-39/40\r\nContent-Length: 30\r\n\r\n${REST}xxxxx`,
      ),
    );
    for (const { text } of replies) expect(REST.startsWith(text)).toBe(true);
  });
});

const UNRESUMABLE: readonly (readonly [what: string, fields: FieldRecord])[] = [
  ["a weak ETag", { ...RESUMABLE, ETag: 'W/"v1"' }],
  ["no ETag", { ...FRESH, "Accept-Ranges": "bytes" }],
  [
    "Last-Modified only",
    { ...FRESH, "Accept-Ranges": "bytes", "Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT" },
  ],
  ["no Accept-Ranges", { ...FRESH, ETag: '"v1"' }],
  ["Accept-Ranges: none", { ...RESUMABLE, "Accept-Ranges": "none" }],
  ["ranges in another unit", { ...RESUMABLE, "Accept-Ranges": "lines" }],
  ["an ETag that is none", { ...RESUMABLE, ETag: "v1" }],
];

test.concurrent.each(UNRESUMABLE)(
  "with %s the fill is not resumed: no clean end, one request",
  async (what, fields) => {
    const target = `/unresumable/${what.replaceAll(/\W+/g, "-")}`;
    const replies = await rests(target, fields, { fields, body: WHOLE });
    for (const { text, complete } of replies) expect([text, complete]).toEqual(["", false]);
    expect(rig.origin.requests(target).length).toBe(1);
    await expectFilledAnew(target);
  },
);
