// Answers: does any node ever answer with what was purged before, whatever happens at the same time?
// Owns: three nodes with a memory each, random requests and purges, wires that break, and the history of all of it.
// Leaves out: each of these by itself (`purge.test.ts`, `lease.test.ts`, `faults.test.ts`).
import { expect, test } from "bun:test";
import { tagTarget } from "../../lib/store/targets.ts";
import {
  describeWithRedis,
  eventually,
  freshHead,
  openNode,
  openWire,
  responseOf,
  startRedis,
  urlAt,
  type Node,
} from "./redis-process.ts";

const KEYS = ["a", "b", "c", "d"];
const RUN_MS = 4000;
const PAD = "x".repeat(18_000);

/** The origin: what it says about a key changes with each purge. */
const versions = new Map(KEYS.map((name) => [name, 0]));
let fetches = 0;

/** A node as the engine makes one: memory in front, one fill a key, and what a purge does to both. */
class Engine {
  node!: Node;
  readonly memory = new Map<string, number>();
  readonly fills = new Map<string, { isDiscarded: boolean; readonly done: Promise<number> }>();
  /** Versions below which nothing may be answered. */
  readonly floors = new Map<string, number>();

  readonly apply = (targets: readonly string[]): number => {
    const names = KEYS.filter((name) => targets.includes(tagTarget(name)));
    for (const name of names) {
      const fill = this.fills.get(name);
      if (fill !== undefined) fill.isDiscarded = true;
      this.fills.delete(name);
    }
    return names.filter((name) => this.memory.delete(name)).length;
  };

  async get(name: string): Promise<number> {
    if (this.node.tier.isCatchingUp) await this.node.tier.caughtUp(5000);
    const inMemory = this.memory.get(name);
    if (inMemory !== undefined) return inMemory;
    const recalled = await this.#recall(name);
    if (recalled !== undefined) return recalled;
    const under = this.fills.get(name);
    if (under !== undefined) return under.done;
    const fill: { isDiscarded: boolean; done: Promise<number> } = {
      isDiscarded: false,
      done: Promise.resolve(0),
    };
    fill.done = this.#fill(name, fill);
    this.fills.set(name, fill);
    return fill.done.finally(() => {
      if (this.fills.get(name) === fill) this.fills.delete(name);
    });
  }

  async #fill(name: string, fill: { readonly isDiscarded: boolean }): Promise<number> {
    const { tier } = this.node;
    const head = headOf(name);
    const hasArrived = async (): Promise<boolean> => (await tier.recall(head.key, () => true)).length > 0;
    const turn = await tier.turn(head.key, { hasArrived, waitMs: 2000 });
    if (turn.kind === "arrived") {
      const recalled = await this.#recall(name);
      if (recalled !== undefined) return recalled;
    }
    fetches++;
    await Bun.sleep(Math.random() * 10);
    const version = versions.get(name)!;
    await Bun.sleep(Math.random() * 40);
    tier.put(responseOf(head, `${version} ${PAD}`), turn.kind === "ours" ? turn.mark : undefined);
    if (turn.kind === "ours") turn.end("stored");
    if (!fill.isDiscarded) this.memory.set(name, version);
    return version;
  }

  async #recall(name: string): Promise<number | undefined> {
    const [found] = await this.node.tier.recall(headOf(name).key, ({ isPurged }) => isPurged !== true);
    if (found?.body.kind !== "complete") return undefined;
    // Between its being found and this, a purge may have come.
    if (!this.node.tier.stillHolds(found)) return undefined;
    const version = Number.parseInt(new TextDecoder().decode(found.body.bytes), 10);
    this.memory.set(name, version);
    return version;
  }
}

function headOf(name: string): ReturnType<typeof freshHead> {
  return freshHead(`http://larder.test/${name}`, undefined, { "surrogate-key": name });
}

describeWithRedis("the history of a fleet", () => {
  test("no node answers with what was purged before, and in the end all have the last version", async () => {
    const redis = await startRedis();
    const engines = [new Engine(), new Engine(), new Engine()];
    const wires = await Promise.all(engines.map(() => openWire(redis.port)));
    for (const [at, engine] of engines.entries()) {
      const limits = { commandMs: 250, purgeMs: 600, leaseMs: 600 };
      const { apply } = engine;
      engine.node = await openNode(urlAt(wires[at]!.port), { node: `h${at}`, apply, limits });
    }
    const until = performance.now() + RUN_MS;
    const wrong: string[] = [];
    let [answers, acknowledged] = [0, 0];
    const ask = async (engine: Engine): Promise<void> => {
      while (performance.now() < until) {
        const name = KEYS[Math.floor(Math.random() * KEYS.length)]!;
        const floor = engine.floors.get(name) ?? 0;
        const version = await engine.get(name);
        if (version < floor) wrong.push(`${engine.node.tier.position} ${name}: ${version} after ${floor}`);
        answers++;
        await Bun.sleep(Math.random() * 3);
      }
    };
    const purge = async (engine: Engine): Promise<void> => {
      while (performance.now() < until) {
        const name = KEYS[Math.floor(Math.random() * KEYS.length)]!;
        const version = versions.get(name)! + 1;
        versions.set(name, version);
        const { pending, isLogged } = await engine.node.tier.purge([tagTarget(name)]);
        if (isLogged && pending.length === 0) acknowledged++;
        for (const [at, each] of engines.entries())
          if (each === engine || (isLogged && !pending.includes(`h${at}`)))
            each.floors.set(name, Math.max(version, each.floors.get(name) ?? 0));
        await Bun.sleep(Math.random() * 60);
      }
    };
    const trouble = async (): Promise<void> => {
      while (performance.now() < until) {
        await Bun.sleep(Math.random() * 500);
        const wire = wires[Math.floor(Math.random() * wires.length)]!;
        wire.cut();
        await Bun.sleep(Math.random() * 500);
        if (Math.random() < 0.5) wire.sever();
        wire.mend();
      }
    };
    const asking = engines.flatMap((engine) => [ask(engine), ask(engine), ask(engine)]);
    await Promise.all([...asking, ...engines.map(purge), trouble()]);
    expect(wrong).toEqual([]);
    expect(answers).toBeGreaterThan(100);
    await eventually(() => engines.every(({ node }) => node.tier.isInContact));
    await eventually(async () => (await engines[0]!.node.tier.purge([])).pending.length === 0);
    for (const engine of engines)
      for (const name of KEYS) expect([name, await engine.get(name)]).toEqual([name, versions.get(name)!]);
    console.log(`${answers} answers, ${fetches} fetches, ${acknowledged} purges that reached all`);
    await Promise.all(engines.map(({ node }) => node.tier.close()));
    for (const wire of wires) wire.close();
    await redis.end();
  });
});
