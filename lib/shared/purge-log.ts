// Answers: has this node applied every purge of the fleet?
// Owns: reading the log on a connection of its own from where the node left off, and what it means that this is cut.
// Leaves out: entries (`log-entries.ts`), the roll of nodes (`nodes.ts`), what a purge removes (the caller).
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import type { MaybePromise } from "../store/store.ts";
import { EVERYTHING, softly } from "../store/targets.ts";
import type { Client } from "./connect.ts";
import { within } from "./link.ts";
import { append, entriesAfter, type LogEntry } from "./log-entries.ts";
import { floorOf, placeIn, type LostReason } from "./log-place.ts";
import { join, report, type LogState } from "./nodes.ts";
import { BEGINNING, compareIds, type Position } from "./position.ts";
import type { PurgeIndex } from "./purge-index.ts";

/** What happens to the node; none of these may throw. */
export interface LogListener {
  /** Removes what the targets name: from the call on nothing of it is found. How many there were, once all are gone. */
  readonly apply: (targets: readonly InvalidationTarget[]) => MaybePromise<number>;
  /** Purges may have been missed: everything is to be validated before it is reused. */
  readonly lostTrack: (why: LostReason) => MaybePromise<void>;
  readonly onContact: (isInContact: boolean) => void;
}

/** What a log is read with. */
export interface LogParts {
  /** A connection for this alone: it waits on it. */
  readonly reader: Client;
  readonly index: PurgeIndex;
  readonly node: string;
  /** Where the node left off; `undefined` where it has nothing yet. */
  readonly position: Position | undefined;
  /** Milliseconds for a command, and without contact after which the node has lost track. */
  readonly commandMs: number;
  readonly cutoffMs: number;
  readonly listener: LogListener;
}

type State = "away" | "catching-up" | "in-contact" | "closed";

/** A read waits so long for an entry: with that, contact is proven at least twice a second. */
const BLOCK_MS = 400;
const BEAT_MS = 1000;
const RETRY_MS = 100;

/** The log, as one node reads it. */
export class PurgeLog {
  readonly #parts: LogParts;
  #state: State = "away";
  #position: Position | undefined;
  /** Whether the index holds all that is retained, up to the position. */
  #isIndexed = false;
  #contactAtMs = performance.now();
  #beatAtMs = 0;
  #mustValidate: boolean;
  readonly #waiters = new Set<() => void>();
  #wake = (): void => {};
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#position = parts.position;
    // Nobody knows for how long it was not there.
    this.#mustValidate = parts.position !== undefined;
    parts.reader.on("ready", () => {
      // From here on purges may be under way that others have been told are everywhere.
      if (this.#state === "away") this.#enter("catching-up");
      this.#wake();
    });
  }

  /** All up to it has been applied. */
  get position(): Position {
    return this.#position ?? { id: BEGINNING, generation: "none" };
  }

  get isInContact(): boolean {
    return this.#state === "in-contact";
  }

  /** Contact is back, and what was missed is not applied yet: what is stored must not be used. */
  get isCatchingUp(): boolean {
    return this.#state === "catching-up";
  }

  /** Too long without contact: what is stored must be validated, and what will be until there is contact. */
  get mustValidate(): boolean {
    return this.#mustValidate;
  }

  start(): void {
    this.#ended = this.#run();
  }

  /** Resolves when it is so, or `ms` milliseconds have passed: whether it is. Never rejects. */
  async until(isSo: () => boolean, ms: number): Promise<boolean> {
    const end = performance.now() + ms;
    while (!isSo() && this.#state !== "closed") {
      const leftMs = end - performance.now();
      if (leftMs <= 0) return false;
      await this.#changed(leftMs);
    }
    return isSo();
  }

  /** Whether this node has applied an entry. */
  hasApplied({ id, generation }: Position): boolean {
    const { position } = this;
    return position.generation === generation && compareIds(position.id, id) >= 0;
  }

  /** Reads no further. Never rejects. */
  async close(): Promise<void> {
    this.#enter("closed");
    this.#parts.reader.disconnect();
    this.#wake();
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed()) {
      await this.#follow().catch((error: unknown) => this.#lose(error));
      await this.#checkCutoff();
      if (!this.#isClosed()) await this.#pause();
    }
  }

