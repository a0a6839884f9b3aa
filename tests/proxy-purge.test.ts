// Answers: does a purge of any kind keep what is on its way from being stored, and is it told?
// Owns: the claims about purges by tag, prefix and everything through the engine, with fills and validations in flight.
// Leaves out: `PURGE url` (`purge.test.ts`), what was softly purged (`proxy-soft-purge.test.ts`), groups (`proxy-groups.test.ts`).
import { describe, expect, test } from "bun:test";
import { prettyLine } from "../lib/log.ts";
import { EVERYTHING, prefixTarget, softly, tagTarget } from "../lib/store/targets.ts";
import { expectForwarded, expectReused, type Larder, withLarder } from "./larder-under-test.ts";
import type { Asked, FieldRecord } from "./scripted-origin.ts";

const ORIGIN = "http://larder.test";
const FRESH = { "Cache-Control": "max-age=60", ETag: '"1"' };
const TAGGED = { ...FRESH, "Cache-Tag": "t,u", "Cache-Groups": '"g"' };

const KINDS = [
  ["a URI", `${ORIGIN}/a`, { uri: `${ORIGIN}/a` }, "http://larder.test/a"],
  ["a group", `${ORIGIN}\ng`, { uri: ORIGIN, group: "g" }, "http://larder.test group g"],
  ["a tag", tagTarget("t"), { tag: "t" }, "tag t"],
  ["a prefix", prefixTarget(`${ORIGIN}/a`), { prefix: `${ORIGIN}/a` }, "prefix http://larder.test/a"],
  ["everything", EVERYTHING, { all: true }, "everything"],
] as const;

const BOTH = KINDS.flatMap(([name, target]) => [
  [name, target] as const,
  [`${name}, softly`, softly(target)] as const,
]);

async function stock(larder: Larder, target: string, fields: FieldRecord = TAGGED): Promise<void> {
  larder.origin.script({ fields, body: "old" });
  await larder.get(target);
  larder.origin.script(undefined);
}

const stored = (larder: Larder, ...targets: string[]): number[] =>
  targets.map((target) => larder.store.lookup(ORIGIN + target).length);

describe.each(KINDS)("a purge of %s", (_, target, names, text) => {
  test(
    "leaves nothing of it, and everything else; it is told, with a line",
    withLarder(async (larder) => {
      await stock(larder, "/a");
      await stock(larder, "/b", { ...FRESH, "Cache-Tag": "T", "Cache-Groups": '"G"' });
      const isAll = target === EVERYTHING;
      const said = await larder.purge(target);
      expect(said).toEqual({ removed: isAll ? 2 : 1, tiers: ["memory"], nodes: 1 });
      expect(stored(larder, "/a", "/b")).toEqual([0, isAll ? 0 : 1]);
      const [event, ...others] = larder.events.filter(({ kind }) => kind === "invalidated");
      expect([event, others]).toEqual([{ kind: "invalidated", ...names, removed: isAll ? 2 : 1 }, []]);
      expect(prettyLine(event!, false)).toBe(`INVALIDATED ${text}  ${isAll ? 2 : 1} stored`);
      expect((await larder.purge(target)).removed).toBe(0);
      expect(larder.events.filter(({ kind }) => kind === "invalidated").length).toBe(1);
    }),
  );

  test(
    "softly: it is told so",
    withLarder(async (larder) => {
      await stock(larder, "/a");
      expect((await larder.purge(softly(target))).removed).toBe(1);
      expect(larder.store.lookup(`${ORIGIN}/a`)).toMatchObject([{ isPurged: true }]);
      const event = larder.events.at(-1)!;
      expect(event).toEqual({ kind: "invalidated", ...names, soft: true, removed: 1 });
      expect(prettyLine(event, false)).toBe(`INVALIDATED ${text} softly  1 stored`);
    }),
  );
});

test(
  "several at once are told one by one, and counted together",
  withLarder(async (larder) => {
    for (const target of ["/a", "/b"]) await stock(larder, target);
    const targets = [`${ORIGIN}/a`, tagTarget("t"), tagTarget("nobody"), EVERYTHING];
    expect((await larder.purge(...targets)).removed).toBe(2);
    expect(larder.events.filter(({ kind }) => kind === "invalidated")).toEqual([
      { kind: "invalidated", uri: `${ORIGIN}/a`, removed: 1 },
      { kind: "invalidated", tag: "t", removed: 1 },
    ]);
  }),
);

