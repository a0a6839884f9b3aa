// Answers: which labels a response has, and which targets mean it.
// Owns: the tags of a response, beside its cache groups.
// Leaves out: targets as texts (`targets.ts`), what the fields of groups say (`../rfc9111/cache-groups.ts`).
import type { StoredHead } from "../message.ts";
import { groupsOf, type InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { remembering } from "../rfc9111/memo.ts";
import { FieldBlock } from "./field-block.ts";
import { labelOf, names, parsedTarget, tagTarget, type ParsedTarget } from "./targets.ts";

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
  const parsed = typeof target === "string" ? parsedTarget(target) : target;
  // Read from its fields only where they matter.
  return names(parsed, head.key, labelOf(parsed) === undefined ? NONE : labelsOf(head));
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
