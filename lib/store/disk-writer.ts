// Answers: what does the writing thread of the disk tier do, and in which order?
// Owns: the thread: batches one after the other, each in a transaction; what is to go, in between; failure.
// Leaves out: the operations (`disk-tables.ts`, `disk-bodies.ts`, `disk-removal.ts`), room (`disk-room.ts`).
import type { Database } from "bun:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { DiskBodies } from "./disk-bodies.ts";
import type { DiskOperation, DiskSettings, FromDisk, ToDisk } from "./disk-messages.ts";
import { DiskOperations, type Outcome } from "./disk-operations.ts";
import { DiskRemoval } from "./disk-removal.ts";
import { DiskRoom } from "./disk-room.ts";
import { codeOf, isDamage } from "./disk-schema.ts";
import { DiskTables } from "./disk-tables.ts";

/** Between two slices of what is done in between, in milliseconds: half of a core is for those who ask. */
const PAUSE_MS = 5;

/** After a removal memory is busy with it too, and somebody waits for that: what is removed already is deleted later. */
const REST_MS = 500;

/** Where what must be written cannot be: so often it is tried, so long after each other. */
const TRIES = 4;
const RETRY_MS = 250;

/** The thread. Nothing is thrown out of it: what fails is told. */
class DiskWriter {
  readonly #db: Database;
  readonly #tables: DiskTables;
  readonly #bodies: DiskBodies;
  readonly #removal: DiskRemoval;
  readonly #room: DiskRoom;
  readonly #operations: DiskOperations;
  readonly #inbox: (readonly DiskOperation[])[] = [];
  /** As the main thread has it. */
  #nowMs = 0;
  #isScheduled = false;
  #restUntilMs = 0;
  /** Where the next step is put off. */
  #resting: ReturnType<typeof setTimeout> | undefined;
  #isClosing = false;
  #isBroken = false;
  /** Tries of the batch at the head that failed even without what may be left out. */
  #failures = 0;
  #isSafe = false;

  constructor(db: Database, settings: DiskSettings) {
    this.#db = db;
    // As long as it takes another process to write a batch or a slice, and the log back.
    db.run("PRAGMA busy_timeout = 5000; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0");
    db.run("PRAGMA cache_size = -16000");
    this.#tables = new DiskTables(db);
    this.#bodies = new DiskBodies(this.#tables, settings.owner);
    this.#removal = new DiskRemoval(this.#tables, this.#bodies, settings.owner);
    this.#room = new DiskRoom(db, this.#tables, this.#bodies, settings);
    this.#operations = new DiskOperations(this.#tables, this.#bodies, this.#removal);
    this.#schedule(0, () => {
      this.#transaction(() => this.#bodies.collect());
      send({ kind: "counts", counts: this.#room.counts() });
    });
  }

