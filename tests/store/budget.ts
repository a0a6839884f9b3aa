// Answers: does a storage tier stay within its budget, and count right, whatever happens to it?
// Owns: limits and counts, and random sequences of operations with a model of them: `storeBudget(name, makeStore)`.
// Leaves out: what each operation does (`contract.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { StoredResponse } from "../../lib/message.ts";
import type { Store, Writer } from "../../lib/store/store.ts";
import { bytesOf, complete } from "../rfc9111/test-values.ts";
import { headFor, KEY, open, ROOMY, store, textsFor, type MakeStore } from "./contract.ts";

const TIGHT = { budgetBytes: 16_000, maxObjectBytes: 5000 };
const KEYS = Array.from({ length: 6 }, (_, at) => `${KEY}/${at}`);
const LANGUAGES = [undefined, "en", "de", "fr"];

const key = fc.integer({ min: 0, max: KEYS.length - 1 });
const pick = fc.nat({ max: 40 });
const operation = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("open" as const), key, language: fc.nat({ max: 3 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("write" as const), pick, length: fc.nat({ max: 3000 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("commit" as const, "abort" as const), key, pick }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("touch" as const, "drop" as const, "freshen" as const),
      key,
      pick,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("remove" as const, "share" as const), key, pick }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("hold" as const, "release" as const), key, pick }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** A write under way, and how much of it the store has taken. */
interface Pending {
  readonly writer: Writer;
  readonly mark: number;
  written: number;
}

/** Somebody who holds a stored response. */
interface Holder {
  readonly stored: StoredResponse;
  /** Whom the first of those who hold its body has held: its size counts. */
  readonly first: StoredResponse;
  readonly release: () => void;
}

/** The laws of a bounded store, for one tier. */
export function storeBudget(name: string, makeStore: MakeStore): void {
  describe(`${name}: the budget`, () => {
    limits(makeStore);
    accounting(makeStore);
    test("what is stored, held and under way never exceed it, and stats say what lookup finds", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 100, size: "max" }), async (operations) => {
          const tier = await makeStore(TIGHT);
          const run = new Run(tier);
          for (const each of operations) {
            await run.step(each);
            await run.check();
          }
          await run.clear();
          expect(tier.stats()).toMatchObject({ responses: 0, storedBytes: 0, pendingBytes: 0, heldBytes: 0 });
        }),
        { numRuns: 150 },
      );
    });
  });
}

function limits(makeStore: MakeStore): void {
  const LIMITS = { budgetBytes: 20_000, maxObjectBytes: 1000 };

  test("a body that is announced as too large is refused at once", async () => {
    const tier = await makeStore(LIMITS);
    expect(tier.write(headFor(KEY), 1001)).toBeUndefined();
    expect(tier.write(headFor(KEY), 1000)).toBeDefined();
    const small = await makeStore({ budgetBytes: 3000, maxObjectBytes: 1_000_000 });
    expect(small.write(headFor(KEY), 3000)).toBeUndefined();
  });

  test("a body that turns out too large is refused by the chunk that goes too far, and forgotten", async () => {
    const tier = await makeStore(LIMITS);
    const writer = open(tier, headFor(KEY));
    expect(writer.write(bytesOf("x".repeat(1000)))).not.toBe(false);
    expect(writer.write(bytesOf("x"))).toBe(false);
    expect(tier.stats().pendingBytes).toBe(0);
    expect(writer.commit()).toBeUndefined();
    expect(await textsFor(tier, KEY)).toEqual([]);
  });

  test("a body of just the largest size is stored", async () => {
    const tier = await makeStore(LIMITS);
    expect(store(tier, headFor(KEY), "x".repeat(1000))).toBeDefined();
    expect((await textsFor(tier, KEY))[0]?.length).toBe(1000);
  });

  test("what does not fit beside writes in flight is not stored, and breaks nothing", async () => {
    const tier = await makeStore({ budgetBytes: 10_000, maxObjectBytes: 9000 });
    const writer = open(tier, headFor(`${KEY}/slow`));
    expect(writer.write(new Uint8Array(8900))).not.toBe(false);
    expect(store(tier, headFor(KEY), "tea")).toBeUndefined();
    expect(await textsFor(tier, KEY)).toEqual([]);
    writer.abort();
    expect(store(tier, headFor(KEY), "tea")).toBeDefined();
  });

  test("where room is needed, what was not used leaves first", async () => {
    const tier = await makeStore({ budgetBytes: 20_000, maxObjectBytes: 4000 });
    const keys = ["a", "b", "c", "d"].map((name) => `${KEY}/${name}`);
    const [a, , c] = keys.map((key) => store(tier, headFor(key), "x".repeat(3000)));
    for (const used of [a, c]) tier.touch(used!);
    store(tier, headFor(`${KEY}/e`), "x".repeat(4000));
    const lengths = await Promise.all([...keys, `${KEY}/e`].map((key) => tier.lookup(key)));
    expect(lengths.map(({ length }) => length)).toEqual([1, 0, 1, 1, 1]);
    expect(tier.stats().evictions).toBe(1);
  });
}

