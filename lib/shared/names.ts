// Answers: under which names is a response in the shared tier?
// Owns: the keys of Redis: digests, so that neither URLs nor what variants are selected by can be read there.
// Leaves out: what is kept under them (`packed.ts`, `lease.ts`, `purge-log.ts`).
import { createHash } from "node:crypto";
import type { StoredHead } from "../message.ts";
import { variantOf } from "../store/codec.ts";

/** All names of one cache key; the braces keep them in one slot of a cluster. */
export interface EntryNames {
  /** A hash: variant → packed head, and body where that is small. */
  readonly entry: string;
  /** Who fills it. */
  readonly lease: string;
  /** The last fence that was given out. */
  readonly fence: string;
  /** There for a few seconds where what the origin sent was for one client only. */
  readonly unshared: string;
}

/** The names for a cache key; `part` tells requests apart that do not wait for each other. */
export function namesOf(key: string, part = ""): EntryNames {
  const entry = `larder:{${digestOf(key)}}`;
  return {
    entry,
    lease: part === "" ? `${entry}:l` : `${entry}:l:${digestOf(part)}`,
    fence: `${entry}:f`,
    unshared: `${entry}:u`,
  };
}

/** Where a body is that lies outside of its head. */
export function bodyName({ entry }: EntryNames, id: string): string {
  return `${entry}:b:${id}`;
}

/** The field of a variant. */
export function fieldOf(head: Pick<StoredHead, "selecting">): string {
  return digestOf(variantOf(head));
}

/** The purge log, those who read it, and what tells that all of it was lost. One slot: lost, they are lost together. */
export const LOG = {
  purges: "larder:{log}:purges",
  nodes: "larder:{log}:nodes",
  generation: "larder:{log}:generation",
  /** Followed by the id of a purge: node → how many it removed. */
  removed: "larder:{log}:removed:",
} as const;

/** 132 bits of SHA-256. */
function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}
