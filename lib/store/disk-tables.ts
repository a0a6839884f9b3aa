// Answers: how are stored responses written into the file?
// Owns: entries, their contents, labels and uses; counts that are written with the transaction they belong to.
// Leaves out: transactions (`disk-writer.ts`), bodies in chunks (`disk-bodies.ts`), what is to go (`disk-removal.ts`, `disk-room.ts`).
import type { Database, Statement } from "bun:sqlite";
import type { Card } from "./disk-messages.ts";
import { hashOf, sumOf, sumTextOf } from "./disk-schema.ts";

/** What has to be known of an entry to delete it. */
export type Doomed = readonly [id: number, bodyId: number, labels: string];

/** Where the body of a new entry is: beside its head, or in chunks under a number. */
export type Place = { readonly body: Uint8Array } | { readonly bodyId: number; readonly length: number };

/** Variants of one key above this push out the oldest, as in memory. */
const MAX_VARIANTS = 64;

/** What an entry takes besides its body, in bytes, about: rows and indexes. */
const OVERHEAD_BYTES = 1024;

/** Uses above this count no more, as in memory. */
const MAX_USES = 64;

/** Uses per byte are tiny; a number is easier to look at. */
const PRIORITY_SCALE = 1e6;

/** The rows of stored responses. All of it belongs into a transaction. */
export class DiskTables {
  readonly #db: Database;
  readonly #statements = new Map<string, Statement>();
  /** What the transaction has added and taken so far. */
  #added = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Runs a statement, prepared once; the id of a row that it added. */
  run(sql: string, ...values: (string | number | bigint | Uint8Array)[]): number {
    return Number(this.#prepared(sql).run(...values).lastInsertRowid);
  }

  /** The rows that a statement gives. */
  rows<Row>(sql: string, ...values: (string | number | bigint)[]): Row[] {
    return this.#prepared(sql).values(...values) as unknown as Row[];
  }

  /** The first number that a statement gives; 0 where it gives none. */
  number(sql: string, ...values: (string | number | bigint)[]): number {
    const [[value] = []] = this.rows<[number]>(sql, ...values);
    return Number(value ?? 0);
  }

  /** The first number that a statement gives which is made for one question: it is not kept. */
  numberOnce(sql: string, ...values: (string | number | bigint)[]): number {
    const statement = this.#db.prepare(sql);
    try {
      const [[value] = []] = statement.values(...values);
      return Number(value ?? 0);
    } finally {
      statement.finalize();
    }
  }

  /** Nothing is called afterwards. SQLite keeps a file open as long as it has statements. */
  close(): void {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#db.close();
  }

  /** Responses that are stored, as far as this transaction sees. */
  responses(): number {
    return this.number("SELECT responses FROM counters WHERE id = 1") + this.#added;
  }

  /** Writes down what the transaction has counted: the last thing before it is committed. */
  count(): void {
    if (this.#added !== 0)
      this.run("UPDATE counters SET responses = responses + ?1 WHERE id = 1", this.#added);
    this.#added = 0;
  }

  /** Writes something, so that the transaction has something to commit: SQLite does not write what is the same. */
  touch(): void {
    this.run("UPDATE counters SET touches = touches + 1 WHERE id = 1");
  }

  /** Forgets what was counted: the transaction has been undone. */
  forgetCount(): void {
    this.#added = 0;
  }

  /** The largest id that was ever given. */
  lastId(): number {
    return this.number("SELECT seq FROM sqlite_sequence WHERE name = 'entries'");
  }

  /** Stores a response in the place of the variant that it supersedes. */
  put(card: Card, place: Place): void {
    this.supersede(card, "bodyId" in place ? place.bodyId : 0);
    const [length, bodyId] = "body" in place ? [place.body.length, 0] : [place.length, place.bodyId];
    const bytes = OVERHEAD_BYTES + card.head.length + length;
    const labels = card.labels.map(hashOf);
    const id = this.run(
      `INSERT INTO entries(hash, key, variant, soft, priority, uses, stale, bytes, length, body, labels)
        VALUES(?1, ?2, ?3, 0, (SELECT level FROM counters WHERE id = 1) + ?4, 1, ?5, ?6, ?7, ?8, ?9)`,
      ...[hashOf(card.key), card.key, card.variant, PRIORITY_SCALE / bytes],
      ...[card.staleAt, bytes, length, bodyId, labels.join(" ")],
    );
    const text = sumTextOf(card.key, length, bodyId, card.head);
    if ("body" in place) {
      const sum = sumOf(text, place.body);
      this.run("INSERT INTO contents VALUES(?1, ?2, ?3, ?4)", id, card.head, place.body, sum);
    } else this.run("INSERT INTO contents VALUES(?1, ?2, NULL, ?3)", id, card.head, sumOf(text));
    for (const label of labels) this.run("INSERT OR IGNORE INTO labels VALUES(?1, ?2)", label, id);
    this.#added++;
    if (card.variant !== "") this.#boundVariants(card.key);
  }

  /** Deletes the variant that a response supersedes; the chunks under `keptBodyId` stay. */
  supersede({ key, variant }: Pick<Card, "key" | "variant">, keptBodyId = 0): void {
    const older = this.rows<Doomed>(
      "SELECT id, body, labels FROM entries WHERE hash = ?1 AND key = ?2 AND variant = ?3",
      ...[hashOf(key), key, variant],
    );
    for (const one of older) this.delete(one, keptBodyId);
  }

  /** Deletes an entry. Its chunks follow later, but those under `keptBodyId`. */
  delete([id, bodyId, labels]: Doomed, keptBodyId = 0): void {
    this.run("DELETE FROM entries WHERE id = ?1", id);
    this.run("DELETE FROM contents WHERE id = ?1", id);
    if (labels !== "")
      for (const label of labels.split(" ").filter(isNumber))
        this.run("DELETE FROM labels WHERE label = ?1 AND id = ?2", BigInt(label), id);
    if (bodyId !== 0 && bodyId !== keptBodyId) this.run("INSERT OR IGNORE INTO orphans VALUES(?1)", bodyId);
    this.#added--;
  }

  /** Deletes what is damaged: the entry with this id, and all others of the key that have the body. */
  lose(key: string, id: number, bodyId: number): void {
    const lost = this.rows<Doomed>(
      "SELECT id, body, labels FROM entries WHERE hash = ?1 AND key = ?2 AND (id = ?3 OR (body <> 0 AND body = ?4))",
      ...[hashOf(key), key, id, bodyId],
    );
    for (const one of lost) this.delete(one);
  }

  /** Notes that a key was used so many times. */
  used(key: string, uses: number): void {
    this.run(
      `UPDATE entries SET uses = min(uses + ?3, ${MAX_USES}),
        priority = (SELECT level FROM counters WHERE id = 1) + ${PRIORITY_SCALE} * min(uses + ?3, ${MAX_USES}) / bytes
        WHERE hash = ?1 AND key = ?2`,
      ...[hashOf(key), key, uses],
    );
  }

  #boundVariants(key: string): void {
    const oldest = this.rows<Doomed>(
      `SELECT id, body, labels FROM entries WHERE hash = ?1 AND key = ?2 ORDER BY id DESC LIMIT -1 OFFSET ${MAX_VARIANTS}`,
      ...[hashOf(key), key],
    );
    for (const one of oldest) this.delete(one);
  }

  #prepared(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** Not so where bits have changed: a label of an entry that is gone does no harm. */
function isNumber(label: string): boolean {
  return /^-?\d{1,18}$|^-?[1-8]\d{18}$|^-?9[0-2]\d{17}$/.test(label);
}
