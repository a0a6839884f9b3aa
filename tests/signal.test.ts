// Answers: does everybody who waits learn of a change, once, and nobody of one that was before?
// Owns: the claims about `lib/signal.ts`.
// Leaves out: who waits for what (`fill-body.test.ts`).
import { expect, test } from "bun:test";
import { Signal } from "../lib/signal.ts";
import { calm } from "./hand-fed-body.ts";

test("one change wakes all who wait, and none of those who wait for the next", async () => {
  const signal = new Signal();
  const woken: string[] = [];
  const waits = (who: string): void => void signal.next().then(() => woken.push(who));
  waits("one");
  waits("two");
  await calm();
  expect(woken).toEqual([]);
  signal.tell();
  waits("later");
  await calm();
  expect(woken).toEqual(["one", "two"]);
  signal.tell();
  await calm();
  expect(woken).toEqual(["one", "two", "later"]);
});

test("a change that was before is no news", async () => {
  const signal = new Signal();
  signal.tell();
  signal.tell();
  let isWoken = false;
  void signal.next().then(() => (isWoken = true));
  await calm();
  expect(isWoken).toBe(false);
  signal.tell();
  await calm();
  expect(isWoken).toBe(true);
});

test("who waits again and again misses no change", async () => {
  const signal = new Signal();
  let seen = 0;
  let told = 0;
  const waiting = (async () => {
    while (seen < 5) {
      if (seen === told) await signal.next();
      seen = told;
    }
  })();
  for (let time = 0; time < 5; time++) {
    told++;
    signal.tell();
    if (time % 2 === 0) await calm();
  }
  await waiting;
  expect(seen).toBe(5);
});
