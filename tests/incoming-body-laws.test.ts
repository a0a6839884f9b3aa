// Answers: are the bytes right and the end told once, in every order of breaks, rests, silence, leaving and time running out?
// Owns: the laws of `lib/incoming-body.ts`, over random connections.
// Leaves out: each case by its name (`incoming-body.test.ts`).
import { expect, test } from "bun:test";
import fc from "fast-check";
import { OriginError } from "../lib/errors.ts";
import { IncomingBody, type Rest } from "../lib/incoming-body.ts";
import type { ByteReader } from "../lib/message.ts";

const LENGTH = 24;
const WHOLE = Uint8Array.from({ length: LENGTH }, (_, at) => at);

/** What a connection does after so many bytes. The honest end of the last one is at the end of the whole. */
const connection = fc.record({
  bytes: fc.integer({ min: 0, max: LENGTH }),
  chunk: fc.integer({ min: 1, max: 9 }),
  // `early` is an end in chunks that comes too soon; `excess` sends more than there is.
  then: fc.constantFrom("end", "end", "break", "break", "early", "excess", "silence", "refused", "other"),
});
type Connection = typeof connection extends fc.Arbitrary<infer T> ? T : never;

const script = fc.record({
  connections: fc.array(connection, { minLength: 1, maxLength: 6 }),
  leavesAfter: fc.option(fc.nat({ max: 12 }), { freq: 3 }),
  /** Turns of the event loop into that read, so that it may be while the rest is asked for. */
  leavesIn: fc.nat({ max: 4 }),
  isOverAfter: fc.option(fc.nat({ max: 12 }), { freq: 6 }),
  startsAt: fc.option(fc.nat({ max: LENGTH - 1 }), { freq: 3 }),
});
type Script = typeof script extends fc.Arbitrary<infer T> ? T : never;

/** The bytes from `at` on, as that connection brings them; `open` counts those that nobody has ended. */
function played({ bytes, chunk, then }: Connection, from: number, open: Set<ByteReader>): ByteReader {
  const isWhole = then === "end" || then === "excess";
  const content = [...WHOLE.subarray(from, isWhole ? LENGTH : Math.min(LENGTH, from + bytes))];
  if (then === "excess") content.push(99, 98, 97);
  const silence = Promise.withResolvers<{ done: true }>();
  const reader: ByteReader = {
    async read() {
      await new Promise(setImmediate);
      if (!open.has(reader)) return { done: true };
      const value = Uint8Array.from(content.splice(0, chunk));
      if (value.length > 0) return { done: false, value };
      if (then === "silence") return silence.promise;
      if (then === "break") throw new Error("the connection broke");
      open.delete(reader);
      return { done: true };
    },
    async cancel() {
      open.delete(reader);
      silence.resolve({ done: true });
    },
  };
  open.add(reader);
  return reader;
}

/** Reads a body to its end, or leaves; what came, and how it ended. */
async function readOut(
  body: ByteReader,
  { leavesAfter, leavesIn, isOverAfter }: Script,
  controller: AbortController,
): Promise<{ readonly bytes: number[]; readonly how: "end" | "error" | "left" }> {
  const bytes: number[] = [];
  try {
    for (let reads = 0; ; reads++) {
      if (reads === isOverAfter) controller.abort(new OriginError("origin-timeout", "over"));
      const reading = body.read();
      if (reads === leavesAfter) {
        reading.catch(() => {});
        for (let turn = 0; turn < leavesIn; turn++) await new Promise(setImmediate);
        await body.cancel().catch(() => {});
        await reading.catch(() => {});
        return { bytes, how: "left" };
      }
      const { done, value } = await reading;
      if (done) return { bytes, how: "end" };
      bytes.push(...(value ?? []));
    }
  } catch {
    return { bytes, how: "error" };
  }
}

/** How it ended; rejects where a law is broken. */
async function run(script_: Script): Promise<string> {
  const [first, ...others] = script_.connections;
  // A first connection in chunks that ends early is seen by whoever knows the announced length, not here.
  const beginning = {
    ...first!,
    then: first!.then === "end" || first!.then === "silence" ? first!.then : "break",
  };
  const controller = new AbortController();
  const [ends, open] = [[] as boolean[], new Set<ByteReader>()];
  const resume = async (at: number): Promise<Rest | undefined> => {
    const next = others.shift();
    await new Promise(setImmediate);
    if (next?.then === "refused") throw new OriginError("origin-unreachable", "no");
    if (next === undefined || next.then === "other" || at >= LENGTH) return undefined;
    return { reader: played(next, at, open), wholeLength: LENGTH };
  };
  const parts = { betweenBytesMs: 20, signal: controller.signal, resume };
  const aloneFrom = async (at: number): Promise<ByteReader | undefined> => {
    const rest = await resume(at);
    if (rest === undefined) return undefined;
    const { reader, wholeLength } = rest;
    return new IncomingBody({ ...parts, reader, onEnd: () => {} }, { at, wholeLength });
  };
  const whole = new IncomingBody({
    ...{ ...parts, reader: played(beginning as Connection, 0, open), alone: aloneFrom },
    onEnd: (isComplete) => void ends.push(isComplete),
  });
  const from = script_.startsAt ?? 0;
  const alone = script_.startsAt === null ? whole : await whole.from!(from).catch(() => undefined);
  if (alone === undefined) return "none";
  const { bytes, how } = await readOut(alone, script_, controller);
  expect(bytes).toEqual([...WHOLE.subarray(from, from + bytes.length)]);
  if (how === "end") expect(bytes.length).toBe(LENGTH - from);
  if (alone !== whole) await whole.cancel();
  // Who leaves in the moment in which it ends may come too late.
  if (how === "left" && alone === whole) expect(ends.length).toBe(1);
  else expect(ends).toEqual([alone === whole && how === "end"]);
  // No connection is left open that nobody reads.
  expect(open.size).toBe(0);
  return how;
}

test("law: who reads to the end has exactly the right bytes, else an error; the end is told once", async () => {
  const scripts = fc.sample(script, 1500);
  // All at once: the pauses between the tries of one are those of all.
  const results = await Promise.all(
    scripts.map((each) => run(each).catch((error: unknown) => `${JSON.stringify(each)}: ${String(error)}`)),
  );
  const expected = ["end", "error", "left", "none"];
  expect(results.filter((result) => !expected.includes(result)).slice(0, 3)).toEqual([]);
  expect([...new Set(results)].sort()).toEqual(expected);
});
