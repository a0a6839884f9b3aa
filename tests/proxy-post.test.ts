// Answers: when is a response to POST what a later GET gets?
// Owns: the claims about RFC 9110 §9.3.3 through the engine.
// Leaves out: what POST makes invalid (`proxy-invalidation.test.ts`).
import { describe, expect, test } from "bun:test";
import { expectForwarded, expectReused, type Larder, withLarder } from "./larder-under-test.ts";

const FRESH = { "Cache-Control": "max-age=60", ETag: '"1"' };

/** These targets are stored; afterwards the origin waits. */
async function stock(larder: Larder, ...targets: string[]): Promise<void> {
  larder.origin.script({ fields: FRESH, body: "old" });
  for (const target of targets) await larder.get(target);
  larder.origin.script(undefined);
}

describe("RFC 9110 §9.3.3 POST responses", () => {
  const NAMED = { ...FRESH, "Content-Location": "/a" };

  test(
    "with freshness and a Content-Location that is the target are stored for GET: their own invalidation comes first",
    withLarder(async (larder) => {
      await stock(larder, "/a");
      larder.origin.script({ fields: NAMED, body: "posted" });
      const posted = await larder.ask("POST", "/a", {}, "x");
      expectForwarded(posted, "method");
      expect(posted.cacheStatus).toMatchObject({ stored: true });
      const hit = await larder.get("/a");
      expectReused(hit);
      expect(hit.text).toBe("posted");
      expect((await larder.ask("POST", "/a", {}, "y")).cacheStatus).not.toHaveProperty("hit");
      expect(larder.origin.requests.length).toBe(3);
    }),
  );

  test.each([
    ["another Content-Location", { ...FRESH, "Content-Location": "/b" }],
    ["no Content-Location", FRESH],
    ["no explicit freshness", { ETag: '"1"', "Content-Location": "/a" }],
  ])("with %s are not", async (_, fields) =>
    withLarder(async (larder) => {
      larder.origin.script({ fields, body: "posted" });
      await larder.ask("POST", "/a", {}, "x");
      expect(larder.store.stats().responses).toBe(0);
    })(),
  );

  test(
    "of two at the same time, the one that is answered last wins",
    withLarder(async (larder) => {
      const opening = larder.open("POST", "/a", {}, "1");
      const one = await larder.origin.asked();
      await one.head({ fields: NAMED });
      await one.chunk("first");
      const first = await opening;
      const second = larder.ask("POST", "/a", {}, "2");
      await (await larder.origin.asked()).reply({ fields: NAMED, body: "second" });
      expect((await second).text).toBe("second");
      await one.lastChunk();
      expect(Buffer.from(await first.rest()).toString()).toBe("first");
      expect((await larder.get("/a")).text).toBe("second");
    }),
  );
});
