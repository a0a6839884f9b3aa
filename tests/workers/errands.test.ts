// Answers: does one worker do what has to be done once, and another where that one ends?
// Owns: the claims about `lib/workers/errands.ts`.
// Leaves out: real workers (`../admin/admin-process.test.ts`).
import { expect, test } from "bun:test";
import { Errands, type Runner } from "../../lib/workers/errands.ts";
import type { ToWorker } from "../../lib/workers/messages.ts";

const SAID = { removed: 1, tiers: ["memory"], nodes: 1 };

class Worker implements Runner {
  readonly heard: ToWorker[] = [];
  send = (message: ToWorker): void => void this.heard.push(message);
}

/** Workers that listen, and a purge whose outcome is in `told`. */
function crew(...listening: Worker[]) {
  const errands = new Errands(() => listening);
  const told: unknown[] = [];
  const purge = (target: string): void => void errands.purge([target]).then((said) => told.push(said));
  return { listening, errands, told, purge };
}

const order = (id: number, target: string): ToWorker => ({ kind: "purge", id, targets: [target] });

test("one of them is sent, and what it says is the answer", async () => {
  const [a, b] = [new Worker(), new Worker()];
  const { errands, told, purge } = crew(a, b);
  purge("/1");
  expect([a.heard, b.heard]).toEqual([[order(1, "/1")], []]);
  errands.done(1, SAID);
  errands.done(1, { ...SAID, removed: 9 });
  errands.done(7, SAID);
  await Promise.resolve();
  expect(told).toEqual([SAID]);
});

test("another one is sent where it ends before it is back; what it said before counts", async () => {
  const [a, b] = [new Worker(), new Worker()];
  const { listening, errands, told, purge } = crew(a, b);
  purge("/1");
  purge("/2");
  errands.done(1, SAID);
  listening.shift();
  errands.left(a);
  errands.left(a);
  expect(b.heard).toEqual([order(2, "/2")]);
  errands.done(2, SAID);
  await Promise.resolve();
  expect(told).toEqual([SAID, SAID]);
});

test("the end of one that was not sent is none of it", () => {
  const [a, b] = [new Worker(), new Worker()];
  const { errands, purge } = crew(a, b);
  purge("/1");
  errands.left(b);
  errands.joined();
  expect([a.heard.length, b.heard.length]).toEqual([1, 0]);
});

test("while none listens it waits for one", async () => {
  const { listening, errands, told, purge } = crew();
  purge("/1");
  const [a, b] = [new Worker(), new Worker()];
  errands.left(a);
  listening.push(a);
  errands.joined();
  expect(a.heard).toEqual([order(1, "/1")]);
  // It ends too, as the last one; then another one comes.
  listening.pop();
  errands.left(a);
  expect(told).toEqual([]);
  listening.push(b);
  errands.joined();
  errands.joined();
  expect(b.heard).toEqual([order(1, "/1")]);
  errands.done(1, SAID);
  await Promise.resolve();
  expect(told).toEqual([SAID]);
});
