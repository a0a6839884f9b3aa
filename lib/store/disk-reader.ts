// Answers: what is stored in the file for a key?
// Owns: reading heads and bodies, on the calling thread; what was removed and is still there is not found, nor what is damaged.
// Leaves out: writing (`disk-tables.ts`), a body as a stream (`disk-body.ts`).
import type { Database, Statement } from "bun:sqlite";
import type { StoredBody, StoredHead, StoredResponse } from "../message.ts";
import { decodeHead } from "./codec.ts";
import { DiskBody } from "./disk-body.ts";
import { CHUNK_BYTES, CHUNKS, chunkTextOf, hashOf, sumOf, sumTextOf } from "./disk-schema.ts";
import { textOnce } from "./field-block.ts";
import { StoredRecord } from "./record.ts";
import { bodySize, overheadOf } from "./size.ts";
import type { MaybePromise } from "./store.ts";
import { meets } from "./labels-of.ts";
import { parsedTarget, type ParsedTarget } from "./targets.ts";

type HeadRow = readonly [
  id: number,
  isSoft: number,
  length: number,
  bodyId: number,
  head: string,
  sum: number,
  lastRemoval: number | null,
  body?: Bytes | null,
];

type Bytes = Uint8Array<ArrayBuffer>;

type ReadPlace = { readonly key: string; readonly bodyId: number };

/** What was removed up to an id, and is there still. */
interface Leaving {
  readonly target: ParsedTarget;
  readonly last: number;
}

/** What a reader has to say. */
export interface ReaderSays {
  /** Bytes are not what was written: of the entry with this id, 0 for none, or of a body, 0 for none. */
  readonly onDamage: (key: string, id: number, bodyId: number) => void;
  /** The first reader of a body begins, or the last one has ended. */
  readonly onReading: (bodyId: number, isRead: boolean) => void;
}

/** Bodies up to this size are read in one go, in bytes. */
const AT_ONCE_BYTES = 262_144;

/** Chunks of a larger one that are read before others have their turn: together they take as long as a small body or two. */
const CHUNKS_IN_A_ROW = 2;

/** What of the file is kept in memory for reading, in KB: index pages above all. */
const CACHE_KB = 8192;

/** Reads one file. Its methods throw what SQLite throws. */
export class DiskReader {
  readonly #db: Database;
  readonly #inMemoryBytes: number;
  readonly #says: ReaderSays;
  readonly #two: Statement;
  readonly #heads: Statement;
  readonly #inline: Statement;
  readonly #chunk: Statement;
  readonly #removals: Statement;
  readonly #meta: Statement;
  readonly #begin: Statement;
  readonly #end: Statement;
  /** How many read a body as a stream. */
  readonly #holds = new Map<number, number>();
  #isReading = false;
  #leaving: readonly Leaving[] = [];
  #lastRemoval: number | null = null;
  #isOpen = true;

  /** Larger bodies than `inMemoryBytes` are left where they are. */
  constructor(db: Database, inMemoryBytes: number, says: ReaderSays) {
    this.#db = db;
    this.#says = says;
    this.#inMemoryBytes = inMemoryBytes;
    db.run(`PRAGMA cache_size = ${-CACHE_KB}`);
    // One statement, hence one state of the file: whether there are new removals, and what is stored.
    const columns = "e.id, e.soft, e.length, e.body, c.head, c.sum, (SELECT max(seq) FROM removals)";
    const rows =
      "FROM entries e JOIN contents c ON c.id = e.id WHERE e.hash = ?1 AND e.key = ?2 ORDER BY e.id";
    this.#two = db.prepare(`SELECT ${columns}, c.body ${rows} LIMIT 2`);
    this.#heads = db.prepare(`SELECT ${columns} ${rows}`);
    this.#inline = db.prepare("SELECT body FROM contents WHERE id = ?1");
    this.#chunk = db.prepare(`SELECT bytes, sum FROM chunks WHERE id = ?1 * ${CHUNKS} + ?2`);
    this.#removals = db.prepare("SELECT target, last FROM removals");
    this.#meta = db.prepare("SELECT value FROM meta WHERE name = ?1");
    this.#begin = db.prepare("BEGIN");
    this.#end = db.prepare("COMMIT");
  }

