// Answers: what does a validation do to the store, to the client, and to those who validate at the same time?
// Owns: the claims about validation through the engine (§4.3.1, §4.3.3, §4.3.4).
// Leaves out: conditions of clients and HEAD (`proxy-conditions.test.ts`), failing origins (`proxy-stale.test.ts`).
import { describe, expect, test } from "bun:test";
import { epochSeconds } from "../lib/rfc9111/time.ts";
import {
  expectForwarded,
  expectReused,
  expectValidated,
  type Larder,
  withLarder,
} from "./larder-under-test.ts";
import type { Asked, FieldRecord } from "./scripted-origin.ts";

const MODIFIED = "Fri, 01 Jan 2027 08:00:00 GMT";
const SHORT = { "Cache-Control": "max-age=1", ETag: '"1"' };
const AGAIN = { "Cache-Control": "max-age=60", ETag: '"1"' };

/** `/a` is stored, and stale by now; the origin waits. */
async function makeStale(larder: Larder, fields: FieldRecord = SHORT, body = "old"): Promise<void> {
  larder.origin.script({ fields, body });
  await larder.get("/a");
  larder.origin.script(undefined);
  larder.pass(10);
}

function notModified(asked: Asked, fields: FieldRecord = AGAIN): Promise<void> {
  return asked.reply({ status: 304, fields });
}

describe("§4.3.1 the validation request", () => {
  test.each([
    ["the entity-tag", { ETag: '"1"' }, ['"1"', undefined]],
    ["a weak entity-tag as it is", { ETag: 'W/"1"' }, ['W/"1"', undefined]],
    ["Last-Modified", { "Last-Modified": MODIFIED }, [undefined, MODIFIED]],
    ["both", { ETag: '"1"', "Last-Modified": MODIFIED }, ['"1"', MODIFIED]],
  ])("carries %s", async (_, validators, conditions) =>
    withLarder(async (larder) => {
      await makeStale(larder, { "Cache-Control": "max-age=1", ...validators });
      const reply = larder.get("/a");
      const asked = await larder.origin.asked();
      expect([asked.get("if-none-match"), asked.get("if-modified-since")]).toEqual(conditions);
      await notModified(asked, { "Cache-Control": "max-age=60", ...validators });
      expectValidated(await reply);
    })(),
  );

  test(
    "carries the stored validators and not those of the client",
    withLarder(async (larder) => {
      await makeStale(larder);
      const reply = larder.get("/a", { "If-None-Match": '"mine"', "If-Modified-Since": MODIFIED });
      const asked = await larder.origin.asked();
      expect([asked.get("if-none-match"), asked.get("if-modified-since")]).toEqual(['"1"', undefined]);
      await notModified(asked);
      expect([(await reply).status, (await reply).text]).toEqual([200, "old"]);
    }),
  );

  test(
    "without a validator there are no conditions",
    withLarder(async (larder) => {
      await makeStale(larder, { "Cache-Control": "max-age=1" });
      const reply = larder.get("/a");
      const asked = await larder.origin.asked();
      expect([asked.get("if-none-match"), asked.get("if-modified-since")]).toEqual([undefined, undefined]);
      await asked.reply({ fields: AGAIN, body: "new" });
      expectForwarded(await reply, "stale");
    }),
  );

  test(
    "§4.1 a request for another variant offers the entity-tags of those that are stored",
    withLarder(async (larder) => {
      const vary = { "Cache-Control": "max-age=60", Vary: "X-Kind" };
      larder.origin.script((asked) =>
        asked.reply({ fields: { ...vary, ETag: `"${asked.get("x-kind")}"` }, body: asked.get("x-kind")! }),
      );
      await larder.get("/a", { "X-Kind": "1" });
      await larder.get("/a", { "X-Kind": "2" });
      larder.origin.script(undefined);
      const reply = larder.get("/a", { "X-Kind": "3" });
      const asked = await larder.origin.asked();
      expect(asked.get("if-none-match")).toBe('"1", "2"');
      await notModified(asked, { ...vary, ETag: '"2"' });
      expectValidated(await reply, "vary-miss");
      expect((await reply).text).toBe("2");
      for (const [kind, text] of [
        ["1", "1"],
        ["2", "2"],
        ["3", "2"],
      ] as const) {
        const hit = await larder.get("/a", { "X-Kind": kind });
        expectReused(hit);
        expect(hit.text).toBe(text);
      }
    }),
  );
});

