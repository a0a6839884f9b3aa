// Answers: has this node applied every purge of the fleet?
// Owns: reading the log on a connection of its own from where the node left off, and what it means that this is cut.
// Leaves out: entries (`log-entries.ts`), the roll of nodes (`nodes.ts`), what a purge removes (the caller).
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import type { MaybePromise } from "../store/store.ts";
import { EVERYTHING, softly } from "../store/targets.ts";
import type { Client } from "./connect.ts";
import { Changes } from "./changes.ts";
import { within, type Link } from "./link.ts";
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
  readonly link: Link;
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

/** A page of the log may take so much longer than a command. */
const PAGE_MS = 1000;

/** A purge that takes longer is reported when it is through. */
const SLOW_MS = 50;

/** The log, as one node reads it. */
export class PurgeLog {
  readonly #parts: LogParts;
  #state: State = "away";
  #position: Position | undefined;
  /** Whether the index holds all that is retained, up to the position. */
  #isIndexed = false;
  #contactAtMs = performance.now();
  #beatAtMs = 0;
  /** Entries that are in force and perhaps not applied to the last response. */
  #applying: Promise<void> = Promise.resolve();
  #readTo = BEGINNING;
  /** How many responses entries have removed that is not reported yet. */
  #removed = new Map<string, number>();
  #mustValidate: boolean;
  readonly #changes = new Changes();
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
  until(isSo: () => boolean, ms: number): Promise<boolean> {
    return this.#changes.until(isSo, ms);
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
    await this.#beat();
    this.#mustValidate = false;
    this.#enter("in-contact");
    while (this.#state === "in-contact") {
      const entries = await this.#ask(entriesAfter(reader, this.#readTo, BLOCK_MS), BLOCK_MS);
      // A large one must not keep the next one waiting, nor let the node look dead.
      await Promise.race([this.#take(entries, BEGINNING), sleep(SLOW_MS)]);
      await this.#logDue();
      if (this.#removed.size > 0 || performance.now() - this.#beatAtMs > BEAT_MS) await this.#beat();
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
    this.#readTo = isFromStart ? BEGINNING : applyAfter;
    this.#position = { id: place.kind === "known" ? applyAfter : BEGINNING, generation };
    for (;;) {
      const page = await this.#ask(entriesAfter(reader, this.#readTo), PAGE_MS);
      if (page.length === 0) break;
      await this.#take(page, applyAfter);
    }
    if (compareIds(this.#readTo, lastId) < 0) this.#readTo = lastId;
    this.#advance(this.#readTo, generation);
    this.#isIndexed = true;
  }

  /** Puts entries in force and applies those that are later than `after`; resolves when all are applied to the last. */
  #take(entries: readonly LogEntry[], after: string): Promise<void> {
    const { index, listener } = this.#parts;
    const { generation } = this.position;
    const last = entries.at(-1);
    if (last === undefined) return Promise.resolve();
    // All of them are in force before the first is through.
    for (const { targets, id } of entries) index.add(targets, id);
    this.#readTo = last.id;
    const due = entries.filter(({ id }) => compareIds(id, after) > 0);
    const applied = due.map(async ({ targets, id }) => {
      this.#removed.set(id, await countOf(() => listener.apply(targets)));
    });
    const beganMs = performance.now();
    this.#applying = Promise.all([this.#applying, ...applied]).then(() => {
      if (generation !== this.position.generation) return;
      this.#advance(last.id, generation);
      if (performance.now() - beganMs > SLOW_MS) void this.#reportLate();
    });
    return this.#applying;
  }

  /** Purges that this node was asked for while the log was away. */
  async #logDue(): Promise<void> {
    const { index, reader, node } = this.#parts;
    const purges = index.due;
    if (purges.length === 0) return;
    const targets = purges.map(({ target }) => target);
    index.logged(purges, await this.#ask(append(reader, targets, { node })));
  }

  async #beat(): Promise<void> {
    const { reader, node } = this.#parts;
    const { generation } = this.position;
    if ((await this.#ask(report(reader, node, this.position, this.#unreported()))) !== generation)
      throw new Error("the log is another one");
    this.#beatAtMs = performance.now();
  }

  /** What took long is told at once: the other connection may be waiting for an entry. */
  async #reportLate(): Promise<void> {
    const { link, node } = this.#parts;
    await link.run((client) => report(client, node, this.position, this.#unreported()));
  }

  #unreported(): ReadonlyMap<string, number> {
    const removed = this.#removed;
    this.#removed = new Map();
    return removed;
  }

  async #ask<T>(reply: Promise<T>, extraMs = 0): Promise<T> {
    const value = await within(reply, this.#parts.commandMs + extraMs);
    this.#contactAtMs = performance.now();
    return value;
  }

  #advance(id: string, generation: string): void {
    if (this.hasApplied({ id, generation })) return;
    this.#position = { id, generation };
    this.#changes.tell();
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
    this.#changes.tell();
  }

  #isClosed(): boolean {
    return this.#state === "closed";
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

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function countOf(apply: () => MaybePromise<number>): Promise<number> {
  try {
    return await apply();
  } catch {
    return 0;
  }
}
