// Answers: which groups a response belongs to, and which of them a response makes invalid.
// Owns: RFC 9875: Cache-Groups, Cache-Group-Invalidation, and how a group is written where a URI could stand.
// Leaves out: whether a response invalidates anything at all (`invalidation.ts`), the index of groups (`store/groups.ts`).
import { parseList } from "structured-headers";
import type { StoredHead } from "../message.ts";
import { remembering } from "./memo.ts";

/**
 * What is made invalid: a URI, or a group of one origin (RFC 9875 §2.1), which no URI can be taken for: the name stands
 * on a line of its own.
 */
export type InvalidationTarget = string;

/** More groups than this of one response are not kept; RFC 9875 §2 asks for 32. */
const MAX_GROUPS = 256;

/** Letters of a name; RFC 9875 §2 asks for 32. */
const MAX_NAME_LENGTH = 256;

/**
 * The groups that a field names, of the origin of this URI: a List of Strings (RFC 9875 §2, §3), case-sensitive. A field
 * that is none, or has anything else in it, names no group at all (RFC 9651 §4.2). Never throws.
 */
export function groupTargets(uri: string, field: string | null): readonly InvalidationTarget[] {
  if (field === null) return NONE;
  const names = namesIn(field);
  if (names.length === 0) return NONE;
  const origin = originOf(uri);
  return names.map((name) => `${origin}\n${name}`);
}

/** The groups of a response that is stored, or is to be. */
export function groupsOf({ key, fields }: Pick<StoredHead, "key" | "fields">): readonly InvalidationTarget[] {
  return groupTargets(key, fields.get("cache-groups"));
}

const namesIn = remembering((field): readonly string[] => {
  const names = stringsOf(field).filter((name) => name.length <= MAX_NAME_LENGTH);
  return [...new Set(names)].slice(0, MAX_GROUPS);
});

/** The origin whose group it is; `undefined` for a URI. */
export function originOfGroup(target: InvalidationTarget): string | undefined {
  const end = target.indexOf("\n");
  return end < 0 ? undefined : target.slice(0, end);
}

/** Scheme, host and port of a URI, as it stands there (RFC 9110 §4.3.1): keys have the port where it is no default. */
export function originOf(uri: string): string {
  const start = uri.indexOf("//") + 2;
  for (let at = start; at < uri.length; at++) {
    const letter = uri[at];
    if (letter === "/" || letter === "?" || letter === "#") return uri.slice(0, at);
  }
  return uri;
}

const NONE: readonly InvalidationTarget[] = [];

/** As most fields are: strings without an escape or a parameter, for which no parser is needed. */
const PLAIN_STRING = /"([ !#-[\]-~]*)"/;
const PLAIN_LIST = new RegExp(`^${PLAIN_STRING.source}(?:[ \\t]*,[ \\t]*${PLAIN_STRING.source})*$`);
const PLAIN_STRINGS = new RegExp(PLAIN_STRING, "g");

function stringsOf(field: string): readonly string[] {
  if (PLAIN_LIST.test(field)) return Array.from(field.matchAll(PLAIN_STRINGS), ([, name = ""]) => name);
  try {
    const members = parseList(field).map(([value]) => value);
    return members.every((value) => typeof value === "string") ? members : [];
  } catch {
    return [];
  }
}
