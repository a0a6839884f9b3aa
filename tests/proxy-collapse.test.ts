// Answers: which requests share one request to the origin, and which must not?
// Owns: the claims about leaders and followers in the engine, and about keys that are not collapsed for a while.
// Leaves out: collapsed validations (`proxy-validation.test.ts`), the mechanism alone (`collapse.test.ts`).
import { describe, expect, test } from "bun:test";
import { expectForwarded, expectReused, type Larder, type Reply, withLarder } from "./larder-under-test.ts";
import type { Asked, FieldRecord } from "./scripted-origin.ts";

const FRESH = { "Cache-Control": "max-age=60" };

/** The next so many requests at the origin, all there before any is answered. */
async function allAsked(larder: Larder, count: number): Promise<Asked[]> {
  const asked = [];
  for (let at = 0; at < count; at++) asked.push(await larder.origin.asked());
  return asked;
}

/** So many requests at once, with these fields. */
function together(larder: Larder, count: number, fields: FieldRecord = {}): Promise<Reply[]> {
  return Promise.all(Array.from({ length: count }, () => larder.get("/a", fields)));
}

describe("§4 one fill per cache key", () => {
  test(
    "requests that come while the origin is asked follow, and get the same bytes",
    withLarder(async (larder) => {
      const replies = together(larder, 20);
      const asked = await larder.origin.asked();
      await asked.reply({ fields: { ...FRESH, "X-One": "1" }, body: "soup" });
      const [leader, ...followers] = await replies;
      expectForwarded(leader!, "uri-miss");
      expect(leader!.cacheStatus).toMatchObject({ stored: true });
      expect(leader!.cacheStatus).not.toHaveProperty("collapsed");
      for (const follower of followers) {
        expectForwarded(follower, "uri-miss");
        expect(follower.cacheStatus).toMatchObject({ collapsed: true, ttl: 60 });
        expect(follower.cacheStatus).not.toHaveProperty("stored");
        expect([follower.status, follower.text]).toEqual([200, "soup"]);
        expect([follower.fields.get("x-one"), follower.fields.get("age")]).toEqual(["1", "0"]);
      }
      expect(larder.origin.requests.length).toBe(1);
    }),
  );

  test(
    "§3.5 a request with Authorization does not end the collapsing for those without",
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH, body: "hers" });
      await larder.get("/a", { Authorization: "Basic eDp5" });
      larder.origin.script(undefined);
      const replies = together(larder, 5);
      await (await larder.origin.asked()).reply({ fields: FRESH, body: "theirs" });
      for (const reply of await replies) expect(reply.text).toBe("theirs");
      expect(larder.origin.requests.length).toBe(2);
    }),
  );

  test(
    "a follower that comes in the middle of the body gets it from the first byte",
    withLarder(async (larder) => {
      const opening = larder.open("GET", "/a");
      const asked = await larder.origin.asked();
      await asked.head({ fields: FRESH });
      await asked.chunk("one,");
      const leader = await opening;
      expect(await leader.read()).toBe("one,");
      larder.pass(5);
      const follower = await larder.open("GET", "/a");
      expect(follower.fields.get("age")).toBe("5");
      await asked.chunk("two");
      await asked.lastChunk();
      expect(Buffer.from(await follower.rest()).toString()).toBe("one,two");
      expect(Buffer.from(await leader.rest()).toString()).toBe("two");
    }),
  );

  test(
    "a follower's own If-None-Match is answered 304",
    withLarder(async (larder) => {
      const leading = larder.get("/a");
      const asked = await larder.origin.asked();
      const following = larder.get("/a", { "If-None-Match": '"1"' });
      await asked.reply({ fields: { ...FRESH, ETag: '"1"' }, body: "soup" });
      expect((await leading).text).toBe("soup");
      const follower = await following;
      expect([follower.status, follower.bytes.length]).toEqual([304, 0]);
      expect(follower.cacheStatus).toMatchObject({ fwd: "uri-miss", "fwd-status": 200, collapsed: true });
    }),
  );

  test(
    "followers share a 204 and an error that may be stored",
    withLarder(async (larder) => {
      for (const [status, body] of [
        [204, ""],
        [404, "gone"],
      ] as const) {
        const replies = together(larder, 3);
        await (await larder.origin.asked()).reply({ status, fields: { "Cache-Control": "max-age=1" }, body });
        for (const reply of await replies) {
          expect([reply.status, reply.text]).toEqual([status, body]);
          expect(reply.fields.has("content-length")).toBe(status !== 204);
        }
        larder.pass(10);
      }
      expect(larder.origin.requests.length).toBe(2);
    }),
  );

  test.each([
    ["another Range", {}, { Range: "bytes=0-1" }],
    ["no-store", {}, { "Cache-Control": "no-store" }],
    ["no-cache (§5.2.1.4)", {}, { "Cache-Control": "no-cache" }],
    ["If-Match", {}, { "If-Match": '"1"' }],
    ["If-Range", { Range: "bytes=0-1" }, { Range: "bytes=0-1", "If-Range": '"1"' }],
  ])("a request with %s does not follow", async (_, first, second) =>
    withLarder(async (larder) => {
      const replies = [larder.get("/a", first), larder.get("/a", second)];
      for (const asked of await allAsked(larder, 2)) await asked.reply({ fields: FRESH, body: "soup" });
      expect((await Promise.all(replies)).map(({ text }) => text)).toEqual(["soup", "soup"]);
    })(),
  );

  test.each(["HEAD", "POST", "OPTIONS"])("%s requests go to the origin each on its own", async (method) =>
    withLarder(async (larder) => {
      const replies = [larder.ask(method, "/a"), larder.ask(method, "/a")];
      for (const asked of await allAsked(larder, 2)) await asked.reply({ fields: FRESH });
      await Promise.all(replies);
    })(),
  );

  test.each([
    ["min-fresh=61", FRESH],
    ["max-age=4", { ...FRESH, Age: "5" }],
    ["max-stale", { ...FRESH, Age: "60", ETag: '"1"' }],
  ])(
    "§5.2.1 a follower with %s gets nothing that is too old for it or stale on arrival",
    async (wish, fields) =>
      withLarder(async (larder) => {
        const leading = larder.get("/a");
        const first = await larder.origin.asked();
        const following = larder.get("/a", { "Cache-Control": wish });
        larder.origin.script({ fields, body: "new" });
        await first.reply({ fields, body: "old" });
        expect((await leading).text).toBe("old");
        expect((await following).text).toBe("new");
      })(),
  );
});