describe.each(BOTH)("while it is on its way, a purge of %s", (_, target) => {
  test(
    "keeps it from being stored: who asked gets it, who follows asks again",
    withLarder(async (larder) => {
      const leading = larder.get("/a");
      const asked = await larder.origin.asked();
      const following = larder.get("/a");
      await larder.purge(target);
      larder.origin.script({ fields: TAGGED, body: "new" });
      await asked.reply({ fields: TAGGED, body: "old" });
      expect([(await leading).text, (await following).text]).toEqual(["old", "new"]);
      expect((await leading).cacheStatus).not.toHaveProperty("stored");
      const after = await larder.get("/a");
      expectReused(after);
      expect(after.text).toBe("new");
    }),
  );

  test(
    "and its body has begun to come: who reads along gets all of it, and nothing is stored",
    withLarder(async (larder) => {
      const leading = larder.open("GET", "/a");
      const asked = await larder.origin.asked();
      await asked.head({ fields: TAGGED });
      await asked.chunk("one,");
      const leader = await leading;
      const follower = await larder.open("GET", "/a");
      await larder.purge(target);
      larder.origin.script({ fields: TAGGED, body: "new" });
      expect((await larder.get("/a")).text).toBe("new");
      await asked.chunk("two");
      await asked.lastChunk();
      for (const { rest } of [leader, follower]) expect(Buffer.from(await rest()).toString()).toBe("one,two");
      expect((await larder.get("/a")).text).toBe("new");
      const storages = larder.answered.flatMap(({ storage }) => storage ?? []);
      expect(storages).toContainEqual({ kind: "not-stored", reason: "invalidated" });
    }),
  );

  test(
    "wins over a validation: what that freshens is not stored",
    withLarder(async (larder) => {
      await stock(larder, "/a");
      larder.pass(61);
      const validating = larder.get("/a");
      const asked = await larder.origin.asked();
      await larder.purge(target);
      await asked.reply({ status: 304, fields: TAGGED });
      expect((await validating).text).toBe("old");
      const left = larder.store.lookup(`${ORIGIN}/a`);
      expect(left.every(({ isPurged }) => isPurged === true)).toBe(true);
      expect(left.length).toBe(target.startsWith("soft ") ? 1 : 0);
    }),
  );

  test.each([200, 304])("wins over HEAD, answered %i: what that says is older", async (status) =>
    withLarder(async (larder) => {
      await stock(larder, "/a");
      const asking = larder.ask("HEAD", "/a", { "Cache-Control": "no-cache" });
      const asked = await larder.origin.asked();
      await larder.purge(target);
      await asked.reply({ status, fields: { ...TAGGED, "Content-Length": "3" } });
      expect((await asking).status).toBe(200);
      const left = larder.store.lookup(`${ORIGIN}/a`);
      expect(left.every(({ isPurged }) => isPurged === true)).toBe(true);
    })(),
  );
});

test(
  "a purge of another tag or prefix lets what is on its way be stored",
  withLarder(async (larder) => {
    const asking = larder.get("/a");
    const asked: Asked = await larder.origin.asked();
    await larder.purge(tagTarget("T"), prefixTarget(`${ORIGIN}/ab`), `${ORIGIN}\nG`);
    await asked.reply({ fields: TAGGED, body: "tea" });
    expectForwarded(await asking, "uri-miss");
    expectReused(await larder.get("/a"));
  }),
);

test(
  "a request that comes after a purge gets nothing that was asked for before it, whatever it turns out to be",
  withLarder(async (larder) => {
    const before = larder.get("/a");
    const asked = await larder.origin.asked();
    await larder.purge(tagTarget("t"));
    const after = larder.get("/a");
    larder.origin.script({ fields: TAGGED, body: "new" });
    await asked.reply({ fields: TAGGED, body: "old" });
    expect([(await before).text, (await after).text]).toEqual(["old", "new"]);
  }),
);
