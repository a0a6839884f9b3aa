// Answers: does the memory tier fulfil the contract of a store?
// Owns: the claims about `lib/store/memory.ts` beyond the contract: it answers at once.
// Leaves out: the contract (`contract.ts`, `budget.ts`, `holding.ts`, `grouping.ts`, `removals.ts`), the order of eviction (`eviction.test.ts`).
import { describe, expect, test } from "bun:test";
import { combined, completeLengthOf, coverage, missingRange, slice } from "../../lib/rfc9111/range.ts";
import type { StoredHead } from "../../lib/message.ts";
import type { EpochSeconds } from "../../lib/rfc9111/time.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import { storeBudget } from "./budget.ts";
import { headFor, KEY, store, storeContract } from "./contract.ts";
import { storeGroups } from "./grouping.ts";
import { storeHolding } from "./holding.ts";
import { storeRemovalsAtOnce } from "./removals-at-once.ts";
import { storeRemovals } from "./removals.ts";

storeContract("memory", (limits) => new MemoryStore(limits));
storeGroups("memory", (limits) => new MemoryStore(limits));
storeBudget("memory", (limits) => new MemoryStore(limits));
storeHolding("memory", (limits) => new MemoryStore(limits));
storeRemovals("memory", (limits) => new MemoryStore(limits));
storeRemovalsAtOnce("memory", (limits) => new MemoryStore(limits));

test("the memory tier answers without a promise, and with the same objects for a hit", () => {
  const tier = new MemoryStore({ budgetBytes: 100_000, maxObjectBytes: 1000 });
  const stored = store(tier, headFor(KEY), "tea");
  const found = tier.lookup(KEY);
  expect(found).toBeArray();
  expect(found[0]).toBe(stored!);
  expect(tier.lookup(KEY)[0]).toBe(stored!);
  expect([tier.replace(found[0]!, undefined), tier.remove(KEY)]).toEqual([true, 0]);
});

test("memory: an index of many keys counts too: small responses are bounded in number", () => {
  const tier = new MemoryStore({ budgetBytes: 100_000, maxObjectBytes: 1000 });
  for (let at = 0; at < 1000; at++) store(tier, headFor(`${KEY}/${at}`), "");
  expect(tier.stats().responses).toBeLessThan(100);
  expect(tier.stats().evictions).toBe(1000 - tier.stats().responses);
});

test("memory: where room is needed, what is stale by its clock and has no validator leaves first", () => {
  let nowMs = 0;
  const tier = new MemoryStore({ budgetBytes: 20_000, maxObjectBytes: 9000 }, () => nowMs);
  const head = (name: string, etag?: string): StoredHead => {
    const one = headFor(`${KEY}/${name}`);
    return { ...one, validators: { etag, lastModified: undefined }, staleAt: 100 as EpochSeconds };
  };
  const useless = store(tier, head("useless"), "x")!;
  for (let use = 0; use < 9; use++) tier.touch(useless);
  for (const name of ["a", "b"]) store(tier, head(name, '"1"'), "x".repeat(7000));
  const found = (): number[] => ["useless", "a", "b"].map((name) => tier.lookup(`${KEY}/${name}`).length);
  nowMs = 99_999;
  store(tier, head("c"), "x".repeat(2000));
  expect(found()).toEqual([1, 0, 1]);
  nowMs = 100_000;
  store(tier, head("d", '"1"'), "x".repeat(7000));
  expect(found()).toEqual([0, 0, 1]);
});

test("memory: the values that select a variant count against the budget", () => {
  const sizeWith = (language: string): number => {
    const tier = new MemoryStore({ budgetBytes: 100_000, maxObjectBytes: 1000 });
    store(tier, headFor(KEY, language), "tea");
    return tier.stats().storedBytes;
  };
  expect(sizeWith("x".repeat(5000)) - sizeWith("x")).toBe(4999);
});

