// Answers: `bun run partition`: what does a fleet of three promise while what it shares is away, and nodes are cut off?
// Owns: the fleet, the events of the run, the table: event → purges, how long purged content was served, fetches for a key.
// Leaves out: content and its versions (`world.ts`), one node (`cache-process.ts`).
import { openWire, startRedis, type Redis, type Wire } from "../shared/redis-process.ts";
import { startCache, type CacheProcess } from "./cache-process.ts";
import { Dice } from "../chaos/dice.ts";
import { contentOf, KEYS, keysWith, tagsOf, World, type PurgeOrder } from "./world.ts";

interface Node {
  readonly wire: Wire;
  readonly cache: CacheProcess;
  readonly name: string;
}

/** A purge that was answered: from then on, nothing older than these versions, but at `pending`. */
interface Promised {
  readonly version: number;
  readonly atMs: number;
  readonly pending: readonly string[];
}

/** What was seen while one event lasted. Times are milliseconds. */
interface Row {
  readonly event: string;
  answers: number;
  slowestMs: number;
  errors: number;
  complete: number;
  incomplete: number;
  slowestPurgeMs: number;
  /** After the answer to a purge, at nodes that it did not name: must stay 0. */
  servedMs: number;
  /** At nodes that it named: since the event began. */
  namedUntilMs: number;
  readonly beganMs: number;
  fetches: number;
  fetched: Set<string>;
}

const CLIENTS_A_NODE = 4;
const HOST = "torture.test";

/** The run; gives the lines of the table, and what broke a promise. */
export async function partition(
  seed: number,
  secondsEach: number,
): Promise<{ readonly lines: readonly string[]; readonly wrong: readonly string[] }> {
  const fleet = await Fleet.start(seed);
  try {
    const long = secondsEach * 1000;
    await fleet.during("all is well", () => Bun.sleep(long));
    await fleet.during("Redis is paused", () => fleet.paused(long));
    await fleet.during("afterwards", () => Bun.sleep(long / 2));
    await fleet.during("Redis ends, and comes back empty", () => fleet.restarted(long / 2));
    for (const at of [0, 1, 2]) {
      await fleet.during(`node ${at + 1} is cut off`, () => fleet.cutOff(at, long));
      await fleet.during(`node ${at + 1} is back`, () => Bun.sleep(long / 2));
    }
    return { lines: fleet.table(), wrong: fleet.wrong };
  } finally {
    await fleet.stop();
  }
}

class Fleet {
  readonly wrong: string[] = [];
  readonly #world: World;
  readonly #nodes: readonly Node[];
  readonly #rows: Row[] = [];
  readonly #promised = new Map<number, Promised[]>();
  readonly #ends: Promise<void>[] = [];
  #redis: Redis;
  #isOver = false;

  static async start(seed: number): Promise<Fleet> {
    const world = new World();
    const redis = await startRedis();
    const nodes = await Promise.all(
      [0, 1, 2].map(async () => {
        const wire = await openWire(redis.port);
        const shared = ["--shared", `redis://127.0.0.1:${wire.port}`];
        const cache = await startCache([...shared, "--origin", world.url, "--memory", "16MB"]);
        return { wire, cache, name: await nameOf(cache) };
      }),
    );
    return new Fleet(world, redis, nodes, seed);
  }

  private constructor(world: World, redis: Redis, nodes: readonly Node[], seed: number) {
    this.#world = world;
    this.#redis = redis;
    this.#nodes = nodes;
    world.onFetch = (key, version) => {
      this.#row.fetches++;
      this.#row.fetched.add(`${key}/${version}`);
    };
    this.#rows.push(newRow("start"));
    for (const [at, node] of nodes.entries()) {
      for (let client = 0; client < CLIENTS_A_NODE; client++)
        this.#ends.push(this.#visit(node, new Dice(seed, at, client)));
      this.#ends.push(this.#purge(node, new Dice(seed, at, "purges")));
    }
  }

  /** A row of its own for what happens meanwhile. */
  async during(event: string, act: () => Promise<unknown>): Promise<void> {
    this.#rows.push(newRow(event));
    await act();
  }

  async paused(ms: number): Promise<void> {
    this.#redis.pause();
    await Bun.sleep(ms);
    this.#redis.proceed();
  }

  async restarted(ms: number): Promise<void> {
    const { port } = this.#redis;
    await this.#redis.end();
    await Bun.sleep(ms);
    this.#redis = await startRedis([], port);
    await Bun.sleep(ms);
  }

  async cutOff(at: number, ms: number): Promise<void> {
    this.#nodes[at]?.wire.cut();
    await Bun.sleep(ms);
    this.#nodes[at]?.wire.mend();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled(this.#ends);
    for (const { cache, wire } of this.#nodes) {
      await cache.kill();
      wire.close();
    }
    await this.#redis.end();
    await this.#world.stop();
  }

