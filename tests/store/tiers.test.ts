// Answers: are memory and the tiers behind it one store, which answers as memory alone does wherever that has something?
// Owns: the claims about `lib/store/tiers.ts`: asking, bringing up, removing.
// Leaves out: what goes to the tiers (`tiers-spreading.test.ts`), bodies outside of memory (`spill.test.ts`), the engine in front of it (`../proxy-tiers.test.ts`).
import { describe, expect, test } from "bun:test";
import type { StoredResponse } from "../../lib/message.ts";
import type { EpochSeconds } from "../../lib/rfc9111/time.ts";
import { MemoryStore } from "../../lib/store/memory.ts";
import type { Wanted } from "../../lib/store/store.ts";
import { EVERYTHING, prefixTarget, softly } from "../../lib/store/targets.ts";
import { TieredStore } from "../../lib/store/tiers.ts";
import { at, NOW } from "../rfc9111/test-values.ts";
import { storeBudget } from "./budget.ts";
import { headFor, KEY, ROOMY, store, storeContract, textOf, textsFor } from "./contract.ts";
import { storeGroups } from "./grouping.ts";
import { storeHolding } from "./holding.ts";
import { storeRemovals } from "./removals.ts";
import { anything, kept, ScriptedTier, tiers } from "./scripted-tier.ts";

describe("law: with a tier behind it, memory keeps its contract", () => {
  const tieredMemory = (limits: typeof ROOMY): TieredStore => {
    const [memory, clockMs] = [new MemoryStore(limits), () => Date.now()];
    const store = new TieredStore({
      memory,
      outer: [new ScriptedTier()],
      outsideFromBytes: Infinity,
      maxObjectBytes: Infinity,
      clockMs,
    });
    const { stats } = store;
    // The contract knows nothing of tiers behind it.
    store.stats = () => {
      const { outer: _, ...own } = stats.call(store);
      return own;
    };
    return store;
  };
  storeContract("tiers", tieredMemory);
  storeGroups("tiers", tieredMemory);
  storeBudget("tiers", tieredMemory);
  storeHolding("tiers", tieredMemory);
  storeRemovals("tiers", tieredMemory);
});

describe("a lookup", () => {
  test("is of memory only, whatever else there is", () => {
    const tier = new ScriptedTier();
    tier.kept = [kept("tea")];
    const { tiered } = tiers(tier);
    expect([tiered.lookup(KEY), tier.asked]).toEqual([[], []]);
  });
});

describe("a recall", () => {
  test("of a tier that answers at once brings it into memory at once; it is a hit from then on", async () => {
    const tier = new ScriptedTier();
    tier.kept = [kept("tea", { language: "en" }), kept("thé", { language: "fr" })];
    const { tiered } = tiers(tier);
    const fits = ({ selecting }: Pick<StoredResponse, "selecting">): boolean =>
      selecting?.values === kept("", { language: "fr" }).selecting?.values;
    expect(tiered.recall(KEY, { fits, isEnough: () => tiered.lookup(KEY).length > 0 })).toBe(true);
    expect(await textsFor(tiered, KEY)).toEqual(["thé"]);
    expect(tier.deeds).toEqual([]);
  });

  test("finds nothing where there is nothing, and asks every tier, in order", () => {
    const [disk, shared] = [new ScriptedTier("disk"), new ScriptedTier("shared")];
    const { tiered } = tiers(disk, shared);
    expect(tiered.recall(KEY, anything(tiered))).toBe(false);
    expect([disk.asked, shared.asked]).toEqual([[KEY], [KEY]]);
  });

  test.each([false, true])(
    "promotes to the tiers between, and asks no further (waits: %p)",
    async (waits) => {
      const [disk, shared] = [new ScriptedTier("disk"), new ScriptedTier("shared")];
      const { tiered } = tiers(disk, shared);
      shared.kept = [kept("tea")];
      for (const tier of [disk, shared]) tier.waits = waits;
      const came = tiered.recall(KEY, anything(tiered));
      expect(came instanceof Promise).toBe(waits);
      for (const tier of [disk, shared]) await tier.answer();
      expect(await came).toBe(true);
      expect([disk.deeds, shared.deeds]).toEqual([[`put ${KEY}`], []]);
      disk.kept = [];
      disk.put(kept("tea"));
      await tiered.remove(KEY);
      disk.kept = [kept("tea")];
      const again = tiered.recall(KEY, anything(tiered));
      await disk.answer();
      expect([await again, shared.asked.length]).toEqual([true, 1]);
    },
  );

  test("goes on to the next tier where what came is not enough", async () => {
    const [disk, shared] = [new ScriptedTier("disk"), new ScriptedTier("shared")];
    const { tiered } = tiers(disk, shared);
    disk.kept = [kept("old", { receivedAt: -90 })];
    shared.kept = [kept("new")];
    const isEnough = (): boolean => tiered.lookup(KEY).some(({ responseTime }) => responseTime === NOW);
    expect(tiered.recall(KEY, { fits: () => true, isEnough })).toBe(true);
    expect(await textsFor(tiered, KEY)).toEqual(["new"]);
    expect(disk.kept.map(({ body }) => textOf(body))).toEqual(["new"]);
  });

  test("says that something came also where the last tier had nothing", () => {
    const [disk, shared] = [new ScriptedTier("disk"), new ScriptedTier("shared")];
    const { tiered } = tiers(disk, shared);
    disk.kept = [kept("old")];
    expect(tiered.recall(KEY, { fits: () => true, isEnough: () => false })).toBe(true);
  });

  test.each([
    ["is as new", 0, "memory"],
    ["is newer", -1, "memory"],
    ["is older", 1, "tier"],
  ])("where what memory has meanwhile %s", async (_, receivedAt, wins) => {
    const tier = new ScriptedTier();
    const { memory, tiered } = tiers(tier);
    tier.kept = [kept("tier", { receivedAt })];
    tier.waits = true;
    const came = tiered.recall(KEY, anything(tiered));
    memory.add(kept("memory"));
    await tier.answer();
    expect([await textsFor(tiered, KEY), await came]).toEqual([[wins], wins === "tier"]);
  });
});

