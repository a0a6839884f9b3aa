// Answers: what do the nodes of a fleet have in common?
// Owns: the shared tier: what is recalled and put there, who fills a key, and purges that reach every node.
// Leaves out: each of these by itself (`entries.ts`, `lease.ts`, `purge-log.ts`, `nodes.ts`), the wire (`connect.ts`).
import type { StoredHead, StoredResponse } from "../message.ts";
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { textOnce } from "../store/field-block.ts";
import { overheadOf } from "../store/size.ts";
import type { FillMark, OuterStats, OuterTier } from "../store/store.ts";
import { bytesOfBody, lengthOfBody } from "./body-bytes.ts";
import { connect } from "./connect.ts";
import { dropVariant, mayBeShared, readEntry, writeEntry, type Read } from "./entries.ts";
import { lease, type FillEnd, type Waiting } from "./lease.ts";
import { SHARED_LIMITS, type SharedLimits } from "./limits.ts";
import { Link } from "./link.ts";
import { leave } from "./nodes.ts";
import { parsePosition, positionText, type Position } from "./position.ts";
import { PurgeIndex, type Verdict } from "./purge-index.ts";
import { PurgeLog, type LogListener } from "./purge-log.ts";
import { Purges, type PurgeOutcome } from "./purges.ts";
import type { SharedUrl } from "./url.ts";
import { Writes } from "./writes.ts";

/** What a shared tier is made with. All times are milliseconds. */
export interface SharedParts extends LogListener {
  readonly url: SharedUrl;
  /** The name of this node: no other one of the fleet has it, and no blank is in it. */
  readonly node: string;
  /** How far what this node has stored already was purged, as `position` said it; `undefined` where it has nothing. */
  readonly position: string | undefined;
  /** Larger bodies stay with this node, in bytes. */
  readonly maxObjectBytes: number;
  /** Takes a line for a person, now and then. */
  readonly warn: (line: string) => void;
  readonly clockMs?: () => number;
  readonly limits?: Partial<SharedLimits>;
}

/** Who fills a key. */
export type Turn =
  /**
   * This node: `mark`, as it is, goes to `put` with what the origin sends, then `end` tells the others. It may be called
   * twice, and waits for what was put before; what is `stored` and was not put, or is too large, is `unshared`.
   */
  | { readonly kind: "ours"; readonly mark: FillMark; readonly end: (how: FillEnd) => void }
  /** Another node did: it can be recalled. */
  | { readonly kind: "arrived" }
  /** Everybody for himself, and nothing of it into the shared tier. */
  | { readonly kind: "alone" };

/** The shared tier of one node. Nothing that it is asked for rejects. */
export class SharedTier implements OuterTier {
  readonly name = "shared";
  readonly #parts: SharedParts;
  readonly #limits: SharedLimits;
  readonly #link: Link;
  readonly #log: PurgeLog;
  readonly #index: PurgeIndex;
  readonly #purges: Purges;
  readonly #writes = new Writes();
  readonly #clockMs: () => number;
  /** How far the log had been read when the fills of these began. */
  readonly #recalledAsOf = new WeakMap<StoredResponse, Position>();
  /** Marks of what was written. */
  readonly #kept = new WeakSet<FillMark>();
  #skipped = 0;
  #recalls = 0;
  #found = 0;

  /** Connects, and waits until it is known what was purged, for as long as a connection may take. Never rejects. */
  static async open(parts: SharedParts): Promise<SharedTier> {
    const limits = { ...SHARED_LIMITS, ...parts.limits };
    const { commandMs, connectMs } = limits;
    const clockMs = parts.clockMs ?? Date.now;
    const ofCommands = await connect(parts.url, { connectMs, silentMs: 4 * commandMs });
    const reader = await connect(parts.url, { connectMs, silentMs: 1000 + 4 * commandMs });
    const link = new Link({ client: ofCommands, commandMs, warn: parts.warn, clockMs });
    const index = new PurgeIndex();
    const position = parsePosition(parts.position ?? "");
    const { node } = parts;
    const onContact = (isInContact: boolean): void => {
      parts.onContact(isInContact);
      void (isInContact ? link.confirmBack() : link.confirmAway());
    };
    const listener = { apply: parts.apply, lostTrack: parts.lostTrack, onContact };
    const log = new PurgeLog({ reader, link, index, node, position, ...limits, listener });
    log.start();
    // That it was away from the start is no change of which it could hear.
    if (!(await log.until(() => log.isInContact, connectMs))) void link.confirmAway();
    return new SharedTier({ parts, limits, link, log, index });
  }

  private constructor(made: {
    readonly parts: SharedParts;
    readonly limits: SharedLimits;
    readonly link: Link;
    readonly log: PurgeLog;
    readonly index: PurgeIndex;
  }) {
    this.#parts = made.parts;
    this.#limits = made.limits;
    this.#link = made.link;
    this.#log = made.log;
    this.#index = made.index;
    const { node, apply } = made.parts;
    this.#purges = new Purges({ ...made, node, apply, purgeMs: made.limits.purgeMs });
    this.#clockMs = made.parts.clockMs ?? Date.now;
  }

