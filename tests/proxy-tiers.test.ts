// Answers: does the engine look behind memory where memory has nothing that will do, and nowhere else?
// Owns: the claims about `lib/recall.ts`, through the engine.
// Leaves out: the tiers as a store (`store/tiers.test.ts`), bodies outside of memory (`proxy-outside.test.ts`), real tiers.
import { describe, expect, test } from "bun:test";
import { softly } from "../lib/store/targets.ts";
import { expectForwarded, expectReused, expectValidated, type Reply } from "./larder-under-test.ts";
import { type Behind, withTier } from "./larder-with-tiers.ts";
import type { FieldRecord } from "./scripted-origin.ts";

const FRESH = { "Cache-Control": "max-age=60", ETag: '"1"', "Content-Type": "text/plain" };
const URI = "http://larder.test/a";
/** `/a` is stored, in the tier only; afterwards the origin waits. */
async function behind({ larder, tier }: Behind, fields: FieldRecord = FRESH, body = "tea"): Promise<void> {
  larder.origin.script({ fields, body });
  await larder.get("/a");
  larder.origin.script(undefined);
  larder.origin.requests.length = 0;
  await larder.store.remove(URI);
  expect(tier.kept.length).toBe(1);
  tier.asked.length = 0;
}

/** Answers what the tier is asked, until all these have their answers. */
async function answering(tier: Behind["tier"], ...replies: Promise<Reply>[]): Promise<Reply[]> {
  let isOver = false;
  const all = Promise.all(replies).finally(() => (isOver = true));
  while (!isOver) await tier.answer();
  return all;
}

describe.each([false, true])("what memory has not and a tier behind it has (that waits: %p)", (waits) => {
  test(
    "is a hit, and from then on in memory, where no tier is asked",
    withTier(async (parts) => {
      await behind(parts);
      const { larder, tier } = parts;
      tier.waits = waits;
      for (let time = 0; time < 3; time++) {
        const [reply] = await answering(tier, larder.get("/a"));
        expectReused(reply!);
        expect([reply!.text, tier.asked.length]).toEqual(["tea", 1]);
      }
    }),
  );

  test(
    "is validated where it is stale",
    withTier(async (parts) => {
      await behind(parts);
      const { larder, tier } = parts;
      tier.waits = waits;
      larder.pass(61);
      larder.origin.script({ status: 304, fields: FRESH });
      const [reply] = await answering(tier, larder.get("/a"));
      expectValidated(reply!);
      expect([reply!.text, tier.kept.length]).toEqual(["tea", 1]);
      expect(tier.kept[0]?.staleAt).toBe(larder.store.lookup(URI)[0]!.staleAt);
    }),
  );

  test(
    "answers only-if-cached, HEAD and a Range too",
    withTier(async (parts) => {
      const { larder, tier } = parts;
      tier.waits = waits;
      for (const [method, fields, status, text] of [
        ["GET", { "Cache-Control": "only-if-cached" }, 200, "tea"],
        ["HEAD", {}, 200, ""],
        ["GET", { Range: "bytes=1-" }, 206, "ea"],
        ["GET", { "If-None-Match": '"1"' }, 304, ""],
      ] as const) {
        tier.waits = false;
        await behind(parts);
        tier.waits = waits;
        const [reply] = await answering(tier, larder.ask(method, "/a", fields));
        expectReused(reply!);
        expect([reply!.status, reply!.text]).toEqual([status, text]);
        await larder.purge(URI);
      }
    }),
  );

  test(
    "answers for a variant, beside another that memory has",
    withTier(async ({ larder, tier }) => {
      const fields = { ...FRESH, Vary: "X-Kind" };
      for (const kind of ["1", "2"]) {
        larder.origin.script({ fields, body: `kind ${kind}` });
        await larder.get("/a", { "X-Kind": kind });
      }
      await larder.store.remove(URI);
      tier.waits = waits;
      for (const kind of ["1", "2", "1"]) {
        const [reply] = await answering(tier, larder.get("/a", { "X-Kind": kind }));
        expectReused(reply!);
        expect(reply!.text).toBe(`kind ${kind}`);
      }
      larder.origin.script({ fields, body: "kind 3" });
      const [other] = await answering(tier, larder.get("/a", { "X-Kind": "3" }));
      expectForwarded(other!, "vary-miss");
    }),
  );

  test(
    "covers a failing origin",
    withTier(
      async (parts) => {
        await behind(parts, { ...FRESH, Connection: "close" });
        const { larder, tier } = parts;
        tier.waits = waits;
        larder.pass(61);
        larder.origin.script((asked) => asked.breakOff());
        const [reply] = await answering(tier, larder.get("/a"));
        expect([reply!.status, reply!.text]).toEqual([200, "tea"]);
      },
      { staleIfError: 60 },
    ),
  );

  test(
    "is nothing after a purge, whenever that comes",
    withTier(async (parts) => {
      await behind(parts);
      const { larder, tier } = parts;
      tier.waits = waits;
      larder.origin.script({ fields: FRESH, body: "new" });
      const asking = waits ? larder.get("/a") : undefined;
      await larder.purge(URI);
      const [reply] = await answering(tier, asking ?? larder.get("/a"));
      expectForwarded(reply!, "uri-miss");
      expect(reply!.text).toBe("new");
    }),
  );

  test(
    "is validated after a soft one, whenever that comes",
    withTier(async (parts) => {
      await behind(parts);
      const { larder, tier } = parts;
      tier.waits = waits;
      larder.origin.script({ status: 304, fields: FRESH });
      const asking = waits ? larder.get("/a") : undefined;
      await larder.purge(softly(URI));
      const [reply] = await answering(tier, asking ?? larder.get("/a"));
      expectValidated(reply!);
      expect(reply!.text).toBe("tea");
      expectReused(await larder.get("/a"));
    }),
  );

  test(
    "many who ask at once share one question, and one request to the origin where it is nowhere",
    withTier(async ({ larder, tier }) => {
      tier.waits = waits;
      larder.origin.script({ fields: FRESH, body: "tea" });
      const replies = await answering(tier, ...Array.from({ length: 30 }, () => larder.get("/a")));
      expect(replies.map(({ text }) => text)).toEqual(replies.map(() => "tea"));
      expect(larder.origin.requests.length).toBe(1);
      if (waits) expect(tier.asked.length).toBe(1);
    }),
  );
});

test.each<[string, string, FieldRecord]>([
  ["another method", "POST", {}],
  ["a reload", "GET", { "Cache-Control": "no-cache" }],
])("no tier is asked for %s where memory has it", async (_, method, fields) =>
  withTier(async ({ larder, tier }) => {
    larder.origin.script({ fields: FRESH, body: "tea" });
    await larder.get("/a");
    tier.asked.length = 0;
    await larder.ask(method, "/a", fields);
    expect(tier.asked).toEqual([]);
  })(),
);

test(
  "what takes the place of a stale response stays in the tier",
  withTier(async ({ larder, tier }) => {
    larder.origin.script({ fields: FRESH, body: "old" });
    await larder.get("/a");
    larder.pass(61);
    larder.origin.script({ fields: { ...FRESH, ETag: '"2"' }, body: "new" });
    expectForwarded(await larder.get("/a"), "stale");
    expect(tier.kept.map(({ validators }) => validators.etag)).toEqual(['"2"']);
  }),
);
