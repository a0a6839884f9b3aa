// Answers: does a storage tier keep what slow readers are not through with, count it, and let it go in the end?
// Owns: the claims about `hold` of `lib/store/store.ts`, for every tier: `storeHolding(name, makeStore)`.
// Leaves out: the rest of the contract (`contract.ts`), holding in random order (`budget.ts`).
import { describe, expect, test } from "bun:test";
import type { StoredResponse } from "../../lib/message.ts";
import type { Store } from "../../lib/store/store.ts";
import { headFor, KEY, ROOMY, store, type MakeStore } from "./contract.ts";

const LIMITS = { budgetBytes: 100_000, maxObjectBytes: 90_000 };

/** A holder that releases when it is told to, as the contract wants it. */
class Holder {
  /** What the store had for the key when it told, once each time. */
  readonly told: number[] = [];
  readonly release: () => void;

  constructor(tier: Store, stored: StoredResponse) {
    this.release = tier.hold(stored, () => {
      const found = tier.lookup(stored.key);
      this.told.push(found instanceof Promise ? -1 : found.length);
      this.release();
    });
  }
}

function put(tier: Store, name: string, bytes: number): StoredResponse {
  const stored = store(tier, headFor(`${KEY}/${name}`), "x".repeat(bytes));
  if (stored === undefined) throw new Error(`${name} was not stored`);
  return stored;
}

const has = async (tier: Store, name: string): Promise<boolean> =>
  (await tier.lookup(`${KEY}/${name}`)).length === 1;

/** The claims about holding, for one tier. */
export function storeHolding(name: string, makeStore: MakeStore): void {
  describe(`${name}: what is held`, () => {
    counting(makeStore);
    evicting(makeStore);
  });
}

function counting(makeStore: MakeStore): void {
  test("is counted once, until the last of its holders lets go", async () => {
    const tier = await makeStore(ROOMY);
    const stored = put(tier, "a", 1000);
    const holders = [1, 2, 3].map(() => new Holder(tier, stored));
    for (const { release } of holders) {
      expect(tier.stats().heldBytes).toBe(stored.sizeBytes);
      release();
    }
    expect(tier.stats()).toMatchObject({ heldBytes: 0, storedBytes: stored.sizeBytes, responses: 1 });
  });

  test("a second release by the same holder is none of another's", async () => {
    const tier = await makeStore(ROOMY);
    const stored = put(tier, "a", 1000);
    const [one, other] = [new Holder(tier, stored), new Holder(tier, stored)];
    for (let time = 0; time < 3; time++) one.release();
    expect(tier.stats().heldBytes).toBe(stored.sizeBytes);
    other.release();
    const again = new Holder(tier, stored);
    other.release();
    expect(tier.stats().heldBytes).toBe(stored.sizeBytes);
    again.release();
    expect(tier.stats().heldBytes).toBe(0);
  });

  const LEAVING: readonly (readonly [string, (tier: Store, stored: StoredResponse) => unknown])[] = [
    ["is removed", (tier, { key }) => tier.remove(key)],
    ["is replaced by nothing", (tier, stored) => tier.replace(stored, undefined)],
    ["is superseded", (tier) => put(tier, "a", 1)],
    ["is freshened", (tier, stored) => tier.replace(stored, { ...stored, status: 203 })],
  ];

  test.each(LEAVING)("that %s is counted still, and not any more when it is released", async (_, leaves) => {
    const tier = await makeStore(LIMITS);
    const stored = put(tier, "a", 30_000);
    const holder = new Holder(tier, stored);
    await leaves(tier, stored);
    expect([tier.stats().heldBytes, holder.told]).toEqual([stored.sizeBytes, []]);
    // There is room for the difference only.
    const room = LIMITS.budgetBytes - stored.sizeBytes;
    expect(store(tier, headFor(`${KEY}/large`), "x".repeat(room))).toBeUndefined();
    holder.release();
    expect(tier.stats().heldBytes).toBe(0);
    put(tier, "large", room);
  });

  test("can be read on by its holder, whatever becomes of it", async () => {
    const tier = await makeStore(LIMITS);
    const stored = store(tier, headFor(`${KEY}/a`), "tea")!;
    new Holder(tier, stored);
    await tier.remove(stored.key);
    expect(stored.body.kind === "complete" && Buffer.from(stored.body.bytes).toString()).toBe("tea");
  });
}

function evicting(makeStore: MakeStore): void {
  test("is passed over while another can leave", async () => {
    const tier = await makeStore(LIMITS);
    const [held] = ["a", "b", "c"].map((name) => put(tier, name, 20_000));
    const holder = new Holder(tier, held!);
    for (const name of ["d", "e", "f", "g", "h"]) put(tier, name, 20_000);
    expect([await has(tier, "a"), await has(tier, "b"), await has(tier, "h")]).toEqual([true, false, true]);
    expect(holder.told).toEqual([]);
    holder.release();
    // Now it leaves as any other.
    put(tier, "large", 80_000);
    expect([await has(tier, "a"), holder.told]).toEqual([false, []]);
  });

  test("stays where nothing else can leave, up to half of the budget: there is no room then", async () => {
    const tier = await makeStore(LIMITS);
    const holder = new Holder(tier, put(tier, "a", 45_000));
    expect(store(tier, headFor(`${KEY}/b`), "x".repeat(60_000))).toBeUndefined();
    const writer = tier.write(headFor(`${KEY}/b`), undefined)!;
    expect(writer.write(new Uint8Array(50_000))).not.toBe(false);
    expect(writer.write(new Uint8Array(20_000))).toBe(false);
    expect([await has(tier, "a"), holder.told]).toEqual([true, []]);
  });

  test("leaves beyond half of the budget; its holders are told before, and it makes room", async () => {
    const tier = await makeStore(LIMITS);
    const stored = put(tier, "a", 60_000);
    const holders = [new Holder(tier, stored), new Holder(tier, stored)];
    const released = new Holder(tier, stored);
    released.release();
    put(tier, "b", 50_000);
    expect([await has(tier, "a"), await has(tier, "b")]).toEqual([false, true]);
    expect([...holders, released].map(({ told }) => told)).toEqual([[1], [1], []]);
    expect(tier.stats()).toMatchObject({ heldBytes: 0, responses: 1, evictions: 1 });
    for (const { release } of holders) release();
    expect(tier.stats().heldBytes).toBe(0);
  });

  test("of several, so many leave as have to", async () => {
    const tier = await makeStore(LIMITS);
    const holders = ["a", "b", "c", "d"].map((name) => new Holder(tier, put(tier, name, 20_000)));
    put(tier, "e", 30_000);
    expect(holders.map(({ told }) => told.length)).toEqual([1, 0, 0, 0]);
    expect(await has(tier, "e")).toBe(true);
  });
}
