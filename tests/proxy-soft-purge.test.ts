// Answers: what is a response worth that was softly purged?
// Owns: the claims about soft purges through the engine: validated before it is reused, a cover for a failing origin.
// Leaves out: purges in flight (`proxy-purge.test.ts`), marking in the store (`store/removals.ts`).
import { describe, expect, test } from "bun:test";
import { softly, tagTarget } from "../lib/store/targets.ts";
import {
  expectForwarded,
  expectReused,
  expectValidated,
  type Larder,
  type Reply,
  withLarder,
} from "./larder-under-test.ts";
import type { FieldRecord } from "./scripted-origin.ts";

const FRESH = { "Cache-Control": "max-age=60", "Surrogate-Key": "t", Connection: "close" };
const TAGGED = { ...FRESH, ETag: '"1"' };
const URI = "http://larder.test/a";

/** `/a` is stored and softly purged; afterwards the origin waits. */
async function purged(larder: Larder, fields: FieldRecord = TAGGED, target = URI): Promise<void> {
  larder.origin.script({ fields, body: "old" });
  await larder.get("/a");
  larder.origin.script(undefined);
  larder.origin.requests.length = 0;
  expect((await larder.purge(softly(target))).removed).toBe(1);
}

/** A request, and what the origin answers to it. */
async function answered(
  larder: Larder,
  reply: Parameters<Awaited<ReturnType<Larder["origin"]["asked"]>>["reply"]>[0],
  { method = "GET", fields = {} }: { method?: string; fields?: FieldRecord } = {},
): Promise<Reply & { readonly conditions: (string | undefined)[] }> {
  const asking = larder.ask(method, "/a", fields);
  const asked = await larder.origin.asked();
  await asked.reply(reply);
  const conditions = ["if-none-match", "if-modified-since"].map((name) => asked.get(name));
  return { ...(await asking), conditions };
}

const isPurged = (larder: Larder): (boolean | undefined)[] =>
  larder.store.lookup(URI).map((stored) => stored.isPurged);

