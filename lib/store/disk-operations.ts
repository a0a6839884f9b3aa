// Answers: what does each operation do to the file?
// Owns: one operation after the other, in full, or lean: where there is no room, only what makes things go.
// Leaves out: the rows (`disk-tables.ts`, `disk-bodies.ts`, `disk-removal.ts`), the transaction around them (`disk-writer.ts`).
import type { DiskBodies } from "./disk-bodies.ts";
import type { Card, DiskDone, DiskOperation } from "./disk-messages.ts";
import type { DiskRemoval } from "./disk-removal.ts";
import { hashOf } from "./disk-schema.ts";
import type { DiskTables } from "./disk-tables.ts";

/** What became of the operations. */
export type Outcome = Pick<DiskDone, "commits" | "lost" | "answers" | "skipped">;

interface Gathered {
  readonly commits: [number, number][];
  readonly lost: number[];
  readonly answers: [number, number][];
  skipped: number;
}

/** Does operations. All of it belongs into a transaction. */
export class DiskOperations {
  readonly #tables: DiskTables;
  readonly #bodies: DiskBodies;
  readonly #removal: DiskRemoval;

  constructor(tables: DiskTables, bodies: DiskBodies, removal: DiskRemoval) {
    this.#tables = tables;
    this.#bodies = bodies;
    this.#removal = removal;
  }

  /** All of them, in order. */
  all(operations: readonly DiskOperation[], isLean: boolean): Outcome {
    const outcome: Gathered = { commits: [], lost: [], answers: [], skipped: 0 };
    for (const operation of operations) {
      if (isLean) this.#lean(operation, outcome);
      else this.#full(operation, outcome);
    }
    return outcome;
  }

  #full(operation: DiskOperation, outcome: Gathered): void {
    switch (operation.kind) {
      case "put":
        this.#bodies.cancelPuts(operation.card);
        return this.#tables.put(operation.card, { body: operation.body });
      case "begin":
        return this.#bodies.begin(operation.write, operation.card, operation.isPut);
      case "chunk":
        return this.#bodies.chunk(operation.write, operation.at, operation.bytes);
      case "commit": {
        const bodyId = this.#bodies.commit(operation.write, operation.length);
        return void outcome.commits.push([operation.write, bodyId]);
      }
      case "freshen":
        return this.#freshen(operation.card, operation.bodyId);
      case "used":
        for (const [key, uses] of operation.uses) this.#tables.used(key, uses);
        return;
      default:
        return this.#either(operation, outcome);
    }
  }

  /** What was to be stored is not, and the variant that it supersedes goes all the same. */
  #lean(operation: DiskOperation, outcome: Gathered): void {
    switch (operation.kind) {
      case "put":
      case "freshen":
        outcome.skipped++;
        return this.#bodies.drop(operation.card);
      case "begin":
        outcome.lost.push(operation.write);
        outcome.skipped++;
        return operation.isPut ? this.#bodies.drop(operation.card) : undefined;
      case "chunk":
      case "commit": {
        const card = this.#bodies.abort(operation.write);
        if (operation.kind === "commit") outcome.commits.push([operation.write, 0]);
        if (card === undefined) return;
        outcome.lost.push(operation.write);
        outcome.skipped++;
        return this.#bodies.drop(card);
      }
      case "used":
        return;
      default:
        return this.#either(operation, outcome);
    }
  }

  #either(
    operation: Extract<DiskOperation, { kind: "abort" | "drop" | "lose" | "reading" | "remove" | "meta" }>,
    outcome: Gathered,
  ): void {
    switch (operation.kind) {
      case "abort":
        return void this.#bodies.abort(operation.write);
      case "drop":
        return this.#bodies.drop(operation);
      case "lose":
        return this.#tables.lose(operation.key, operation.id, operation.bodyId);
      case "reading":
        return this.#bodies.reading(operation.bodyId, operation.isRead);
      case "remove":
        return void outcome.answers.push([operation.ask, this.#removal.remove(operation.target)]);
      case "meta":
        this.#tables.run("INSERT OR REPLACE INTO meta VALUES(?1, ?2)", operation.name, operation.value);
        return void outcome.answers.push([operation.ask, 0]);
      default:
        operation satisfies never;
    }
  }

  /** Under another id: what was removed up to the old one does not mean it. */
  #freshen(card: Card, bodyId: number): void {
    const [row] = this.#tables.rows<[number, number, string, string]>(
      `SELECT e.id, e.length, e.labels FROM entries e WHERE e.hash = ?1 AND e.key = ?2 AND e.body = ?3`,
      ...[hashOf(card.key), card.key, bodyId],
    );
    if (row === undefined) return;
    const [id, length, labels] = row;
    if (this.#removal.isRemoved(id, card.key, labels)) return;
    this.#bodies.cancelPuts(card);
    this.#tables.delete([id, bodyId, labels], bodyId);
    this.#tables.put(card, { bodyId, length });
  }
}