  /** Rejects when contact is lost. */
  async #follow(): Promise<void> {
    const { reader, node } = this.#parts;
    const log = await this.#ask(join(reader, node, this.#position));
    this.#enter("catching-up");
    await this.#catchUp(log);
    await this.#logDue();
    await this.#beat(new Map());
    this.#mustValidate = false;
    this.#enter("in-contact");
    while (this.#state === "in-contact") {
      const entries = await this.#ask(entriesAfter(reader, this.position.id, BLOCK_MS), BLOCK_MS);
      const removed = await this.#take(entries, BEGINNING);
      await this.#logDue();
      if (removed.size > 0 || performance.now() - this.#beatAtMs > BEAT_MS) await this.#beat(removed);
    }
  }

  async #catchUp(log: LogState): Promise<void> {
    const { index, reader, listener, node } = this.#parts;
    const place = placeIn(log, this.#position);
    const { generation, lastId } = log;
    let applyAfter = this.#position?.generation === generation ? this.position.id : BEGINNING;
    if (place.kind === "new") applyAfter = lastId;
    if (place.kind === "lost") {
      await listener.lostTrack(place.why);
      // Others may have read on at the new place without a notice of what is missing.
      if (place.why === "the log was set back")
        await this.#ask(append(reader, [softly(EVERYTHING)], { node }));
    }
    const isFromStart = place.kind !== "known" || !this.#isIndexed;
    if (isFromStart) index.reset(floorOf(log));
    let readTo = isFromStart ? BEGINNING : applyAfter;
    this.#position = { id: place.kind === "known" ? applyAfter : readTo, generation };
    for (;;) {
      const page = await this.#ask(entriesAfter(reader, readTo));
      if (page.length === 0) break;
      await this.#take(page, applyAfter);
      readTo = page.at(-1)?.id ?? readTo;
    }
    this.#advance(lastId, generation);
    this.#isIndexed = true;
  }

  /** Applies entries that are later than `after`; how many responses each has removed. */
  async #take(entries: readonly LogEntry[], after: string): Promise<Map<string, number>> {
    const { index, listener } = this.#parts;
    const removed = new Map<string, number>();
    // All of them are in force before the first is through.
    for (const { targets, id } of entries) index.add(targets, id);
    const due = entries.filter(({ id }) => compareIds(id, after) > 0);
    await Promise.all(
      due.map(async ({ targets, id }) => removed.set(id, await countOf(() => listener.apply(targets)))),
    );
    const last = entries.at(-1);
    if (last !== undefined) this.#advance(last.id, this.position.generation);
    return removed;
  }

  /** Purges that this node was asked for while the log was away. */
  async #logDue(): Promise<void> {
    const { index, reader, node } = this.#parts;
    const purges = index.due;
    if (purges.length === 0) return;
    const targets = purges.map(({ target }) => target);
    index.logged(purges, await this.#ask(append(reader, targets, { node })));
  }

  async #beat(removed: ReadonlyMap<string, number>): Promise<void> {
    const { reader, node } = this.#parts;
    const { generation } = this.position;
    if ((await this.#ask(report(reader, node, this.position, removed))) !== generation)
      throw new Error("the log is another one");
    this.#beatAtMs = performance.now();
  }

  async #ask<T>(reply: Promise<T>, extraMs = 0): Promise<T> {
    const value = await within(reply, this.#parts.commandMs + extraMs);
    this.#contactAtMs = performance.now();
    return value;
  }

  #advance(id: string, generation: string): void {
    if (this.hasApplied({ id, generation })) return;
    this.#position = { id, generation };
    this.#tell();
  }

  #lose(error: unknown): void {
    const { reader } = this.#parts;
    // A connection that is there and says nothing may lead nowhere.
    const isSilent = error instanceof Error && error.message.startsWith("no reply");
    if (isSilent && this.#state !== "closed" && reader.status === "ready") reader.disconnect(true);
    this.#enter("away");
  }

  async #checkCutoff(): Promise<void> {
    const { cutoffMs, listener } = this.#parts;
    if (this.#mustValidate || performance.now() - this.#contactAtMs < cutoffMs) return;
    this.#mustValidate = true;
    await listener.lostTrack("cut off");
  }

  #enter(state: State): void {
    const before = this.#state;
    if (before === state || before === "closed") return;
    this.#state = state;
    if ((before === "in-contact") !== (state === "in-contact"))
      this.#parts.listener.onContact(state === "in-contact");
    this.#tell();
  }

  /** Resolves with the next change, or after some milliseconds. */
  #changed(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(go);
        resolve();
      };
      const timer = setTimeout(go, ms);
      this.#waiters.add(go);
    });
  }

  #isClosed(): boolean {
    return this.#state === "closed";
  }

  #tell(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

async function countOf(apply: () => MaybePromise<number>): Promise<number> {
  try {
    return await apply();
  } catch {
    return 0;
  }
}
