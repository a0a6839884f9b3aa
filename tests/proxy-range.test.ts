// Answers: are ranges served, kept, combined and completed without a byte in the wrong place?
// Owns: the claims about §3.3, §3.4 and RFC 9110 §14 through the engine; every body is compared with the whole.
// Leaves out: parsing and merging alone (`rfc9111/range.test.ts`).
import { describe, expect, test } from "bun:test";
import { expectForwarded, expectReused, withLarder } from "./larder-under-test.ts";
import { WHOLE, FRESH, ranging, stock } from "./ranging-origin.ts";

describe("RFC 9110 §14.2 ranges of a complete stored response", () => {
  test.each([
    ["bytes=0-0", "0", "bytes 0-0/20"],
    ["bytes=5-9", "56789", "bytes 5-9/20"],
    ["bytes=18-", "ij", "bytes 18-19/20"],
    ["bytes=-3", "hij", "bytes 17-19/20"],
    ["bytes=15-99", "fghij", "bytes 15-19/20"],
    ["bytes=-99", WHOLE, "bytes 0-19/20"],
  ])("%s", async (range, text, contentRange) =>
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH, body: WHOLE });
      await larder.get("/a");
      const reply = await larder.get("/a", { Range: range });
      expectReused(reply);
      expect([reply.status, reply.text]).toEqual([206, text]);
      expect(reply.fields.get("content-range")).toBe(contentRange);
      expect(reply.fields.get("content-length")).toBe(String(text.length));
      expect((await larder.get("/a")).text).toBe(WHOLE);
    })(),
  );

  test(
    "RFC 9110 §14.6 several ranges are one multipart/byteranges",
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH, body: WHOLE });
      await larder.get("/a");
      const reply = await larder.get("/a", { Range: "bytes=0-1, -2, 10-11" });
      const boundary = /^multipart\/byteranges; boundary=(.+)$/.exec(
        reply.fields.get("content-type") ?? "",
      )?.[1];
      const piece = (range: string, text: string): string =>
        `\r\n--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes ${range}/20\r\n\r\n${text}`;
      const pieces = [piece("0-1", "01"), piece("18-19", "ij"), piece("10-11", "ab")].join("");
      expect([reply.status, reply.text]).toEqual([206, `${pieces}\r\n--${boundary}--\r\n`]);
      expect(reply.fields.has("content-range")).toBe(false);
      expect(reply.fields.get("content-length")).toBe(String(reply.bytes.length));
    }),
  );

  test(
    "RFC 9110 §15.5.17 an unsatisfiable one is answered 416 with the length",
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH, body: WHOLE });
      await larder.get("/a");
      const reply = await larder.get("/a", { Range: "bytes=20-" });
      expectReused(reply);
      expect([reply.status, reply.bytes.length, reply.fields.get("content-range")]).toEqual([
        416,
        0,
        "bytes */20",
      ]);
    }),
  );

  test.each([
    ["the entity-tag", '"1"', 206],
    ["another entity-tag", '"2"', 200],
    ["the weak form", 'W/"1"', 200],
  ])("RFC 9110 §13.1.5 If-Range with %s", async (_, ifRange, status) =>
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH, body: WHOLE });
      await larder.get("/a");
      const reply = await larder.get("/a", { Range: "bytes=5-9", "If-Range": ifRange });
      expectReused(reply);
      expect([reply.status, reply.text]).toEqual([status, status === 206 ? "56789" : WHOLE]);
    })(),
  );
});

describe("§3.3, §3.4 partial responses", () => {
  test(
    "a 206 is stored, and every range within it is answered from it",
    withLarder(async (larder) => {
      await stock(larder, ["5-14"]);
      for (const [range, text] of [
        ["5-14", "56789abcde"],
        ["7-8", "78"],
        ["14-14", "e"],
      ] as const) {
        const reply = await larder.get("/a", { Range: `bytes=${range}` });
        expectReused(reply);
        expect([reply.status, reply.text]).toEqual([206, text]);
        expect(reply.fields.get("content-range")).toBe(`bytes ${range}/20`);
      }
    }),
  );

  test(
    "a range that reaches out of it goes to the origin, and both parts become one",
    withLarder(async (larder) => {
      await stock(larder, ["5-9"]);
      larder.origin.script(ranging());
      const reply = await larder.get("/a", { Range: "bytes=8-12" });
      expectForwarded(reply, "partial");
      expect(reply.text).toBe("89abc");
      const both = await larder.get("/a", { Range: "bytes=5-12" });
      expectReused(both);
      expect(both.text).toBe("56789abc");
      expect(larder.store.stats().responses).toBe(1);
    }),
  );

  test(
    "two 206 with the same strong entity-tag that are the whole together answer a GET",
    withLarder(async (larder) => {
      await stock(larder, ["12-", "0-11"]);
      const reply = await larder.get("/a");
      expectReused(reply);
      expect([reply.status, reply.text]).toEqual([200, WHOLE]);
      expect([reply.fields.get("content-length"), reply.fields.get("content-range")]).toEqual(["20", null]);
    }),
  );

  test.each([
    ["a weak entity-tag", { ...FRESH, ETag: 'W/"1"' }, { ...FRESH, ETag: 'W/"1"' }],
    ["no validator", { "Cache-Control": "max-age=60" }, { "Cache-Control": "max-age=60" }],
    ["different entity-tags", FRESH, { ...FRESH, ETag: '"2"' }],
  ])("two 206 with %s are never combined", async (_, one, other) =>
    withLarder(async (larder) => {
      const changed = WHOLE.toUpperCase();
      larder.origin.script(ranging(one));
      await larder.get("/a", { Range: "bytes=0-11" });
      larder.origin.script(ranging(other, changed));
      expect((await larder.get("/a", { Range: "bytes=12-" })).text).toBe("CDEFGHIJ");
      const reply = await larder.get("/a");
      expect([reply.status, reply.text]).toEqual([200, changed]);
    })(),
  );
});
