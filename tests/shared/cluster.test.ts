// Answers: is the shared tier the same on a Cluster, and behind Sentinel?
// Owns: three masters, and a failover, with real servers.
// Leaves out: what the tier does (`tier.test.ts`, `purge.test.ts`), faults of a single server (`faults.test.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSharedUrl } from "../../lib/shared/url.ts";
import { tagTarget } from "../../lib/store/targets.ts";
import {
  describeWithRedis,
  eventually,
  fill,
  freePort,
  freshHead,
  openNode,
  startRedis,
  textsIn,
  type Node,
  type Redis,
} from "./redis-process.ts";

const TAGGED = { "surrogate-key": "a" };
const keys = Array.from({ length: 30 }, (_, at) => `http://larder.test/cluster/${at}`);

describeWithRedis("the shared tier on a cluster of three", () => {
  let masters: readonly Redis[];
  let nodes: readonly Node[];

  beforeAll(async () => {
    masters = await Promise.all(
      [1, 2, 3].map(async () =>
        startRedis(["--cluster-enabled", "yes", "--cluster-port", String(await freePort())]),
      ),
    );
    const places = masters.map(({ port }) => `127.0.0.1:${port}`);
    const { exitCode } = Bun.spawnSync(["redis-cli", "--cluster", "create", ...places, "--cluster-yes"]);
    expect(exitCode).toBe(0);
    await eventually(async () => {
      const states = await Promise.all(masters.map(({ client }) => client.call("cluster", "info")));
      return states.every((state) => String(state).includes("cluster_state:ok"));
    });
    const url = parseSharedUrl(`redis+cluster://${places.join()}`)!;
    nodes = await Promise.all([1, 2].map((at) => openNode(url, { node: `c${at}` })));
  });
  afterAll(async () => {
    await Promise.all(nodes.map(({ tier }) => tier.close()));
    await Promise.all(masters.map(({ end }) => end()));
  });

  test("keys of all slots are filled, recalled, purged by tag and by URI", async () => {
    const [one, other] = [nodes[0]!.tier, nodes[1]!.tier];
    for (const key of keys) await fill(one, freshHead(key, undefined, TAGGED), "x".repeat(20_000));
    const sizes = await Promise.all(masters.map(({ client }) => client.call("dbsize")));
    expect(sizes.every((size) => Number(size) > 0)).toBe(true);
    for (const key of keys) expect((await textsIn(other, key))[0]?.length).toBe(20_000);
    expect(await other.remove(keys[0]!)).toBe(1);
    expect(await textsIn(one, keys[0]!)).toEqual([]);
    expect(await other.purge([tagTarget("a")])).toMatchObject({ isLogged: true, nodes: 2, pending: [] });
    for (const key of keys) expect(await textsIn(one, key)).toEqual([]);
    for (const key of keys) await fill(other, freshHead(key, undefined, TAGGED), "after");
    for (const key of keys) expect(await textsIn(one, key)).toEqual(["after"]);
    expect(nodes.flatMap(({ lines, lost }) => [...lines, ...lost])).toEqual([]);
  });

  test("where a slot moves, what is in it is found there", async () => {
    const key = keys[1]!;
    const [{ tier }] = [nodes[0]!];
    await fill(tier, freshHead(key), "moved");
    const move = ["redis-cli", "--cluster", "rebalance", `127.0.0.1:${masters[0]!.port}`];
    const [first] = String(await masters[0]!.client.call("cluster", "myid")).split("\n");
    const { exitCode } = Bun.spawnSync([...move, "--cluster-weight", `${first}=0`]);
    expect(exitCode).toBe(0);
    expect(await masters[0]!.client.call("dbsize")).toBe(0);
    await eventually(async () => (await textsIn(tier, key)).join() === "moved");
    await fill(tier, freshHead(key), "again");
    await eventually(async () => (await textsIn(nodes[1]!.tier, key)).join() === "again");
  });
});

describeWithRedis("the shared tier behind Sentinel", () => {
  const servers: Redis[] = [];
  const dir = mkdtempSync(join(tmpdir(), "larder-sentinel-"));
  afterAll(async () => {
    await Promise.all(servers.map(({ end }) => end()));
    rmSync(dir, { recursive: true, force: true });
  });

  test("goes on with the replica when the master dies", async () => {
    const master = await startRedis();
    const replica = await startRedis(["--replicaof", `127.0.0.1 ${master.port}`]);
    const config = join(dir, "sentinel.conf");
    const of = "sentinel monitor main 127.0.0.1";
    const times = ["down-after-milliseconds main 500", "failover-timeout main 3000"];
    writeFileSync(
      config,
      [`${of} ${master.port} 1`, ...times.map((time) => `sentinel ${time}`), ""].join("\n"),
    );
    const sentinel = await startRedis(["--sentinel"], undefined, config);
    servers.push(master, replica, sentinel);
    await eventually(async () =>
      String(await sentinel.client.call("sentinel", "replicas", "main")).includes("name"),
    );
    const url = parseSharedUrl(`redis+sentinel://127.0.0.1:${sentinel.port}/main`)!;
    const { tier } = await openNode(url, { limits: { commandMs: 500, connectMs: 1000 } });
    await fill(tier, freshHead(keys[0]!), "tea");
    await eventually(async () =>
      String(await replica.client.call("info", "replication")).includes("link_status:up"),
    );
    await eventually(
      async () => (await replica.client.call("dbsize")) === (await master.client.call("dbsize")),
    );
    await master.end();
    await eventually(() => !tier.isInContact);
    await eventually(async () => tier.isInContact && (await textsIn(tier, keys[0]!)).join() === "tea");
    await fill(tier, freshHead(keys[0]!), "coffee");
    expect(await textsIn(tier, keys[0]!)).toEqual(["coffee"]);
    await tier.close();
  });
});
