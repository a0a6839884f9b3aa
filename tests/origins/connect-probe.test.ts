// Answers: is an exchange given up where no connection can be made, and only there?
// Owns: the claims about `lib/origins/connect-probe.ts`, with a connection and a clock made by hand.
// Leaves out: connections over TCP (`wire/tcp-connect.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ConnectProbe, type Watch } from "../../lib/origins/connect-probe.ts";
import { ManualTimer, settled } from "./manual-timer.ts";

interface Attempt {
  readonly origin: string;
  readonly signal: AbortSignal;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class Scene {
  readonly timer = new ManualTimer();
  readonly attempts: Attempt[] = [];
  readonly errors: string[] = [];
  readonly probe: ConnectProbe;

  constructor(timeoutMs = 1000) {
    this.probe = new ConnectProbe("http://origin.test", timeoutMs, {
      connect: (origin, signal) =>
        new Promise((resolve, reject) => {
          this.attempts.push({ origin, signal, resolve, reject });
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
      after: this.timer.after,
      nowMs: () => this.timer.nowMs,
    });
  }

  watch(name: string): Watch {
    return this.probe.watch(({ code, status, message }) => {
      this.errors.push(`${name} at ${this.timer.nowMs}: ${code} ${status} ${message}`);
    });
  }
}

const GIVEN_UP = "origin-timeout 504 no connection within 1 s";

describe("an exchange that waits for half of the deadline", () => {
  test("has a connection tried for it, and is given up when nothing is heard for the other half", async () => {
    const scene = new Scene();
    scene.watch("a");
    await scene.timer.pass(499);
    expect(scene.attempts).toEqual([]);
    await scene.timer.pass(1);
    expect(scene.attempts.map(({ origin }) => origin)).toEqual(["http://origin.test"]);
    await scene.timer.pass(499);
    expect([scene.errors, scene.attempts[0]?.signal.aborted]).toEqual([[], false]);
    await scene.timer.pass(1);
    expect([scene.errors, scene.attempts[0]?.signal.aborted]).toEqual([[`a at 1000: ${GIVEN_UP}`], true]);
    await scene.timer.pass(5000);
    expect([scene.errors.length, scene.attempts.length, scene.timer.set]).toEqual([1, 1, 0]);
  });

  test.each([
    ["made", (one: Attempt | undefined) => one?.resolve()],
    [
      "refused: then one that waits has its own",
      (one: Attempt | undefined) => one?.reject(new Error("refused")),
    ],
  ])("may wait on where the connection is %s", async (_, end) => {
    const scene = new Scene();
    scene.watch("a");
    await scene.timer.pass(500);
    end(scene.attempts[0]);
    await scene.timer.pass(60_000);
    expect([scene.errors, scene.attempts.length, scene.timer.set]).toEqual([[], 1, 0]);
  });

  test("and is answered then, ends a probe that is for nobody else", async () => {
    const scene = new Scene();
    const watch = scene.watch("a");
    await scene.timer.pass(500);
    watch.done();
    expect([scene.attempts[0]?.signal.aborted, scene.timer.set]).toEqual([true, 0]);
    scene.attempts[0]?.reject(new Error("aborted"));
    await scene.timer.pass(5000);
    expect([scene.errors, scene.attempts.length]).toEqual([[], 1]);
  });
});

describe("several exchanges", () => {
  test("share one probe; who came after it began has the next one", async () => {
    const scene = new Scene();
    scene.watch("a");
    await scene.timer.pass(300);
    scene.watch("b");
    await scene.timer.pass(300);
    scene.watch("c");
    await scene.timer.pass(400);
    expect(scene.errors).toEqual([`a at 1000: ${GIVEN_UP}`, `b at 1000: ${GIVEN_UP}`]);
    await scene.timer.pass(5000);
    expect(scene.errors.slice(2)).toEqual([`c at 1600: ${GIVEN_UP}`]);
    expect(scene.attempts).toHaveLength(2);
  });

  test.each(["oldest-first", "newest-first"] as const)(
    "one of which comes as the probe begins: its own begins when that one has ended, and not with it (%s)",
    async (order) => {
      const scene = new Scene();
      scene.timer.order = order;
      scene.watch("a");
      await scene.timer.pass(500);
      scene.watch("b");
      await scene.timer.pass(500);
      expect(scene.attempts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
      await scene.timer.pass(500);
      expect(scene.errors).toEqual([`a at 1000: ${GIVEN_UP}`, `b at 1500: ${GIVEN_UP}`]);
      expect([scene.attempts.length, scene.timer.set]).toEqual([2, 0]);
    },
  );

  test("have one probe after the other: the end of the first, which comes late, does not end the second", async () => {
    const scene = new Scene();
    scene.watch("a");
    await scene.timer.pass(500);
    const watch = scene.watch("b");
    await scene.timer.pass(600);
    expect(scene.attempts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    watch.done();
    expect([scene.attempts[1]?.signal.aborted, scene.timer.set]).toEqual([true, 0]);
  });

  test("that are answered meanwhile are not given up", async () => {
    const scene = new Scene();
    const watches = ["a", "b", "c"].map((name) => scene.watch(name));
    watches[0]?.done();
    await scene.timer.pass(500);
    watches[1]?.done();
    watches[1]?.done();
    await scene.timer.pass(500);
    watches[2]?.done();
    expect(scene.errors).toEqual([`c at 1000: ${GIVEN_UP}`]);
  });

  test("one of which ends another while they are given up: that one hears nothing", async () => {
    const scene = new Scene();
    const others: Watch[] = [];
    scene.probe.watch(() => {
      for (const other of others) other.done();
    });
    others.push(scene.watch("b"));
    await scene.timer.pass(2000);
    expect(scene.errors).toEqual([]);
  });

  test("one of which tries again as it is given up: one probe at a time all the same", async () => {
    const scene = new Scene();
    scene.probe.watch(() => scene.watch("again"));
    await scene.timer.pass(1000);
    expect([scene.timer.set, scene.attempts.length]).toEqual([1, 1]);
    await scene.timer.pass(500);
    expect([scene.timer.set, scene.attempts.length]).toEqual([1, 2]);
    await scene.timer.pass(500);
    expect([scene.errors, scene.timer.set]).toEqual([[`again at 2000: ${GIVEN_UP}`], 0]);
  });

  test("that are answered at once share one timer, and no connection is tried", async () => {
    const scene = new Scene();
    for (let count = 0; count < 1000; count += 1) scene.watch("a").done();
    expect(scene.timer.set).toBe(1);
    await scene.timer.pass(500);
    expect([scene.timer.set, scene.attempts]).toEqual([0, []]);
  });
});

test("a deadline of 0 watches nobody", async () => {
  const scene = new Scene(0);
  scene.watch("a").done();
  scene.watch("b");
  expect(scene.timer.set).toBe(0);
  await scene.timer.pass(60_000);
  expect([scene.errors, scene.attempts]).toEqual([[], []]);
});

describe("law: an origin that accepts no connection", () => {
  test("keeps each exchange for half of the deadline at least and the whole at most, with one probe at a time", async () => {
    const gaps = fc.array(fc.tuple(fc.nat(700), fc.option(fc.nat(1500))), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(gaps, async (exchanges) => {
        const scene = new Scene();
        const { timer } = scene;
        const ends: [waitedMs: number, wasDone: boolean][] = [];
        for (const [gapMs, answeredAfterMs] of exchanges) {
          await timer.pass(gapMs);
          const sinceMs = timer.nowMs;
          let isOver = false;
          const end = (wasDone: boolean): void => {
            if (!isOver) ends.push([timer.nowMs - sinceMs, wasDone]);
            isOver = true;
          };
          const watch = scene.probe.watch(() => {
            expect(isOver).toBe(false);
            end(false);
          });
          if (answeredAfterMs === null) continue;
          timer.after(answeredAfterMs, () => {
            end(true);
            watch.done();
          });
        }
        expect(scene.attempts.filter(({ signal }) => !signal.aborted).length).toBeLessThanOrEqual(1);
        await timer.pass(5000);
        await settled();
        expect([ends.length, timer.set]).toEqual([exchanges.length, 0]);
        for (const [waitedMs, wasDone] of ends) {
          expect(waitedMs).toBeLessThanOrEqual(1000);
          if (!wasDone) expect(waitedMs).toBeGreaterThanOrEqual(500);
        }
      }),
      { numRuns: 100 },
    );
  });
});
