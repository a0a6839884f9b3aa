// Answers: does the memory tier fulfil the contract of a store?
// Owns: the claims about `lib/store/memory.ts` beyond the contract: it answers at once.
// Leaves out: the contract (`contract.ts`, `budget.ts`), the order of eviction (`eviction.test.ts`).
import { expect, test } from "bun:test";
import { MemoryStore } from "../../lib/store/memory.ts";
import { storeBudget } from "./budget.ts";
import { headFor, KEY, store, storeContract } from "./contract.ts";

storeContract("memory", (limits) => new MemoryStore(limits));
storeBudget("memory", (limits) => new MemoryStore(limits));

test("the memory tier answers without a promise, and with the same objects for a hit", () => {
  const tier = new MemoryStore({ budgetBytes: 100_000, maxObjectBytes: 1000 });
  const stored = store(tier, headFor(KEY), "tea");
  const found = tier.lookup(KEY);
  expect(found).toBeArray();
  expect(found[0]).toBe(stored!);
  expect(tier.lookup(KEY)).toBe(found);
  expect([tier.replace(found[0]!, undefined), tier.remove(KEY)]).toEqual([true, 0]);
});

test("memory: an index of many keys counts too: small responses are bounded in number", () => {
  const tier = new MemoryStore({ budgetBytes: 100_000, maxObjectBytes: 1000 });
  for (let at = 0; at < 1000; at++) store(tier, headFor(`${KEY}/${at}`), "");
  expect(tier.stats().responses).toBeLessThan(100);
  expect(tier.stats().evictions).toBe(1000 - tier.stats().responses);
});
