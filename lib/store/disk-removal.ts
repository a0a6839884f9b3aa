// Answers: how does what is removed leave the file?
// Owns: few at once; many by writing down what is removed, so that no reader finds it, and deleting piece by piece.
// Leaves out: what a target means (`targets.ts`), readers (`disk-reader.ts`), transactions (`disk-writer.ts`).
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import type { DiskBodies } from "./disk-bodies.ts";
import { hashOf, isAlive } from "./disk-schema.ts";
import type { Doomed, DiskTables } from "./disk-tables.ts";
import { labelOf, names, parsedTarget, type ParsedTarget } from "./targets.ts";

/** So many responses are removed at once; of more, it is written down that they are. */
const AT_ONCE = 1000;

/** Of those that are written down, so many are deleted, or marked, in one transaction. */
const IN_A_SLICE = 400;

/** Index rows that are looked at in one transaction where no index helps: prefixes. */
const SCANNED_IN_A_SLICE = 10_000;

/**
 * Earlier removals, the latest ones, that a count leaves out. What only an older one means that is still being deleted is
 * counted twice: an expression of SQLite is not to grow with what waits.
 */
const MAX_EXCLUDED = 32;

type Row = readonly [...doomed: Doomed, key: string];

/** Removals that are written down, oldest first. */
type Written = readonly [seq: number, target: InvalidationTarget, last: number, at: number, owner: string];

/** Removes. All of it belongs into a transaction. */
export class DiskRemoval {
  readonly #tables: DiskTables;
  readonly #bodies: DiskBodies;
  readonly #owner: string;

  constructor(tables: DiskTables, bodies: DiskBodies, owner: string) {
    this.#tables = tables;
    this.#bodies = bodies;
    this.#owner = owner;
  }

  /** Removes what a target means, or writes down that it is removed; how many responses that are. */
  remove(target: InvalidationTarget): number {
    const parsed = parsedTarget(target);
    this.#bodies.cancel(parsed);
    const few = this.#few(parsed);
    if (few === undefined) return this.#writeDown(target, parsed);
    const leaving = this.#leaving();
    const met = leaving.length === 0 ? few : few.filter((row) => !this.#isLeaving(row, leaving));
    for (const row of met) this.#take(row, parsed);
    return met.length;
  }

  /** Whether an entry has been removed and is there still; `labels` are the hashes of its labels, as its row has them. */
  isRemoved(id: number, key: string, labels: string): boolean {
    return this.#isLeaving([id, 0, labels, key], this.#leaving());
  }

  /** Deletes, or marks, some of what is written down; false where there is nothing. */
  slice(): boolean {
    const first = this.#written().find(
      ([, , , , owner]) => owner === this.#owner || !isAlive(owner, this.#owner),
    );
    if (first === undefined) return false;
    const [seq, target, last, at] = first;
    const parsed = parsedTarget(target);
    const { rows, next } = this.#next(parsed, last, at);
    for (const row of rows) this.#take(row, parsed);
    if (next === undefined) this.#tables.run("DELETE FROM removals WHERE seq = ?1", seq);
    else this.#tables.run("UPDATE removals SET at = ?2 WHERE seq = ?1", seq, next);
    return true;
  }

