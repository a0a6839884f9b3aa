// Answers: which stored responses belong to a group.
// Owns: the index from groups (RFC 9875) to what is stored; it holds nothing for responses without one.
// Leaves out: what a field says (`rfc9111/cache-groups.ts`), removing (`memory.ts`).
import type { StoredResponse } from "../message.ts";
import { groupsOf, type InvalidationTarget } from "../rfc9111/cache-groups.ts";

/** The index. Its work grows with the groups of a response, and with nothing else. */
export class GroupIndex {
  readonly #members = new Map<InvalidationTarget, Set<StoredResponse>>();

  add(stored: StoredResponse): void {
    for (const group of groupsOf(stored)) {
      const members = this.#members.get(group);
      if (members === undefined) this.#members.set(group, new Set([stored]));
      else members.add(stored);
    }
  }

  remove(stored: StoredResponse): void {
    for (const group of groupsOf(stored)) {
      const members = this.#members.get(group);
      members?.delete(stored);
      if (members?.size === 0) this.#members.delete(group);
    }
  }

  /** All members of a group, which has none from now on; `undefined` where there is no such group. */
  take(group: InvalidationTarget): Set<StoredResponse> | undefined {
    const members = this.#members.get(group);
    this.#members.delete(group);
    return members;
  }
}
