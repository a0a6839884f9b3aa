// Answers: what do clients get that ask on a condition, or for the header section only?
// Owns: the claims about §4.3.2 on a hit, on a miss and after a validation, and about HEAD (§4.3.5).
// Leaves out: If-Range (`proxy-range.test.ts`), the validations themselves (`proxy-validation.test.ts`).
import { describe, expect, test } from "bun:test";
import {
  expectForwarded,
  expectReused,
  expectValidated,
  type Larder,
  withLarder,
} from "./larder-under-test.ts";
import type { FieldRecord } from "./scripted-origin.ts";

const MODIFIED = "Fri, 01 Jan 2027 08:00:00 GMT";
const LATER = "Sat, 02 Jan 2027 08:00:00 GMT";
const EARLIER = "Thu, 31 Dec 2026 08:00:00 GMT";
const FIELDS = { "Cache-Control": "max-age=60", ETag: '"1"', "Last-Modified": MODIFIED };

/** `/a` is stored; afterwards the origin waits. */
async function stock(larder: Larder, fields: FieldRecord = FIELDS): Promise<void> {
  larder.origin.script({ fields: { "Content-Type": "text/plain", ...fields }, body: "soup" });
  await larder.get("/a");
  larder.origin.script(undefined);
}

const CONDITIONS: readonly (readonly [what: string, fields: FieldRecord, status: number])[] = [
  ["If-None-Match with the entity-tag", { "If-None-Match": '"1"' }, 304],
  ["If-None-Match with the weak form of it", { "If-None-Match": 'W/"1"' }, 304],
  ["If-None-Match with it in a list", { "If-None-Match": '"0", "1"' }, 304],
  ["If-None-Match: *", { "If-None-Match": "*" }, 304],
  ["If-None-Match with another", { "If-None-Match": '"2"' }, 200],
  ["If-Modified-Since with the same date", { "If-Modified-Since": MODIFIED }, 304],
  ["If-Modified-Since with a later date", { "If-Modified-Since": LATER }, 304],
  ["If-Modified-Since with an earlier date", { "If-Modified-Since": EARLIER }, 200],
  ["If-Modified-Since that is no date", { "If-Modified-Since": "yesterday" }, 200],
  [
    "another If-None-Match beats If-Modified-Since",
    { "If-None-Match": '"2"', "If-Modified-Since": LATER },
    200,
  ],
];

