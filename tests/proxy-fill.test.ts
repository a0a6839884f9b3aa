// Answers: does what the origin sends reach client and store at the same time, byte for byte?
// Owns: the claims about one fill: storing, streaming, framing, readers that come, stall and go, limits of the store.
// Leaves out: fills that break off (`proxy-broken.test.ts`), who may follow (`proxy-collapse.test.ts`).
import { describe, expect, test } from "bun:test";
import { expectForwarded, expectReused, withLarder } from "./larder-under-test.ts";

const FRESH = { "Cache-Control": "max-age=60" };
const NO_STORE = { "Cache-Control": "no-store" };
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, value) => value);

describe("the main job", () => {
  test(
    "§3 a miss is stored, a hit is answered from the copy, and the origin is asked once",
    withLarder(async (larder) => {
      larder.origin.script({ fields: { ...FRESH, "Content-Type": "text/plain" }, body: ALL_BYTES });
      const miss = await larder.get("/menu");
      expectForwarded(miss, "uri-miss");
      expect(miss.cacheStatus).toMatchObject({ stored: true, ttl: 60 });
      larder.pass(7);
      const hit = await larder.get("/menu");
      expectReused(hit);
      expect(hit.bytes).toEqual(ALL_BYTES);
      expect(hit.bytes).toEqual(miss.bytes);
      expect([hit.status, hit.fields.get("age"), hit.cacheStatus["ttl"]]).toEqual([200, "7", 53]);
      expect(hit.fields.get("content-type")).toBe("text/plain");
      expect(larder.origin.requests.length).toBe(1);
    }),
  );

  test(
    "§2 another path or another query is another response",
    withLarder(async (larder) => {
      larder.origin.script((asked) => asked.reply({ fields: FRESH, body: asked.target }));
      for (const target of ["/a", "/A", "/a?", "/a?x=1", "/a?x=2", "/%61"]) {
        expect((await larder.get(target)).text).toBe(target);
      }
      for (const target of ["/a", "/A", "/a?", "/a?x=1", "/a?x=2", "/%61"]) {
        const hit = await larder.get(target);
        expectReused(hit);
        expect(hit.text).toBe(target);
      }
    }),
  );

  test(
    "the first byte reaches the client before the origin has sent the last",
    withLarder(async (larder) => {
      const opening = larder.open("GET", "/slow");
      const asked = await larder.origin.asked();
      await asked.head({ fields: FRESH });
      await asked.chunk("first");
      const opened = await opening;
      expect(await opened.read()).toBe("first");
      await asked.chunk("second");
      expect(await opened.read()).toBe("second");
      await asked.chunk("third");
      await asked.lastChunk();
      expect([await opened.read(), await opened.read()]).toEqual(["third", undefined]);
      const hit = await larder.get("/slow");
      expectReused(hit);
      expect(hit.text).toBe("firstsecondthird");
    }),
  );

  test.each([
    ["an empty body", "", "0"],
    ["a small body", "soup", "4"],
  ])("%s that came chunked leaves in one piece, with Content-Length", async (_, body, length) =>
    withLarder(async (larder) => {
      larder.origin.script(async (asked) => {
        await asked.head({ fields: FRESH });
        if (body !== "") await asked.chunk(body);
        await asked.lastChunk();
      });
      for (const _ of ["miss", "hit"]) {
        const { fields, body: sent } = await larder.handle("GET", "/small");
        expect(fields.get("content-length")).toBe(length);
        expect(sent).toBeInstanceOf(Uint8Array);
      }
    })(),
  );

  test(
    "a large body leaves as a stream, and a hit has its Content-Length",
    withLarder(async (larder) => {
      const large = "0123456789abcdef".repeat(8192);
      larder.origin.script({ fields: FRESH, body: large });
      const { body } = await larder.handle("GET", "/large");
      expect(body).toBeInstanceOf(ReadableStream);
      await (body as ReadableStream).cancel();
      await larder.until(() => larder.store.stats().responses === 1, "stored");
      const hit = await larder.get("/large");
      expect([hit.text === large, hit.fields.get("content-length")]).toEqual([true, String(large.length)]);
    }),
  );
});