describe("who asks for what is asked for already", () => {
  const both = (tier: ScriptedTier) => {
    const { tiered } = tiers(tier);
    tier.waits = true;
    return { tiered, ask: () => tiered.recall(KEY, anything(tiered)) };
  };

  test("waits for the same answer", async () => {
    const tier = new ScriptedTier();
    tier.kept = [kept("tea")];
    const { ask } = both(tier);
    const askers = Array.from({ length: 20 }, ask);
    await tier.answer();
    expect(await Promise.all(askers)).toEqual(askers.map(() => true));
    expect(tier.asked.length).toBe(1);
  });

  test("and where there is nothing: a hundred are told by one question", async () => {
    const tier = new ScriptedTier();
    const { ask } = both(tier);
    const askers = Array.from({ length: 100 }, ask);
    await tier.answer();
    expect(tier.asked.length).toBe(1);
    expect(await Promise.all(askers)).toEqual(askers.map(() => false));
    void ask();
    expect(tier.asked.length).toBe(2);
  });

  test("asks on its own where the first did not want what it wants", async () => {
    const tier = new ScriptedTier();
    const { tiered } = both(tier);
    tier.kept = [kept("tea", { language: "en" }), kept("thé", { language: "fr" })];
    const wanted = (language: string): Wanted => {
      const { values } = kept("", { language }).selecting!;
      const fits = ({ selecting }: Pick<StoredResponse, "selecting">): boolean =>
        selecting?.values === values;
      return { fits, isEnough: () => tiered.lookup(KEY).some(fits) };
    };
    const askers = ["en", "fr", "de"].map((language) => tiered.recall(KEY, wanted(language)));
    for (let at = 0; at < 3; at++) await tier.answer();
    expect(await Promise.all(askers)).toEqual([true, true, expect.anything()]);
    expect(await textsFor(tiered, KEY)).toEqual(["tea", "thé"]);
    expect(tier.asked.length).toBeLessThanOrEqual(3);
  });

  test("asks the tiers that the first did not need", async () => {
    const [disk, shared] = [new ScriptedTier("disk"), new ScriptedTier("shared")];
    const { tiered } = tiers(disk, shared);
    disk.kept = [kept("old", { receivedAt: -90 })];
    shared.kept = [kept("new")];
    disk.waits = true;
    const first = tiered.recall(KEY, anything(tiered));
    const isEnough = (): boolean => tiered.lookup(KEY).some(({ responseTime }) => responseTime === NOW);
    const second = tiered.recall(KEY, { fits: () => true, isEnough });
    await disk.answer();
    expect(await first).toBe(true);
    await disk.answer();
    expect(await second).toBe(true);
    expect(await textsFor(tiered, KEY)).toEqual(["new"]);
  });
});

describe("a removal during a recall", () => {
  const TARGETS = [KEY, prefixTarget(KEY), EVERYTHING] as const;

  test.each(TARGETS)("wins: %j", async (target) => {
    const tier = new ScriptedTier();
    tier.kept = [kept("tea")];
    tier.waits = true;
    const { tiered } = tiers(tier);
    const came = tiered.recall(KEY, anything(tiered));
    expect(await tiered.remove(target)).toBe(1);
    await tier.answer();
    expect([await came, tiered.lookup(KEY)]).toEqual([false, []]);
  });

  test.each(TARGETS)("wins softly: %j", async (target) => {
    const tier = new ScriptedTier();
    tier.kept = [kept("tea")];
    tier.waits = true;
    const { tiered } = tiers(tier);
    const came = tiered.recall(KEY, anything(tiered));
    expect(await tiered.remove(softly(target))).toBe(1);
    await tier.answer();
    expect(await came).toBe(true);
    expect(tiered.lookup(KEY)).toMatchObject([{ isPurged: true, staleAt: NOW }]);
  });

  test("of something else is none of it; one that came before it neither", async () => {
    const tier = new ScriptedTier();
    const { tiered } = tiers(tier);
    await tiered.remove(EVERYTHING);
    tier.kept = [kept("tea")];
    tier.waits = true;
    const came = tiered.recall(KEY, anything(tiered));
    await tiered.remove(`${KEY}/other`);
    await tier.answer();
    expect([await came, (await textsFor(tiered, KEY)).length]).toEqual([true, 1]);
    expect(tiered.lookup(KEY)[0]?.isPurged === true).toBe(false);
  });

  test("what a tier has marked stays marked, and is stale whatever it says of itself", () => {
    const tier = new ScriptedTier();
    tier.kept = [{ ...kept("tea"), isPurged: true, staleAt: at(50) as EpochSeconds }];
    const { tiered } = tiers(tier);
    void tiered.recall(KEY, anything(tiered));
    expect(tiered.lookup(KEY)).toMatchObject([{ isPurged: true, staleAt: NOW }]);
  });

  test("counts what the tier with the most had, and waits for all", async () => {
    const tier = new ScriptedTier();
    const { tiered } = tiers(tier);
    for (const path of ["/a", "/b"]) store(tiered, headFor(KEY + path), "tea");
    tier.kept.push(kept("tea", { key: `${KEY}/c` }));
    expect(await tiered.remove(EVERYTHING)).toBe(3);
    expect([tier.kept, tiered.stats().responses, tiered.stats().outer?.[0]?.responses]).toEqual([[], 0, 0]);
  });
});