describe("responses that are not for all", () => {
  const UNSHARED: readonly (readonly [what: string, fields: FieldRecord])[] = [
    ["private", { "Cache-Control": "private, max-age=60" }],
    ["no-store", { "Cache-Control": "no-store" }],
    ["with Set-Cookie and no permission to store", { "Set-Cookie": "a=1", ETag: '"1"' }],
    ["without freshness or validator", {}],
    ["Vary: *", { ...FRESH, Vary: "*" }],
    ["stale on arrival by max-age=0", { "Cache-Control": "max-age=0", ETag: '"1"' }],
    ["stale on arrival by Age", { ...FRESH, Age: "60", ETag: '"1"' }],
    ["no-cache", { "Cache-Control": "no-cache, max-age=60", ETag: '"1"' }],
  ];

  test.each(UNSHARED)("%s: followers go to the origin in parallel, each gets its own", async (_, fields) =>
    withLarder(async (larder) => {
      const replies = ["anna", "bert", "carl"].map((user) => larder.get("/a", { Cookie: user }));
      const first = await larder.origin.asked();
      expect(larder.origin.requests.length).toBe(1);
      const answer = (asked: Asked): unknown => asked.reply({ fields, body: `for ${asked.get("cookie")}` });
      await answer(first);
      for (const asked of await allAsked(larder, 2)) await answer(asked);
      const [leader, ...others] = await Promise.all(replies);
      expect([leader, ...others].map((reply) => reply?.text)).toEqual(["for anna", "for bert", "for carl"]);
      for (const { cacheStatus } of others) expect(cacheStatus).toMatchObject({ collapsed: false });
    })(),
  );

  test.each(UNSHARED)("%s: the key is not collapsed for `uncollapse` seconds", async (_, fields) =>
    withLarder(
      async (larder) => {
        const first = larder.get("/a");
        await (await larder.origin.asked()).reply({ fields });
        await first;
        larder.pass(6);
        const meanwhile = together(larder, 2);
        for (const asked of await allAsked(larder, 2)) await asked.reply({ fields });
        await meanwhile;
        larder.pass(7);
        const later = together(larder, 2);
        const asked = await larder.origin.asked();
        larder.origin.script({ fields: FRESH, body: "shared" });
        await asked.reply({ fields: FRESH, body: "shared" });
        for (const { text } of await later) expect(text).toBe("shared");
        expect(larder.origin.requests.length).toBe(4);
      },
      { uncollapse: 7 },
    )(),
  );

  test(
    "§4.1 followers of another variant go to the origin in parallel, those of the same follow",
    withLarder(async (larder) => {
      const ask = (language: string) => larder.get("/a", { "Accept-Language": language });
      const replies = [ask("en"), ask("de"), ask("fr"), ask("en"), ask("de")];
      const answer = (asked: Asked): unknown =>
        asked.reply({ fields: { ...FRESH, Vary: "Accept-Language" }, body: asked.get("accept-language")! });
      await answer(await larder.origin.asked());
      for (const asked of await allAsked(larder, 3)) await answer(asked);
      expect((await Promise.all(replies)).map(({ text }) => text)).toEqual(["en", "de", "fr", "en", "de"]);
      for (const language of ["en", "de", "fr"]) {
        const hit = await ask(language);
        expectReused(hit);
        expect(hit.text).toBe(language);
      }
    }),
  );

  test(
    "once the variants are known, requests for two of them are two fills from the start",
    withLarder(async (larder) => {
      const fields = { "Cache-Control": "max-age=1", Vary: "X-Kind" };
      larder.origin.script({ fields });
      await larder.get("/a", { "X-Kind": "1" });
      larder.origin.script(undefined);
      larder.pass(10);
      const replies = ["1", "2", "1", "2"].map((kind) => larder.get("/a", { "X-Kind": kind }));
      for (const asked of await allAsked(larder, 2))
        await asked.reply({ fields, body: asked.get("x-kind")! });
      expect((await Promise.all(replies)).map(({ text }) => text)).toEqual(["1", "2", "1", "2"]);
    }),
  );
});

