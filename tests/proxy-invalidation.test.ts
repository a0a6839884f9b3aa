// Answers: does a change at the origin that passes through Larder leave nothing outdated behind?
// Owns: the claims about §4.4 through the engine, with fills and validations in flight, and about POST responses stored.
// Leaves out: which URIs are invalidated (`rfc9111/invalidation.test.ts`).
import { describe, expect, test } from "bun:test";
import { expectReused, type Larder, withLarder } from "./larder-under-test.ts";
import type { Asked, FieldRecord } from "./scripted-origin.ts";

const FRESH = { "Cache-Control": "max-age=60", ETag: '"1"' };

/** These targets are stored; afterwards the origin waits. */
async function stock(larder: Larder, ...targets: string[]): Promise<void> {
  larder.origin.script({ fields: FRESH, body: "old" });
  for (const target of targets) await larder.get(target);
  larder.origin.script(undefined);
}

/** An unsafe request and the response to it. */
async function change(
  larder: Larder,
  method: string,
  answer: { readonly status?: number; readonly fields?: FieldRecord } = {},
): Promise<void> {
  const changing = larder.ask(method, "/a", {}, method === "DELETE" ? undefined : "x");
  await (await larder.origin.asked()).reply(answer);
  expect((await changing).status).toBe(answer.status ?? 200);
}

function isStored(larder: Larder, target: string): boolean {
  return larder.store.lookup(`http://larder.test${target}`).length > 0;
}

describe("§4.4 what is stored", () => {
  test.each(["POST", "PUT", "DELETE", "PATCH", "MKCOL"])("%s invalidates its own URI", async (method) =>
    withLarder(async (larder) => {
      await stock(larder, "/a", "/b");
      await change(larder, method);
      expect([isStored(larder, "/a"), isStored(larder, "/b")]).toEqual([false, true]);
      expect(larder.events).toContainEqual({ kind: "invalidated", uri: "http://larder.test/a", removed: 1 });
    })(),
  );

  test.each(["GET", "HEAD", "OPTIONS", "PROPFIND", "QUERY"])("%s does not", async (method) =>
    withLarder(async (larder) => {
      await stock(larder, "/a");
      larder.origin.script({ status: 404 });
      await larder.ask(method, "/a");
      expect(isStored(larder, "/a")).toBe(true);
    })(),
  );

  test(
    "all variants go",
    withLarder(async (larder) => {
      larder.origin.script({ fields: { ...FRESH, Vary: "X-Kind" } });
      for (const kind of ["1", "2", "3"]) await larder.get("/a", { "X-Kind": kind });
      expect(larder.store.stats().responses).toBe(3);
      larder.origin.script(undefined);
      await change(larder, "POST");
      expect(larder.store.stats().responses).toBe(0);
    }),
  );

  test.each([200, 201, 204, 303, 304])("a response with status %i does", async (status) =>
    withLarder(async (larder) => {
      await stock(larder, "/a");
      await change(larder, "POST", { status });
      expect(isStored(larder, "/a")).toBe(false);
    })(),
  );

  test.each([400, 404, 412, 500, 503])("an error with status %i does not", async (status) =>
    withLarder(async (larder) => {
      await stock(larder, "/a");
      await change(larder, "POST", { status });
      expectReused(await larder.get("/a"));
    })(),
  );

  test(
    "a request that never got a response does not",
    withLarder(async (larder) => {
      await stock(larder, "/a");
      const posting = larder.ask("POST", "/a", {}, "x");
      (await larder.origin.asked()).breakOff();
      expect((await posting).status).toBe(502);
      expectReused(await larder.get("/a"));
    }),
  );

  test.each([
    ["Location", "/b", true],
    ["Content-Location", "b", true],
    ["Location", "http://larder.test/b#part", true],
    ["Location", "http://elsewhere.test/b", false],
    ["Content-Location", "//elsewhere.test/b", false],
    ["Location", "https://larder.test/b", false],
    ["Location", "http://larder.test:8080/b", false],
    ["Location", "http://[", false],
  ])("%s: %s", async (name, value, goes) =>
    withLarder(async (larder) => {
      await stock(larder, "/a", "/b");
      await change(larder, "POST", { status: 201, fields: { [name]: value } });
      expect([isStored(larder, "/a"), isStored(larder, "/b")]).toEqual([false, !goes]);
    })(),
  );

  test(
    "an origin that names itself by its own address means the URI by which the client knows it",
    withLarder(async (larder) => {
      await stock(larder, "/b");
      await change(larder, "POST", { status: 201, fields: { Location: `${larder.origin.url}/b` } });
      expect(isStored(larder, "/b")).toBe(false);
    }),
  );
});

