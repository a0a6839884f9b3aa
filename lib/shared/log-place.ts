// Answers: can a node go on reading the purge log where it left off?
// Owns: the decision, made from what the log is like and where the node was: it missed nothing, or it lost track.
// Leaves out: reading on (`purge-log.ts`).
import type { LogState } from "./nodes.ts";
import { BEGINNING, compareIds, type Position } from "./position.ts";

/** Where to read on from. */
export type Place =
  /** It has nothing that could have been purged. */
  | { readonly kind: "new" }
  /** It missed nothing: what follows its position is all that there was. */
  | { readonly kind: "known" }
  /** It may have missed purges: what it has must be validated. */
  | { readonly kind: "lost"; readonly why: LostReason };

/** Why a node does not know any more what was purged. */
export type LostReason =
  /** Redis lost its data, or it is another one. */
  | "another log"
  /** The log goes on from an earlier place: a replica took over that had not received all of it. */
  | "the log was set back"
  /** It was away for longer than the log reaches back. */
  | "the log was trimmed"
  /** It has had no contact for longer than it may serve without. */
  | "cut off";

/** Where a node stands that was at `own` the last time; `undefined` where it has never been anywhere. */
export function placeIn(log: LogState, own: Position | undefined): Place {
  if (own === undefined) return { kind: "new" };
  if (own.generation !== log.generation) return { kind: "lost", why: "another log" };
  if (compareIds(log.lastId, own.id) < 0) return { kind: "lost", why: "the log was set back" };
  if (log.holdsPosition || own.id === log.lastId) return { kind: "known" };
  if (log.firstId === "" || compareIds(own.id, log.firstId) < 0)
    return log.isTrimmed ? { kind: "lost", why: "the log was trimmed" } : { kind: "known" };
  // Older entries are there, and the one that it has read is not.
  return { kind: "lost", why: "the log was set back" };
}

/** The id before which purges may have left the log. */
export function floorOf({ isTrimmed, firstId, lastId }: LogState): string {
  if (!isTrimmed) return BEGINNING;
  return firstId === "" ? lastId : firstId;
}
