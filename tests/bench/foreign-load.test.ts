// Answers: is what others did to a measurement told from what it did itself?
// Owns: the claims about `foreign-load.ts`.
// Leaves out: what is done about it.
import { expect, test } from "bun:test";
import { costUs, foreignShare, processTime, stolenTicks, ticksOfTree, type Ticks } from "./foreign-load.ts";

const STAT = "77 (a (b) c) S 12 1 1 0 -1 4194304 102 0 0 0 10 20 3 4 39 19 1 0 329750 3133440 390";

test("a process's line: its parent, its own time and that of its ended children, whatever it is called", () => {
  expect(processTime(STAT)).toEqual({ pid: 77, parent: 12, ticks: 37 });
});

test("what a process started is its own, in any generation and order", () => {
  const all = [
    { pid: 30, parent: 20, ticks: 1 },
    { pid: 20, parent: 10, ticks: 2 },
    { pid: 10, parent: 1, ticks: 4 },
    { pid: 40, parent: 1, ticks: 8 },
  ];
  expect([10, 20, 1, 99].map((root) => ticksOfTree(all, root))).toEqual([7, 3, 15, 0]);
});

test("what the hypervisor keeps counts too", () => {
  expect(stolenTicks("cpu  1000 200 30 99999 5 0 777 4 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")).toBe(4);
});

const ticks = (others: number, contestant: number): Ticks => ({ others, contestant });

test("the share that others had is of one core", () => {
  const shares = [
    foreignShare(ticks(500, 0), ticks(550, 90), 1),
    foreignShare(ticks(500, 0), ticks(550, 90), 2),
    foreignShare(ticks(500, 0), ticks(490, 90), 1),
    foreignShare(undefined, ticks(500, 0), 1),
  ];
  expect(shares).toEqual([0.5, 0.25, 0, 0]);
});

test("what a request costs is the contestant's own time, whoever else was there", () => {
  expect(costUs(ticks(0, 100), ticks(900, 200), 100_000)).toBe(10);
  expect(costUs(undefined, ticks(0, 1), 1)).toBeNaN();
});