describe("a follower that has just come when its fill ceases to be stored", () => {
  async function between(larder: Larder, meanwhile: (asked: Asked) => Promise<unknown>): Promise<Reply> {
    const opening = larder.open("GET", "/a");
    const asked = await larder.origin.asked();
    await asked.head({ fields: FRESH });
    await asked.chunk("first,");
    const leader = await opening;
    expect(await leader.read()).toBe("first,");
    const following = larder.get("/a");
    await meanwhile(asked);
    await asked.chunk("last");
    await asked.lastChunk();
    await leader.rest();
    return following;
  }

  test(
    "gets every byte where the body grows past --max-object",
    withLarder(
      async (larder) => {
        const follower = await between(larder, (asked) => asked.chunk("x".repeat(20)));
        expect(follower.text).toBe(`first,${"x".repeat(20)}last`);
      },
      { maxObject: 10 },
    ),
  );

  test(
    "gets every byte where an unsafe request invalidates it (§4.4)",
    withLarder(async (larder) => {
      const follower = await between(larder, async () => {
        const posted = larder.ask("POST", "/a");
        await (await larder.origin.asked()).reply();
        await posted;
      });
      expect(follower.text).toBe("first,last");
    }),
  );

  test(
    "gets every byte where the leader leaves as well",
    withLarder(
      async (larder) => {
        const opening = larder.open("GET", "/a");
        const asked = await larder.origin.asked();
        await asked.head({ fields: FRESH });
        await asked.chunk("first,");
        const leader = await opening;
        const following = larder.get("/a");
        await asked.chunk("x".repeat(20));
        expect([await leader.read(), (await leader.read())?.length]).toEqual(["first,", 20]);
        await leader.leave();
        await asked.chunk("last");
        await asked.lastChunk();
        expect((await following).text).toBe(`first,${"x".repeat(20)}last`);
      },
      { maxObject: 10 },
    ),
  );
});