describe("§4.3.2 conditions of a client", () => {
  test.each(CONDITIONS)("on a hit: %s", async (_, fields, status) =>
    withLarder(async (larder) => {
      await stock(larder);
      const reply = await larder.get("/a", fields);
      expectReused(reply);
      expect([reply.status, reply.text]).toEqual([status, status === 200 ? "soup" : ""]);
    })(),
  );

  test.each(CONDITIONS)("on a miss, while the 200 is stored: %s", async (_, fields, status) =>
    withLarder(async (larder) => {
      const replying = larder.get("/a", fields);
      const asked = await larder.origin.asked();
      expect([asked.get("if-none-match"), asked.get("if-modified-since")]).toEqual([undefined, undefined]);
      await asked.reply({ fields: FIELDS, body: "soup" });
      const reply = await replying;
      expect([reply.status, reply.text]).toEqual([status, status === 200 ? "soup" : ""]);
      expect(reply.cacheStatus).toEqual({ fwd: "uri-miss", "fwd-status": 200, stored: true, ttl: 60 });
      await larder.until(() => larder.collapser.inFlight === 0, "stored");
      const hit = await larder.get("/a");
      expectReused(hit);
      expect(hit.text).toBe("soup");
    })(),
  );

  test.each(CONDITIONS)("after a validation: %s", async (_, fields, status) =>
    withLarder(async (larder) => {
      await stock(larder);
      larder.pass(100);
      const replying = larder.get("/a", fields);
      const asked = await larder.origin.asked();
      expect(asked.get("if-none-match")).toBe('"1"');
      await asked.reply({ status: 304, fields: { "Cache-Control": "max-age=60", ETag: '"1"' } });
      const reply = await replying;
      expectValidated(reply);
      expect([reply.status, reply.text]).toEqual([status, status === 200 ? "soup" : ""]);
    })(),
  );

  test(
    "after a validation that brought something new, they are held against the new",
    withLarder(async (larder) => {
      await stock(larder);
      for (const [tag, status, text] of [
        ['"1"', 200, "new"],
        ['"2"', 304, ""],
      ] as const) {
        larder.pass(100);
        const replying = larder.get("/a", { "If-None-Match": tag });
        await (await larder.origin.asked()).reply({ fields: { ...FIELDS, ETag: '"2"' }, body: "new" });
        expect([(await replying).status, (await replying).text]).toEqual([status, text]);
      }
    }),
  );

  test(
    "RFC 9110 §15.4.5 the 304 has the fields that matter to caches and none that describe content",
    withLarder(async (larder) => {
      await stock(larder, { ...FIELDS, Vary: "Accept", "Content-Location": "/b", "Content-Language": "en" });
      const { fields } = await larder.get("/a", { "If-None-Match": '"1"' });
      for (const name of ["content-type", "content-length", "content-language"]) {
        expect([name, fields.get(name)]).toEqual([name, null]);
      }
      for (const name of ["cache-control", "content-location", "date", "etag", "vary", "age", "via"]) {
        expect([name, fields.has(name)]).toEqual([name, true]);
      }
    }),
  );

  test(
    "a response that is not for all: they go along to the origin, and its 304 comes back",
    withLarder(async (larder) => {
      larder.origin.script({ fields: { "Cache-Control": "private" } });
      await larder.get("/a");
      larder.origin.script(undefined);
      const replying = larder.get("/a", { "If-None-Match": '"mine"' });
      const asked = await larder.origin.asked();
      expect(asked.get("if-none-match")).toBe('"mine"');
      await asked.reply({ status: 304, fields: { ETag: '"mine"' } });
      const reply = await replying;
      expectForwarded(reply, "uri-miss");
      expect([reply.status, reply.bytes.length]).toEqual([304, 0]);
    }),
  );

  test.each(["If-Match", "If-Unmodified-Since"])(
    "%s is for the origin: it goes along, and its 412 comes back and changes nothing",
    async (name) =>
      withLarder(async (larder) => {
        await stock(larder);
        const value = name === "If-Match" ? '"0"' : EARLIER;
        const replying = larder.get("/a", { [name]: value });
        const asked = await larder.origin.asked();
        expect([asked.get(name), asked.get("if-none-match")]).toEqual([value, undefined]);
        await asked.reply({ status: 412, fields: { "Cache-Control": "max-age=60" }, body: "no" });
        const reply = await replying;
        expectForwarded(reply, "request");
        expect([reply.status, reply.text]).toEqual([412, "no"]);
        const hit = await larder.get("/a");
        expectReused(hit);
        expect(hit.text).toBe("soup");
      })(),
  );

  test(
    "RFC 9110 §13.1.2 a POST is never answered 304",
    withLarder(async (larder) => {
      larder.origin.script({ fields: { ...FIELDS, "Content-Location": "/a" }, body: "done" });
      const reply = await larder.ask("POST", "/a", { "If-None-Match": '"1"' }, "x");
      expect([reply.status, reply.text]).toEqual([200, "done"]);
    }),
  );
});

