// Answers: is an exchange given up when its time is over, for the right reason, and not otherwise?
// Owns: the claims about `lib/deadline.ts`.
// Leaves out: silence within a body (`incoming-body.test.ts`), the same over sockets (`proxy-broken.test.ts`).
import { describe, expect, test } from "bun:test";
import { Deadline } from "../lib/deadline.ts";
import { OriginError } from "../lib/errors.ts";

const LONG_MS = 60_000;

function deadlineOf(firstByteMs: number, totalMs = 0): Deadline {
  return new Deadline({ firstByteMs, totalMs, betweenBytesMs: 0 });
}

/** Resolves with the reason when it is given up. */
function givenUp({ signal }: Deadline): Promise<unknown> {
  if (signal.aborted) return Promise.resolve(signal.reason);
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason)));
}

/** Whether another deadline, as long and begun now, is over before this one. */
async function outlasts(deadline: Deadline, ms: number): Promise<boolean> {
  await givenUp(deadlineOf(ms));
  await givenUp(deadlineOf(ms));
  return !deadline.signal.aborted;
}

describe("the time to the header section", () => {
  test("begins at once; when it is over, the reason says which it was", async () => {
    const reason = await givenUp(deadlineOf(20, LONG_MS));
    expect(reason).toBeInstanceOf(OriginError);
    expect(reason).toMatchObject({
      ...{ code: "origin-timeout", status: 504, message: "no response within 0.02 s" },
    });
  });

  test("ends with the header section", async () => {
    const deadline = deadlineOf(10);
    deadline.headCame();
    expect(await outlasts(deadline, 20)).toBe(true);
  });

  test("begins anew where a further header section is waited for", async () => {
    const deadline = deadlineOf(10);
    deadline.headCame();
    expect(await outlasts(deadline, 10)).toBe(true);
    deadline.awaitHead();
    expect(await givenUp(deadline)).toMatchObject({ code: "origin-timeout" });
  });

  test("is for ever where it is 0", async () => {
    const deadline = deadlineOf(0);
    deadline.awaitHead();
    expect(await outlasts(deadline, 20)).toBe(true);
  });
});

describe("the time to the end", () => {
  test("goes on when the header section is there, and again when another one is", async () => {
    const deadline = deadlineOf(LONG_MS, 20);
    deadline.headCame();
    deadline.awaitHead();
    deadline.headCame();
    expect(await givenUp(deadline)).toMatchObject({
      ...{ code: "origin-timeout", message: "not all of the response within 0.02 s" },
    });
    deadline.end();
  });

  test("is for ever where it is 0", async () => {
    const deadline = deadlineOf(LONG_MS, 0);
    expect(await outlasts(deadline, 20)).toBe(true);
    deadline.end();
  });
});

test("after the end nothing is given up any more, whatever was waited for", async () => {
  const deadline = deadlineOf(10, 15);
  deadline.end();
  deadline.end();
  expect(await outlasts(deadline, 20)).toBe(true);
});

test("it is given up for another reason at once, and the first reason stays", async () => {
  const deadline = deadlineOf(10, 10);
  const [first, second] = ["first", "second"].map((text) => new OriginError("origin-incomplete", text));
  deadline.giveUp(first!);
  deadline.giveUp(second!);
  expect(deadline.signal.reason).toBe(first);
  expect(await outlasts(deadline, 20)).toBe(false);
  expect(deadline.signal.reason).toBe(first);
});