function accounting(makeStore: MakeStore): void {
  test("a stored response counts at least its body, its header fields and its key", async () => {
    const tier = await makeStore(ROOMY);
    const head = headFor(`${KEY}/${"k".repeat(5000)}`);
    const fields = new Headers([...head.fields]);
    fields.set("x-large", "v".repeat(6000));
    const found = store(tier, { ...head, fields }, "x".repeat(7000));
    expect(found?.sizeBytes).toBeGreaterThan(18_000);
    expect(tier.stats()).toMatchObject({ responses: 1, storedBytes: found!.sizeBytes, pendingBytes: 0 });
  });

  test("a write in flight counts what was written", async () => {
    const tier = await makeStore(ROOMY);
    const [one, other] = [open(tier, headFor(KEY)), open(tier, headFor(KEY), 500)];
    one.write(new Uint8Array(100));
    other.write(new Uint8Array(30));
    one.write(new Uint8Array(7));
    expect(tier.stats().pendingBytes).toBe(137);
    one.abort();
    expect(tier.stats().pendingBytes).toBe(30);
    other.commit();
    expect(tier.stats()).toMatchObject({ pendingBytes: 0, responses: 1 });
  });

  test("a replaced or superseded response is not counted any more", async () => {
    const tier = await makeStore(ROOMY);
    store(tier, headFor(KEY, "en"), "x".repeat(9000));
    const last = store(tier, headFor(KEY, "en"), "x")!;
    expect(tier.stats()).toMatchObject({ responses: 1, storedBytes: last.sizeBytes });
    await tier.replace(last, { ...last, body: complete("xyz") });
    expect(tier.stats()).toMatchObject({ responses: 1, storedBytes: last.sizeBytes + 2 });
  });

  test("nothing is counted any more when all is removed or aborted", async () => {
    const tier = await makeStore(ROOMY);
    const writers = ["a", "b"].map((name) => open(tier, headFor(`${KEY}/${name}`)));
    for (const writer of writers) writer.write(new Uint8Array(50));
    for (const language of ["en", "de", "de"]) store(tier, headFor(KEY, language), language);
    store(tier, headFor(`${KEY}/c`), "c");
    for (const writer of writers) writer.abort();
    await tier.remove(KEY);
    await tier.remove(`${KEY}/c`);
    expect(tier.stats()).toMatchObject({ responses: 0, storedBytes: 0, pendingBytes: 0 });
  });
}

/** One tier under random operations. */
class Run {
  readonly #tier: Store;
  #pending: Pending[] = [];
  #holders: Holder[] = [];
  #marks = 0;

  constructor(tier: Store) {
    this.#tier = tier;
  }

