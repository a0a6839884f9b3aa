// Answers: does a purge reach every node and all that is shared, and does nothing come back after it?
// Owns: the purge log on a real Redis: kinds of purges, late writers, nodes that start, that were away, that lost track.
// Leaves out: the decision where a node stands (`log-place.test.ts`), the index by itself (`purge-index.test.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { EVERYTHING, prefixTarget, softly, tagTarget } from "../../lib/store/targets.ts";
import {
  describeWithRedis,
  eventually,
  fill,
  freshHead,
  openNode,
  openWire,
  responseOf,
  startRedis,
  textsIn,
  urlAt,
  written,
  type Node,
  type Redis,
} from "./redis-process.ts";

describeWithRedis("a purge of the shared tier", () => {
  let redis: Redis;
  let nodes: readonly Node[];
  let count = 0;
  const newKey = (): string => `http://larder.test/purged/${++count}`;
  const TAGGED = { "surrogate-key": "a b", "cache-groups": '"g"' };

  beforeAll(async () => {
    redis = await startRedis();
    nodes = await Promise.all([1, 2, 3].map((at) => openNode(urlAt(redis.port), { node: `n${at}` })));
  });
  afterAll(async () => {
    await Promise.all(nodes.map(({ tier }) => tier.close()));
    await redis.end();
  });

  const KINDS: readonly (readonly [string, (key: string) => string])[] = [
    ["a URI", (key) => key],
    ["a tag", () => tagTarget("b")],
    ["a group", () => "http://larder.test\ng"],
    ["a prefix", (key) => prefixTarget(key.slice(0, -1))],
    ["everything", () => EVERYTHING],
  ];

  test.each(KINDS)(
    "of %s is over when all have applied it; what is stored later stays",
    async (_, targetFor) => {
      const head = freshHead(newKey(), undefined, TAGGED);
      const [one, other] = [nodes[0]!.tier, nodes[1]!.tier];
      const target = targetFor(head.key);
      await fill(one, head, "before");
      for (const { applied } of nodes) applied.length = 0;
      expect(await other.purge([target])).toMatchObject({ isLogged: true, nodes: 3, pending: [] });
      expect(nodes.map(({ applied }) => applied)).toEqual([[target], [target], [target]]);
      for (const { tier } of nodes) expect(await textsIn(tier, head.key)).toEqual([]);
      await fill(one, head, "after");
      expect(await textsIn(other, head.key)).toEqual(["after"]);
    },
  );

  test.each(KINDS)("of %s, softly: it is there, to be validated", async (_, targetFor) => {
    const head = freshHead(newKey(), undefined, TAGGED);
    await fill(nodes[0]!.tier, head, "before");
    await nodes[1]!.tier.purge([softly(targetFor(head.key))]);
    for (const { tier } of nodes) {
      const heads: (boolean | undefined)[] = [];
      const found = await tier.recall(head.key, ({ isPurged }) => heads.push(isPurged) > 0);
      expect([heads, found.map(({ isPurged }) => isPurged)]).toEqual([[true], [true]]);
    }
    await fill(nodes[2]!.tier, head, "after");
    const [found] = await nodes[0]!.tier.recall(head.key, () => true);
    expect(found?.isPurged).toBe(false);
  });

  test("leaves alone what it does not name", async () => {
    const head = freshHead(newKey(), undefined, { "surrogate-key": "other" });
    await fill(nodes[0]!.tier, head, "tea");
    await nodes[1]!.tier.purge([`${head.key}x`, tagTarget("a"), prefixTarget(`${head.key}/`)]);
    expect(await textsIn(nodes[2]!.tier, head.key)).toEqual(["tea"]);
  });

  test("nothing that was fetched before it comes after it", async () => {
    const head = freshHead(newKey(), undefined, TAGGED);
    const [one, other] = [nodes[0]!.tier, nodes[1]!.tier];
    const turn = await one.turn(head.key, { hasArrived: async () => false, waitMs: 1000 });
    if (turn.kind !== "ours") throw new Error("not ours");
    await other.purge([tagTarget("a")]);
    one.put(responseOf(head, "before"), turn.mark);
    turn.end("stored");
    await written(one);
    expect(await textsIn(other, head.key)).toEqual([]);
    await fill(other, head, "after");
    expect(await textsIn(one, head.key)).toEqual(["after"]);
  });

  test("of what was just recalled is known to who is about to keep it", async () => {
    const [hard, soft, alone] = [1, 2, 3].map((at) =>
      freshHead(newKey(), undefined, { "surrogate-key": `k${at}` }),
    );
    const recalled = await Promise.all(
      [hard, soft, alone].map(async (head) => {
        await fill(nodes[0]!.tier, head!, "tea");
        return (await nodes[1]!.tier.recall(head!.key, () => true))[0]!;
      }),
    );
    const holds = (): boolean[] => recalled.map((one) => nodes[1]!.tier.stillHolds(one));
    expect(holds()).toEqual([true, true, true]);
    await nodes[0]!.tier.purge([tagTarget("k1"), softly(tagTarget("k2"))]);
    expect(holds()).toEqual([false, false, true]);
    const [marked] = await nodes[1]!.tier.recall(soft!.key, () => true);
    expect([marked!.isPurged, nodes[1]!.tier.stillHolds(marked!)]).toEqual([true, true]);
  });

  test("removes a URI's keys from Redis, and says how many there were", async () => {
    const key = newKey();
    const before = Number(await redis.client.call("dbsize"));
    for (const language of ["en", "de"])
      await fill(nodes[0]!.tier, freshHead(key, language), "x".repeat(20_000));
    expect(await nodes[1]!.tier.remove(softly(key))).toBe(2);
    expect(await nodes[1]!.tier.remove(key)).toBe(2);
    expect(await nodes[1]!.tier.remove(key)).toBe(0);
    // The fence is left.
    expect(Number(await redis.client.call("dbsize"))).toBe(before + 1);
    expect(await textsIn(nodes[2]!.tier, key)).toEqual([]);
  });

  test("of ten thousand responses with a tag is one entry", async () => {
    const before = Number(await redis.client.call("xlen", "larder:{log}:purges"));
    await nodes[0]!.tier.purge([tagTarget("many")]);
    expect(Number(await redis.client.call("xlen", "larder:{log}:purges"))).toBe(before + 1);
  });

  test("sums up how many each node has removed", async () => {
    const counting = await openNode(urlAt(redis.port), { apply: async () => 7 });
    const more = await openNode(urlAt(redis.port), { apply: () => 5 });
    expect(await nodes[0]!.tier.purge([newKey()])).toMatchObject({ removed: 12, nodes: 5 });
    await Promise.all([counting.tier.close(), more.tier.close()]);
    expect(await nodes[0]!.tier.purge([newKey()])).toMatchObject({ removed: 0, nodes: 3 });
  });

  test("that takes long on a node keeps back neither the next one nor the node's heartbeat", async () => {
    let finish = (): void => {};
    const through = new Promise<void>((resolve) => (finish = resolve));
    const slow = await openNode(urlAt(redis.port), {
      node: "slow",
      apply: (targets) => (targets.includes(tagTarget("large")) ? through.then(() => 100_000) : 1),
    });
    const first = await nodes[0]!.tier.purge([tagTarget("large")]);
    expect(first).toMatchObject({ nodes: 3, pending: ["slow"] });
    const second = nodes[0]!.tier.purge([tagTarget("small")]);
    await Bun.sleep(100);
    finish();
    expect(await second).toMatchObject({ nodes: 4, pending: [], removed: 1 });
    await slow.tier.close();
  });

  test("a node that starts knows the purges from before it", async () => {
    const head = freshHead(newKey(), undefined, TAGGED);
    await fill(nodes[0]!.tier, head, "before");
    await nodes[0]!.tier.purge([tagTarget("a")]);
    const newcomer = await openNode(urlAt(redis.port));
    expect(newcomer.tier.isInContact).toBe(true);
    expect(newcomer.applied).toEqual([]);
    expect(await textsIn(newcomer.tier, head.key)).toEqual([]);
    await newcomer.tier.close();
  });

  test("a node that was away applies what it missed, and nothing else", async () => {
    const first = await openNode(urlAt(redis.port));
    await nodes[0]!.tier.purge([tagTarget("seen")]);
    const { position } = first.tier;
    await first.tier.close();
    await nodes[0]!.tier.purge([tagTarget("missed")]);
    const again = await openNode(urlAt(redis.port), { position });
    expect([again.applied, again.lost]).toEqual([[tagTarget("missed")], []]);
    await again.tier.close();
  });

  test("a node that cannot be reached is named, not waited for once it is silent, and catches up before all else", async () => {
    const wire = await openWire(redis.port);
    const distant = await openNode(urlAt(wire.port), { node: "distant", limits: { commandMs: 250 } });
    const head = freshHead(newKey(), undefined, TAGGED);
    await fill(distant.tier, head, "before");
    wire.cut();
    const { pending } = await nodes[0]!.tier.purge([tagTarget("a")]);
    expect(pending).toEqual(["distant"]);
    await eventually(() => !distant.tier.isInContact);
    expect(await textsIn(distant.tier, head.key)).toEqual([]);
    expect(distant.applied).toEqual([]);
    // Its heartbeat is too old by then.
    await eventually(async () => {
      const startedMs = performance.now();
      await nodes[0]!.tier.purge([tagTarget("b")]);
      return performance.now() - startedMs < 1000;
    });
    let wasCatchingUp = false;
    const watch = setInterval(() => (wasCatchingUp ||= distant.tier.isCatchingUp), 0);
    wire.mend();
    await eventually(() => distant.tier.isInContact);
    clearInterval(watch);
    expect(distant.applied.slice(0, 2)).toEqual([tagTarget("a"), tagTarget("b")]);
    expect([distant.lost, distant.contacts]).toEqual([[], [true, false, true]]);
    await distant.tier.close();
    wire.close();
  });

  test("of a node without the log holds there at once, and reaches the others when the log is back", async () => {
    const wire = await openWire(redis.port);
    const distant = await openNode(urlAt(wire.port), { node: "cut", limits: { commandMs: 250 } });
    const head = freshHead(newKey(), undefined, TAGGED);
    await fill(nodes[0]!.tier, head, "before");
    wire.cut();
    wire.sever();
    const target = tagTarget("b");
    expect(await distant.tier.purge([target])).toEqual({
      isLogged: false,
      removed: 0,
      nodes: 1,
      pending: [],
    });
    expect(distant.applied).toEqual([target]);
    expect(await textsIn(nodes[1]!.tier, head.key)).toEqual(["before"]);
    nodes[1]!.applied.length = 0;
    wire.mend();
    await eventually(() => nodes[1]!.applied.includes(target));
    expect(await textsIn(nodes[1]!.tier, head.key)).toEqual([]);
    await distant.tier.close();
    wire.close();
  });

  test("nodes that were not heard of for an hour are struck off, silent ones are named", async () => {
    const now = Date.now();
    const roll = "larder:{log}:nodes";
    await redis.client.call(
      "hset",
      roll,
      "gone",
      `${now - 3_700_000} 0-0@x`,
      "silent",
      `${now - 4000} 0-0@x`,
    );
    expect(await nodes[0]!.tier.purge([newKey()])).toMatchObject({ nodes: 3, pending: ["silent"] });
    await eventually(async () => (await redis.client.call("hexists", roll, "gone")) === 0);
    await redis.client.call("hdel", roll, "silent");
  });

  test("a log that was trimmed: who read it before has lost track, what is older is validated", async () => {
    const head = freshHead(newKey());
    await fill(nodes[0]!.tier, head, "tea");
    const first = await openNode(urlAt(redis.port));
    const { position } = first.tier;
    await first.tier.close();
    for (let at = 0; at < 3; at++) await nodes[0]!.tier.purge([tagTarget(`t${at}`)]);
    await redis.client.call("xtrim", "larder:{log}:purges", "MAXLEN", 1);
    const again = await openNode(urlAt(redis.port), { position });
    expect([again.lost, again.applied]).toEqual([["the log was trimmed"], [tagTarget("t2")]]);
    const [found] = await again.tier.recall(head.key, () => true);
    expect(found?.isPurged).toBe(true);
    // Those who have read all of it know better.
    expect((await nodes[1]!.tier.recall(head.key, () => true))[0]?.isPurged).toBe(false);
    expect(nodes[1]!.lost).toEqual([]);
    await again.tier.close();
  });

  test("a Redis that lost its data: all nodes have lost track, and go on with the new log", async () => {
    const before = nodes.map(({ tier }) => tier.position);
    await redis.client.call("flushall");
    await eventually(() => nodes.every(({ lost, tier }) => lost.length > 0 && tier.isInContact));
    expect(nodes.map(({ lost }) => lost)).toEqual([["another log"], ["another log"], ["another log"]]);
    expect(nodes.some(({ tier }, at) => tier.position === before[at])).toBe(false);
    const head = freshHead(newKey());
    await fill(nodes[0]!.tier, head, "tea");
    expect(await textsIn(nodes[1]!.tier, head.key)).toEqual(["tea"]);
    expect(await nodes[2]!.tier.purge([head.key])).toMatchObject({ nodes: 3, pending: [] });
    const stale = await openNode(urlAt(redis.port), { position: before[0]! });
    expect(stale.lost).toEqual(["another log"]);
    await stale.tier.close();
  });

  test("a log that was set back: who had read on tells everybody", async () => {
    for (const { lost, applied } of nodes) lost.length = applied.length = 0;
    const { position } = nodes[0]!.tier;
    const [, generation = ""] = position.split("@");
    const ahead = await openNode(urlAt(redis.port), { position: `9999999999999-0@${generation}` });
    expect(ahead.lost).toEqual(["the log was set back"]);
    await eventually(() => nodes.every(({ applied }) => applied.includes(softly(EVERYTHING))));
    await ahead.tier.close();
  });
});
