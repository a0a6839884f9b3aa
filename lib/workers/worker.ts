// Answers: what a process does that is one of several of one Larder.
// Owns: putting the engine of a worker together, and doing what the supervisor says.
// Leaves out: the supervisor (`supervisor.ts`), asking other workers (`owner-first.ts`), answering them (`desk.ts`).
import { rmSync } from "node:fs";
import { cacheEngine, serveEngine, type Engine } from "../cache-serve.ts";
import { logListener } from "../log.ts";
import { openStores, type Stores } from "../open-stores.ts";
import type { CacheOptions } from "../option-tables.ts";
import { askPeer, servePeers } from "../wire/peer-bun.ts";
import type { Running } from "../wire/serve-bun.ts";
import { answering } from "./desk.ts";
import { Invalidations } from "./invalidations.ts";
import type { FromWorker, Role, ToWorker } from "./messages.ts";
import { OwnerFirst } from "./owner-first.ts";
import { ownerOf } from "./owner.ts";
import { removeFolder, socketPath } from "./socket-folder.ts";

/** Does what the supervisor says, until that is gone. Its options are those of all workers together, but for the origin. */
export function work(role: Role, given: Omit<CacheOptions, "origin">): void {
  const memory = Math.floor(given.memory / role.count);
  const options = { ...given, origin: role.origin, memory };
  // A terminal sends these to all processes at once; the supervisor says what follows.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
  process.on("disconnect", () => {
    removeFolder(role.folder);
    process.exit(1);
  });
  void openStores(options).then((stores) => {
    const worker = new Worker(role, options, stores);
    process.on("message", (message) => worker.hear(message as ToWorker));
    say({ kind: "ready" });
  });
}

function say(message: FromWorker): void {
  process.send?.(message);
}

/** One worker. */
class Worker {
  readonly #role: Role;
  readonly #options: CacheOptions;
  readonly #engine: Engine;
  readonly #invalidations: Invalidations;
  #owners: OwnerFirst | undefined;
  #running: Running | undefined;

  constructor(role: Role, options: CacheOptions, stores: Stores) {
    this.#role = role;
    this.#options = options;
    this.#invalidations = new Invalidations(say, (targets) => this.#engine.remove(targets));
    this.#engine = this.#makeEngine(stores);
    const listener = logListener(options.log, role.isTerminal, lineWriter(role, options));
    if (listener !== undefined) this.#engine.events.on(listener);
  }

  hear(message: ToWorker): void {
    switch (message.kind) {
      case "listen":
        return void this.#listen(message.port);
      case "invalidate":
        return void this.#invalidations.carryOut(message.round, message.targets);
      case "settled":
        return this.#invalidations.settle(message.round);
      case "invalidated":
        return this.#invalidations.done(message.id, message.removed);
      case "stats": {
        const owners = this.#owners?.counts ?? { asked: 0, away: 0 };
        return say({ kind: "stats", id: message.id, stats: { ...this.#engine.stats(), owners } });
      }
      case "purge":
        return void this.#purge(message.id, message.targets);
      case "stop":
        return void this.#stop();
      default:
        return message satisfies never;
    }
  }

  #makeEngine(stores: Stores): Engine {
    const { slot, count, folder, loopToken } = this.#role;
    return cacheEngine(this.#options, stores, {
      loopToken,
      isOwn: (uri) => ownerOf(uri, count) === slot,
      elsewhere: (targets) => this.#invalidations.elsewhere(targets),
      ahead: (own, parts) => {
        this.#owners = new OwnerFirst({
          ...parts,
          own,
          ownerOf: (uri) => {
            const owner = ownerOf(uri, count);
            return owner === slot ? undefined : owner;
          },
          ask: (owner, question, patience) => askPeer(socketPath(folder, owner), question, patience),
          elsewhere: (targets) => this.#invalidations.elsewhere(targets),
          isInvalidating: (uri) => this.#invalidations.isUnderWay(uri),
        });
        return this.#owners;
      },
    });
  }

  async #listen(port: number): Promise<void> {
    const { proxy, events } = this.#engine;
    const path = socketPath(this.#role.folder, this.#role.slot);
    try {
      // The one before in this slot may not have had the time to remove it.
      rmSync(path, { force: true });
      servePeers(path, answering(proxy, { events, clockMs: () => Date.now() }));
      this.#running = await serveEngine(this.#engine, { ...this.#options, port }, true);
      say({ kind: "listening", url: this.#running.url });
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      say({ kind: "refused", code, message });
    }
  }

  async #purge(id: number, targets: readonly string[]): Promise<void> {
    say({ kind: "purged", id, said: await this.#engine.purge(targets) });
  }

  /** Other workers may need it until all are through: it ends when the supervisor says so. */
  async #stop(): Promise<void> {
    await this.#running?.stop();
    say({ kind: "drained" });
  }
}

/** In JSON a line says which worker it is from. */
function lineWriter({ slot }: Role, { log }: CacheOptions): (line: string) => void {
  if (log !== "json") return (line) => console.log(line);
  return (line) => console.log(`{"worker":${slot},${line.slice(1)}`);
}