  /** What is read from now on is what the file says now. */
  renew(): void {
    if (!this.#isReading) return;
    this.#isReading = false;
    try {
      this.#end.run();
    } catch {
      // An error of a statement has ended it already.
    }
  }

  /**
   * All that is read in one turn of the event loop is of one state of the file: to look for the latest each time would
   * take longer than the rest of a question about what is not there.
   */
  #beginReading(): void {
    if (this.#isReading) return;
    this.#begin.run();
    this.#isReading = true;
    setImmediate(() => this.renew());
  }

  /** As `recall` of a tier; what `removing` means is not found, or found marked. */
  recall(
    key: string,
    fits: (head: StoredHead) => boolean,
    removing: readonly ParsedTarget[],
  ): MaybePromise<readonly StoredResponse[]> {
    const hash = hashOf(key);
    this.#beginReading();
    let rows = this.#two.values(hash, key) as unknown as HeadRow[];
    if (rows.length === 0) return NOTHING;
    // Of several variants most bodies are not wanted.
    if (rows.length > 1) rows = this.#heads.values(hash, key) as unknown as HeadRow[];
    const found: MaybePromise<StoredResponse | undefined>[] = [];
    for (const row of rows) {
      const [, , , bodyId, text, , , inline] = row;
      if ((bodyId !== 0 || inline !== undefined) && !this.#isWhole(key, row, inline)) continue;
      const stored = decodeHead(key, text);
      const head = stored && this.#left(stored, row, removing);
      if (head === undefined || !fits(head)) continue;
      found.push(this.#withBody(head, row));
    }
    const isReady = found.every((one) => !(one instanceof Promise));
    return isReady ? present(found as (StoredResponse | undefined)[]) : Promise.all(found).then(present);
  }

  /** The bytes of a chunk; `undefined` where it is gone, or damaged. */
  chunk(key: string, bodyId: number, at: number): Bytes | undefined {
    if (!this.#isOpen) return undefined;
    const [row] = this.#chunk.values(bodyId, at);
    if (row === undefined) return undefined;
    const [bytes, sum] = row as unknown as [Bytes, number];
    if (bytes instanceof Uint8Array && sum === sumOf(chunkTextOf(bodyId, at), bytes)) return bytes;
    this.#says.onDamage(key, 0, bodyId);
    return undefined;
  }

  /** Has the chunks of a body stay, whatever is removed, until what it gives is called. */
  hold(bodyId: number): () => void {
    let isHeld = true;
    this.#held(bodyId, 1);
    return () => {
      if (isHeld) this.#held(bodyId, -1);
      isHeld = false;
    };
  }

  #held(bodyId: number, more: 1 | -1): void {
    const readers = (this.#holds.get(bodyId) ?? 0) + more;
    if (readers === 0) this.#holds.delete(bodyId);
    else this.#holds.set(bodyId, readers);
    const hasChanged = readers === 0 || (readers === 1 && more === 1);
    if (hasChanged && this.#isOpen) this.#says.onReading(bodyId, readers > 0);
  }

  meta(name: string): string | undefined {
    const [[value] = []] = this.#meta.values(name);
    return value as string | undefined;
  }

  close(): void {
    this.renew();
    this.#isOpen = false;
    const questions = [this.#two, this.#heads, this.#inline, this.#chunk, this.#removals, this.#meta];
    // SQLite keeps a file open as long as it has statements.
    for (const one of [...questions, this.#begin, this.#end]) one.finalize();
    this.#db.close();
  }

  /** The head, as what was removed leaves it. */
  #left(head: StoredHead, row: HeadRow, removing: readonly ParsedTarget[]): StoredHead | undefined {
    const [id, isSoft, , , , , lastRemoval] = row;
    if (lastRemoval !== this.#lastRemoval) this.#seeRemovals(lastRemoval);
    let isPurged = isSoft === 1;
    for (const target of removing) {
      if (!meets(target, head)) continue;
      if (!target.isSoft) return undefined;
      isPurged = true;
    }
    for (const { target, last } of this.#leaving) {
      if (id > last || !meets(target, head)) continue;
      if (!target.isSoft) return undefined;
      isPurged = true;
    }
    return isPurged ? { ...head, isPurged } : head;
  }

  /** Those that were through in the meantime do no harm: there is nothing that they mean. */
  #seeRemovals(lastRemoval: number | null): void {
    const rows = lastRemoval === null ? [] : (this.#removals.values() as unknown as [string, number][]);
    this.#leaving = rows.map(([target, last]) => ({ target: parsedTarget(target), last }));
    this.#lastRemoval = lastRemoval;
  }

  #withBody(head: StoredHead, row: HeadRow): MaybePromise<StoredResponse | undefined> {
    const [id, , length, bodyId, , , , read] = row;
    const { key } = head;
    const inline = bodyId === 0 && read === undefined ? this.#inlineOf(id) : read;
    if (read === undefined && bodyId === 0 && !this.#isWhole(key, row, inline)) return undefined;
    const bytes = inline ?? undefined;
    if (bodyId === 0) return recordOf(head, bytes, length);
    if (length > this.#inMemoryBytes) return record(head, new DiskBody(this, length, { key, bodyId }));
    if (length <= AT_ONCE_BYTES) {
      const whole = new Uint8Array(length);
      for (let at = 0; at * CHUNK_BYTES < length; at++)
        if (!this.#copyChunk(whole, { key, bodyId }, at)) return undefined;
      return recordOf(head, whole, length);
    }
    return this.#gathered({ key, bodyId }, length).then((all) => recordOf(head, all, length));
  }

  /** Whether head and inline body are what was written. */
  #isWhole(key: string, row: HeadRow, inline: Bytes | null | undefined): boolean {
    const [id, , length, bodyId, text, sum] = row;
    const bytes = inline ?? undefined;
    const isInPlace = bodyId === 0 ? bytes instanceof Uint8Array : bytes === undefined;
    if (isInPlace && sum === sumOf(sumTextOf(key, length, bodyId, text), bytes)) return true;
    this.#says.onDamage(key, id, bodyId);
    return false;
  }

  #inlineOf(id: number): Bytes | undefined {
    const [[bytes] = []] = this.#inline.values(id);
    return bytes as unknown as Bytes | undefined;
  }

  /** A larger one, while others have their turn. */
  async #gathered(place: ReadPlace, length: number): Promise<Bytes | undefined> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at * CHUNK_BYTES < length; at++) {
      if (at % CHUNKS_IN_A_ROW === 0) await new Promise((resolve) => setImmediate(resolve));
      try {
        if (!this.#copyChunk(bytes, place, at)) return undefined;
      } catch {
        // The next question meets the same trouble, and tells of it.
        return undefined;
      }
    }
    return bytes;
  }

  /** False where it is not there, or not as long as it must be. */
  #copyChunk(to: Uint8Array, { key, bodyId }: ReadPlace, at: number): boolean {
    const bytes = this.chunk(key, bodyId, at);
    if (bytes?.length !== Math.min(CHUNK_BYTES, to.length - at * CHUNK_BYTES)) return false;
    to.set(bytes, at * CHUNK_BYTES);
    return true;
  }
}

function recordOf(
  head: StoredHead,
  bytes: Bytes | undefined | null,
  length: number,
): StoredResponse | undefined {
  if (bytes?.length !== length) return undefined;
  return record(head, { kind: "complete", bytes });
}

/** A stored response with this body. */
export function record(head: StoredHead, body: StoredBody): StoredResponse {
  const text = textOnce(head.fields);
  return new StoredRecord(head, text, body, overheadOf(head, text) + bodySize(body));
}

function present(found: readonly (StoredResponse | undefined)[]): readonly StoredResponse[] {
  return found.filter((one) => one !== undefined);
}

const NOTHING: readonly StoredResponse[] = Object.freeze([]);