describe("readers at their own pace", () => {
  test(
    "a stalled reader neither stalls the others nor the storing, and gets every byte in the end",
    withLarder(async (larder) => {
      const opening = larder.open("GET", "/a");
      const asked = await larder.origin.asked();
      await asked.head({ fields: FRESH });
      await asked.chunk("one,");
      const stalled = await opening;
      const follower = await larder.open("GET", "/a");
      const body = "x".repeat(2 ** 20);
      await asked.chunk(body);
      await asked.lastChunk();
      expect(Buffer.from(await follower.rest()).toString()).toBe(`one,${body}`);
      const hit = await larder.get("/a");
      expectReused(hit);
      expect(hit.text).toBe(`one,${body}`);
      expect(Buffer.from(await stalled.rest()).toString()).toBe(`one,${body}`);
    }),
  );

  test.each([0, 1, 2])("a leader that leaves after %i chunks does not end the fill", async (reads) =>
    withLarder(async (larder) => {
      const opening = larder.open("GET", "/a");
      const asked = await larder.origin.asked();
      await asked.head({ fields: FRESH });
      await asked.chunk("a");
      const leader = await opening;
      const follower = await larder.open("GET", "/a");
      if (reads > 0) await leader.read();
      await asked.chunk("b");
      if (reads > 1) await leader.read();
      await leader.leave();
      await asked.chunk("c");
      await asked.lastChunk();
      expect(Buffer.from(await follower.rest()).toString()).toBe("abc");
      const hit = await larder.get("/a");
      expectReused(hit);
      expect([hit.text, larder.origin.requests.length]).toEqual(["abc", 1]);
    })(),
  );

  test(
    "the last reader of a body that is not stored ends the request to the origin when it leaves",
    withLarder(async (larder) => {
      const opening = larder.open("GET", "/a");
      const asked = await larder.origin.asked();
      await asked.head({ fields: NO_STORE });
      await asked.chunk("a");
      const only = await opening;
      await only.read();
      await only.leave();
      await asked.closed;
    }),
  );

  test(
    "a follower keeps a body alive that is not stored any more, until it leaves too",
    withLarder(
      async (larder) => {
        const opening = larder.open("GET", "/a");
        const asked = await larder.origin.asked();
        await asked.head({ fields: FRESH });
        await asked.chunk("ab");
        const leader = await opening;
        const follower = await larder.open("GET", "/a");
        await asked.chunk("cdefgh");
        expect([await leader.read(), await leader.read()]).toEqual(["ab", "cdefgh"]);
        await leader.leave();
        await asked.chunk("i");
        expect([await follower.read(), await follower.read(), await follower.read()]).toEqual([
          "ab",
          "cdefgh",
          "i",
        ]);
        await follower.leave();
        await asked.closed;
      },
      { maxObject: 4 },
    ),
  );

  test(
    "a stalled reader of a body that is not stored any more stalls the others for as long as it has to be waited for, and no longer",
    withLarder(
      async (larder) => {
        const opening = larder.open("GET", "/a");
        const asked = await larder.origin.asked();
        await asked.head({ fields: FRESH });
        await asked.chunk("ab");
        const stalled = await opening;
        const follower = await larder.open("GET", "/a");
        const sent = asked.chunk("x".repeat(2 ** 22)).then(() => asked.lastChunk());
        const limit = Bun.sleep(10_000).then(() => "stalled by the other reader" as const);
        const rest = await Promise.race([follower.rest(), limit]);
        await stalled.leave();
        await sent;
        expect(rest.length).toBe(2 + 2 ** 22);
      },
      { maxObject: 4 },
    ),
  );
});

describe("limits of the store", () => {
  const large = "0123456789".repeat(20_000);

  test.each([
    ["--max-object", { maxObject: 100_000 }],
    ["the budget", { memory: 100_000 }],
  ])("a body that grows past %s becomes a stream: whole for the client, not stored", async (_, particulars) =>
    withLarder(async (larder) => {
      larder.origin.script(async (asked) => {
        await asked.head({ fields: FRESH });
        for (let at = 0; at < large.length; at += 5000) await asked.chunk(large.slice(at, at + 5000));
        await asked.lastChunk();
      });
      const reply = await larder.get("/a");
      expect(reply.text).toBe(large);
      await larder.until(() => larder.answered.length === 1, "told");
      expect(larder.answered[0]?.storage).toEqual({ kind: "not-stored", reason: "too-large" });
      expect(larder.store.stats()).toMatchObject({ responses: 0, pendingBytes: 0 });
      expectForwarded(await larder.get("/a"), "uri-miss");
    }, particulars)(),
  );

  test.each([
    ["--max-object", { maxObject: 100_000 }],
    ["the budget", { memory: 100_000 }],
  ])("a body announced as larger than %s is passed on and not stored", async (_, particulars) =>
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH, body: large });
      const reply = await larder.get("/a");
      expect(reply.text).toBe(large);
      expect(reply.cacheStatus).toMatchObject({ fwd: "uri-miss", detail: "too-large" });
      expect(reply.cacheStatus).not.toHaveProperty("stored");
      expect(larder.store.stats()).toMatchObject({ responses: 0, pendingBytes: 0 });
    }, particulars)(),
  );

  test(
    "RFC 9112 §6.3 a body that only the end of the connection delimits is passed on and not stored",
    withLarder(async (larder) => {
      larder.origin.script(async (asked) => {
        await asked.head({ fields: { ...FRESH, Connection: "close" } });
        await asked.send("to the end");
        asked.end();
      });
      for (const _ of ["once", "again"]) {
        const reply = await larder.get("/a");
        expectForwarded(reply, "uri-miss");
        expect([reply.text, reply.cacheStatus["detail"]]).toEqual(["to the end", "close-delimited"]);
      }
    }),
  );
});
