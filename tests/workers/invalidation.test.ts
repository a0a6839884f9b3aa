// Answers: is nothing of what an unsafe request makes invalid left in any worker when its client hears of it?
// Owns: the claims about invalidation across workers: with real processes, and the race event by event in this one.
// Leaves out: which URIs those are (`../rfc9111/invalidation.test.ts`), the supervisor's bookkeeping (`rounds.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Crew, TEST_LIMIT_MS, until, withCrew, wholeOf } from "./crew.ts";
import { withTrio } from "./trio.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const FRESH = { "Cache-Control": "max-age=600" };

/** The origin says which version it is at; an unsafe request makes it the next. */
function versioned(crew: Crew, target: string): () => number {
  let version = 1;
  crew.origin.on(target, (asked) => {
    if (asked.method !== "GET") version++;
    return asked.reply({ fields: FRESH, body: `v${version}` });
  });
  return () => version;
}

describe("an unsafe request through one worker", () => {
  test(
    "leaves nothing in any of them, and is one line of the log",
    withCrew(3, async (crew) => {
      const all = await crew.toAll();
      for (const [slot, one] of all.entries()) {
        const target = crew.targetOf(slot, "/changed");
        versioned(crew, target);
        for (const each of all) expect((await each.ask(target)).bytes.toString()).toBe("v1");
        await until(async () => (await crew.supervisor.stats()).store.responses === 3, "all have it");
        expect((await one.ask(target, { method: "DELETE" })).status).toBe(200);
        expect((await crew.supervisor.stats()).store.responses).toBe(0);
        for (const each of all) expect((await each.ask(target)).bytes.toString()).toBe("v2");
        const lines = crew.lines.filter(
          ({ kind, uri }) => kind === "invalidated" && uri === crew.uri(target),
        );
        expect(lines).toMatchObject([{ removed: 3, worker: slot }]);
        await one.ask(target, { method: "DELETE" });
      }
    }),
  );

  test(
    "takes the groups that its response names along, in all of them",
    withCrew(3, async (crew) => {
      const all = await crew.toAll();
      const grouped = [0, 1, 2].map((slot) => crew.targetOf(slot, `/grouped-${slot}`));
      for (const target of grouped) {
        const fields = { ...FRESH, "Cache-Groups": '"x"' };
        crew.origin.on(target, (asked) => asked.reply({ fields, body: "tea" }));
        for (const each of all) await each.ask(target);
      }
      const change = crew.targetOf(1, "/change");
      const fields = { "Cache-Group-Invalidation": '"x"' };
      crew.origin.on(change, (asked) => asked.reply({ fields, body: "done" }));
      await until(async () => (await crew.supervisor.stats()).store.responses === 9, "all have all");
      await all[2]?.ask(change, { method: "POST" });
      expect((await crew.supervisor.stats()).store.responses).toBe(0);
      const lines = crew.lines.filter(({ kind, group }) => kind === "invalidated" && group === "x");
      expect(lines).toMatchObject([{ removed: 9 }]);
    }),
  );

  test(
    "so does PURGE, which says how many copies there were",
    withCrew(2, async (crew) => {
      const all = await crew.toAll();
      const target = crew.targetOf(0, "/purged");
      versioned(crew, target);
      for (const each of all) await each.ask(target);
      await until(async () => (await crew.supervisor.stats()).store.responses === 2, "both have it");
      const answer = await all[1]?.ask(target, { method: "PURGE" });
      expect([answer?.status, JSON.parse(answer?.bytes.toString() ?? "")]).toEqual([
        200,
        { removed: 2, tiers: ["memory"], nodes: 1 },
      ]);
      expect((await crew.supervisor.stats()).store.responses).toBe(0);
    }),
  );

  test(
    "of which no answer is known leaves everything",
    withCrew(2, async (crew) => {
      const [one, other] = await crew.toAll();
      const target = crew.targetOf(0);
      crew.origin.on(target, (asked) =>
        asked.reply({ status: asked.method === "GET" ? 200 : 500, fields: FRESH, body: "tea" }),
      );
      for (const each of [one, other]) await each?.ask(target);
      await one?.ask(target, { method: "POST" });
      expect((await other?.ask(target))?.cacheStatus).toMatchObject({ hit: true });
    }),
  );

  test(
    "again and again, while all workers are asked: nobody gets less than the last version that was confirmed",
    withCrew(
      3,
      async (crew) => {
        const target = crew.targetOf(1, "/busy");
        versioned(crew, target);
        let confirmed = 1;
        let isOver = false;
        const wrong: string[] = [];
        let answers = 0;
        const readers = (await Promise.all(Array.from({ length: 9 }, (_, at) => crew.to(at % 3)))).map(
          async (one) => {
            while (!isOver) {
              const atLeast = confirmed;
              const got = (await one.ask(target)).bytes.toString();
              answers++;
              if (Number(got.slice(1)) < atLeast) wrong.push(`${got} after v${atLeast}`);
            }
          },
        );
        const writers = await crew.toAll();
        for (let time = 0; time < 60; time++) {
          const got = await writers[time % 3]?.ask(target, { method: "PUT", body: "x" });
          confirmed = Number(got?.bytes.toString().slice(1));
        }
        isOver = true;
        await Promise.all(readers);
        expect(wrong).toEqual([]);
        expect(answers).toBeGreaterThan(60);
      },
      ["--uncollapse", "0"],
    ),
  );

  test(
    "reaches bodies that are under way in another worker: who reads gets all of it, and it is not stored",
    withCrew(2, async (crew) => {
      const [owner, other] = await crew.toAll();
      const target = crew.targetOf(0);
      const opened = other?.open(target);
      const asked = await crew.origin.asked(target);
      await asked.head({ fields: { ...FRESH, "Content-Length": "20" } });
      await asked.send("0123456789");
      const response = await opened;
      crew.origin.on(target, { fields: FRESH, body: "new" });
      await owner?.ask(target, { method: "POST" });
      await asked.send("0123456789");
      if (response === undefined) throw new Error("no response");
      const got = await wholeOf(response);
      expect([got.bytes.toString(), got.complete]).toEqual(["01234567890123456789", true]);
      for (const each of [owner, other]) expect((await each?.ask(target))?.bytes.toString()).toBe("new");
    }),
  );

  test(
    "waits for a worker that hangs, until that is ended and replaced",
    withCrew(
      2,
      async (crew) => {
        const [one, other] = await crew.toAll();
        const target = crew.targetOf(0);
        versioned(crew, target);
        for (const each of [one, other]) await each?.ask(target);
        const [, hanging = 0] = crew.supervisor.pids;
        process.kill(hanging, "SIGSTOP");
        const got = await one?.ask(target, { method: "DELETE" });
        expect(got?.bytes.toString()).toBe("v2");
        // It has ended before the answer came.
        expect(() => process.kill(hanging, 0)).toThrow();
        await until(
          () => crew.supervisor.pids.length === 2 && !crew.supervisor.pids.includes(hanging),
          "another one",
        );
        expect((await (await crew.to(1)).ask(target)).bytes.toString()).toBe("v2");
      },
      [],
      { roundMs: 300 },
    ),
  );
});

