// Answers: what becomes of those who waited for a response that turns out not to be theirs?
// Owns: the claims about followers in vain, keys that are not collapsed for a while, and collapsed validations.
// Leaves out: followers that can use what they waited for (`proxy-collapse.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Larder, type Reply, withLarder } from "../larder-under-test.ts";
import type { Asked, FieldRecord, Response } from "../scripted-origin.ts";
import { FRESH, NO_STORE, until, withRig, TEST_LIMIT_MS } from "./rig.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const TAG = { ETag: '"1"' };
const STOCKED = { ...TAG, "Cache-Control": "max-age=60, stale-if-error=600" };

/** So many requests, each for a variant or a user of its own where the fields say so. */
function together(
  larder: Larder,
  count: number,
  fields: (at: number) => FieldRecord = () => ({}),
): Promise<Reply[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => larder.get("/a", fields(at))));
}

/** The next so many requests at the origin, all of them there before any is answered. */
async function allAsked(larder: Larder, count: number): Promise<Asked[]> {
  const asked = [];
  for (let at = 0; at < count; at++) asked.push(await larder.origin.asked());
  return asked;
}

const IN_VAIN: readonly (readonly [why: string, fields: FieldRecord])[] = [
  ["no-store", NO_STORE],
  ["private", { "Cache-Control": "private, max-age=60" }],
  ["Set-Cookie", { "Set-Cookie": "a=1" }],
  ["no freshness and no validator", {}],
  ["Vary: *", { ...FRESH, Vary: "*" }],
];

describe("followers in vain", () => {
  test.each(IN_VAIN)(
    "§3 %s: all go to the origin at once, in parallel, and each gets its own",
    async (_, fields) =>
      withLarder(async (larder) => {
        const replies = together(larder, 6);
        await (await larder.origin.asked()).reply({ fields, body: "0" });
        const others = await allAsked(larder, 5);
        for (const [at, asked] of [...others.entries()].reverse())
          await asked.reply({ fields, body: String(at + 1) });
        const texts = (await replies).map(({ text }) => text).sort();
        expect(texts).toEqual(["0", "1", "2", "3", "4", "5"]);
        expect(larder.origin.requests.length).toBe(6);
      })(),
  );

  test.each(IN_VAIN)(
    "§3 %s: the key is not collapsed for --uncollapse seconds, and then it is",
    async (_, fields) =>
      withLarder(
        async (larder) => {
          const first = together(larder, 2);
          for (const _ of [1, 2]) await (await larder.origin.asked()).reply({ fields });
          await first;
          const inParallel = together(larder, 3);
          for (const asked of await allAsked(larder, 3)) await asked.reply({ fields });
          await inParallel;
          larder.pass(21);
          const before = larder.origin.requests.length;
          const collapsed = together(larder, 3);
          await (await larder.origin.asked()).reply({ fields: FRESH, body: "for all" });
          for (const { text } of await collapsed) expect(text).toBe("for all");
          expect(larder.origin.requests.length).toBe(before + 1);
        },
        { uncollapse: 20 },
      )(),
  );

  test(
    "§4.1 of other variants: each gets its own, none another's",
    withLarder(async (larder) => {
      larder.origin.script((asked) =>
        asked.reply({ fields: { ...FRESH, Vary: "X-Variant" }, body: `for ${asked.get("x-variant")}` }),
      );
      const replies = await together(larder, 8, (at) => ({ "X-Variant": String(at % 4) }));
      for (const [at, { text }] of replies.entries()) expect(text).toBe(`for ${at % 4}`);
    }),
  );

  test(
    "a slow one of them keeps the others from nothing",
    withLarder(async (larder) => {
      const replies = Array.from({ length: 3 }, () => larder.get("/a"));
      await (await larder.origin.asked()).reply({ fields: NO_STORE, body: "first" });
      const [slow, quick] = await allAsked(larder, 2);
      await quick?.reply({ fields: NO_STORE, body: "second" });
      expect((await Promise.race(replies.slice(1))).text).toBe("second");
      await slow?.reply({ fields: NO_STORE, body: "third" });
      expect((await Promise.all(replies)).map(({ text }) => text).sort()).toEqual([
        "first",
        "second",
        "third",
      ]);
    }),
  );

  test(
    "the log tells of it, with the URI, the seconds and the reason",
    withRig(
      async (rig) => {
        const clients = [rig.get("/told")];
        const asked = await rig.origin.asked("/told");
        clients.push(rig.get("/told"), rig.get("/told"));
        // A hit on another connection: by then the process has read what came before it.
        rig.origin.on("/warm", { fields: FRESH, body: "x" });
        for (const _ of [1, 2, 3]) await rig.get("/warm");
        rig.origin.on("/told", { fields: NO_STORE, body: "mine" });
        await asked.reply({ fields: NO_STORE, body: "mine" });
        for (const client of clients) expect((await client).text).toBe("mine");
        const line = await rig.logged("uncollapsed", { uri: rig.uri("/told") });
        expect(line).toMatchObject({ seconds: 7, reason: "no-store" });
        await until(() => rig.origin.requests("/told").length === 3, "one request each");
      },
      ["--uncollapse", "7s"],
    ),
  );
});

describe("followers of a validation", () => {
  /** `/a` is stored and no longer fresh. */
  async function stock(larder: Larder, fields: FieldRecord = STOCKED): Promise<void> {
    larder.origin.script({ fields: { ...fields, Connection: "close" }, body: "old" });
    await larder.get("/a");
    larder.origin.script(undefined);
    larder.origin.requests.length = 0;
    larder.pass(70);
  }

  const OUTCOMES: readonly (readonly [what: string, response: Response, body: string])[] = [
    ["304", { status: 304, fields: STOCKED }, "old"],
    ["200", { fields: { ...STOCKED, ETag: '"2"' }, body: "new" }, "new"],
    ["500, covered by stale", { status: 500, body: "sorry" }, "old"],
    ["502, covered by stale", { status: 502, body: "sorry" }, "old"],
    ["503, covered by stale", { status: 503, body: "sorry" }, "old"],
    ["504, covered by stale", { status: 504, body: "sorry" }, "old"],
  ];

  test.each(OUTCOMES)("§4.3 share it: %s", async (_, response, body) =>
    withLarder(async (larder) => {
      await stock(larder);
      const replies = together(larder, 10);
      const asked = await larder.origin.asked();
      expect(asked.get("if-none-match")).toBe('"1"');
      await asked.reply({ ...response, fields: { ...response.fields, Connection: "close" } });
      for (const { status, text } of await replies) expect([status, text]).toEqual([200, body]);
      expect(larder.origin.requests.length).toBe(1);
    })(),
  );

  test(
    "§4.3 an origin that breaks off is covered for all of them, after one retry",
    withLarder(async (larder) => {
      await stock(larder);
      const replies = together(larder, 10);
      (await larder.origin.asked()).breakOff();
      (await larder.origin.asked()).breakOff();
      for (const { status, text } of await replies) expect([status, text]).toEqual([200, "old"]);
      expect(larder.origin.requests.length).toBe(2);
    }),
  );

  test(
    "§4.3 a new response that is private goes to one, and the others ask for themselves",
    withLarder(async (larder) => {
      await stock(larder);
      const replies = together(larder, 4);
      const fields = { "Cache-Control": "private" };
      await (await larder.origin.asked()).reply({ fields, body: "0" });
      for (const [at, asked] of (await allAsked(larder, 3)).entries()) {
        await asked.reply({ fields, body: String(at + 1) });
      }
      expect((await replies).map(({ text }) => text).sort()).toEqual(["0", "1", "2", "3"]);
    }),
  );
});