describe("HEAD", () => {
  test(
    "§4 is answered from a stored GET response, with its Content-Length and without its content",
    withLarder(async (larder) => {
      await stock(larder);
      const reply = await larder.ask("HEAD", "/a");
      expectReused(reply);
      expect([reply.status, reply.bytes.length, reply.fields.get("content-length")]).toEqual([200, 0, "4"]);
      expect((await larder.ask("HEAD", "/a", { "If-None-Match": '"1"' })).status).toBe(304);
    }),
  );

  test(
    "§3 goes through where nothing is stored, and stores nothing",
    withLarder(async (larder) => {
      for (const _ of ["once", "again"]) {
        larder.origin.script({ fields: FIELDS, body: "soup" });
        const reply = await larder.ask("HEAD", "/a");
        expectForwarded(reply, "uri-miss");
        expect([reply.status, reply.fields.get("content-length")]).toEqual([200, "4"]);
        expect(larder.store.stats().responses).toBe(0);
      }
      expect(larder.origin.requests.map(({ method }) => method)).toEqual(["HEAD", "HEAD"]);
    }),
  );

  test(
    "§4.3 on a stale response it validates with HEAD; the 304 freshens what is stored",
    withLarder(async (larder) => {
      await stock(larder);
      larder.pass(100);
      const replying = larder.ask("HEAD", "/a");
      const asked = await larder.origin.asked();
      expect([asked.method, asked.get("if-none-match")]).toEqual(["HEAD", '"1"']);
      await asked.reply({ status: 304, fields: { ...FIELDS, "X-New": "1" } });
      const reply = await replying;
      expectValidated(reply);
      expect([reply.bytes.length, reply.fields.get("content-length")]).toEqual([0, "4"]);
      const hit = await larder.get("/a");
      expectReused(hit);
      expect([hit.text, hit.fields.get("x-new")]).toEqual(["soup", "1"]);
    }),
  );

  test(
    "§4.3.5 a 200 with the same validators and length updates what is stored",
    withLarder(async (larder) => {
      await stock(larder);
      larder.pass(100);
      const replying = larder.ask("HEAD", "/a");
      const asked = await larder.origin.asked();
      await asked.reply({ fields: { ...FIELDS, "X-New": "1" }, body: "soup" });
      expectForwarded(await replying, "stale");
      const hit = await larder.get("/a");
      expectReused(hit);
      expect([hit.text, hit.fields.get("x-new"), hit.fields.get("age")]).toEqual(["soup", "1", "0"]);
    }),
  );

  test.each([
    ["another entity-tag", { ETag: '"2"' }, "soup"],
    ["another Last-Modified", { "Last-Modified": LATER }, "soup"],
    ["another length", {}, "soups"],
    ["no-store", { "Cache-Control": "no-store" }, "soup"],
    ["private", { "Cache-Control": "private" }, "soup"],
  ])("§4.3.5 a 200 with %s invalidates what is stored", async (_, fields, body) =>
    withLarder(async (larder) => {
      await stock(larder);
      larder.origin.script({ fields: { ...FIELDS, ...fields }, body });
      const reply = await larder.ask("HEAD", "/a", { "Cache-Control": "no-cache" });
      expect(reply.status).toBe(200);
      expectForwarded(await larder.get("/a"), "uri-miss");
    })(),
  );

  test(
    "§3.5 what an authorized HEAD brings does not reach the stored response of others",
    withLarder(async (larder) => {
      await stock(larder);
      larder.origin.script({ fields: { ...FIELDS, "Set-Cookie": "session=anna" }, body: "soup" });
      await larder.ask("HEAD", "/a", { "Cache-Control": "no-cache", Authorization: "anna" });
      const reply = await larder.get("/a", { "Cache-Control": "max-stale" });
      if (reply.cacheStatus["hit"] === true) expect(reply.fields.get("set-cookie")).toBeNull();
    }),
  );

  test(
    "an error changes nothing that is stored",
    withLarder(async (larder) => {
      await stock(larder);
      larder.origin.script({ status: 404, fields: { "Cache-Control": "max-age=60" } });
      expect((await larder.ask("HEAD", "/a", { "Cache-Control": "no-cache" })).status).toBe(404);
      const hit = await larder.get("/a");
      expectReused(hit);
      expect(hit.text).toBe("soup");
    }),
  );
});
