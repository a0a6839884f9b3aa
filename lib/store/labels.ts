// Answers: which stored responses belong to a group, or have a tag.
// Owns: the index from labels to what is stored; it holds nothing for responses without one.
// Leaves out: what the labels of a response are (`targets.ts`), removing (`memory.ts`).
import type { StoredResponse } from "../message.ts";
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { labelsOf } from "./labels-of.ts";

/** The index. Its work grows with the labels of a response, and with nothing else. */
export class LabelIndex {
  readonly #members = new Map<InvalidationTarget, Set<StoredResponse>>();
  /** What each of those that have any has: to read them from their fields once more would take longer than the rest. */
  readonly #labels = new Map<StoredResponse, readonly InvalidationTarget[]>();

  add(stored: StoredResponse): void {
    const labels = labelsOf(stored);
    if (labels.length === 0) return;
    this.#labels.set(stored, labels);
    for (const label of labels) {
      const members = this.#members.get(label);
      if (members === undefined) this.#members.set(label, new Set([stored]));
      else members.add(stored);
    }
  }

  remove(stored: StoredResponse): void {
    const labels = this.#labels.get(stored);
    if (labels === undefined) return;
    this.#labels.delete(stored);
    for (const label of labels) {
      const members = this.#members.get(label);
      members?.delete(stored);
      if (members?.size === 0) this.#members.delete(label);
    }
  }

  /** All members now. */
  of(label: InvalidationTarget): ReadonlySet<StoredResponse> {
    return this.#members.get(label) ?? NOBODY;
  }

  /** All members, which have left the label from now on: who comes to it later is not among them. */
  take(label: InvalidationTarget): ReadonlySet<StoredResponse> {
    const members = this.#members.get(label);
    this.#members.delete(label);
    return members ?? NOBODY;
  }
}

const NOBODY: ReadonlySet<StoredResponse> = new Set();
