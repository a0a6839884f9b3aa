// Answers: what can be removed, and which stored responses it meets.
// Owns: URI, group, tag, prefix and everything, each as one text; the tags of a response; softly or not.
// Leaves out: removing (the tiers), what the fields of groups say (`../rfc9111/cache-groups.ts`), who may purge (`../purge.ts`).
import type { StoredHead } from "../message.ts";
import { groupsOf, type InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { remembering } from "../rfc9111/memo.ts";
import { FieldBlock } from "./field-block.ts";

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

/** The groups and tags of a response, as targets: by these it is found in an index. */
export function labelsOf(head: Pick<StoredHead, "key" | "fields">): readonly InvalidationTarget[] {
  // Most have none, which one look at the text says.
  if (head.fields instanceof FieldBlock && !LABELLED.test(head.fields.text)) return NONE;
  const tags = TAG_FIELDS.flatMap((name) => tagTargets(head.fields.get(name)));
  const groups = groupsOf(head);
  if (tags.length === 0) return groups;
  return [...groups, ...new Set(tags)].slice(0, MAX_LABELS);
}

/** Whether a target means this response. */
export function meets(
  target: InvalidationTarget | ParsedTarget,
  head: Pick<StoredHead, "key" | "fields">,
): boolean {
  const { kind, name } = typeof target === "string" ? parsedTarget(target) : target;
  if (kind === "all") return true;
  if (kind === "uri") return head.key === name;
  if (kind === "prefix") return head.key.startsWith(name);
  return labelsOf(head).includes(kind === "tag" ? tagTarget(name) : name);
}

const LABELLED = /\r\n(?:Cache-Groups|Surrogate-Key|Cache-Tag|Xkey): /;

/** Of Fastly, of Cloudflare and Akamai, of Varnish: names between spaces or commas. */
const TAG_FIELDS = ["surrogate-key", "cache-tag", "xkey"];

/** More labels than this of one response are not kept. */
const MAX_LABELS = 1024;

/** Letters of a tag. */
const MAX_TAG_LENGTH = 1024;

function tagTargets(field: string | null): readonly InvalidationTarget[] {
  return field === null ? NONE : targetsIn(field);
}

const targetsIn = remembering((field: string): readonly InvalidationTarget[] =>
  field
    .split(/[\s,]+/)
    .filter((tag) => tag !== "" && tag.length <= MAX_TAG_LENGTH)
    .map(tagTarget),
);

const NONE: readonly InvalidationTarget[] = [];
