// Answers: what becomes of bodies that come in chunks, and of the chunks that nobody needs any more?
// Owns: writes under way, in this process and in others that may have died; deleting chunks piece by piece, not under a reader.
// Leaves out: entries (`disk-tables.ts`), the other end of a write (`disk-write.ts`).
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import type { Card } from "./disk-messages.ts";
import { CHUNKS, chunkTextOf, isAlive, sumOf } from "./disk-schema.ts";
import type { DiskTables } from "./disk-tables.ts";
import { names, type ParsedTarget } from "./targets.ts";

/** A body on its way. */
export interface Write {
  readonly bodyId: number;
  readonly card: Card;
  readonly isPut: boolean;
}

/** Chunks that are deleted in one go: 2 MB. */
const CHUNKS_AT_ONCE = 32;

/**
 * So long chunks that are to go wait for those who read them, in milliseconds from the first of them on: a client that
 * takes nothing must not hold room for ever. A download of 1 GB may be as slow as 1.7 MB/s.
 */
const MAX_READING_MS = 600_000;

/** The bodies of one file. All of it belongs into a transaction. */
export class DiskBodies {
  readonly #tables: DiskTables;
  readonly #owner: string;
  readonly #writes = new Map<number, Write>();
  /** Bodies that are being read in this process, since when. Of readers in other processes nothing is known here. */
  readonly #reading = new Map<number, number>();

  constructor(tables: DiskTables, owner: string) {
    this.#tables = tables;
    this.#owner = owner;
  }

  /** Of a put the older variant goes now: it has been superseded in memory. */
  begin(write: number, card: Card, isPut: boolean): void {
    if (isPut) this.drop(card);
    const bodyId = this.#tables.run(
      "INSERT INTO bodies(owner, key, labels) VALUES(?1, ?2, ?3)",
      ...[this.#owner, card.key, JSON.stringify(card.labels)],
    );
    this.#writes.set(write, { bodyId, card, isPut });
  }

  /** Nothing where the write came to nothing: here, or by a removal in another process. */
  chunk(write: number, at: number, bytes: Uint8Array): void {
    const known = this.#writes.get(write);
    if (known === undefined) return;
    this.#tables.run(
      `INSERT INTO chunks SELECT ?1 * ${CHUNKS} + ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM bodies WHERE id = ?1)`,
      ...[known.bodyId, at, bytes, sumOf(chunkTextOf(known.bodyId, at), bytes)],
    );
  }

  /** Makes it visible; its number, or 0 where it came to nothing: it was removed, or superseded, while it was written. */
  commit(write: number, length: number): number {
    const known = this.#writes.get(write);
    if (known === undefined) return 0;
    const { bodyId, card } = known;
    this.#writes.delete(write);
    if (this.#tables.number("SELECT count(*) FROM bodies WHERE id = ?1", bodyId) === 0) return 0;
    this.cancelPuts(card);
    this.#tables.run("DELETE FROM bodies WHERE id = ?1", bodyId);
    this.#tables.put(card, { bodyId, length });
    return bodyId;
  }

  /** Forgets a write, and gives what it was to be. */
  abort(write: number): Card | undefined {
    const known = this.#writes.get(write);
    this.#writes.delete(write);
    if (known !== undefined) this.#orphan(known.bodyId);
    return known?.card;
  }

  /** What is under way by now; to be given back to `restore` where the transaction is undone. */
  saved(): ReadonlyMap<number, Write> {
    return new Map(this.#writes);
  }

  restore(writes: ReadonlyMap<number, Write>): void {
    this.#writes.clear();
    for (const [write, known] of writes) this.#writes.set(write, known);
  }

  /** Deletes the variant that a response supersedes, stored or on its way. */
  drop(card: Pick<Card, "key" | "variant">): void {
    this.cancelPuts(card);
    this.#tables.supersede(card);
  }

  /** Puts under way of the same variant come to nothing: what came later is in their place. */
  cancelPuts({ key, variant }: Pick<Card, "key" | "variant">): void {
    for (const [write, { card, isPut }] of this.#writes)
      if (isPut && card.key === key && card.variant === variant) this.abort(write);
  }

  /** Whatever a removal means comes to nothing, also where it is to be soft, or another process writes it. */
  cancel(target: ParsedTarget): void {
    const rows = this.#tables.rows<[number, string, string]>("SELECT id, key, labels FROM bodies");
    for (const [bodyId, key, labels] of rows)
      if (names(target, key, JSON.parse(labels) as InvalidationTarget[])) this.#orphan(bodyId);
  }

  /** Orphans what processes have left behind that are not alive any more. */
  collect(): void {
    const rows = this.#tables.rows<[number, string]>("SELECT id, owner FROM bodies");
    for (const [bodyId, owner] of rows) if (!isAlive(owner, this.#owner)) this.#orphan(bodyId);
  }

  /** A body is being read from now on, or is not any more. To be told again does no harm: a batch may be tried twice. */
  reading(bodyId: number, isRead: boolean): void {
    if (isRead) this.#reading.set(bodyId, performance.now());
    else this.#reading.delete(bodyId);
  }

  /** Whether the chunks of a body wait for a reader in this process. */
  isRead(bodyId: number): boolean {
    const since = this.#reading.get(bodyId);
    return since !== undefined && performance.now() - since < MAX_READING_MS;
  }

  /** Deletes some of the chunks that nobody needs, nor reads; false where there are none. */
  sweep(): boolean {
    const orphans = this.#tables.rows<[number]>(`SELECT id FROM orphans LIMIT ?1`, this.#reading.size + 1);
    const [bodyId] = orphans.find(([id]) => !this.isRead(id)) ?? [];
    if (bodyId === undefined) return false;
    const chunks = this.#tables.rows<[bigint | number]>(
      `SELECT id - ?1 * ${CHUNKS} FROM chunks WHERE id >= ?1 * ${CHUNKS} AND id < (?1 + 1) * ${CHUNKS} LIMIT ${CHUNKS_AT_ONCE}`,
      bodyId,
    );
    for (const [at] of chunks)
      this.#tables.run(`DELETE FROM chunks WHERE id = ?1 * ${CHUNKS} + ?2`, bodyId, at);
    // It does not grow any more: its row in `bodies` is gone.
    if (chunks.length < CHUNKS_AT_ONCE) this.#tables.run("DELETE FROM orphans WHERE id = ?1", bodyId);
    return true;
  }

  #orphan(bodyId: number): void {
    this.#tables.run("DELETE FROM bodies WHERE id = ?1", bodyId);
    this.#tables.run("INSERT OR IGNORE INTO orphans VALUES(?1)", bodyId);
  }
}