  /** All that a target means, where that is little; `undefined` where it is much. */
  #few(target: ParsedTarget): readonly Row[] | undefined {
    const { kind, name } = target;
    const label = labelOf(target);
    const columns = "SELECT e.id, e.body, e.labels, e.key FROM";
    if (kind === "uri")
      return this.#tables.rows<Row>(`${columns} entries e WHERE hash = ?1 AND key = ?2`, hashOf(name), name);
    if (label === undefined) {
      if (this.#tables.responses() > AT_ONCE) return undefined;
      return this.#tables.rows<Row>(`${columns} entries e`).filter((row) => names(target, row[3], []));
    }
    const rows = this.#tables.rows<Row>(
      `${columns} labels l JOIN entries e ON e.id = l.id WHERE l.label = ?1 LIMIT ${AT_ONCE + 1}`,
      hashOf(label),
    );
    return rows.length > AT_ONCE ? undefined : rows;
  }

  #writeDown(target: InvalidationTarget, parsed: ParsedTarget): number {
    const count = this.#counted(parsed, this.#leaving());
    this.#tables.run(
      "INSERT INTO removals(target, last, at, owner) VALUES(?1, ?2, 0, ?3)",
      ...[target, this.#tables.lastId(), this.#owner],
    );
    return count;
  }

  /** How many there are that no earlier removal means: what it means and has not deleted yet is still among the rows. */
  #counted(target: ParsedTarget, leaving: readonly Written[]): number {
    const label = labelOf(target);
    if (leaving.length === 0) {
      if (target.kind === "all") return this.#tables.responses();
      // Without a look at the entries, which lie elsewhere.
      if (label !== undefined)
        return this.#tables.number("SELECT count(*) FROM labels WHERE label = ?1", hashOf(label));
    }
    const excluded = leaving.slice(-MAX_EXCLUDED).map(([, its, last]): Condition => {
      const { sql, values } = meant(parsedTarget(its));
      return { sql: `NOT (e.id <= ? AND ${sql})`, values: [last, ...values] };
    });
    const from = label === undefined ? "entries e" : "labels l JOIN entries e ON e.id = l.id";
    const own = label === undefined ? meant(target) : { sql: "l.label = ?", values: [hashOf(label)] };
    const all = [own, ...excluded];
    return this.#tables.numberOnce(
      `SELECT count(*) FROM ${from} WHERE ${all.map(({ sql }) => sql).join(" AND ")}`,
      ...all.flatMap(({ values }) => values),
    );
  }

  /** The next ones that a removal means, and where to go on; `undefined` where that was all. */
  #next(target: ParsedTarget, last: number, at: number): { rows: readonly Row[]; next: number | undefined } {
    const columns = "SELECT e.id, e.body, e.labels, e.key FROM";
    const label = labelOf(target);
    const most = label !== undefined || target.kind === "all" ? IN_A_SLICE : SCANNED_IN_A_SLICE;
    const seen =
      label !== undefined
        ? this.#tables.rows<Row>(
            `${columns} labels l JOIN entries e ON e.id = l.id WHERE l.label = ?1 AND l.id > ?2 AND l.id <= ?3 ORDER BY l.id LIMIT ${most}`,
            ...[hashOf(label), at, last],
          )
        : this.#tables.rows<Row>(
            `${columns} entries e WHERE e.id > ?1 AND e.id <= ?2 ORDER BY e.id LIMIT ${most}`,
            ...[at, last],
          );
    const met = label !== undefined ? seen : seen.filter(([, , , key]) => names(target, key, []));
    const rows = met.slice(0, IN_A_SLICE);
    if (met.length > rows.length) return { rows, next: rows.at(-1)?.[0] };
    return { rows, next: seen.length < most ? undefined : seen.at(-1)?.[0] };
  }

  #take([id, bodyId, labels]: Row, { isSoft }: ParsedTarget): void {
    if (isSoft) this.#tables.run("UPDATE entries SET soft = 1 WHERE id = ?1", id);
    else this.#tables.delete([id, bodyId, labels]);
  }

  /** Whether it is counted already: by a removal that is not through. */
  #isLeaving([id, , labels, key]: Row, leaving: readonly Written[]): boolean {
    const hashes = labels === "" ? [] : labels.split(" ");
    return leaving.some(([, target, last]) => {
      if (id > last) return false;
      const parsed = parsedTarget(target);
      const label = labelOf(parsed);
      return label === undefined ? names(parsed, key, []) : hashes.includes(String(hashOf(label)));
    });
  }

  /** Those that delete. */
  #leaving(): readonly Written[] {
    return this.#written().filter(([, target]) => !parsedTarget(target).isSoft);
  }

  #written(): readonly Written[] {
    return this.#tables.rows<Written>("SELECT seq, target, last, at, owner FROM removals ORDER BY seq");
  }
}

/** A condition on the entry `e`, and the values in it. */
interface Condition {
  readonly sql: string;
  readonly values: readonly (string | number | bigint)[];
}

function meant(target: ParsedTarget): Condition {
  const { kind, name } = target;
  const label = labelOf(target);
  if (label !== undefined)
    return { sql: "EXISTS (SELECT 1 FROM labels WHERE label = ? AND id = e.id)", values: [hashOf(label)] };
  if (kind === "all") return { sql: "1", values: [] };
  if (kind === "uri") return { sql: "e.key = ?", values: [name] };
  return { sql: "substr(e.key, 1, length(?)) = ?", values: [name, name] };
}