  /** How far purges have been applied on this node: to be kept with what it has stored. */
  get position(): string {
    return positionText(this.#log.position);
  }

  /** Whether purges of others arrive. */
  get isInContact(): boolean {
    return this.#log.isInContact;
  }

  /** Contact is back, and purges that were missed are not applied yet: what is stored must not be used (`caughtUp`). */
  get isCatchingUp(): boolean {
    return this.#log.isCatchingUp;
  }

  /** Without contact for too long: whatever is stored must be validated before it is reused. */
  get mustValidate(): boolean {
    return this.#log.mustValidate;
  }

  /** Resolves when this node does not catch up any more, or after `ms` milliseconds. */
  async caughtUp(ms: number): Promise<void> {
    await this.#log.until(() => !this.#log.isCatchingUp, ms);
  }

  async recall(key: string, fits: (head: StoredHead) => boolean): Promise<readonly StoredResponse[]> {
    // What others have purged meanwhile would not be known.
    if (!this.#log.isInContact) return [];
    this.#recalls++;
    // What this node has put is the last word on it, also where it is not there yet.
    await this.#writes.settled(key);
    const read = await readEntry(
      this.#link,
      key,
      ({ head, asOf }) => this.#judge(head, asOf) !== "gone" && fits(this.#marked(head, asOf)),
    );
    // Bodies took a while, in which they may have been purged.
    const found = read.flatMap((one) => this.#recalled(one));
    if (!this.#log.isInContact) return [];
    if (found.length > 0) this.#found++;
    return found;
  }

  /**
   * Whether a response that was recalled may still be kept, or was purged since then: to be asked in the same breath as it
   * is stored, since purges may come between `recall` and whoever waits for it.
   */
  stillHolds(recalled: StoredResponse): boolean {
    const asOf = this.#recalledAsOf.get(recalled);
    if (asOf === undefined || !this.#log.isInContact) return false;
    const verdict = this.#judge(recalled, asOf);
    return verdict === "fine" || (verdict === "soft" && recalled.isPurged === true);
  }

  put(stored: StoredResponse, mark?: FillMark): void {
    const length = lengthOfBody(stored.body);
    const asOf = parsePosition(mark?.asOf ?? "");
    const isSmall = length !== undefined && length <= this.#parts.maxObjectBytes;
    if (mark === undefined || asOf === undefined || !isSmall || !mayBeShared(stored))
      return this.drop(stored);
    const isQueued = this.#writes.add(stored.key, length, async () => {
      const bytes = await bytesOfBody(stored.body, length);
      const written =
        bytes === undefined
          ? "failed"
          : await writeEntry(this.#link, stored, bytes, { mark, asOf, nowMs: this.#clockMs() });
      if (written === "written") return void this.#kept.add(mark);
      this.#skipped++;
      if (written === "failed") await dropVariant(this.#link, stored);
    });
    if (isQueued) return;
    this.#skipped++;
    this.drop(stored);
  }

  drop(head: StoredHead): void {
    if (!this.#writes.add(head.key, 0, () => dropVariant(this.#link, head))) this.#skipped++;
  }

  remove(target: InvalidationTarget): Promise<number> {
    return this.#purges.remove(target);
  }

  /**
   * Removes what the targets name from every node and the shared tier. Resolves when all nodes that live have applied it,
   * this one included, or `purgeMs` has passed.
   */
  purge(targets: readonly InvalidationTarget[]): Promise<PurgeOutcome> {
    return this.#purges.purge(targets);
  }

  /** Asks for the turn to fill a key; `waiting` says how to wait for another node that has it. */
  async turn(key: string, waiting: Waiting): Promise<Turn> {
    // Purges that it would have to heed do not arrive.
    if (!this.#log.isInContact) return { kind: "alone" };
    const grant = await lease(this.#link, key, waiting, this.#limits);
    if (grant.kind !== "ours") return grant;
    const mark = { fence: grant.fence, asOf: this.position };
    // What did not get there need not be waited for, by one node after the other.
    const endAs = (how: FillEnd): FillEnd => (how === "stored" && !this.#kept.has(mark) ? "unshared" : how);
    const end = (how: FillEnd): void => {
      void this.#writes.settled(key).then(() => grant.end(endAs(how)));
    };
    return { kind: "ours", mark, end };
  }

  stats(): OuterStats {
    return {
      isWell: this.#link.isWell && this.#log.isInContact,
      // It is Redis that knows these.
      ...{ responses: 0, storedBytes: 0, budgetBytes: 0, evictions: 0 },
      ...{ queued: this.#writes.count, skipped: this.#skipped },
      ...{ recalls: this.#recalls, found: this.#found, node: this.#parts.node },
    };
  }

  async close(): Promise<void> {
    await this.#writes.allSettled();
    await this.#log.close();
    await this.#link.finish(async (client) => {
      await this.#purges.logDue(client);
      await leave(client, this.#parts.node);
    });
  }

  #judge(head: StoredHead, asOf: Position): Verdict {
    if (asOf.generation === this.#log.position.generation) return this.#index.judge(head, asOf.id);
    // Of a log that is lost: nobody knows what was purged.
    return this.#index.judge(head, "") === "gone" ? "gone" : "soft";
  }

  #marked(head: StoredHead, asOf: Position): StoredHead {
    return { ...head, isPurged: head.isPurged === true || this.#judge(head, asOf) === "soft" };
  }

  #recalled({ head, asOf, bytes }: Read): readonly StoredResponse[] {
    if (this.#judge(head, asOf) === "gone") return [];
    const sizeBytes = overheadOf(head, textOnce(head.fields)) + bytes.length;
    const found: StoredResponse = {
      ...this.#marked(head, asOf),
      ...{ body: { kind: "complete", bytes }, sizeBytes },
    };
    this.#recalledAsOf.set(found, asOf);
    return [found];
  }
}
