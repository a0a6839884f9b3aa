// Answers: is what others did to a measurement told from what it did itself?
// Owns: the claims about `foreign-load.ts`.
// Leaves out: what is done about it.
import { expect, test } from "bun:test";
import { allTicks, foreignShare, ownTicks, processTime, ticks } from "./foreign-load.ts";

const STAT = "77 (a (b) c) S 12 1 1 0 -1 4194304 102 0 0 0 10 20 3 4 20 0 1 0 329750 3133440 390";

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
  expect([ownTicks(all, 10), ownTicks(all, 20), ownTicks(all, 1)]).toEqual([7, 3, 15]);
});

test("of all cores user, nice, system and stolen time count", () => {
  expect(allTicks("cpu  1000 200 30 99999 5 0 777 4 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")).toBe(1234);
});

test("the share that others had is of one core", () => {
  expect(foreignShare({ all: 1000, own: 500 }, { all: 1250, own: 700 }, 1)).toBe(0.5);
  expect(foreignShare({ all: 1000, own: 500 }, { all: 1250, own: 760 }, 1)).toBe(0);
  expect(foreignShare(undefined, ticks(), 1)).toBe(0);
});
