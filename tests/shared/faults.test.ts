// Answers: what happens to a node while the shared tier is away, silent, full, or in the middle of a failover?
// Owns: faults of a real Redis: nothing rejects, nothing takes longer than its deadline, and all comes back by itself.
// Leaves out: purges that were missed meanwhile (`purge.test.ts`), Cluster and Sentinel (`cluster.test.ts`).
import { afterEach, expect, test } from "bun:test";
import type { SharedTier } from "../../lib/shared/tier.ts";
import { tagTarget } from "../../lib/store/targets.ts";
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

const HEAD = freshHead("http://larder.test/fault", undefined, { "surrogate-key": "a" });
const QUICK = { commandMs: 250, connectMs: 1000 };

/** All that can be asked; the milliseconds that the slowest of it took. */
async function askAll(tier: SharedTier): Promise<number> {
  const startedMs = performance.now();
  const mark = { fence: 1, asOf: tier.position };
  tier.put(responseOf(HEAD, "tea"), mark);
  tier.drop(HEAD);
  const turn = tier.turn(HEAD.key, { hasArrived: async () => false, waitMs: 10_000 });
  const recalled = tier.recall(HEAD.key, () => true);
  expect(await turn).toEqual({ kind: "alone" });
  expect(await recalled).toEqual([]);
  return performance.now() - startedMs;
}

