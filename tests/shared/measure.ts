// Answers: what does the shared tier cost on loopback?
// Owns: microseconds of put and recall, the acknowledgement of a purge by three nodes, ioredis beside Bun's own client.
// Leaves out: claims (the `*.test.ts` files), what a whole request costs (`../bench/`). Run: `bun tests/shared/measure.ts`.
import { connect } from "../../lib/shared/connect.ts";
import { tagTarget } from "../../lib/store/targets.ts";
import { freshHead, openNode, responseOf, startRedis, urlAt, written } from "./redis-process.ts";

const ROUNDS = 3000;
const BYTES = 10_240;

const redis = await startRedis();
const url = urlAt(redis.port);
const nodes = await Promise.all([1, 2, 3].map(() => openNode(url)));
const [{ tier }] = nodes as [(typeof nodes)[0]];
const body = crypto.getRandomValues(new Uint8Array(BYTES));
const keyOf = (at: number): string => `http://larder.test/measured/${at % 1000}`;

await measure("put, one after the other", 1, async (at) => {
  tier.put(responseOf(freshHead(keyOf(at)), body), { fence: at + 1, asOf: tier.position });
  while (tier.stats().queued > 0) await new Promise((resolve) => setImmediate(resolve));
});
await measure("recall, one after the other", 1, (at) => tier.recall(keyOf(at), () => true));
await measure("recall, 50 at a time", 50, (at) => tier.recall(keyOf(at), () => true));
await measure("recall of nothing", 1, (at) => tier.recall(`${keyOf(at)}/none`, () => true));
await measure("turn, put and end", 1, async (at) => {
  const key = `${keyOf(at)}/${at}`;
  const turn = await tier.turn(key, { hasArrived: async () => false, waitMs: 1000 });
  if (turn.kind !== "ours") throw new Error("not ours");
  tier.put(responseOf(freshHead(key), body), turn.mark);
  turn.end("stored");
});
await written(tier);

const acks: number[] = [];
for (let at = 0; at < 300; at++) {
  const startedMs = performance.now();
  const { nodes: reached } = await tier.purge([tagTarget(`t${at}`)]);
  if (reached !== 3) throw new Error(`${reached} nodes`);
  acks.push(performance.now() - startedMs);
}
acks.sort((one, other) => one - other);
console.log(
  `purge acknowledged by 3 nodes: median ${acks[150]?.toFixed(2)} ms, p99 ${acks[297]?.toFixed(2)} ms`,
);

const ioredis = await connect(url, { connectMs: 1000, silentMs: 5000 });
const own = new Bun.RedisClient(`redis://127.0.0.1:${redis.port}`);
await own.connect();
await own.set("ten", body);
for (const width of [1, 50]) {
  await measure(`ioredis GET, ${width} at a time`, width, () => ioredis.callBuffer("get", "ten"));
  await measure(`Bun's client GET, ${width} at a time`, width, () => own.getBuffer("ten"));
}
ioredis.disconnect();
own.close();
await Promise.all(nodes.map((node) => node.tier.close()));
await redis.end();

async function measure(what: string, width: number, act: (at: number) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < 300; at += width) await batch(at, width, act);
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  for (let at = 0; at < ROUNDS; at += width) await batch(at + 300, width, act);
  const each = ((performance.now() - startedMs) * 1000) / ROUNDS;
  const { user, system } = process.cpuUsage(cpu);
  console.log(
    `${what}: ${each.toFixed(0)} µs each, ${((user + system) / ROUNDS).toFixed(0)} µs of processor here`,
  );
}

async function batch(from: number, width: number, act: (at: number) => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: width }, (_, at) => act(from + at)));
}
