// Answers: does the supervisor know when an invalidation has reached all workers?
// Owns: the claims about `lib/workers/rounds.ts`: who is told, who is waited for, who is ended.
// Leaves out: real workers (`invalidation.test.ts`).
import { expect, test } from "bun:test";
import type { ToWorker } from "../../lib/workers/messages.ts";
import { Rounds } from "../../lib/workers/rounds.ts";

class Worker {
  readonly heard: ToWorker[] = [];
  ends = 0;
  send = (message: ToWorker): void => void this.heard.push(message);
  end = (): void => void this.ends++;

  get kinds(): string[] {
    return this.heard.map(({ kind }) => kind);
  }
}

function crew(deadlineMs = 60_000): { all: Worker[]; rounds: Rounds; a: Worker; b: Worker; c: Worker } {
  const [a, b, c] = [new Worker(), new Worker(), new Worker()];
  const all = [a, b, c];
  return { all, rounds: new Rounds(() => all, deadlineMs), a, b, c };
}

test("all others are told, and who asked hears when all have done it, with how much it was", () => {
  const { rounds, a, b, c } = crew();
  rounds.begin(c, 7, ["/1", "/2"]);
  expect([a.kinds, b.kinds, c.kinds]).toEqual([["invalidate"], ["invalidate"], []]);
  rounds.carriedOut(a, 1, [1, 0]);
  expect(c.heard).toEqual([]);
  rounds.carriedOut(b, 1, [2, 3]);
  expect(c.heard).toEqual([{ kind: "invalidated", id: 7, removed: [3, 3] }]);
  expect([a.kinds, b.kinds]).toEqual([
    ["invalidate", "settled"],
    ["invalidate", "settled"],
  ]);
});

test("without others it is done at once", () => {
  const alone = new Worker();
  new Rounds(() => [alone], 60_000).begin(alone, 1, ["/"]);
  expect(alone.heard).toEqual([{ kind: "invalidated", id: 1, removed: [0] }]);
});

test("who has ended is not waited for, and what it says twice counts once", () => {
  const { all, rounds, a, b, c } = crew();
  rounds.begin(c, 1, ["/"]);
  rounds.carriedOut(a, 1, [1]);
  rounds.carriedOut(a, 1, [1]);
  rounds.carriedOut(a, 99, [1]);
  all.splice(1, 1);
  rounds.left(b);
  expect(c.heard).toEqual([{ kind: "invalidated", id: 1, removed: [1] }]);
});

test("one that joins meanwhile is told before it listens, and is waited for", () => {
  const { all, rounds, a, b, c } = crew();
  rounds.begin(c, 1, ["/"]);
  const late = new Worker();
  all.push(late);
  rounds.joined(late);
  for (const one of [a, b]) rounds.carriedOut(one, 1, [0]);
  expect([late.kinds, c.kinds]).toEqual([["invalidate"], []]);
  rounds.carriedOut(late, 1, [0]);
  expect([late.kinds, c.kinds]).toEqual([["invalidate", "settled"], ["invalidated"]]);
});

test("one that does not answer in time is ended, and waited for until it has", async () => {
  const { all, rounds, a, b, c } = crew(5);
  rounds.begin(c, 1, ["/"]);
  rounds.carriedOut(a, 1, [0]);
  while (b.ends === 0) await Bun.sleep(1);
  expect([a.ends, c.kinds]).toEqual([0, []]);
  all.splice(1, 1);
  rounds.left(b);
  expect(c.kinds).toEqual(["invalidated"]);
});

test("two at once are told apart; who asked and has ended leaves nobody waiting", () => {
  const { all, rounds, a, b, c } = crew();
  rounds.begin(c, 1, ["/1"]);
  rounds.begin(a, 1, ["/2"]);
  all.splice(2, 1);
  rounds.left(c);
  rounds.carriedOut(b, 2, [4]);
  expect(a.heard.at(-1)).toEqual({ kind: "invalidated", id: 1, removed: [4] });
  rounds.carriedOut(a, 1, [0]);
  rounds.carriedOut(b, 1, [0]);
  expect(b.kinds).toEqual(["invalidate", "invalidate", "settled", "settled"]);
});