describeWithRedis("a shared tier in trouble", () => {
  const open: Node[] = [];
  const servers: Redis[] = [];
  const node = async (...args: Parameters<typeof openNode>): Promise<Node> => {
    const made = await openNode(...args);
    open.push(made);
    return made;
  };
  const server = async (...args: Parameters<typeof startRedis>): Promise<Redis> => {
    const made = await startRedis(...args);
    servers.push(made);
    return made;
  };

  afterEach(async () => {
    for (const { proceed } of servers) proceed();
    await Promise.all(open.splice(0).map(({ tier }) => tier.close()));
    await Promise.all(servers.splice(0).map(({ end }) => end()));
  });

  test("that is away at the start is joined when it comes", async () => {
    const first = await server();
    const { port } = first;
    await first.end();
    const { tier, lines, contacts } = await node(urlAt(port), { limits: QUICK });
    expect([tier.isInContact, tier.stats().isWell]).toEqual([false, false]);
    expect(await askAll(tier)).toBeLessThan(1000);
    expect(await tier.remove(HEAD.key)).toBe(0);
    await server([], port);
    await eventually(() => tier.isInContact);
    await eventually(async () => {
      await fill(tier, HEAD, "tea");
      return (await textsIn(tier, HEAD.key)).length === 1;
    });
    expect(contacts).toEqual([true]);
    expect(lines.length).toBeLessThanOrEqual(2);
  });

  test("that restarts without its data: said once, and once that it is back", async () => {
    const first = await server();
    const { tier, lines, lost } = await node(urlAt(first.port), { limits: QUICK });
    await fill(tier, HEAD, "tea");
    await first.end();
    await eventually(() => !tier.isInContact);
    for (let at = 0; at < 20; at++) {
      expect(await textsIn(tier, HEAD.key)).toEqual([]);
      tier.put(responseOf(HEAD, "tea"), { fence: 1, asOf: tier.position });
    }
    await written(tier);
    expect(lines).toEqual([expect.stringMatching(/^the shared tier is away \(5 failures in a row, .+\)/)]);
    expect(tier.stats()).toMatchObject({ isWell: false, skipped: expect.any(Number) });
    await server([], first.port);
    await eventually(async () => {
      tier.drop(HEAD);
      await written(tier);
      return tier.stats().isWell;
    });
    expect(lines.slice(1)).toEqual(["the shared tier is back"]);
    expect(lost).toEqual(["another log"]);
    await fill(tier, HEAD, "coffee");
    expect(await textsIn(tier, HEAD.key)).toEqual(["coffee"]);
  });

  test("is said to be away and back where nobody asks for anything", async () => {
    const first = await server();
    const { tier, lines } = await node(urlAt(first.port), { limits: QUICK });
    await first.end();
    await eventually(() => lines.length === 1);
    await server([], first.port);
    await eventually(() => tier.stats().isWell);
    expect(lines).toHaveLength(2);
  });

  test("that is away while a node starts with what it had: all of that is validated", async () => {
    const first = await server();
    const before = await node(urlAt(first.port), { limits: QUICK });
    const { position } = before.tier;
    first.pause();
    const { tier, lost } = await node(urlAt(first.port), { position, limits: { ...QUICK, connectMs: 300 } });
    expect([tier.isInContact, tier.mustValidate]).toEqual([false, true]);
    first.proceed();
    await eventually(() => tier.isInContact);
    expect([tier.mustValidate, lost]).toEqual([false, []]);
  });

  test("that says nothing costs no more than the deadline, then nothing, until it speaks again", async () => {
    const redis = await server();
    const { tier, lines } = await node(urlAt(redis.port), { limits: QUICK });
    await fill(tier, HEAD, "tea");
    redis.pause();
    const startedMs = performance.now();
    expect(await textsIn(tier, HEAD.key)).toEqual([]);
    expect(performance.now() - startedMs).toBeLessThan(2000);
    await eventually(() => lines.length > 0);
    expect(await askAll(tier)).toBeLessThan(100);
    redis.proceed();
    await eventually(async () => {
      await textsIn(tier, HEAD.key);
      return tier.stats().isWell;
    });
    await fill(tier, HEAD, "coffee");
    expect(await textsIn(tier, HEAD.key)).toEqual(["coffee"]);
    expect(lines).toHaveLength(2);
  });

  test("behind a wire that swallows everything is found again when the wire is new", async () => {
    const redis = await server();
    const wire = await openWire(redis.port);
    const { tier } = await node(urlAt(wire.port), { limits: QUICK });
    await fill(tier, HEAD, "tea");
    wire.cut();
    await eventually(() => !tier.isInContact);
    wire.sever();
    wire.mend();
    await eventually(() => tier.isInContact);
    await eventually(async () => (await textsIn(tier, HEAD.key)).join() === "tea");
    wire.close();
  });

  test("that is full says so once, gives what it has, and takes purges all the same", async () => {
    const redis = await server(["--maxmemory-policy", "noeviction"]);
    const nodes = [await node(urlAt(redis.port)), await node(urlAt(redis.port))];
    const { tier, lines } = nodes[0]!;
    await fill(tier, HEAD, "tea");
    const mark = { fence: 9e15, asOf: tier.position };
    await redis.client.call("config", "set", "maxmemory", "1");
    for (let at = 0; at < 10; at++)
      tier.put(responseOf(freshHead(`${HEAD.key}/${at}`), "x".repeat(50_000)), mark);
    await written(tier);
    expect(lines).toEqual(["the shared tier is full: it takes nothing more"]);
    expect(tier.stats()).toMatchObject({ isWell: false, skipped: 10 });
    expect(await textsIn(tier, HEAD.key)).toEqual(["tea"]);
    expect((await tier.turn(`${HEAD.key}/1`, { hasArrived: async () => false, waitMs: 1000 })).kind).toBe(
      "alone",
    );
    expect(await tier.purge([tagTarget("a")])).toMatchObject({ isLogged: true, nodes: 2, pending: [] });
    expect(await textsIn(nodes[1]!.tier, HEAD.key)).toEqual([]);
    // What is superseded goes, where its successor finds no room.
    const other = freshHead(`${HEAD.key}/other`);
    await redis.client.call("config", "set", "maxmemory", "0");
    await fill(tier, other, "old");
    expect(lines).toHaveLength(2);
    await redis.client.call("config", "set", "maxmemory", "1");
    tier.put(responseOf(other, "new"), mark);
    await written(tier);
    expect(await textsIn(nodes[1]!.tier, other.key)).toEqual([]);
    expect(nodes.map(({ contacts }) => contacts)).toEqual([[true], [true]]);
  });

  test("that became a replica takes nothing, and everything when it is a master again", async () => {
    const redis = await server();
    const { tier } = await node(urlAt(redis.port), { limits: QUICK });
    await fill(tier, HEAD, "tea");
    await redis.client.call("replicaof", "127.0.0.1", "1");
    await eventually(() => !tier.isInContact);
    expect(await askAll(tier)).toBeLessThan(2000);
    await redis.client.call("replicaof", "no", "one");
    await eventually(async () => {
      await textsIn(tier, HEAD.key);
      return tier.stats().isWell;
    });
    await fill(tier, HEAD, "coffee");
    expect(await textsIn(tier, HEAD.key)).toEqual(["coffee"]);
  });

  test("from which a node is cut off for too long: it has lost track, once, and validates until it is back", async () => {
    const redis = await server();
    const { tier, lost } = await node(urlAt(redis.port), { limits: { ...QUICK, cutoffMs: 300 } });
    expect(tier.mustValidate).toBe(false);
    redis.pause();
    await eventually(() => tier.mustValidate);
    await eventually(() => !tier.isInContact);
    await Bun.sleep(500);
    expect([lost, tier.mustValidate]).toEqual([["cut off"], true]);
    redis.proceed();
    await eventually(() => tier.isInContact);
    expect([lost, tier.mustValidate]).toEqual([["cut off"], false]);
  });

  test("with a password: a wrong one is a tier that is away, the right one is used", async () => {
    const redis = await server();
    await redis.client.call("config", "set", "requirepass", "pass");
    const wrong = await node(
      { ...urlAt(redis.port), password: "word" },
      { limits: { ...QUICK, connectMs: 300 } },
    );
    expect(wrong.tier.isInContact).toBe(false);
    const right = await node({ ...urlAt(redis.port), password: "pass", db: 3 }, { limits: QUICK });
    await fill(right.tier, HEAD, "tea");
    expect(await textsIn(right.tier, HEAD.key)).toEqual(["tea"]);
  });
});
