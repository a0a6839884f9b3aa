// Answers: are few keys popular and many not, and is each run's traffic the same?
// Owns: the claims about chance, and about the requests that scenarios draw with it.
// Leaves out: sending them.
import { expect, test } from "bun:test";
import { browserFields } from "./browsers.ts";
import { SCENARIOS, type BenchRequest } from "./scenarios.ts";
import { chance, zipf } from "./zipf.ts";

test("rank 1 comes twice as often as rank 2, and ten times as often as rank 10", () => {
  const draw = zipf(1000, 1, chance(1));
  const drawn = Array.from({ length: 200_000 }, draw);
  const times = (rank: number): number => drawn.filter((one) => one === rank).length;
  expect(times(1) / times(2)).toBeCloseTo(2, 0);
  expect(times(1) / times(10) / 10).toBeCloseTo(1, 0);
  expect([Math.min(...drawn.slice(0, 1e4)), Math.max(...drawn.slice(0, 1e4))]).toEqual([
    1,
    expect.any(Number),
  ]);
  expect(drawn.every((rank) => rank >= 1 && rank <= 1000)).toBe(true);
});

test("its share is that of the law: 1 / H(1000) for rank 1", () => {
  const draw = zipf(1000, 1, chance(2));
  const first = Array.from({ length: 100_000 }, draw).filter((rank) => rank === 1).length / 100_000;
  expect(Math.abs(first - 1 / 7.4855)).toBeLessThan(0.01);
});

test("with exponent 0 each key is as likely", () => {
  const draw = zipf(4, 0, chance(3));
  const drawn = Array.from({ length: 40_000 }, draw);
  for (const rank of [1, 2, 3, 4]) {
    expect(Math.abs(drawn.filter((one) => one === rank).length / 40_000 - 0.25)).toBeLessThan(0.02);
  }
});

test("the same seed draws the same, another one does not", () => {
  const [one, same, other] = [chance(7), chance(7), chance(8)].map((next) => [next(), next(), next()]);
  expect(same).toEqual(one!);
  expect(other).not.toEqual(one!);
});

function requestsOf(id: string): readonly BenchRequest[] {
  return SCENARIOS.find((scenario) => scenario.id === id)!.requests();
}

test("10,000 keys, each in it once; browsers ask for all of them from 200 clients", () => {
  expect(new Set(requestsOf("keys").map(({ target }) => target)).size).toBe(10_000);
  const browsers = requestsOf("browsers");
  expect(new Set(browsers.map(({ target }) => target)).size).toBe(10_000);
  expect(new Set(browsers.map(({ fields }) => fields["Cookie"])).size).toBe(200);
  expect(Object.keys(browserFields(0))).toHaveLength(12);
});

test("mixed traffic has three sizes of bodies, and a long tail", () => {
  const targets = requestsOf("zipf").map(({ target }) => target);
  expect(new Set(targets).size).toBeGreaterThan(15_000);
  expect(targets.filter((target) => target === "/mixed/1").length).toBeGreaterThan(4000);
});
