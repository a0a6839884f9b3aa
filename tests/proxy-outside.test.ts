// Answers: is a body outside of memory as good as one in it?
// Owns: the claims about such bodies through the engine: how they are answered, and what holds when they are gone.
// Leaves out: how they get there (`store/spill.test.ts`), what else tiers have (`proxy-tiers.test.ts`).
import { describe, expect, test } from "bun:test";
import { expectForwarded, expectReused, expectValidated } from "./larder-under-test.ts";
import { type Behind, withTier } from "./larder-with-tiers.ts";
import type { FieldRecord } from "./scripted-origin.ts";

const FRESH = { "Cache-Control": "max-age=60", ETag: '"1"', "Content-Type": "text/plain" };
const URI = "http://larder.test/a";
const LARGE = Buffer.from(crypto.getRandomValues(new Uint8Array(120_000))).toString("latin1");

describe("a body outside of memory", () => {
  /** `/a` is stored outside; its origin waits. */
  async function outside({ larder, shelf }: Behind, framing: "length" | "chunks" = "length"): Promise<void> {
    const asking = larder.get("/a");
    const asked = await larder.origin.asked();
    if (framing === "length") await asked.reply({ fields: FRESH, body: Buffer.from(LARGE, "latin1") });
    else {
      await asked.head({ fields: FRESH });
      for (let at = 0; at < LARGE.length; at += 20_000) await asked.chunk(LARGE.slice(at, at + 20_000));
      await asked.lastChunk();
    }
    const reply = await asking;
    expect([reply.text === LARGE, reply.cacheStatus["stored"]]).toEqual([true, true]);
    await larder.until(() => larder.collapser.inFlight === 0, "stored");
    expect(shelf.done).toEqual([`commit ${LARGE.length}`]);
    larder.origin.requests.length = 0;
  }

  test.each(["length", "chunks"] as const)(
    "is stored as it comes, by %s, and answered whole",
    async (framing) =>
      withTier(async (parts) => {
        await outside(parts, framing);
        const reply = await parts.larder.get("/a");
        expectReused(reply);
        expect([reply.text === LARGE, reply.fields.get("content-length")]).toEqual([true, "120000"]);
        expect(reply.fields.get("content-type")).toBe("text/plain");
        expect(parts.larder.store.stats().storedBytes).toBeLessThan(5000);
      })(),
  );

  test.each<[string, string, FieldRecord, number, string, string | null]>([
    ["HEAD", "HEAD", {}, 200, "", "120000"],
    ["a Range", "GET", { Range: "bytes=1000-2999" }, 206, LARGE.slice(1000, 3000), "2000"],
    ["the last bytes", "GET", { Range: "bytes=-10" }, 206, LARGE.slice(-10), "10"],
    ["a Range beyond", "GET", { Range: "bytes=120000-" }, 416, "", "0"],
    ["several Ranges: all", "GET", { Range: "bytes=0-1,5-6" }, 200, LARGE, "120000"],
    ["If-Range that holds not", "GET", { Range: "bytes=0-1", "If-Range": '"0"' }, 200, LARGE, "120000"],
    ["If-None-Match", "GET", { "If-None-Match": '"1"' }, 304, "", null],
    ["If-None-Match of another", "GET", { "If-None-Match": '"2"' }, 200, LARGE, "120000"],
  ])("answers %s", async (_, method, fields, status, text, length) =>
    withTier(async (parts) => {
      await outside(parts);
      const reply = await parts.larder.ask(method, "/a", fields);
      expectReused(reply);
      expect([reply.status, reply.text === text]).toEqual([status, true]);
      expect(reply.fields.get("content-length")).toBe(length);
      expect(parts.larder.origin.requests.length).toBe(0);
    })(),
  );

  test(
    "on a socket, byte for byte",
    withTier(async (parts) => {
      await outside(parts);
      for (const wire of ["lane", "bun"]) {
        const url = parts.larder.serve(wire);
        const answer = await fetch(`${url}/a`, { headers: { Host: "larder.test" } });
        expect(Buffer.from(await answer.arrayBuffer()).toString("latin1") === LARGE).toBe(true);
      }
    }),
  );

  test(
    "that is gone is a miss",
    withTier(async (parts) => {
      await outside(parts);
      parts.shelf.isGone = true;
      const { larder } = parts;
      larder.origin.script({ fields: FRESH, body: "small" });
      const reply = await larder.get("/a");
      expectForwarded(reply, "uri-miss");
      expect([reply.status, reply.text]).toEqual([200, "small"]);
    }),
  );

  test.each(["purged", "evicted"])("that is %s while it is validated is asked for anew", async (how) =>
    withTier(async (parts) => {
      await outside(parts);
      const { larder, shelf } = parts;
      larder.pass(61);
      const asking = larder.get("/a");
      const asked = await larder.origin.asked();
      if (how === "purged") await larder.purge(URI);
      shelf.isGone = true;
      larder.origin.script({ fields: FRESH, body: "small" });
      await asked.reply({ status: 304, fields: FRESH });
      const reply = await asking;
      expect([reply.status, reply.text]).toEqual([200, "small"]);
    })(),
  );

  test(
    "that is gone covers no failing origin: the client is told",
    withTier(
      async (parts) => {
        await outside(parts);
        const { larder, shelf } = parts;
        larder.pass(61);
        const asking = larder.get("/a");
        const asked = await larder.origin.asked();
        shelf.isGone = true;
        await asked.reply({ status: 503, fields: { Connection: "close" } });
        const reply = await asking;
        expect([reply.status, reply.text.includes("origin")]).toEqual([502, true]);
      },
      { staleIfError: 60 },
    ),
  );

  test(
    "is freshened where it lies",
    withTier(async (parts) => {
      await outside(parts);
      const { larder, shelf, tier } = parts;
      larder.pass(61);
      larder.origin.script({ status: 304, fields: FRESH });
      const reply = await larder.get("/a");
      expectValidated(reply);
      expect([reply.text === LARGE, shelf.opened]).toEqual([true, 1]);
      expect(tier.kept.map(({ body }) => body.kind)).toEqual(["outside"]);
    }),
  );

  test(
    "is stored though its client leaves in the middle",
    withTier(async (parts) => {
      const { larder, shelf } = parts;
      const opening = larder.open("GET", "/a");
      const asked = await larder.origin.asked();
      await asked.head({ fields: { ...FRESH, "Content-Length": "1200000" } });
      await asked.send(LARGE);
      const opened = await opening;
      await opened.read();
      await opened.leave();
      for (let time = 1; time < 10; time++) await asked.send(LARGE);
      await larder.until(() => larder.collapser.inFlight === 0, "stored");
      expect(shelf.done).toEqual(["commit 1200000"]);
    }),
  );

  test(
    "that has no room is passed on, and not said to be stored",
    withTier(async (parts) => {
      parts.shelf.room = 0;
      parts.larder.origin.script({ fields: FRESH, body: Buffer.from(LARGE, "latin1") });
      const reply = await parts.larder.get("/a");
      expect([reply.text === LARGE, reply.cacheStatus["stored"]]).toEqual([true, undefined]);
      expectForwarded(await parts.larder.get("/a"), "uri-miss");
    }),
  );
});
