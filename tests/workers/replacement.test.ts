// Answers: does anybody notice when a worker ends?
// Owns: the claims about workers that are killed, hang or cannot start, with real processes.
// Leaves out: ending all of them (`ending.test.ts`), one that hangs while something is invalidated (`invalidation.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { Crew, TEST_LIMIT_MS, until, withCrew, wholeOf } from "./crew.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const FRESH = { "Cache-Control": "max-age=60" };

/** Kills the worker in that slot, and waits for the one in its place. */
async function replaced(crew: Crew, slot: number): Promise<void> {
  const before = crew.supervisor.pids[slot] ?? 0;
  process.kill(before, "SIGKILL");
  await until(() => !crew.supervisor.pids.includes(before), "its end");
  await until(() => crew.supervisor.pids.length === crew.count, "another one");
}

describe("a worker that is killed", () => {
  test(
    "is replaced, and connections to the others go on, byte for byte",
    withCrew(2, async (crew) => {
      const body = randomBytes(200_000);
      crew.origin.on("*", { fields: FRESH, body });
      const [, other] = await crew.toAll();
      let isOver = false;
      let answers = 0;
      const busy = (async () => {
        // Keys of both owners, each of them cold.
        for (let at = 0; !isOver; at++) {
          const got = await other?.ask(`/busy/${at}`);
          expect([got?.status, got?.complete, got?.bytes.equals(body)]).toEqual([200, true, true]);
          answers++;
        }
      })();
      for (let time = 0; time < 3; time++) {
        const so = answers;
        await until(() => answers > so + 5, "busy");
        await replaced(crew, 0);
      }
      const so = answers;
      await until(() => answers > so + 5, "busy");
      isOver = true;
      await busy;
      expect(crew.warnings).toEqual([1, 2, 3].map(() => "worker 0 ended (SIGKILL): it is replaced"));
      expect((await (await crew.to(0)).ask("/busy/0")).bytes.equals(body)).toBe(true);
    }),
  );

  test(
    "while another one passes on what it sends: that goes on from the origin where it can be had there",
    withCrew(2, async (crew) => {
      const body = randomBytes(400_000);
      const target = crew.targetOf(0, "/torn");
      const other = await crew.to(1);
      const fields = { ...FRESH, ETag: '"1"', "Accept-Ranges": "bytes" };
      const opened = other.open(target);
      const first = await crew.origin.asked(target);
      await first.head({ fields: { ...fields, "Content-Length": String(body.length) } });
      await first.send(body.subarray(0, 150_000));
      const response = await opened;
      crew.origin.on(target, (asked) => {
        const from = Number(/^bytes=(\d+)-/.exec(asked.get("range") ?? "")?.[1]);
        const range = { "Content-Range": `bytes ${from}-${body.length - 1}/${body.length}` };
        return asked.reply({ status: 206, fields: { ...fields, ...range }, body: body.subarray(from) });
      });
      const got = wholeOf(response);
      await replaced(crew, 0);
      const { bytes, complete } = await got;
      expect([bytes.equals(body), complete]).toEqual([true, true]);
      const again = await other.ask(target);
      expect([again.bytes.equals(body), again.cacheStatus["hit"]]).toEqual([true, true]);
    }),
  );

  test(
    "before it has answered another one: that asks the origin itself",
    withCrew(2, async (crew) => {
      const target = crew.targetOf(0, "/lost");
      const other = await crew.to(1);
      const got = other.ask(target);
      await crew.origin.asked(target);
      crew.origin.on(target, { fields: FRESH, body: "tea" });
      await replaced(crew, 0);
      expect([(await got).status, (await got).bytes.toString()]).toEqual([200, "tea"]);
      expect((await crew.supervisor.stats()).owners).toEqual({ asked: 1, away: 1 });
    }),
  );

  test(
    "and the one in its place is asked as the owner again, and told of invalidations",
    withCrew(2, async (crew) => {
      const target = crew.targetOf(0, "/back");
      crew.origin.on(target, { fields: FRESH, body: "old" });
      await replaced(crew, 0);
      const [owner, other] = await crew.toAll();
      for (const one of [other, owner]) expect((await one?.ask(target))?.bytes.toString()).toBe("old");
      expect(crew.origin.requests(target)).toHaveLength(1);
      crew.origin.on(target, { fields: FRESH, body: "new" });
      await other?.ask(target, { method: "POST" });
      for (const one of [owner, other]) expect((await one?.ask(target))?.bytes.toString()).toBe("new");
    }),
  );
});

test(
  "an owner that hangs costs a moment once, and no client an error",
  withCrew(2, async (crew) => {
    const other = await crew.to(1);
    crew.origin.on("*", { fields: FRESH, body: "tea" });
    const [hanging = 0] = crew.supervisor.pids;
    process.kill(hanging, "SIGSTOP");
    for (let time = 0; time < 4; time++) {
      const got = await other.ask(crew.targetOf(0, `/hangs-${time}`));
      expect([got.status, got.bytes.toString()]).toEqual([200, "tea"]);
    }
    process.kill(hanging, "SIGCONT");
    expect((await crew.supervisor.stats()).owners.away).toBeGreaterThanOrEqual(1);
  }),
);

describe("a worker that cannot start", () => {
  test("ends the start with one line, after a few tries", async () => {
    const command = [process.execPath, "-e", "process.exit(3)"];
    const failure = await Crew.start(2, [], { command }).then(
      () => "it started",
      (error: unknown) => String(error),
    );
    expect(failure).toMatch(/^CacheError: \d+ workers in a row ended at their start \(exit code 3\)$/);
  });
});