describe("what was softly purged is validated before it is reused", () => {
  const NOT_MODIFIED = { status: 304, fields: TAGGED };

  test.each([
    ["its URI", URI],
    ["its tag", tagTarget("t")],
  ])("by %s: a 304 makes it whole again", async (_, target) =>
    withLarder(async (larder) => {
      await purged(larder, TAGGED, target);
      larder.pass(5);
      const reply = await answered(larder, NOT_MODIFIED);
      expectValidated(reply);
      expect([reply.text, reply.conditions, isPurged(larder)]).toEqual(["old", ['"1"', undefined], [false]]);
      const again = await larder.get("/a");
      expectReused(again);
      expect([again.cacheStatus["ttl"], again.text]).toEqual([60, "old"]);
    })(),
  );

  test(
    "what is new takes its place",
    withLarder(async (larder) => {
      await purged(larder);
      const reply = await answered(larder, { fields: { ...TAGGED, ETag: '"2"' }, body: "new" });
      expectForwarded(reply, "stale");
      expect([reply.text, isPurged(larder)]).toEqual(["new", [false]]);
      expectReused(await larder.get("/a"));
    }),
  );

  test(
    "without a validator it is asked for anew",
    withLarder(async (larder) => {
      await purged(larder, FRESH);
      const reply = await answered(larder, { fields: FRESH, body: "new" });
      expectForwarded(reply, "stale");
      expect([reply.text, reply.conditions]).toEqual(["new", [undefined, undefined]]);
      expectReused(await larder.get("/a"));
    }),
  );

  test.each<[string, FieldRecord, FieldRecord]>([
    ["a client that takes stale responses", { "Cache-Control": "max-stale" }, {}],
    ["one that takes them for a while", { "Cache-Control": "max-stale=1000" }, {}],
    [
      "a response that may be served meanwhile",
      {},
      { "Cache-Control": "max-age=60, stale-while-revalidate=600" },
    ],
    ["an immutable one", {}, { "Cache-Control": "max-age=60, immutable" }],
  ])("also for %s", async (_, fields, said) =>
    withLarder(async (larder) => {
      await purged(larder, { ...TAGGED, ...said });
      const reply = await answered(larder, { status: 304, fields: { ...TAGGED, ...said } }, { fields });
      expectValidated(reply);
      expect(reply.text).toBe("old");
    })(),
  );

  test(
    "§5.2.1.7 with only-if-cached there is nothing to reuse",
    withLarder(async (larder) => {
      await purged(larder);
      const reply = await larder.get("/a", { "Cache-Control": "only-if-cached" });
      expect([reply.status, larder.origin.requests.length]).toEqual([504, 0]);
    }),
  );

  test(
    "for a Range: a 304 is answered in part, and all of it is whole again",
    withLarder(async (larder) => {
      await purged(larder);
      const reply = await answered(larder, NOT_MODIFIED, { fields: { Range: "bytes=1-" } });
      expectValidated(reply);
      expect([reply.status, reply.text, reply.conditions[0]]).toEqual([206, "ld", '"1"']);
      expectReused(await larder.get("/a"));
    }),
  );

  test.each([304, 200])("for HEAD: %i makes it whole again", async (status) =>
    withLarder(async (larder) => {
      await purged(larder);
      const fields = { ...TAGGED, "Content-Length": "3" };
      const reply = await answered(larder, { status, fields }, { method: "HEAD" });
      expect([reply.status, reply.text, isPurged(larder)]).toEqual([200, "", [false]]);
      expectReused(await larder.get("/a"));
    })(),
  );

  test(
    "for a client that has it: its own 304 comes after the origin's",
    withLarder(async (larder) => {
      await purged(larder);
      const reply = await answered(larder, NOT_MODIFIED, { fields: { "If-None-Match": '"1"' } });
      expect([reply.status, isPurged(larder)]).toEqual([304, [false]]);
    }),
  );

  test(
    "§3.4 a part is completed only as what the origin has now",
    withLarder(async (larder) => {
      const part = { ...TAGGED, "Content-Range": "bytes 0-2/6" };
      larder.origin.script({ status: 206, fields: part, body: "abc" });
      await larder.get("/a", { Range: "bytes=0-2" });
      larder.origin.script(undefined);
      await larder.purge(softly(URI));
      const asking = larder.get("/a", { Range: "bytes=0-2" });
      const asked = await larder.origin.asked();
      expect(asked.get("if-none-match")).toBe('"1"');
      await asked.reply({ status: 304, fields: TAGGED });
      expect([(await asking).status, (await asking).text]).toEqual([206, "abc"]);
    }),
  );

  test(
    "many at once share one validation",
    withLarder(async (larder) => {
      await purged(larder);
      const replies = Array.from({ length: 20 }, () => larder.get("/a"));
      await (await larder.origin.asked()).reply(NOT_MODIFIED);
      for (const reply of await Promise.all(replies)) expect(reply.text).toBe("old");
      expect(larder.origin.requests.length).toBe(1);
    }),
  );
});

describe("while the origin fails it is covered", () => {
  const failing = [
    [
      "answers 503",
      (larder: Larder) => larder.origin.script({ status: 503, fields: { Connection: "close" } }),
    ],
    ["is away", (larder: Larder) => larder.origin.script((asked) => asked.breakOff())],
  ] as const;

  test.each(failing)("where the origin %s", async (_, fail) =>
    withLarder(
      async (larder) => {
        await purged(larder);
        fail(larder);
        larder.pass(20);
        const reply = await larder.get("/a");
        expect([reply.status, reply.text]).toEqual([200, "old"]);
        expect(reply.cacheStatus).toMatchObject({ fwd: "stale", ttl: -20 });
        expect(isPurged(larder)).toEqual([true]);
      },
      { staleIfError: 30 },
    )(),
  );

  test.each(failing)("no longer than it may be, where the origin %s", async (_, fail) =>
    withLarder(
      async (larder) => {
        await purged(larder);
        fail(larder);
        larder.pass(31);
        expect((await larder.get("/a")).status).toBeGreaterThanOrEqual(502);
      },
      { staleIfError: 30 },
    )(),
  );

  test.each(["must-revalidate", "proxy-revalidate", "s-maxage=60", "no-cache"])(
    "§4.2.4 not with %s",
    async (directive) =>
      withLarder(
        async (larder) => {
          await purged(larder, { ...TAGGED, "Cache-Control": `max-age=60, ${directive}` });
          larder.origin.script((asked) => asked.breakOff());
          expect((await larder.get("/a")).status).toBe(504);
        },
        { staleIfError: 30 },
      )(),
  );

  test(
    "and not what was purged for good after it",
    withLarder(
      async (larder) => {
        await purged(larder);
        await larder.purge(URI);
        larder.origin.script((asked) => asked.breakOff());
        expect((await larder.get("/a")).status).toBe(502);
      },
      { staleIfError: 30 },
    ),
  );
});