describe("memory: a body that came in one piece", () => {
  const came = (headBytes: number, bodyBytes: number): Uint8Array<ArrayBuffer> => {
    const all = crypto.getRandomValues(new Uint8Array(headBytes + bodyBytes));
    return all.subarray(headBytes);
  };
  test.each([
    ["is kept as it came, behind a short header section", 300, 20_000, 20_300],
    ["is copied where it would keep much else", 3000, 20_000, 20_000],
    ["is kept where there is nothing else", 0, 20_000, 20_000],
    ["is copied where it is small", 300, 10_000, 10_000],
    ["may be empty", 300, 0, 0],
  ])("%s, and counts what it keeps", (_, headBytes, bodyBytes, keptBytes) => {
    const tier = new MemoryStore({ budgetBytes: 100_000, maxObjectBytes: 50_000 });
    const empty = store(tier, headFor("http://b.test/"), "")!.sizeBytes - "http://b.test/".length;
    const chunk = came(headBytes, bodyBytes);
    const writer = tier.write(headFor(KEY), undefined)!;
    writer.write(chunk);
    const { body, sizeBytes } = writer.commit()!;
    expect(body.kind === "complete" && Buffer.from(body.bytes).equals(chunk)).toBe(true);
    expect(sizeBytes - empty - KEY.length).toBe(keptBytes);
  });
});

describe("memory: a large body is shared, not copied for each answer", () => {
  const chunks = Array.from({ length: 9 }, (_, at) => new Uint8Array(5000).fill(at));
  const large = new Uint8Array(Bun.concatArrayBuffers(chunks));
  const tier = (): MemoryStore => new MemoryStore({ budgetBytes: 1_000_000, maxObjectBytes: 100_000 });

  test("it is a Blob with the same bytes, and counts as many", async () => {
    const store = tier();
    const writer = store.write(headFor(KEY), undefined)!;
    for (const chunk of chunks) expect(writer.write(chunk)).not.toBe(false);
    const { body, sizeBytes } = writer.commit()!;
    if (body.kind !== "blob") throw new Error(`it is ${body.kind}`);
    expect(Buffer.from(await body.blob.bytes()).equals(large)).toBe(true);
    expect(sizeBytes).toBeGreaterThan(large.length);
    expect(store.stats().storedBytes).toBe(sizeBytes);
  });

  test("it stays bytes for a wire that copies none", () => {
    const limits = { budgetBytes: 1_000_000, maxObjectBytes: 100_000, blobFromBytes: Infinity };
    const writer = new MemoryStore(limits).write(headFor(KEY), undefined)!;
    for (const chunk of chunks) writer.write(chunk);
    const { body } = writer.commit()!;
    expect(body.kind === "complete" && Buffer.from(body.bytes).equals(large)).toBe(true);
  });

  test("without Content-Type it stays bytes: a wire would give a Blob a type", () => {
    const head = headFor(KEY);
    const fields = new Headers([...head.fields]);
    fields.delete("content-type");
    const writer = tier().write({ ...head, fields }, undefined)!;
    writer.write(large);
    const { body } = writer.commit()!;
    expect(body.kind === "complete" && Buffer.from(body.bytes).equals(large)).toBe(true);
  });

  test("§3.4 so it is where parts have become the whole", async () => {
    const writer = tier().write(headFor(KEY), undefined)!;
    writer.write(large.subarray(0, 10));
    const { body } = writer.commit(() => ({
      head: headFor(KEY),
      body: { kind: "complete", bytes: large },
    }))!;
    expect(body.kind === "blob" && Buffer.from(await body.blob.bytes()).equals(large)).toBe(true);
  });

  test("RFC 9110 §14 its ranges are those of the bytes", async () => {
    const body = { kind: "blob", blob: new Blob([large]) } as const;
    const found = coverage(body, [{ first: 4990, last: 5009 }, { suffix: 3 }]);
    if (found.kind !== "covered") throw new Error(found.kind);
    for (const range of found.ranges) {
      const piece = slice(body, range);
      const bytes = piece instanceof Blob ? await piece.bytes() : undefined;
      expect(bytes).toEqual(large.slice(range.first, range.last + 1));
    }
    expect([completeLengthOf(body), missingRange(body)]).toEqual([large.length, undefined]);
    const part = {
      kind: "partial",
      parts: [{ first: 0, bytes: large.subarray(0, 5) }],
      completeLength: large.length,
    } as const;
    expect(combined(part, body)).toBe(body);
    expect(combined(body, { ...part, completeLength: 7 })).toBeUndefined();
  });
});
