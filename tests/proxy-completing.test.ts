// Answers: does a client that wants the whole get it, where Larder has a part and the origin sends the rest?
// Owns: the claims about completing partial responses (§3.4) through the engine; bodies are compared with the whole.
// Leaves out: storing and combining parts (`proxy-range.test.ts`).
import { describe, expect, test } from "bun:test";
import { expectReused, withLarder } from "./larder-under-test.ts";
import type { Asked } from "./scripted-origin.ts";
import { WHOLE, FRESH, ranging, part, stock } from "./ranging-origin.ts";

describe("§3.4 a partial response is completed for a GET", () => {
  const COMPLETED: readonly (readonly [what: string, stored: readonly string[], asked: string])[] = [
    ["the front is stored", ["0-9"], "bytes=10-"],
    ["the end is stored", ["-5"], "bytes=0-14"],
    ["both are stored", ["0-4", "-5"], "bytes=5-14"],
    ["front and middle are stored", ["0-4", "8-9"], "bytes=5-"],
    ["front, middle and end are stored", ["0-4", "8-9", "-5"], "bytes=5-14"],
  ];

  test.each(COMPLETED)("where %s, the origin is asked for the rest only", async (_, stored, range) =>
    withLarder(async (larder) => {
      await stock(larder, stored);
      larder.origin.script(ranging());
      const reply = await larder.get("/a");
      expect([reply.status, reply.text]).toEqual([200, WHOLE]);
      expect(reply.cacheStatus).toMatchObject({ fwd: "partial", "fwd-status": 206, stored: true });
      expect([reply.fields.get("content-length"), reply.fields.get("content-range")]).toEqual(["20", null]);
      const asked = larder.origin.requests.map((one) => [one.get("range"), one.get("if-range")]);
      expect(asked).toEqual([[range, '"1"']]);
      const hit = await larder.get("/a");
      expectReused(hit);
      expect([hit.status, hit.text]).toEqual([200, WHOLE]);
      expect(larder.store.stats().responses).toBe(1);
    })(),
  );

  test.each([
    ["200 with the whole", (asked: Asked) => asked.reply({ fields: FRESH, body: WHOLE })],
    [
      "200 with something new",
      (asked: Asked) => asked.reply({ fields: { ...FRESH, ETag: '"2"' }, body: WHOLE }),
    ],
    ["416", (asked: Asked) => asked.reply({ status: 416, fields: { "Content-Range": "bytes */5" } })],
    [
      "206 with another entity-tag",
      (asked: Asked) => part(asked, { fields: { ...FRESH, ETag: '"2"' }, first: 10, last: 19 }),
    ],
    [
      "206 with a weak entity-tag",
      (asked: Asked) => part(asked, { fields: { ...FRESH, ETag: 'W/"1"' }, first: 10, last: 19 }),
    ],
    ["206 that starts elsewhere", (asked: Asked) => part(asked, { first: 9, last: 19 })],
    ["206 that ends too early", (asked: Asked) => part(asked, { first: 10, last: 18 })],
    [
      "206 whose Content-Length is less than its Content-Range",
      (asked: Asked) =>
        asked.reply({
          status: 206,
          fields: { ...FRESH, "Content-Range": "bytes 10-19/20", "Content-Length": "5" },
          body: WHOLE.slice(10, 15),
        }),
    ],
    ["206 of another length", (asked: Asked) => part(asked, { first: 10, last: 20, whole: `${WHOLE}k` })],
    ["206 without Content-Range", (asked: Asked) => asked.reply({ status: 206, fields: FRESH, body: "?" })],
    ["500", (asked: Asked) => asked.reply({ status: 500, body: "down" })],
  ])("the origin answers %s: the client gets a whole response", async (what, answer) =>
    withLarder(async (larder) => {
      await stock(larder, ["0-9"]);
      larder.origin.script((asked) =>
        asked.get("range") === undefined
          ? asked.reply({ fields: { ...FRESH, ETag: '"9"' }, body: WHOLE })
          : answer(asked),
      );
      const replies = await Promise.all([larder.get("/a"), larder.get("/a")]);
      for (const { status, text } of replies) {
        expect([status, text]).toEqual(what === "500" ? [500, "down"] : [200, WHOLE]);
      }
      expect((await larder.get("/a")).text).toBe(what === "500" ? "down" : WHOLE);
    })(),
  );

  test(
    "the rest breaks off: no clean end, and what was stored is still there",
    withLarder(async (larder) => {
      await stock(larder, ["0-9"]);
      const replying = larder.get("/a");
      const asked = await larder.origin.asked();
      const fields = { ...FRESH, "Content-Range": "bytes 10-19/20", "Content-Length": "10" };
      await asked.head({ status: 206, fields });
      await asked.send("abcde");
      asked.breakOff();
      const reply = await replying.catch(() => undefined);
      expect(reply?.status ?? 502).toBe(502);
      await larder.until(() => larder.collapser.inFlight === 0, "the fill is over");
      const hit = await larder.get("/a", { Range: "bytes=0-9" });
      expectReused(hit);
      expect(hit.text).toBe("0123456789");
    }),
  );

  test(
    "a rest in chunks that does not fill the gap breaks off there: no byte behind it is out of its place",
    withLarder(async (larder) => {
      await stock(larder, ["0-4", "-5"]);
      const opening = larder.open("GET", "/a");
      const asked = await larder.origin.asked();
      await asked.head({ status: 206, fields: { ...FRESH, "Content-Range": "bytes 5-14/20" } });
      await asked.chunk("56789");
      const opened = await opening;
      const got = [await opened.read(), await opened.read()].join("");
      await asked.lastChunk();
      await expect(opened.rest()).rejects.toThrow();
      expect(got).toBe("0123456789");
    }),
  );

  test(
    "RFC 9530 a part that gives the whole a wrong digest: asked again for all of it, and the part is not kept",
    withLarder(async (larder) => {
      const digest = `sha-256=:${Buffer.alloc(32).toString("base64")}:`;
      await stock(larder, ["0-9"], { ...FRESH, "Repr-Digest": digest });
      larder.origin.script(ranging());
      for (const word of ["partial", undefined]) {
        const reply = await larder.get("/a");
        expect([reply.status, reply.text, reply.cacheStatus["fwd"]]).toEqual([200, WHOLE, word]);
      }
      expect(larder.origin.requests.map((one) => one.get("range"))).toEqual(["bytes=10-", undefined]);
    }),
  );

  test(
    "followers of a completion get the whole too",
    withLarder(async (larder) => {
      await stock(larder, ["0-9"]);
      const replies = [1, 2, 3].map(() => larder.get("/a"));
      await part(await larder.origin.asked(), { first: 10, last: 19 });
      for (const reply of await Promise.all(replies))
        expect([reply.status, reply.text]).toEqual([200, WHOLE]);
      expect(larder.origin.requests.length).toBe(1);
    }),
  );

  test(
    "§4.4 an unsafe request meanwhile: the client gets the whole, and nothing is stored",
    withLarder(async (larder) => {
      await stock(larder, ["0-9"]);
      const replying = larder.get("/a");
      const asked = await larder.origin.asked();
      const posted = larder.ask("POST", "/a");
      await (await larder.origin.asked()).reply();
      await posted;
      larder.origin.script({ fields: FRESH, body: WHOLE });
      await part(asked, { first: 10, last: 19 });
      expect([(await replying).status, (await replying).text]).toEqual([200, WHOLE]);
    }),
  );

  test(
    "the whole is larger than --max-object: the client gets it, and it is not stored",
    withLarder(
      async (larder) => {
        await stock(larder, ["0-9"]);
        larder.origin.script(ranging());
        expect([(await larder.get("/a")).status, (await larder.get("/a")).text]).toEqual([200, WHOLE]);
      },
      { maxObject: 15 },
    ),
  );

  test(
    "the rest alone is larger than --max-object: the client gets the whole",
    withLarder(
      async (larder) => {
        await stock(larder, ["0-4"]);
        larder.origin.script(ranging());
        expect([(await larder.get("/a")).status, (await larder.get("/a")).text]).toEqual([200, WHOLE]);
      },
      { maxObject: 10 },
    ),
  );
});
