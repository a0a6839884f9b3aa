// Answers: does a purge from outside of the workers reach all of them, whatever becomes of one meanwhile?
// Owns: the claims about purges through the supervisor, with real workers.
// Leaves out: errands alone (`errands.test.ts`), the admin in front (`../admin/admin-process.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { EVERYTHING, softly, tagTarget } from "../../lib/store/targets.ts";
import { type Crew, TEST_LIMIT_MS, until, withCrew } from "./crew.ts";

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
