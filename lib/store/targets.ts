// Answers: what can be removed?
// Owns: URI, group, tag, prefix and everything, each as one text, softly or not. It needs no package: a thread reads it too.
// Leaves out: which responses they mean (`labels-of.ts`), removing (the tiers), who may purge (`../purge.ts`).
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";

/** A target, taken apart. Of a group `name` is all of it: `origin LF name`. */
export interface ParsedTarget {
  readonly kind: "uri" | "group" | "tag" | "prefix" | "all";
  readonly name: string;
  /** Whether what it meets becomes stale instead of going: validated before it is reused, it may cover a failing origin. */
  readonly isSoft: boolean;
}

/** All responses with a tag. */
export function tagTarget(tag: string): InvalidationTarget {
  return `tag\n${tag}`;
}

/** All responses whose URI begins so. */
export function prefixTarget(prefix: string): InvalidationTarget {
  return `prefix\n${prefix}`;
}

/** All that is stored. */
export const EVERYTHING: InvalidationTarget = "all\n";

const SOFTLY = "soft ";

/** The same, softly. */
export function softly(target: InvalidationTarget): InvalidationTarget {
  return target.startsWith(SOFTLY) ? target : SOFTLY + target;
}

/** What a target means. */
export function parsedTarget(target: InvalidationTarget): ParsedTarget {
  const isSoft = target.startsWith(SOFTLY);
  const hard = isSoft ? target.slice(SOFTLY.length) : target;
  const end = hard.indexOf("\n");
  if (end < 0) return { kind: "uri", name: hard, isSoft };
  const kind = hard.slice(0, end);
  if (kind === "tag" || kind === "prefix" || kind === "all")
    return { kind, name: hard.slice(end + 1), isSoft };
  return { kind: "group", name: hard, isSoft };
}

/** The label that a target means; `undefined` where it means none. */
export function labelOf({ kind, name }: ParsedTarget): InvalidationTarget | undefined {
  if (kind === "tag") return tagTarget(name);
  return kind === "group" ? name : undefined;
}

/** Whether a target means a response with this key and these labels. */
export function names(target: ParsedTarget, key: string, labels: readonly InvalidationTarget[]): boolean {
  const { kind, name } = target;
  if (kind === "all") return true;
  if (kind === "uri") return key === name;
  if (kind === "prefix") return key.startsWith(name);
  const label = labelOf(target);
  return label !== undefined && labels.includes(label);
}
