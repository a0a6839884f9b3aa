// Answers: does what is stored stay within its bound, and what leaves when it would not?
// Owns: counting pages, eviction by uses per byte, giving free pages back, the length of the log.
// Leaves out: the order in memory (`eviction.ts`), deleting itself (`disk-tables.ts`, `disk-bodies.ts`).
import type { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import type { DiskBodies } from "./disk-bodies.ts";
import type { DiskCounts, DiskSettings } from "./disk-messages.ts";
import { PAGE_BYTES } from "./disk-schema.ts";
import type { Doomed, DiskTables } from "./disk-tables.ts";

/** The log is written back into the database when it is so long, in bytes; small files have a shorter one. */
const MAX_LOG_BYTES = 2 ** 25;
const MIN_LOG_BYTES = 2 ** 19;
const LOG_SHARE = 1 / 32;

/** What one transaction adds to the log, in bytes. */
const MAX_TRANSACTION_BYTES = 2 ** 21;
const TRANSACTION_SHARE = 1 / 16;

/** Entries that are looked at in one go: of these, those leave first that are of no use any more. */
const LOOKED_AT = 128;

/** Seconds after which what is stale is of no use: it is not worth validating, nor fit to cover a failing origin. */
const USELESS_AFTER_SECONDS = 7 * 86_400;

/** Free pages are given back from this share of the file on, and until this one is left. */
const GIVE_BACK_FROM = 1 / 4;
const GIVE_BACK_TO = 1 / 16;
const PAGES_AT_ONCE = 128;

/** A smaller file is left as it is, in pages. */
const MIN_FREE_PAGES = 128;

type Candidate = readonly [...doomed: Doomed, bytes: number, stale: number, priority: number];

/** The room of one file. */
export class DiskRoom {
  readonly #db: Database;
  readonly #tables: DiskTables;
  readonly #bodies: DiskBodies;
  readonly #logPath: string;
  readonly #maxLogBytes: number;
  /** What the database may take, in bytes; less where the disk turned out to have less. */
  #maxBytes: number;
  #evictions = 0;
  #isGivingBack = false;

  constructor(db: Database, tables: DiskTables, bodies: DiskBodies, { path, sizeBytes }: DiskSettings) {
    this.#db = db;
    this.#tables = tables;
    this.#bodies = bodies;
    this.#logPath = `${path}-wal`;
    this.#maxLogBytes = Math.min(Math.max(sizeBytes * LOG_SHARE, MIN_LOG_BYTES), MAX_LOG_BYTES);
    // A transaction may make the log longer than it is to be, and is written back after it only.
    const transactionBytes = Math.min(sizeBytes * TRANSACTION_SHARE, MAX_TRANSACTION_BYTES);
    this.#maxBytes = sizeBytes - 2 * this.#maxLogBytes - transactionBytes;
  }

  /** What one transaction may add to the log without making it much too long, in bytes. */
  get batchBytes(): number {
    return this.#maxLogBytes / 2;
  }

  /** Whether so many bytes more fit; where not, `free` makes room. */
  fits(bytes: number): boolean {
    return this.#usedBytes() + bytes * ROUGHLY + SPARE_BYTES <= this.#maxBytes;
  }

  /** Deletes something, in a transaction; false where there is nothing more to delete. */
  free(bytes: number, nowSeconds: number): boolean {
    return this.#bodies.sweep() || this.#evict(bytes, nowSeconds);
  }

  /** The disk was full before the bound was reached: from now on less is kept. */
  shrink(): void {
    this.#maxBytes = Math.min(this.#maxBytes, this.#usedBytes() * 0.9);
  }

  /** Gives some of the free pages back, outside of a transaction; false where there are few. */
  giveBack(): boolean {
    const pages = this.#tables.number("PRAGMA page_count");
    const free = this.#tables.number("PRAGMA freelist_count");
    const share = this.#isGivingBack ? GIVE_BACK_TO : GIVE_BACK_FROM;
    this.#isGivingBack = free > MIN_FREE_PAGES && free > pages * share;
    if (this.#isGivingBack) this.#tables.rows(`PRAGMA incremental_vacuum(${PAGES_AT_ONCE})`);
    return this.#isGivingBack;
  }

  /** Writes a log that has become long back into the database. */
  boundLog(): void {
    if (this.#logBytes() > this.#maxLogBytes) this.#db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  counts(): DiskCounts {
    return {
      responses: this.#tables.responses(),
      fileBytes: this.#tables.number("PRAGMA page_count") * PAGE_BYTES + this.#logBytes(),
      evictions: this.#evictions,
    };
  }

  #evict(bytes: number, nowSeconds: number): boolean {
    const rows = this.#tables.rows<Candidate>(
      `SELECT id, body, labels, bytes, stale, priority FROM entries ORDER BY priority LIMIT ${LOOKED_AT}`,
    );
    const isUseless = ([, , , , stale]: Candidate): boolean => stale + USELESS_AFTER_SECONDS < nowSeconds;
    let [freed, level] = [0, 0];
    for (const row of [...rows.filter(isUseless), ...rows.filter((row) => !isUseless(row))]) {
      const [id, bodyId, labels, size, , priority] = row;
      this.#tables.delete([id, bodyId, labels]);
      this.#evictions++;
      if (!isUseless(row)) level = Math.max(level, priority);
      // What is being read gives its room later.
      if (!this.#bodies.isRead(bodyId)) freed += size;
      if (freed >= bytes) break;
    }
    this.#tables.run("UPDATE counters SET level = max(level, ?1) WHERE id = 1", level);
    return rows.length > 0;
  }

  #usedBytes(): number {
    const pages = this.#tables.number("PRAGMA page_count") - this.#tables.number("PRAGMA freelist_count");
    return pages * PAGE_BYTES;
  }

  #logBytes(): number {
    return statSync(this.#logPath, { throwIfNoEntry: false })?.size ?? 0;
  }
}

/** What bytes take in pages, about. */
const ROUGHLY = 1.25;
const SPARE_BYTES = 65_536;