  take(message: ToDisk): void {
    if (message.kind === "close" && this.#isBroken) return this.#close();
    if (message.kind === "close") this.#isClosing = true;
    else {
      this.#inbox.push(message.operations);
      this.#nowMs = message.nowMs;
    }
    this.#schedule(0);
  }

  /** One thing at a time: batches come in between, and are taken first. */
  #schedule(afterMs: number, first?: () => void): void {
    const isResting = this.#resting !== undefined && afterMs === 0;
    if ((this.#isScheduled && !isResting) || this.#isBroken) return;
    clearTimeout(this.#resting);
    this.#resting = undefined;
    this.#isScheduled = true;
    const go = (): void => {
      this.#isScheduled = false;
      this.#resting = undefined;
      try {
        first?.();
        this.#step();
      } catch (error) {
        this.#failed(error);
      }
    };
    if (afterMs === 0) setImmediate(go);
    else {
      const timer = setTimeout(go, afterMs);
      // What has failed is not tried sooner because there is more of it.
      if (this.#failures === 0) this.#resting = timer;
    }
  }

  #step(): void {
    if (this.#inbox.length > 0) this.#write();
    else if (this.#isClosing) return this.#close();
    else if (!this.#tidy()) return send({ kind: "counts", counts: this.#room.counts() });
    this.#room.boundLog();
    const isUrgent = this.#inbox.length > 0 || this.#isClosing;
    this.#schedule(isUrgent ? 0 : Math.max(PAUSE_MS, this.#restUntilMs - performance.now()));
  }

  /** All batches that are there become one transaction, as far as the log is to have it. */
  #write(): void {
    const operations: DiskOperation[] = [];
    let [batches, bytes] = [0, 0];
    for (const batch of this.#inbox) {
      const more = batch.reduce((sum, one) => sum + bytesOf(one), 0);
      if (batches > 0 && bytes + more > this.#room.batchBytes) break;
      operations.push(...batch);
      bytes += more;
      batches++;
    }
    const { outcome, trouble } = this.#written(operations, bytes);
    this.#inbox.splice(0, batches);
    this.#failures = 0;
    if (operations.some(({ kind }) => kind === "remove")) this.#restUntilMs = performance.now() + REST_MS;
    send({ kind: "done", batches, ...outcome, trouble, counts: this.#room.counts() });
  }

  #written(operations: readonly DiskOperation[], bytes: number): { outcome: Outcome; trouble?: string } {
    try {
      if (this.#makeRoom(bytes)) return { outcome: this.#transacted(operations, false) };
      return { outcome: this.#transacted(operations, true) };
    } catch (error) {
      if (isDamage(error)) throw error;
      const trouble = codeOf(error);
      if (trouble === "SQLITE_FULL") this.#room.shrink();
      this.#rewindLog();
      return { outcome: this.#transacted(operations, true), trouble };
    }
  }

  /** A log that has been written back is written over, which takes no room. Where it cannot be, the next try will tell. */
  #rewindLog(): void {
    try {
      this.#db.run("PRAGMA wal_checkpoint(RESTART)");
    } catch (error) {
      if (isDamage(error)) throw error;
    }
  }

  /** False where nothing can leave any more. */
  #makeRoom(bytes: number): boolean {
    if (bytes === 0) return true;
    while (!this.#room.fits(bytes)) {
      if (!this.#transaction(() => this.#room.free(bytes, this.#nowMs / 1000))) return false;
      this.#room.boundLog();
    }
    return true;
  }

  /** Does all of it, or nothing; `isLean` leaves out whatever may be left out. */
  #transacted(operations: readonly DiskOperation[], isLean: boolean): Outcome {
    const isSafe = operations.some(({ kind }) => kind === "remove" || kind === "meta");
    if (isSafe !== this.#isSafe) this.#db.run(`PRAGMA synchronous = ${isSafe ? "FULL" : "NORMAL"}`);
    this.#isSafe = isSafe;
    return this.#transaction(() => {
      // What is not there any more may have gone in a transaction that is not on the disk yet: this one is to bring it there.
      if (isSafe) this.#tables.touch();
      return this.#operations.all(operations, isLean);
    });
  }

  #transaction<Result>(work: () => Result): Result {
    const saved = this.#bodies.saved();
    this.#db.run("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#tables.count();
      this.#db.run("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.run("ROLLBACK");
      this.#tables.forgetCount();
      this.#bodies.restore(saved);
      throw error;
    }
  }

  /** A slice of what there is to do besides; false where there is nothing. */
  #tidy(): boolean {
    const isMore =
      this.#transaction(() => this.#removal.slice()) || this.#transaction(() => this.#bodies.sweep());
    return isMore || this.#room.giveBack();
  }

  /** A removal that cannot be written down must not be forgotten: the file is given up then. The rest can wait. */
  #failed(error: unknown): void {
    const isDamaged = isDamage(error);
    if (isDamaged || (this.#inbox.length > 0 && ++this.#failures >= TRIES)) {
      this.#isBroken = true;
      send({ kind: "broken", why: codeOf(error), isDamaged });
    } else this.#schedule(RETRY_MS);
    if (this.#isClosing && this.#isBroken) this.#close();
  }

  #close(): void {
    try {
      this.#db.run("PRAGMA wal_checkpoint(TRUNCATE)");
      this.#tables.close();
    } catch {
      // The log is read when the file is opened the next time.
    }
    send({ kind: "closed" });
  }
}

function bytesOf(operation: DiskOperation): number {
  if (operation.kind === "put") return operation.body.length + operation.card.head.length;
  return operation.kind === "chunk" ? operation.bytes.length : 0;
}

function send(message: FromDisk): void {
  parentPort?.postMessage(message);
}

const { Database: Open } = await import("bun:sqlite");
const settings = workerData as DiskSettings;
const writer = new DiskWriter(new Open(settings.path, { readwrite: true }), settings);
parentPort?.on("message", (message: ToDisk) => writer.take(message));
