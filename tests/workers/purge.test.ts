// Answers: does a purge from outside of the workers reach all of them, whatever becomes of one meanwhile?
// Owns: the claims about purges through the supervisor, with real workers.
// Leaves out: errands alone (`errands.test.ts`), the admin in front (`../admin/admin-process.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { EVERYTHING, prefixTarget, softly, tagTarget } from "../../lib/store/targets.ts";
import { type Crew, TEST_LIMIT_MS, until, withCrew } from "./crew.ts";
import { withTrio } from "./trio.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const TAGGED = { "Cache-Control": "max-age=600", "Surrogate-Key": "t", ETag: '"1"' };

/** What each worker answers. */
async function texts(crew: Crew, target: string): Promise<string[]> {
  const replies: string[] = [];
  for (const one of await crew.toAll()) replies.push((await one.ask(target)).bytes.toString());
  return replies;
}

/** `/a` and others are in all workers; from now on the origin says `new`. */
async function stocked(crew: Crew): Promise<readonly string[]> {
  const targets = [crew.targetOf(0, "/a"), crew.targetOf(1, "/b")];
  crew.origin.on("*", { fields: TAGGED, body: "old" });
  for (const target of targets) expect(await texts(crew, target)).toEqual(["old", "old"]);
  crew.origin.on("*", { fields: { ...TAGGED, ETag: '"2"' }, body: "new" });
  return targets;
}

describe("a purge by tag", () => {
  test.each([false, true])("is done in all workers, once (softly: %p)", async (isSoft) =>
    withCrew(2, async (crew) => {
      const targets = await stocked(crew);
      const { removed, nodes } = await crew.supervisor.purge([
        isSoft ? softly(tagTarget("t")) : tagTarget("t"),
      ]);
      expect([removed >= 2, nodes]).toEqual([true, 1]);
      for (const target of targets) expect(await texts(crew, target)).toEqual(["new", "new"]);
      const line = await crew.logged(({ kind }) => kind === "invalidated");
      expect(line).toMatchObject({ tag: "t", removed, ...(isSoft && { soft: true }) });
    })(),
  );

  test(
    "is answered though the worker that was sent is killed before it is back",
    withCrew(2, async (crew) => {
      const targets = await stocked(crew);
      const [first = 0] = crew.supervisor.pids;
      process.kill(first, "SIGSTOP");
      const purging = crew.supervisor.purge([tagTarget("t")]);
      process.kill(first, "SIGKILL");
      expect((await purging).nodes).toBe(1);
      await until(
        () => crew.supervisor.pids.length === 2 && !crew.supervisor.pids.includes(first),
        "another",
      );
      for (const target of targets) expect(await texts(crew, target)).toEqual(["new", "new"]);
    }),
  );

  test(
    "is answered though both are killed: those in their place do it",
    withCrew(2, async (crew) => {
      await stocked(crew);
      const before = [...crew.supervisor.pids];
      for (const pid of before) process.kill(pid, "SIGSTOP");
      const purging = crew.supervisor.purge([EVERYTHING]);
      for (const pid of before) process.kill(pid, "SIGKILL");
      expect(await purging).toMatchObject({ removed: 0, nodes: 1 });
    }),
  );

  test(
    "is answered though another worker hangs: that one is ended",
    withCrew(
      2,
      async (crew) => {
        await stocked(crew);
        const [, other = 0] = crew.supervisor.pids;
        process.kill(other, "SIGSTOP");
        expect((await crew.supervisor.purge([tagTarget("t")])).nodes).toBe(1);
        await until(() => !crew.supervisor.pids.includes(other), "its end");
      },
      [],
      { roundMs: 300 },
    ),
  );
});

const KINDS = [
  "http://larder.test/a",
  "http://larder.test\ng",
  tagTarget("t"),
  prefixTarget("http://larder.test/"),
  EVERYTHING,
];

describe("while not all have heard of it", () => {
  test.each([...KINDS, ...KINDS.map(softly)])("nobody believes who has not: %j", async (purged) =>
    withTrio(async ({ a, b, origin, target }) => {
      origin.body = "old";
      for (const one of [a, b]) expect(await one.get(target)).toBe("old");
      origin.body = "new";
      await b.hears({ kind: "invalidate", round: 1, targets: [purged] });
      const { questions } = a;
      // A, the owner, has the old one still.
      expect([await b.get(target), a.questions]).toEqual(["new", questions]);
      await a.hears({ kind: "invalidate", round: 1, targets: [purged] });
      for (const one of [a, b]) await one.hears({ kind: "settled", round: 1 });
      for (const one of [a, b]) expect(await one.get(target)).toBe("new");
    })(),
  );

  test.each(KINDS)("what the owner sent before reaches who waits, and is not stored: %j", async (purged) =>
    withTrio(async ({ a, b, origin, target }) => {
      origin.body = "old";
      expect(await a.get(target)).toBe("old");
      const held = a.holdAnswers();
      const asked = b.get(target);
      await held.holding;
      origin.body = "new";
      await b.hears({ kind: "invalidate", round: 1, targets: [purged] });
      held.release();
      expect(await asked).toBe("old");
      await a.hears({ kind: "invalidate", round: 1, targets: [purged] });
      for (const one of [a, b]) await one.hears({ kind: "settled", round: 1 });
      expect(await b.get(target)).toBe("new");
    })(),
  );
});