describe("§4.3.3 what comes of it", () => {
  test(
    "§4.3.4 a 304 freshens header fields, age and lifetime, and the bytes stay",
    withLarder(async (larder) => {
      await makeStale(larder, { ...SHORT, "X-Old": "1", "X-Both": "old", Age: "0" });
      const reply = larder.get("/a");
      const fields = { ...AGAIN, "X-Both": "new", "X-New": "1", Age: "5" };
      await notModified(await larder.origin.asked(), fields);
      expectValidated(await reply);
      larder.pass(2);
      const hit = await larder.get("/a");
      expectReused(hit);
      for (const [name, value] of [
        ["x-old", "1"],
        ["x-both", "new"],
        ["x-new", "1"],
        ["content-length", "3"],
      ] as const) {
        expect([(await reply).fields.get(name), hit.fields.get(name)]).toEqual([value, value]);
      }
      expect([(await reply).fields.get("age"), hit.fields.get("age")]).toEqual(["5", "7"]);
      expect([(await reply).cacheStatus["ttl"], hit.cacheStatus["ttl"]]).toEqual([55, 53]);
      expect([(await reply).text, hit.text]).toEqual(["old", "old"]);
    }),
  );

  test(
    "a 200 takes the place of what was stored",
    withLarder(async (larder) => {
      await makeStale(larder);
      const reply = larder.get("/a");
      await (await larder.origin.asked()).reply({ fields: { ...AGAIN, ETag: '"2"' }, body: "new" });
      expectForwarded(await reply, "stale");
      expect((await reply).text).toBe("new");
      const hit = await larder.get("/a");
      expectReused(hit);
      expect([hit.text, hit.fields.get("etag")]).toEqual(["new", '"2"']);
      expect(larder.store.stats().responses).toBe(1);
    }),
  );

  test(
    "a 200 that was selected by other fields takes the place of what was validated as well",
    withLarder(async (larder) => {
      await makeStale(larder, { ...SHORT, Vary: "X-Kind" });
      const reply = larder.get("/a");
      await (await larder.origin.asked()).reply({ fields: { ...AGAIN, ETag: '"2"' }, body: "new" });
      expect((await reply).text).toBe("new");
      await larder.until(() => larder.store.stats().responses === 1, "only the new one");
      expect((await larder.get("/a")).text).toBe("new");
    }),
  );

  test(
    "a 200 that may not be stored shows that what is stored is outdated",
    withLarder(async (larder) => {
      await makeStale(larder);
      const reply = larder.get("/a");
      await (await larder.origin.asked()).reply({ fields: { "Cache-Control": "no-store" }, body: "new" });
      expect((await reply).text).toBe("new");
      expect(larder.store.stats().responses).toBe(0);
    }),
  );

  test(
    "a 200 that breaks off leaves what is stored as it was",
    withLarder(async (larder) => {
      await makeStale(larder);
      larder.origin.script(async (asked) => {
        await asked.head({ fields: { ...AGAIN, ETag: '"2"', "Content-Length": "10" } });
        asked.breakOff();
      });
      expect((await larder.get("/a").catch(() => ({ status: 0 }))).status).not.toBe(200);
      larder.origin.script(undefined);
      const reply = larder.get("/a");
      await notModified(await larder.origin.asked());
      expect((await reply).text).toBe("old");
    }),
  );

  test.each([
    ["another entity-tag", { ...AGAIN, ETag: '"2"' }],
    ["another Last-Modified", { "Cache-Control": "max-age=60", "Last-Modified": MODIFIED }],
  ])("§4.3.4 a 304 with %s is about nothing stored: asked again without conditions", async (_, fields) =>
    withLarder(async (larder) => {
      await makeStale(larder);
      const replies = [larder.get("/a"), larder.get("/a")];
      await notModified(await larder.origin.asked(), fields);
      const again = await larder.origin.asked();
      expect([again.get("if-none-match"), again.get("if-modified-since")]).toEqual([undefined, undefined]);
      await again.reply({ fields: { ...AGAIN, ETag: '"2"' }, body: "new" });
      for (const reply of await Promise.all(replies)) {
        expectForwarded(reply, "stale");
        expect(reply.text).toBe("new");
      }
      expect(larder.origin.requests.length).toBe(3);
    })(),
  );

  test.each(["no-store", "private"])("§3 a 304 that says %s ends the storing", async (directive) =>
    withLarder(async (larder) => {
      await makeStale(larder);
      const reply = larder.get("/a");
      await notModified(await larder.origin.asked(), { ...AGAIN, "Cache-Control": directive });
      expectValidated(await reply);
      expect([(await reply).text, larder.store.stats().responses]).toEqual(["old", 0]);
    })(),
  );

  test(
    "§5.2.1.5 a validation for a request with no-store leaves the store as it is",
    withLarder(async (larder) => {
      await makeStale(larder);
      const reply = larder.get("/a", { "Cache-Control": "no-store" });
      await notModified(await larder.origin.asked(), { ...AGAIN, "X-New": "1" });
      expect((await reply).text).toBe("old");
      expect(larder.store.stats().responses).toBe(1);
      expect(larder.store.lookup("http://larder.test/a")[0]?.fields.has("x-new")).toBe(false);
    }),
  );
});

