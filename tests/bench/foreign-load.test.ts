// Answers: is what others did to a measurement told from what it did itself?
// Owns: the claims about `foreign-load.ts`.
// Leaves out: what is done about it.
import { expect, test } from "bun:test";
import { foreignShare, processTime, stolenTicks, ticksOfOthers } from "./foreign-load.ts";

const STAT = "77 (a (b) c) S 12 1 1 0 -1 4194304 102 0 0 0 10 20 3 4 39 19 1 0 329750 3133440 390";

test("a process's line: its parent, its own time and that of its ended children, whatever it is called", () => {
  expect(processTime(STAT)).toEqual({ pid: 77, parent: 12, nice: 19, ticks: 37 });
});

test("what a process started is its own, in any generation and order; who stands back does not count", () => {
  const all = [
    { pid: 30, parent: 20, nice: 0, ticks: 1 },
    { pid: 20, parent: 10, nice: 0, ticks: 2 },
    { pid: 10, parent: 1, nice: 0, ticks: 4 },
    { pid: 40, parent: 1, nice: 0, ticks: 8 },
    { pid: 50, parent: 1, nice: 19, ticks: 16 },
  ];
  expect([ticksOfOthers(all, 10), ticksOfOthers(all, 20), ticksOfOthers(all, 1)]).toEqual([8, 12, 0]);
});

test("what the hypervisor keeps counts too", () => {
  expect(stolenTicks("cpu  1000 200 30 99999 5 0 777 4 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")).toBe(4);
});

test("the share that others had is of one core", () => {
  expect([foreignShare(500, 550, 1), foreignShare(500, 550, 2), foreignShare(500, 490, 1)]).toEqual([
    0.5, 0.25, 0,
  ]);
  expect(foreignShare(undefined, 500, 1)).toBe(0);
});
