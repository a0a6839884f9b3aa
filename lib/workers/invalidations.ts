// Answers: how an invalidation in one worker reaches the stored responses and fills of all.
// Owns: the worker's side: asking for it, carrying it out, and what must not be believed meanwhile.
// Leaves out: the supervisor's side (`rounds.ts`), which URIs (`rfc9111/invalidation.ts`), removing (`../invalidate.ts`).
import { originOf, originOfGroup, type InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { parsedTarget } from "../store/targets.ts";
import type { FromWorker } from "./messages.ts";

/**
 * The invalidations that this worker knows of and that not all others have carried out yet.
 *
 * The race, with A the owner of a key, B another worker, and C the one that has the unsafe request:
 * 1. C's origin has answered the unsafe request. C removes its own, and has the supervisor tell A and B.
 * 2. B hears of it: B removes what it has stored, discards its fills for the key, and says so.
 *    What A sent to B before is in such a fill: it reaches who waits for it, and is not stored.
 * 3. A client asks B, which has nothing now, and would ask A.
 * 4. A has not heard of it: it would answer with what it has stored, and B would store that.
 * 5. A hears of it, removes its own, and says so. C's client is told that its request was done.
 * 6. B would go on serving what was invalidated.
 * So from 2 on until all have carried it out, B does not ask A for that key (3), but the origin, which has answered the
 * unsafe request before 1. The same goes for C from 1 on. Of what B asks A after that, A has removed its own before.
 */
export class Invalidations {
  readonly #send: (message: FromWorker) => void;
  readonly #remove: (targets: readonly string[]) => Promise<readonly number[]>;
  readonly #underWay = new Map<string, number>();
  readonly #rounds = new Map<number, readonly string[]>();
  readonly #asked = new Map<number, (removed: readonly number[]) => void>();
  #lastId = 0;

  constructor(
    send: (message: FromWorker) => void,
    remove: (targets: readonly string[]) => Promise<readonly number[]>,
  ) {
    this.#send = send;
    this.#remove = remove;
  }

  /** Whether not all workers have carried out an invalidation that may concern that URI. */
  isUnderWay(uri: string): boolean {
    const keys = this.#underWay.size > 0 ? [uri, groupsKey(uri), ANY_OF_ALL] : [];
    return keys.some((key) => this.#underWay.has(key));
  }

  /** Has all others remove these; how many stored responses each had there, once it is done. */
  async elsewhere(targets: readonly string[]): Promise<readonly number[]> {
    this.#begin(targets);
    const id = ++this.#lastId;
    const removed = await new Promise<readonly number[]>((resolve) => {
      this.#asked.set(id, resolve);
      this.#send({ kind: "invalidate", id, targets });
    });
    this.#end(targets);
    return removed;
  }

  /** What this worker asked for has been done. */
  done(id: number, removed: readonly number[]): void {
    this.#asked.get(id)?.(removed);
    this.#asked.delete(id);
  }

  /** Another worker asks for it. */
  async carryOut(round: number, targets: readonly string[]): Promise<void> {
    this.#rounds.set(round, targets);
    this.#begin(targets);
    this.#send({ kind: "removed", round, removed: await this.#remove(targets) });
  }

  /** All workers have carried it out. */
  settle(round: number): void {
    this.#end(this.#rounds.get(round) ?? []);
    this.#rounds.delete(round);
  }

  #begin(targets: readonly string[]): void {
    for (const key of targets.map(underWayKey)) this.#underWay.set(key, (this.#underWay.get(key) ?? 0) + 1);
  }

  #end(targets: readonly string[]): void {
    for (const key of targets.map(underWayKey)) {
      const left = (this.#underWay.get(key) ?? 0) - 1;
      if (left > 0) this.#underWay.set(key, left);
      else this.#underWay.delete(key);
    }
  }
}

/** Which response belongs to a group, nobody knows before it comes: all groups of an origin count as one. */
function underWayKey(target: InvalidationTarget): string {
  const { kind, name } = parsedTarget(target);
  if (kind === "uri") return name;
  return kind === "group" ? groupsKey(name) : ANY_OF_ALL;
}

/** Tags, prefixes, everything: it may concern any URI. */
const ANY_OF_ALL = "any of all";

function groupsKey(target: string): string {
  return `groups of ${originOfGroup(target) ?? originOf(target)}`;
}