describe("validations at the same time", () => {
  test(
    "one request to the origin, 20 validated answers",
    withLarder(async (larder) => {
      await makeStale(larder);
      const replies = Array.from({ length: 20 }, () => larder.get("/a"));
      await notModified(await larder.origin.asked());
      const [leader, ...followers] = await Promise.all(replies);
      expectValidated(leader!);
      for (const follower of followers) {
        expectValidated(follower);
        expect(follower.cacheStatus).toMatchObject({ collapsed: true, ttl: 60 });
        expect(follower.text).toBe("old");
      }
      expect(larder.origin.requests.length).toBe(2);
      expect(larder.answered.slice(1).map(({ report }) => report.word)).toEqual(Array(20).fill("VALIDATED"));
    }),
  );

  test(
    "a 200 in place of the 304 is for all of them",
    withLarder(async (larder) => {
      await makeStale(larder);
      const replies = Array.from({ length: 5 }, () => larder.get("/a"));
      await (await larder.origin.asked()).reply({ fields: AGAIN, body: "new" });
      for (const { text } of await Promise.all(replies)) expect(text).toBe("new");
      expect(larder.origin.requests.length).toBe(2);
    }),
  );

  test.each([
    ["a 200 that is private", 200, { "Cache-Control": "private" }],
    ["a 304 that says no-cache", 304, { ...AGAIN, "Cache-Control": "no-cache" }],
    ["a 304 that is stale at once", 304, { ...AGAIN, "Cache-Control": "max-age=0" }],
  ])("%s is for the first only: the others ask in parallel", async (_, status, fields) =>
    withLarder(async (larder) => {
      await makeStale(larder);
      const replies = [1, 2, 3].map(() => larder.get("/a"));
      await (await larder.origin.asked()).reply({ status, fields, body: "for one" });
      const others = [await larder.origin.asked(), await larder.origin.asked()];
      for (const asked of others) await asked.reply({ fields: AGAIN, body: "new" });
      const texts = (await Promise.all(replies)).map(({ text }) => text);
      expect(texts).toEqual([status === 200 ? "for one" : "old", "new", "new"]);
      expect(larder.collapser.isUncollapsible("http://larder.test/a", epochSeconds(larder.nowMs))).toBe(true);
    })(),
  );

  test(
    "§5.2.1.4 no-cache on a fresh response validates, each request on its own",
    withLarder(async (larder) => {
      larder.origin.script({ fields: AGAIN, body: "old" });
      await larder.get("/a");
      larder.origin.script(undefined);
      const replies = [1, 2].map(() => larder.get("/a", { "Cache-Control": "no-cache" }));
      const asked = [await larder.origin.asked(), await larder.origin.asked()];
      for (const one of asked) await notModified(one);
      for (const reply of await Promise.all(replies)) {
        expectValidated(reply, "request");
        expect(reply.text).toBe("old");
      }
    }),
  );
});
