// Answers: how is something purged from all nodes at once?
// Owns: the way of a purge into the log, its keys in Redis, and until when who asked for it waits.
// Leaves out: reading the log (`purge-log.ts`), what is judged by it (`purge-index.ts`), the roll of nodes (`nodes.ts`).
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { parsedTarget } from "../store/targets.ts";
import type { Client } from "./connect.ts";
import { countVariants, dropKey } from "./entries.ts";
import type { Link } from "./link.ts";
import { append } from "./log-entries.ts";
import { awaitFleet, type FleetOutcome } from "./nodes.ts";
import type { Position } from "./position.ts";
import type { PurgeIndex } from "./purge-index.ts";
import type { LogListener, PurgeLog } from "./purge-log.ts";

/** What became of a purge. */
export interface PurgeOutcome extends FleetOutcome {
  /** False where the log is away: it holds on this node, and will be logged when the log is back. */
  readonly isLogged: boolean;
}

/** What purges are made with. */
export interface PurgesParts {
  readonly link: Link;
  readonly log: PurgeLog;
  readonly index: PurgeIndex;
  readonly node: string;
  readonly apply: LogListener["apply"];
  /** Milliseconds that a purge waits for nodes that live. */
  readonly purgeMs: number;
}

/** Purges that this node is asked for. None of it rejects. */
export class Purges {
  readonly #parts: PurgesParts;

  constructor(parts: PurgesParts) {
    this.#parts = parts;
  }

  /** Removes what the target names, from the shared tier and this node; how many the shared tier had, as far as it knows. */
  async remove(target: InvalidationTarget): Promise<number> {
    const id = await this.#logged([target]);
    const [count] = await Promise.all([this.#removeKey(target), this.#appliedHere([target], id)]);
    return count;
  }

  /**
   * Removes what the targets name from every node and the shared tier. Resolves when all nodes that live have applied it,
   * this one included, or `purgeMs` has passed.
   */
  async purge(targets: readonly InvalidationTarget[]): Promise<PurgeOutcome> {
    const at = await this.#logged(targets);
    const counted = Promise.all(targets.map((target) => this.#removeKey(target)));
    if (at === undefined) {
      const own = await this.#appliedHere(targets, at);
      return { isLogged: false, removed: own ?? 0, nodes: 1, pending: [] };
    }
    const fleet = awaitFleet(this.#parts.link, at, this.#parts.purgeMs);
    const [own, outcome] = await Promise.all([this.#appliedHere(targets, at), fleet]);
    const { node } = this.#parts;
    const shared = (await counted).reduce((sum, count) => sum + count, 0);
    // Copies of one response count for each node; where only the shared tier had it, it counts all the same.
    const removed = Math.max(outcome.removed + (own ?? 0), shared);
    // By itself, not through the log.
    if (own === undefined || !outcome.pending.includes(node)) return { ...outcome, isLogged: true, removed };
    const pending = outcome.pending.filter((one) => one !== node);
    return { isLogged: true, removed, nodes: outcome.nodes + 1, pending };
  }

  /** Logs what could not be logged before. Rejects as commands do. */
  async logDue(client: Client): Promise<void> {
    const { index, node } = this.#parts;
    const due = index.due.map(({ target }) => target);
    if (due.length > 0) await append(client, due, { node });
  }

  /** Puts purges into the log; where that is away they are in force here and wait for it. */
  async #logged(targets: readonly InvalidationTarget[]): Promise<Position | undefined> {
    const purges = this.#parts.index.addUnlogged(targets);
    const { node } = this.#parts;
    const id = await this.#parts.link.run((client) => append(client, targets, { node }));
    if (id === undefined) {
      this.#parts.index.notLogged(purges);
      return undefined;
    }
    this.#parts.index.logged(purges, id);
    return { id, generation: this.#parts.log.position.generation };
  }

  /** How many were removed here where the log did not do it in time. */
  async #appliedHere(
    targets: readonly InvalidationTarget[],
    at: Position | undefined,
  ): Promise<number | undefined> {
    const { purgeMs, log } = this.#parts;
    // Without contact it will not come by the log.
    const arrives = at !== undefined && (log.isInContact || log.isCatchingUp);
    if (arrives && (await log.until(() => log.hasApplied(at), purgeMs))) return undefined;
    try {
      return await this.#parts.apply(targets);
    } catch {
      return 0;
    }
  }

  async #removeKey(target: InvalidationTarget): Promise<number> {
    const { kind, name, isSoft } = parsedTarget(target);
    if (kind !== "uri") return 0;
    return isSoft ? countVariants(this.#parts.link, name) : dropKey(this.#parts.link, name);
  }
}