  async step(operation: Operation): Promise<void> {
    if (operation.kind === "open") {
      const mark = this.#marks++ % 251;
      const writer = this.#tier.write(
        headFor(KEYS[operation.key]!, LANGUAGES[operation.language]),
        undefined,
      );
      if (writer !== undefined) this.#pending.push({ writer, mark, written: 0 });
    } else if (operation.kind === "write") this.#write(operation.pick, operation.length);
    else if (operation.kind === "commit" || operation.kind === "abort") this.#end(operation);
    else if (operation.kind === "release") this.#holders[operation.pick % this.#holders.length]?.release();
    else if (operation.kind === "remove") await this.#tier.remove(KEYS[operation.key]!);
    else await this.#change(operation.kind, await this.#tier.lookup(KEYS[operation.key]!), operation.pick);
  }

  /** Every body is of one byte value, so that a mixture of two would be seen. */
  async check(): Promise<void> {
    const stats = this.#tier.stats();
    const stored = (await Promise.all(KEYS.map((each) => this.#tier.lookup(each)))).flat();
    // A response that was freshened has its body still, and counts once.
    const held = [...new Map(this.#holders.map(({ stored: one, first }) => [one.body, first])).values()];
    const lingering = sizeOf(held.filter(({ body }) => !stored.some((each) => each.body === body)));
    expect(stats.heldBytes).toBe(sizeOf(held));
    expect(stats.storedBytes + stats.pendingBytes + lingering).toBeLessThanOrEqual(TIGHT.budgetBytes);
    expect(stats.responses).toBe(stored.length);
    expect(stats.storedBytes).toBe(sizeOf(stored));
    expect(stats.pendingBytes).toBe(this.#pending.reduce((sum, { written }) => sum + written, 0));
    for (const { body } of stored) {
      if (body.kind === "complete") expect(new Set(new Uint8Array(body.bytes)).size).toBeLessThanOrEqual(1);
    }
  }

  async clear(): Promise<void> {
    for (const { writer } of this.#pending) writer.abort();
    for (const { release } of [...this.#holders]) release();
    for (const each of KEYS) await this.#tier.remove(each);
  }

  #write(pick: number, length: number): void {
    const pending = this.#pending[pick % this.#pending.length];
    if (pending === undefined) return;
    if (pending.writer.write(new Uint8Array(length).fill(pending.mark))) pending.written += length;
    else this.#pending = this.#pending.filter((each) => each !== pending);
  }

  #end({ kind, pick }: { readonly kind: "commit" | "abort"; readonly pick: number }): void {
    const pending = this.#pending[pick % this.#pending.length];
    if (pending === undefined) return;
    this.#pending = this.#pending.filter((each) => each !== pending);
    const stored = pending.writer[kind]();
    if (stored?.body.kind === "complete") expect(stored.body.bytes.byteLength).toBe(pending.written);
  }

  async #change(
    kind: "touch" | "drop" | "freshen" | "share" | "hold",
    found: readonly StoredResponse[],
    pick: number,
  ): Promise<void> {
    const one = found[pick % found.length];
    if (one === undefined) return;
    if (kind === "touch") this.#tier.touch(one);
    else if (kind === "hold") this.#hold(one);
    else if (kind === "drop") expect(await this.#tier.replace(one, undefined)).toBe(true);
    else if (kind === "freshen") expect(await this.#tier.replace(one, { ...one, status: 203 })).toBe(true);
    else this.#tier.add({ ...headFor(one.key, "it"), body: one.body, sizeBytes: one.sizeBytes });
  }

  /** A holder lets go when it is told to, and may do so twice. */
  #hold(stored: StoredResponse): void {
    const letGo = this.#tier.hold(stored, () => holder.release());
    const first = this.#holders.find((each) => each.stored.body === stored.body)?.first ?? stored;
    const holder: Holder = {
      ...{ stored, first },
      release: () => {
        letGo();
        this.#holders = this.#holders.filter((each) => each !== holder);
      },
    };
    this.#holders.push(holder);
  }
}

function sizeOf(responses: readonly StoredResponse[]): number {
  return responses.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
