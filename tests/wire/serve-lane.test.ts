// Answers: how long does the lane wait, how many does it let in, and how does it stop?
// Owns: the claims about `lib/wire/serve-lane.ts` and the deadlines of its connections, with a clock that the test winds.
// Leaves out: turns and ends (`lane-connection.test.ts`), a whole process that is stopped (`../faults/stop.test.ts`).
import { describe, expect, test } from "bun:test";
import { AT_ONCE, get, LaneRig, saying, withLane } from "./lane-rig.ts";

describe("deadlines", () => {
  const timed = (body: (rig: LaneRig) => Promise<unknown>) => withLane(body, AT_ONCE, { idleSeconds: 20 });

  test(
    "a head has ten seconds, however it drips, and counted from its first byte",
    timed(async (rig) => {
      const line = await rig.line();
      line.send(get("/hit"));
      await line.take("[/hit]");
      rig.tick(15);
      line.send("GET /hit HTTP/1.1\r\n");
      await Bun.sleep(20);
      for (let second = 0; second < 10; second++) {
        rig.tick();
        line.send("X");
        await Bun.sleep(5);
      }
      line.send(": y\r\nHost: a.test\r\n\r\n");
      await line.take("[/hit]");
      line.send("GET");
      await Bun.sleep(20);
      rig.tick(11);
      await line.closed;
    }),
  );

  test(
    "silence between requests, or without any, ends a connection; waiting for an answer is none",
    timed(async (rig) => {
      const [silent, waiting] = [await rig.line(), await rig.line()];
      waiting.send(get("/miss"));
      const { answer } = await rig.next();
      rig.tick(19);
      rig.tick(30);
      await silent.closed;
      answer(saying("late"));
      await waiting.take("late");
      rig.tick(20);
      waiting.send(get("/hit"));
      await waiting.take("[/hit]");
      rig.tick(21);
      await waiting.closed;
    }),
  );

  test(
    "a client that takes nothing of its answer is cut",
    timed(async (rig) => {
      const line = await rig.line();
      line.pause();
      line.send(get("/miss"));
      const { presented, answer } = await rig.next();
      const gone = presented.gone();
      answer(saying("x".repeat(20_000_000)));
      await Bun.sleep(50);
      rig.tick(20);
      expect(gone?.aborted).toBe(false);
      rig.tick(2);
      expect(gone?.aborted).toBe(true);
    }),
  );
});

describe("limits", () => {
  test(
    "one connection too many gets 503, and no other one notices",
    withLane(
      async (rig) => {
        const lines = [await rig.line(), await rig.line()];
        for (const line of lines) {
          line.send(get("/hit"));
          await line.take("[/hit]");
        }
        const third = await rig.line();
        third.send(get("/hit"));
        expect(await third.rest()).toStartWith("HTTP/1.1 503 ");
        for (const line of lines) {
          line.send(get("/hit"));
          await line.take("[/hit]");
        }
        lines[0]?.end();
        await lines[0]?.closed;
        rig.tick(3);
        const again = await rig.line();
        again.send(get("/hit"));
        await again.take("[/hit]");
      },
      AT_ONCE,
      { maxConnections: 2 },
    ),
  );

  test(
    "a fault of the engine costs one connection",
    withLane(
      async (rig) => {
        const [bad, good] = [await rig.line(), await rig.line()];
        bad.send(get("/throws"));
        expect(await bad.closed).toBe("reset");
        good.send(get("/hit"));
        await good.take("[/hit]");
      },
      (target) => {
        if (target === "/throws") throw new Error("a fault");
        return AT_ONCE(target);
      },
    ),
  );

  test("a port that is taken is an error, also for a second lane", () => {
    const rig = new LaneRig();
    const port = Number(new URL(rig.url).port);
    expect(() => new LaneRig(undefined, { port })).toThrow(`port ${port}`);
    return rig.stop();
  });
});

describe("a stop", () => {
  test("is told for a while, ends what is idle, lets the rest finish", async () => {
    const rig = new LaneRig(AT_ONCE, { noticeMs: 100, drainTimeout: 5000 });
    const [idle, busy, waiting] = [await rig.line(), await rig.line(), await rig.line()];
    waiting.send(get("/miss"));
    const { answer } = await rig.next();
    busy.send(get("/hit"));
    await busy.take("[/hit]");
    const stopped = rig.stop();
    busy.send(get("/hit"));
    expect(await busy.rest()).toContain("Connection: close");
    expect(await idle.rest()).toBe("");
    answer(saying("late"));
    expect(await waiting.rest()).toEndWith("late");
    await stopped;
    await expect(fetch(rig.url)).rejects.toThrow();
  });

  test("cuts what takes longer than the drain", async () => {
    const rig = new LaneRig(undefined, { drainTimeout: 50 });
    const line = await rig.line();
    line.send(get("/miss"));
    await rig.next();
    await rig.stop();
    expect(await line.rest()).toBe("");
  });
});
