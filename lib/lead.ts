// Answers: what belongs to one request to the origin while it is on its way.
// Owns: the noun, and giving back the turn that it was made in.
// Leaves out: what is done with it (`proxy.ts`), the fill itself (`collapse.ts`).
import type { Fill } from "./collapse.ts";
import type { Forwarding } from "./rfc9111/reuse.ts";
import type { Turn, TurnEnd } from "./store/store.ts";
import type { Visit } from "./visit.ts";

/** A request to the origin, the fill that it leads, and the key under which others may follow. */
export interface Lead {
  readonly visit: Visit;
  readonly forwarding: Forwarding;
  readonly fill: Fill;
  readonly fillKey: string | undefined;
  /** False where it tried to follow another fill, in vain. */
  readonly collapsed: false | undefined;
  /** Among the nodes of a fleet; `undefined` where there is none. */
  readonly turn: Turn | undefined;
}

/** The other nodes need not wait any more. */
export function endTurn(turn: Turn | undefined, how: TurnEnd): void {
  if (turn?.kind === "ours") turn.end(how);
}
