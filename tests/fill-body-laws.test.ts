// Answers: does every reader that ends cleanly have every byte, and does memory stay bounded, in whatever order things happen?
// Owns: the laws of `lib/fill-body.ts`: random feeding, reading, joining, leaving, storing and evicting; what is kept of it.
// Leaves out: each case by its name (`fill-body.test.ts`, `fill-body-lag.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FillBody, READ_AHEAD_BYTES } from "../lib/fill-body.ts";
import type { FillBodySource } from "../lib/fill-source.ts";
import { calm, Source } from "./hand-fed-body.ts";
import { OneWrite, Pace, textFrom, twice } from "./lagging-readers.ts";

const CHUNK = 64 * 1024;
const LAG = 6 * CHUNK;

const step = fc.record({
  kind: fc.constantFrom("feed", "feed", "feed", "read", "read", "read", "join", "leave", "discard", "evict"),
  who: fc.nat({ max: 9 }),
  times: fc.integer({ min: 1, max: 8 }),
});
const script = fc.record({
  /** Chunks that the store takes before it has no room; 0 where nothing is stored. */
  storeTakes: fc.constantFrom(0, 0, 3, 9, 1000, 1000),
  hasTwice: fc.boolean(),
  breaks: fc.boolean(),
  length: fc.integer({ min: 1, max: 24 * CHUNK }),
  steps: fc.array(step, { minLength: 10, maxLength: 60, size: "max" }),
  /** What happens once all has come, such as reading and evicting. */
  after: fc.array(step, { maxLength: 12, size: "max" }),
});
type Script = typeof script extends fc.Arbitrary<infer T> ? T : never;
type Step = Script["steps"][number];

class Limited extends OneWrite {
  #left: number;

  constructor(chunks: number) {
    super();
    this.#left = chunks;
  }

  override write(chunk: Uint8Array): Uint8Array | false {
    return this.#left-- > 0 && super.write(chunk);
  }
}

interface Reader {
  readonly pace: Pace;
  /** Its reads are one after the other, however they are asked for. */
  turn: Promise<void>;
  how: "reads" | "end" | "broken" | "left";
}

/** One body and its readers. */
class Run {
  readonly store: Limited;
  readonly body: FillBody;
  readonly readers: Reader[] = [];
  readonly #source: Source;
  readonly #length: number;
  #fed = 0;

