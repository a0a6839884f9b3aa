// Answers: is an origin that is not well found out, and is it believed when it is well again?
// Owns: the claims about `lib/origins/health.ts`, with checks and a clock made by hand.
// Leaves out: what an unhealthy origin is spared (`pool.test.ts`).
import { describe, expect, test } from "bun:test";
import { HealthChecks, type Checked } from "../../lib/origins/health.ts";
import { ManualTimer, settled } from "./manual-timer.ts";

interface Check {
  readonly what: string;
  readonly atMs: number;
  readonly signal: AbortSignal;
  readonly answer: (status: number) => void;
  readonly fail: (error: unknown) => void;
}

class Scene {
  readonly timer = new ManualTimer();
  readonly checks: Check[] = [];
  readonly changes: string[] = [];
  readonly origins: Checked[];
  readonly health: HealthChecks;
  /** What each check is answered at once; where it is undefined, a check waits. */
  status: number | undefined;

  constructor(intervalMs: number, path = "/health?x", hosts: readonly string[] = ["a"]) {
    this.origins = hosts.map((host) => ({ url: `http://${host}`, isHealthy: true }));
    this.health = new HealthChecks(
      this.origins,
      { path, intervalMs },
      {
        ask: (origin, asked, signal) =>
          new Promise((answer, fail) => {
            this.checks.push({ what: origin + asked, atMs: this.timer.nowMs, signal, answer, fail });
            signal.addEventListener("abort", () => fail(signal.reason));
            if (this.status !== undefined) answer(this.status);
          }),
        after: this.timer.after,
        onChange: ({ origin, isHealthy, detail }) => {
          this.changes.push(`${origin} ${isHealthy ? "well" : "ill"} at ${this.timer.nowMs}: ${detail}`);
        },
      },
    );
    this.health.start();
  }
}

describe("checks", () => {
  test("begin at once, then come each interval, for each origin", async () => {
    const scene = new Scene(1000, "/health?x", ["a", "b"]);
    scene.status = 200;
    expect(scene.checks.map(({ what }) => what)).toEqual(["http://a/health?x", "http://b/health?x"]);
    for (const { answer } of scene.checks) answer(200);
    await scene.timer.pass(2500);
    expect(scene.checks.map(({ atMs }) => atMs)).toEqual([0, 0, 1000, 1000, 2000, 2000]);
    expect(scene.changes).toEqual([]);
  });

  test("are none without a path", async () => {
    const scene = new Scene(1000, "");
    await scene.timer.pass(10_000);
    expect([scene.checks, scene.timer.set]).toEqual([[], 0]);
  });

  test("come no faster than ten in a second, whatever is asked for", async () => {
    const scene = new Scene(0);
    scene.status = 200;
    await scene.timer.pass(1000);
    expect(scene.checks).toHaveLength(11);
  });

  test("end with stop, also one that is under way, which then decides nothing", async () => {
    const scene = new Scene(1000);
    await scene.timer.pass(1500);
    scene.health.stop();
    expect([scene.checks[1]?.signal.aborted, scene.timer.set]).toEqual([true, 0]);
    await scene.timer.pass(10_000);
    expect([scene.checks.length, scene.changes]).toEqual([2, []]);
  });
});

describe("an origin", () => {
  test.each([
    [200, true],
    [204, true],
    [302, true],
    [399, true],
    [199, false],
    [400, false],
    [404, false],
    [500, false],
    [503, false],
  ])("that answers %d twice is healthy: %p", async (status, isHealthy) => {
    const scene = new Scene(1000);
    scene.checks[0]?.answer(status);
    await settled();
    expect(scene.origins[0]?.isHealthy).toBe(true);
    scene.status = status;
    await scene.timer.pass(1000);
    expect(scene.origins[0]?.isHealthy).toBe(isHealthy);
    expect(scene.changes).toEqual(isHealthy ? [] : [`http://a ill at 1000: status ${status}`]);
  });

  test("that fails now and then stays healthy: only failures in a row count", async () => {
    const scene = new Scene(1000);
    for (let count = 0; count < 6; count += 1) {
      scene.checks.at(-1)?.answer(count % 2 === 0 ? 500 : 200);
      await scene.timer.pass(1000);
    }
    expect(scene.changes).toEqual([]);
  });

  test("is well again after one success, and ill again only after two failures", async () => {
    const scene = new Scene(1000);
    for (const status of [500, 500, 500, 200, 500, 200, 500, 500]) {
      scene.checks.at(-1)?.answer(status);
      await scene.timer.pass(1000);
    }
    expect(scene.changes).toEqual([
      "http://a ill at 1000: status 500",
      "http://a well at 3000: status 200",
      "http://a ill at 7000: status 500",
    ]);
  });

  test("that cannot be asked is not well; the change says why", async () => {
    const scene = new Scene(1000);
    for (const error of [new Error("refused"), "no words"]) {
      scene.checks.at(-1)?.fail(error);
      await scene.timer.pass(1000);
    }
    expect(scene.changes).toEqual(["http://a ill at 1000: no words"]);
  });

  test("is judged for itself", async () => {
    const scene = new Scene(1000, "/", ["a", "b"]);
    for (const status of [500, 500]) {
      scene.checks.at(-2)?.answer(200);
      scene.checks.at(-1)?.answer(status);
      await scene.timer.pass(1000);
    }
    expect(scene.origins.map(({ isHealthy }) => isHealthy)).toEqual([true, false]);
  });
});

describe("a check that is not answered", () => {
  test.each([
    [1000, 1000],
    [60_000, 5000],
  ])("at an interval of %d ms fails after %d ms and is broken off", async (intervalMs, deadlineMs) => {
    const scene = new Scene(intervalMs);
    await scene.timer.pass(deadlineMs - 1);
    expect(scene.checks[0]?.signal.aborted).toBe(false);
    await scene.timer.pass(1);
    expect(scene.checks[0]?.signal.aborted).toBe(true);
    await scene.timer.pass(intervalMs);
    expect(scene.checks.map(({ atMs }) => atMs).slice(0, 2)).toEqual([0, intervalMs]);
    expect(scene.changes).toEqual([
      `http://a ill at ${intervalMs + deadlineMs}: no answer within ${deadlineMs / 1000} s`,
    ]);
  });

  test.each(["oldest-first", "newest-first"] as const)(
    "is over before the next begins, %s",
    async (order) => {
      const scene = new Scene(1000);
      scene.timer.order = order;
      const underWay: number[] = [];
      for (let count = 0; count < 4; count += 1) {
        underWay.push(scene.checks.filter(({ signal }) => !signal.aborted).length);
        await scene.timer.pass(1000);
      }
      expect([underWay, scene.checks.length]).toEqual([[1, 1, 1, 1], 5]);
    },
  );

  test("and is answered after its deadline, is not believed", async () => {
    const scene = new Scene(60_000);
    await scene.timer.pass(5000);
    scene.checks[0]?.answer(200);
    await scene.timer.pass(60_000);
    expect(scene.origins[0]?.isHealthy).toBe(false);
  });
});