describe("§4.4 what is on its way into the store", () => {
  async function begin(larder: Larder, target = "/a"): Promise<readonly [ReturnType<Larder["open"]>, Asked]> {
    const opening = larder.open("GET", target);
    return [opening, await larder.origin.asked()];
  }

  test(
    "asked before, answered after: readers get every byte, and it is not stored",
    withLarder(async (larder) => {
      const [opening, asked] = await begin(larder);
      await change(larder, "POST");
      await asked.reply({ fields: FRESH, body: "old" });
      const opened = await opening;
      expect(Buffer.from(await opened.rest()).toString()).toBe("old");
      expect(opened.cacheStatus).toEqual({ fwd: "uri-miss", "fwd-status": 200, detail: "invalidated" });
      expect(isStored(larder, "/a")).toBe(false);
    }),
  );

  test.each(["/a", "/b"])("in the middle of the body of %s: the same", async (target) =>
    withLarder(async (larder) => {
      const [opening, asked] = await begin(larder, target);
      await asked.head({ fields: FRESH });
      await asked.chunk("one,");
      const opened = await opening;
      const follower = await larder.open("GET", target);
      await change(larder, "POST", { status: 201, fields: { Location: "/b" } });
      await asked.chunk("two");
      await asked.lastChunk();
      for (const reader of [opened, follower]) {
        expect(Buffer.from(await reader.rest()).toString()).toBe("one,two");
      }
      await larder.until(() => larder.collapser.inFlight === 0, "the end");
      expect(isStored(larder, target)).toBe(false);
      await larder.until(() => larder.answered.some(({ storage }) => storage !== undefined), "told");
      expect(larder.answered.find(({ storage }) => storage !== undefined)?.storage).toEqual({
        kind: "not-stored",
        reason: "invalidated",
      });
    })(),
  );

  test(
    "who comes afterwards does not follow it, but asks the origin, and that is stored",
    withLarder(async (larder) => {
      const [opening, asked] = await begin(larder);
      await change(larder, "POST");
      const [later, second] = await begin(larder);
      await second.reply({ fields: FRESH, body: "new" });
      expect(Buffer.from(await (await later).rest()).toString()).toBe("new");
      await asked.reply({ fields: FRESH, body: "old" });
      expect(Buffer.from(await (await opening).rest()).toString()).toBe("old");
      const hit = await larder.get("/a");
      expectReused(hit);
      expect(hit.text).toBe("new");
    }),
  );

  test(
    "who waits for it already asks the origin for itself",
    withLarder(async (larder) => {
      const [opening, asked] = await begin(larder);
      const following = larder.get("/a");
      await change(larder, "POST");
      await asked.reply({ fields: FRESH, body: "old" });
      await (await larder.origin.asked()).reply({ fields: FRESH, body: "new" });
      expect(Buffer.from(await (await opening).rest()).toString()).toBe("old");
      expect((await following).text).toBe("new");
    }),
  );

  test(
    "a failing one lets it be stored",
    withLarder(async (larder) => {
      const [opening, asked] = await begin(larder);
      await change(larder, "POST", { status: 500 });
      await asked.reply({ fields: FRESH, body: "old" });
      await (await opening).rest();
      expectReused(await larder.get("/a"));
    }),
  );

  test.each([304, 200])("a validation under way that ends with %i leaves nothing", async (status) =>
    withLarder(async (larder) => {
      await stock(larder, "/a");
      larder.pass(100);
      const [opening, asked] = await begin(larder);
      const following = larder.get("/a");
      await change(larder, "POST");
      await asked.reply({ status, fields: FRESH, body: "old" });
      await (await larder.origin.asked()).reply({ fields: { "Cache-Control": "no-store" }, body: "new" });
      expect(Buffer.from(await (await opening).rest()).toString()).toBe("old");
      expect((await following).text).toBe("new");
      await larder.until(() => larder.collapser.inFlight === 0, "the end");
      expect(isStored(larder, "/a")).toBe(false);
    })(),
  );

  test(
    "§4.1 a 304 for another variant that comes afterwards leaves nothing",
    withLarder(async (larder) => {
      const fields = { ...FRESH, Vary: "X-Kind" };
      larder.origin.script({ fields, body: "old" });
      await larder.get("/a", { "X-Kind": "1" });
      larder.origin.script(undefined);
      const replying = larder.get("/a", { "X-Kind": "2" });
      const asked = await larder.origin.asked();
      await change(larder, "POST");
      await asked.reply({ status: 304, fields });
      expect((await replying).text).toBe("old");
      expect(isStored(larder, "/a")).toBe(false);
    }),
  );

  test(
    "a validation in the background leaves nothing either",
    withLarder(async (larder) => {
      larder.origin.script({
        fields: { ...FRESH, "Cache-Control": "max-age=60, stale-while-revalidate=60" },
      });
      await larder.get("/a");
      larder.origin.script(undefined);
      larder.pass(70);
      expectReused(await larder.get("/a"));
      const asked = await larder.origin.asked();
      await change(larder, "POST");
      await asked.reply({ status: 304, fields: FRESH });
      await larder.until(() => larder.collapser.inFlight === 0, "the end");
      expect(isStored(larder, "/a")).toBe(false);
    }),
  );
});