  constructor({ storeTakes, hasTwice, length }: Script) {
    this.store = new Limited(storeTakes);
    this.#length = length;
    const storing = storeTakes > 0 ? { writer: this.store, hold: this.store.hold } : { joinBytes: 2 * CHUNK };
    const made = twice(length, { ...storing, maxLagBytes: LAG }, hasTwice);
    [this.#source, this.body] = [made.source, made.body];
    this.#join();
    this.body.release();
  }

  async step({ kind, who, times }: Step): Promise<void> {
    const reader = this.readers[who % this.readers.length]!;
    if (kind === "feed") for (let time = 0; time < times; time++) this.feed();
    else if (kind === "read") this.read(reader, times);
    else if (kind === "join") this.#join();
    else if (kind === "discard" && times === 1) this.body.discard();
    else if (kind === "evict") this.store.leave();
    else if (kind === "leave" && this.readers.length > 1 && times < 4) {
      if (reader.how === "reads") reader.how = "left";
      await reader.pace.leave().catch(() => {});
    }
    await calm();
  }

  feed(): void {
    // All have left: nobody takes anything any more.
    if (this.#fed >= this.#length || this.#source.cancelled) return;
    const from = this.#fed;
    this.#fed = Math.min(this.#length, from + CHUNK);
    this.#source.chunk(textFrom(from, this.#fed));
  }

  /** All comes that is left, and the end or the break. */
  async finish(breaks: boolean): Promise<void> {
    while (this.#fed < this.#length && !this.#source.cancelled) this.feed();
    if (this.#source.cancelled) return;
    if (breaks) this.#source.fail(new Error("it broke"));
    else this.#source.end();
    await calm();
  }

  /** So many reads, after those that are under way. */
  read(reader: Reader, times: number): void {
    reader.turn = reader.turn.then(async () => {
      for (let time = 0; time < times && reader.how === "reads"; time++) {
        const isDone = await reader.pace.next().catch(() => "broken" as const);
        if (reader.how !== "reads") return;
        if (isDone === "broken") reader.how = "broken";
        else if (isDone) reader.how = "end";
      }
    });
  }

  #join(): void {
    if (this.readers.length > 0 && !this.body.isJoinable) return;
    this.readers.push({ pace: new Pace(this.body), turn: Promise.resolve(), how: "reads" });
  }
}

async function lawHolds(of: Script): Promise<string[]> {
  const run = new Run(of);
  for (const each of of.steps) await run.step(each);
  await run.finish(of.breaks);
  for (const each of of.after) await run.step(each);
  for (const reader of run.readers) run.read(reader, Number.POSITIVE_INFINITY);
  await Promise.all(run.readers.map(({ turn }) => turn));
  const end = await run.body.ended;
  for (const { pace, how } of run.readers) {
    // Not with toBe: the difference of two long texts would be printed.
    expect(textFrom(0, pace.text.length) === pace.text).toBe(true);
    expect(how).not.toBe("reads");
    if (how === "end") expect(pace.text.length).toBe(of.length);
    // Where the bytes can be had twice, nobody is broken off for lagging behind.
    if (how === "broken" && of.hasTwice) expect(end.kind).toBe("broken");
  }
  const stored = end.kind === "complete" ? end.stored : undefined;
  expect(stored).toBe(run.store.stored);
  return run.readers.map(({ how }) => how);
}

test("law: who reads to the end has every byte; nobody who can have them twice is broken off", async () => {
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(script, async (of) => {
      for (const how of await lawHolds(of)) seen.add(how);
    }),
    { numRuns: 80 },
  );
  expect([...seen].sort()).toEqual(["broken", "end", "left"]);
}, 60_000);

describe("memory", () => {
  const CHUNKS = 100;

  /** A body of 100 chunks that come by themselves, and how many of them are still in memory. */
  function counted(particulars: Partial<FillBodySource>) {
    const came: WeakRef<Uint8Array>[] = [];
    const read = async (): Promise<{ done: boolean; value?: Uint8Array }> => {
      await new Promise(setImmediate);
      if (came.length === CHUNKS) return { done: true };
      const value = new Uint8Array(CHUNK);
      came.push(new WeakRef(value));
      return { done: false, value };
    };
    const reader = { read, cancel: async () => {} };
    const body = new FillBody({
      reader,
      length: undefined,
      writer: undefined,
      maxLagBytes: LAG,
      ...particulars,
    });
    const kept = (): number => {
      Bun.gc(true);
      return came.filter((chunk) => chunk.deref() !== undefined).length;
    };
    return { body, kept, came };
  }

  /** The collector may take a chunk or two for used that are not. */
  const SLACK = 4;

  async function drained(body: FillBody): Promise<number> {
    const reader = body.reader().getReader();
    let bytes = 0;
    for (let next = await reader.read(); !next.done; next = await reader.read()) bytes += next.value.length;
    return bytes;
  }

  test("of a body that is not stored holds what the slowest may lag and the fastest is ahead, no more", async () => {
    const { body, kept } = counted({});
    const stalled = body.reader().getReader();
    const draining = drained(body);
    body.release();
    expect(await draining).toBe(CHUNKS * CHUNK);
    await calm();
    expect(kept()).toBeLessThanOrEqual((LAG + READ_AHEAD_BYTES) / CHUNK + SLACK);
    await expect(stalled.read()).rejects.toThrow();
  });

  test("while all stall holds what was read ahead, no more", async () => {
    const { body, kept, came } = counted({});
    const readers = [body.reader(), body.reader()];
    body.release();
    await calm();
    expect(came.length).toBeLessThanOrEqual(READ_AHEAD_BYTES / CHUNK + 1);
    expect(kept()).toBe(came.length);
    for (const reader of readers) await reader.cancel();
  });

  test("of a stored body holds none of its chunks a second time, though a reader has read nothing yet", async () => {
    const store = new OneWrite();
    const writer = { write: (chunk: Uint8Array) => chunk, commit: () => store.commit(), abort: () => {} };
    const { body, kept } = counted({ writer, hold: store.hold });
    const stalled = body.reader().getReader();
    body.release();
    await body.ended;
    await calm();
    expect([store.holds, kept() <= SLACK]).toEqual([1, true]);
    await stalled.cancel();
    expect(store.releases).toBe(1);
  });
});