describe("the race", () => {
  test(
    "an owner that has not heard of it yet is not asked by those who have",
    withTrio(async ({ a, b, c, origin, target }) => {
      origin.body = "old";
      expect(await a.get(target)).toBe("old");
      origin.body = "new";
      // 1. C has the unsafe request, whose answer waits for the others.
      const unsafe = c.ask("DELETE", target);
      const invalidate = await c.said("invalidate");
      // 2. B hears of it.
      await b.hears({ kind: "invalidate", round: 1, targets: invalidate.targets });
      // 3., 4. A has the old one still. Neither B nor C may believe it.
      expect(await b.get(target)).toBe("new");
      expect(await c.get(target)).toBe("new");
      // 5. A hears of it.
      await a.hears({ kind: "invalidate", round: 1, targets: invalidate.targets });
      for (const one of [a, b]) await one.hears({ kind: "settled", round: 1 });
      await c.hears({ kind: "invalidated", id: invalidate.id, removed: [1] });
      await unsafe;
      // 6. Nobody serves the old one, and A is asked again.
      for (const one of [b, c, a]) expect(await one.get(target)).toBe("new");
    }),
  );

  test(
    "what the owner sent before reaches who waits for it, and is not stored",
    withTrio(async ({ a, b, origin, target }) => {
      origin.body = "old";
      expect(await a.get(target)).toBe("old");
      const held = a.holdAnswers();
      const asked = b.get(target);
      await held.holding;
      origin.body = "new";
      await b.hears({ kind: "invalidate", round: 1, targets: [`http://larder.test${target}`] });
      held.release();
      expect(await asked).toBe("old");
      await a.hears({ kind: "invalidate", round: 1, targets: [`http://larder.test${target}`] });
      for (const one of [a, b]) await one.hears({ kind: "settled", round: 1 });
      expect(await b.get(target)).toBe("new");
    }),
  );

  test(
    "several at once for one URI: the owner is asked again when the last is done",
    withTrio(async ({ a, b, origin, target }) => {
      const targets = [`http://larder.test${target}`];
      for (const round of [1, 2]) await b.hears({ kind: "invalidate", round, targets });
      await b.hears({ kind: "settled", round: 1 });
      origin.body = "one";
      expect(await b.get(target)).toBe("one");
      expect(a.questions).toBe(0);
      await b.hears({ kind: "invalidate", round: 3, targets });
      for (const round of [2, 3]) await b.hears({ kind: "settled", round });
      expect(await b.get(target)).toBe("one");
      expect(a.questions).toBe(1);
    }),
  );
});