  table(): readonly string[] {
    const head = [
      ["event", "answers", "slowest", "errors", "purges everywhere", "naming nodes", "slowest purge"],
      ["served after a purge", "by nodes it named: until", "fetches for a version"],
    ].flat();
    const rows = this.#rows
      .slice(1)
      .map((row) => [
        ...[
          row.event,
          row.answers,
          `${row.slowestMs} ms`,
          row.errors,
          row.complete,
          row.incomplete,
          `${row.slowestPurgeMs} ms`,
        ],
        ...[`${row.servedMs} ms`, `${row.namedUntilMs} ms`],
        (row.fetches / Math.max(1, row.fetched.size)).toFixed(2),
      ]);
    return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  }

  get #row(): Row {
    const last = this.#rows.at(-1);
    if (last === undefined) throw new Error("no event yet");
    return last;
  }

  async #visit(node: Node, dice: Dice): Promise<void> {
    while (!this.#isOver) {
      // The largest would fill what is shared.
      const key = 1 + Math.floor(dice.next() ** 2 * 48);
      const startMs = performance.now();
      const row = this.#row;
      try {
        const response = await fetch(`${node.cache.url}/${key}`, { headers: { Host: HOST } });
        const bytes = new Uint8Array(await response.arrayBuffer());
        row.answers++;
        row.slowestMs = Math.max(row.slowestMs, Math.round(performance.now() - startMs));
        this.#judge(row, { node, key, startMs }, response, bytes);
      } catch (error) {
        row.errors++;
        this.wrong.push(`${row.event}: /${key}: ${String(error)}`);
      }
      await Bun.sleep(2);
    }
  }

  #judge(
    row: Row,
    { node, key, startMs }: { readonly node: Node; readonly key: number; readonly startMs: number },
    { status, headers }: Response,
    bytes: Uint8Array,
  ): void {
    const version = Number(headers.get("x-version"));
    const said = headers.get("cache-status");
    if (status !== 200) {
      row.errors++;
      this.wrong.push(`${row.event}: /${key}: ${status} (${said})`);
    } else if (Buffer.compare(bytes, contentOf(key, version)) !== 0)
      this.wrong.push(`${row.event}: /${key}: wrong bytes of version ${version} (${said})`);
    for (const { version: floor, atMs, pending } of this.#promised.get(key) ?? []) {
      if (version >= floor || startMs <= atMs) continue;
      const lateMs = Math.round(startMs - atMs);
      if (pending.some((name) => name === node.name || name.startsWith("all others")))
        row.namedUntilMs = Math.max(row.namedUntilMs, Math.round(startMs - row.beganMs));
      else {
        row.servedMs = Math.max(row.servedMs, lateMs);
        this.wrong.push(
          `${row.event}: /${key}: version ${version} ${lateMs} ms after ${floor} was promised (${said})`,
        );
      }
    }
  }

  async #purge(node: Node, dice: Dice): Promise<void> {
    while (!this.#isOver) {
      await Bun.sleep(50 + dice.next() * 200);
      const key = 1 + Math.floor(dice.next() * 48);
      const tag = tagsOf(key)[1] ?? "";
      const soft = dice.next() < 0.3;
      const order: PurgeOrder =
        dice.next() < 0.5
          ? { json: { url: `http://${HOST}/${key}`, soft }, keys: [key] }
          : { json: { tag, soft }, keys: keysWith(tag).filter((one) => one < KEYS) };
      await this.#order(node, order);
    }
  }

  async #order({ cache, name }: Node, order: PurgeOrder): Promise<void> {
    const row = this.#row;
    const versions = this.#world.begin(order);
    const startMs = performance.now();
    const said = (await (await cache.admin("/api/purge", order.json)).json()) as {
      readonly pending?: string[];
    };
    const atMs = performance.now();
    // Where the log is away the node itself has done it.
    const pending = (said.pending ?? []).filter((one) => one !== name);
    if (pending.length === 0) row.complete++;
    else row.incomplete++;
    row.slowestPurgeMs = Math.max(row.slowestPurgeMs, Math.round(atMs - startMs));
    for (const [at, key] of order.keys.entries()) {
      const all = this.#promised.get(key) ?? [];
      this.#promised.set(key, [...all.slice(-20), { version: versions[at] ?? 0, atMs, pending }]);
    }
  }
}

function newRow(event: string): Row {
  return {
    ...{ event, answers: 0, slowestMs: 0, errors: 0, complete: 0, incomplete: 0, slowestPurgeMs: 0 },
    ...{ servedMs: 0, namedUntilMs: 0, beganMs: performance.now(), fetches: 0, fetched: new Set<string>() },
  };
}

async function nameOf(cache: CacheProcess): Promise<string> {
  const { store } = (await (await cache.admin("/api/stats")).json()) as {
    readonly store: { readonly outer: readonly { readonly node?: string }[] };
  };
  return store.outer.find(({ node }) => node !== undefined)?.node ?? "";
}
