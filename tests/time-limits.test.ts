// Answers: is each limit over when its time is, although one timer serves them all?
// Owns: the claims about `lib/time-limits.ts`.
// Leaves out: what follows (`deadline.test.ts`, `incoming-body.test.ts`).
import { expect, test } from "bun:test";
import { limitsOf, TimeLimits } from "../lib/time-limits.ts";

test("what has not ended in time is over, in the order in which it began", async () => {
  const limits = new TimeLimits(10);
  const over: string[] = [];
  limits.begin(() => over.push("first"));
  const ended = limits.begin(() => over.push("ended"));
  limits.begin(() => over.push("second"));
  ended.end();
  ended.end();
  await Bun.sleep(30);
  expect(over).toEqual(["first", "second"]);
});

test("one that begins later has all of its time", async () => {
  const limits = new TimeLimits(40);
  const startMs = performance.now();
  limits.begin(() => {}).end();
  await Bun.sleep(25);
  const tookMs = await new Promise<number>((over) => limits.begin(() => over(performance.now() - startMs)));
  expect(tookMs).toBeGreaterThanOrEqual(64);
});

test("one that is begun when another is over has its time too", async () => {
  const limits = new TimeLimits(5);
  let count = 0;
  await new Promise<void>((done) => {
    const again = (): void => void (++count === 3 ? done() : limits.begin(again));
    limits.begin(again);
  });
  expect(count).toBe(3);
});

test("there is one of each length", () => {
  expect(limitsOf(12_345)).toBe(limitsOf(12_345));
  expect(limitsOf(12_345)).not.toBe(limitsOf(12_346));
});
