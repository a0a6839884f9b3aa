// Answers: does an origin have the limits that are set, and does it say how it is doing?
// Owns: the claims about `lib/origins/origin.ts`.
// Leaves out: places, breaker and connect deadline, each in its own test.
import { expect, test } from "bun:test";
import { Origin } from "../../lib/origins/origin.ts";
import { ManualTimer } from "./manual-timer.ts";
import { PARTS, SETTINGS } from "./scripted-routes.ts";

const never = new AbortController().signal;

test("an origin says what it has under way, who waits, and how it is doing", () => {
  const origin = new Origin("http://a", SETTINGS, PARTS);
  const well = { origin: "http://a", isHealthy: true, breaker: "closed", pending: 0, waiting: 0 } as const;
  expect(origin.stats()).toEqual(well);
  void origin.places.take(never);
  void origin.places.take(never);
  expect([origin.places.take(never), origin.load]).toEqual(["full", 2]);
  origin.isHealthy = false;
  for (const _ of [1, 2]) origin.breaker.permit(0)?.failed(0);
  expect(origin.stats()).toEqual({ ...well, isHealthy: false, breaker: "open", pending: 1, waiting: 1 });
});

test("whoever listens hears whose breaker it is", () => {
  const heard: unknown[] = [];
  const origin = new Origin("http://a", SETTINGS, { ...PARTS, onBreaker: (...all) => heard.push(all) });
  for (const _ of [1, 2]) origin.breaker.permit(0)?.failed(0);
  origin.breaker.permit(500)?.succeeded();
  expect(heard).toEqual([
    ["http://a", "open", 2],
    ["http://a", "half-open", 2],
    ["http://a", "closed", 0],
  ]);
});

test("its connect deadline is the one that is set, for connections to its URL", async () => {
  const timer = new ManualTimer();
  const tried: string[] = [];
  const connect = (url: string): Promise<void> => {
    tried.push(`${url} at ${timer.nowMs}`);
    return new Promise(() => {});
  };
  const parts = { ...PARTS, connect, after: timer.after, nowMs: () => timer.nowMs };
  const origin = new Origin("http://a", { ...SETTINGS, connectTimeoutMs: 300 }, parts);
  origin.connectProbe.watch(({ message }) => tried.push(message));
  await timer.pass(300);
  expect(tried).toEqual(["http://a at 150", "no connection within 0.3 s"]);
});
