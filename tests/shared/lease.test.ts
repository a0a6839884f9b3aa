// Answers: does one node of the fleet ask the origin for a cold key, whatever becomes of it?
// Owns: leases on a real Redis: waiting, arriving, dying, what is for one client only.
// Leaves out: what is stored under the fence (`tier.test.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { SharedTier, Turn } from "../../lib/shared/tier.ts";
import {
  describeWithRedis,
  eventually,
  freshHead,
  openNode,
  responseOf,
  startRedis,
  textsIn,
  urlAt,
  type Node,
  type Redis,
} from "./redis-process.ts";

describeWithRedis("a lease of the shared tier", () => {
  let redis: Redis;
  let nodes: readonly Node[];
  let count = 0;
  const newKey = (): string => `http://larder.test/cold/${++count}`;

  beforeAll(async () => {
    redis = await startRedis();
    const limits = { leaseMs: 600, unsharedMs: 60_000 };
    nodes = await Promise.all([1, 2, 3].map(() => openNode(urlAt(redis.port), { limits })));
  });
  afterAll(async () => {
    await Promise.all(nodes.map(({ tier }) => tier.close()));
    await redis.end();
  });

  function turnOf(tier: SharedTier, key: string, waitMs = 10_000): Promise<Turn> {
    return tier.turn(key, { hasArrived: async () => (await textsIn(tier, key)).length > 0, waitMs });
  }

  function ours(turn: Turn): Extract<Turn, { kind: "ours" }> {
    if (turn.kind !== "ours") throw new Error(`the turn is ${turn.kind}`);
    return turn;
  }

  test("one of three has it, and what it stores arrives at the others", async () => {
    const key = newKey();
    const turns = nodes.map(({ tier }) => turnOf(tier, key));
    const first = await Promise.race(turns.map(async (turn, at) => ({ at, turn: ours(await turn) })));
    nodes[first.at]!.tier.put(responseOf(freshHead(key), "tea"), first.turn.mark);
    first.turn.end("stored");
    const kinds = (await Promise.all(turns)).map(({ kind }) => kind);
    expect(kinds.toSorted()).toEqual(["arrived", "arrived", "ours"]);
    expect(await Promise.all(nodes.map(({ tier }) => textsIn(tier, key)))).toEqual([
      ["tea"],
      ["tea"],
      ["tea"],
    ]);
  });

  test("one that Redis gives too late holds nobody up: it is given back", async () => {
    const key = newKey();
    const long = await openNode(urlAt(redis.port), { limits: { leaseMs: 60_000, commandMs: 100 } });
    redis.pause();
    expect((await turnOf(long.tier, key)).kind).toBe("alone");
    redis.proceed();
    await eventually(() => nodes[0]!.tier.isInContact && long.tier.isInContact);
    ours(await turnOf(nodes[0]!.tier, key)).end("failed");
    await long.tier.close();
  });

  test("who comes just after it was stored is told that it arrived", async () => {
    const key = newKey();
    const turn = ours(await turnOf(nodes[0]!.tier, key));
    nodes[0]!.tier.put(responseOf(freshHead(key), "tea"), turn.mark);
    turn.end("stored");
    await eventually(async () => (await textsIn(nodes[1]!.tier, key)).length > 0);
    expect((await turnOf(nodes[1]!.tier, key)).kind).toBe("arrived");
    // Nobody is kept waiting by that look.
    const again = await nodes[2]!.tier.turn(key, { hasArrived: async () => false, waitMs: 10_000 });
    ours(again).end("failed");
  });

  test("what is for one client only keeps nobody waiting, then or later", async () => {
    const key = newKey();
    const turn = ours(await turnOf(nodes[0]!.tier, key));
    const others = [1, 2].map((at) => turnOf(nodes[at]!.tier, key));
    turn.end("unshared");
    expect((await Promise.all(others)).map(({ kind }) => kind)).toEqual(["alone", "alone"]);
    expect((await turnOf(nodes[1]!.tier, key)).kind).toBe("alone");
  });

  test("requests for different variants of a key do not wait for each other, and their fences grow", async () => {
    const key = newKey();
    const turnFor = (at: number, part: string): Promise<Turn> =>
      nodes[at]!.tier.turn(key, { hasArrived: async () => false, waitMs: 300, part });
    const [first, second] = [ours(await turnFor(0, "en")), ours(await turnFor(1, "de"))];
    expect(second.mark.fence).toBeGreaterThan(first.mark.fence);
    expect((await turnFor(2, "en")).kind).toBe("alone");
    for (const turn of [first, second]) turn.end("failed");
  });

  test("what is too large to be there is not fetched by one node after the other", async () => {
    const key = newKey();
    const turn = ours(await turnOf(nodes[0]!.tier, key));
    const others = [1, 2].map((at) => turnOf(nodes[at]!.tier, key));
    nodes[0]!.tier.put(responseOf(freshHead(key), new Uint8Array(100_001)), turn.mark);
    turn.end("stored");
    expect((await Promise.all(others)).map(({ kind }) => kind)).toEqual(["alone", "alone"]);
  });

  test("where a fill fails the next one has the turn", async () => {
    const key = newKey();
    const first = ours(await turnOf(nodes[0]!.tier, key));
    const next = turnOf(nodes[1]!.tier, key);
    first.end("failed");
    first.end("stored");
    const second = ours(await next);
    expect(second.mark.fence).toBeGreaterThan(first.mark.fence);
    second.end("failed");
  });

  test("a node that dies delays others for as long as its lease", async () => {
    const key = newKey();
    ours(await turnOf(nodes[0]!.tier, key)).end("failed");
    // As one that renews nothing any more.
    await eventually(async () => ((await redis.client.call("keys", "larder:*:l")) as string[]).length === 0);
    const fences = (await redis.client.call("keys", "larder:*:f")) as string[];
    for (const name of fences) await redis.client.call("set", name.replace(/:f$/, ":l"), "dead", "PX", 600);
    const startedMs = performance.now();
    const turn = ours(await turnOf(nodes[1]!.tier, key));
    expect(performance.now() - startedMs).toBeGreaterThan(300);
    turn.end("failed");
  });

  test("a lease lasts as long as its fill, and is not waited for longer than asked", async () => {
    const key = newKey();
    const turn = ours(await turnOf(nodes[0]!.tier, key));
    const startedMs = performance.now();
    expect((await turnOf(nodes[1]!.tier, key, 1500)).kind).toBe("alone");
    expect(performance.now() - startedMs).toBeGreaterThan(1400);
    turn.end("failed");
  });

  test("who was given up for dead and comes late stays behind who followed", async () => {
    const key = newKey();
    const late = ours(await turnOf(nodes[0]!.tier, key));
    const leases = (await redis.client.call("keys", "larder:*:l")) as string[];
    for (const name of leases) await redis.client.call("del", name);
    const next = ours(await turnOf(nodes[1]!.tier, key));
    nodes[1]!.tier.put(responseOf(freshHead(key), "newer"), next.mark);
    nodes[0]!.tier.put(responseOf(freshHead(key), "older"), late.mark);
    late.end("stored");
    await eventually(() => nodes[0]!.tier.stats().queued === 0);
    // Nor does it give back a lease that is not its own.
    expect(await redis.client.call("exists", ...leases)).toBe(1);
    next.end("stored");
    await eventually(async () => (await textsIn(nodes[2]!.tier, key)).join() === "newer");
  });

  test("a fence grows even where its count was lost", async () => {
    const key = newKey();
    const first = ours(await turnOf(nodes[0]!.tier, key));
    first.end("failed");
    await eventually(async () => ((await redis.client.call("keys", "larder:*:l")) as string[]).length === 0);
    for (const name of (await redis.client.call("keys", "larder:*:f")) as string[])
      await redis.client.call("del", name);
    const second = ours(await turnOf(nodes[0]!.tier, key));
    expect(second.mark.fence).toBeGreaterThan(first.mark.fence);
    second.end("failed");
  });
});
