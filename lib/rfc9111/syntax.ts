// Answers: how a field value falls into its parts.
// Owns: lists, tokens, quoted strings, weights and entity-tags (RFC 9110 §5.6, §8.8.3, §12.4.2).
// Leaves out: what the parts mean; dates and numbers are in `time.ts`, Structured Fields come from a library.

/** An entity-tag: `opaque` is all between and including the quotes, so that one without quotes never equals one with. */
export interface EntityTag {
  readonly weak: boolean;
  readonly opaque: string;
}

/** The members of a comma-separated list, without the white space around them; commas in quoted strings do not separate. */
export function listMembers(value: string): string[] {
  if (value === "") return [];
  if (!value.includes('"')) return trimmedMembers(value.split(","));
  const members: string[] = [];
  let start = 0;
  let isUnclosed = false;
  for (let at = 0; at < value.length; at++) {
    if (value[at] === '"' && !isUnclosed) {
      const end = endOfQuoted(value, at);
      // A quote that is never closed hides nothing: what follows it may be a directive that forbids.
      isUnclosed = end === value.length;
      if (!isUnclosed) at = end;
    } else if (value[at] === ",") {
      members.push(value.slice(start, at));
      start = at + 1;
    }
  }
  members.push(value.slice(start));
  return trimmedMembers(members);
}

/** The text of a quoted string, its escapes resolved; any other text, an unclosed quote too, as it is. */
export function unquoted(value: string): string {
  if (value.length < 2 || value[0] !== '"' || endOfQuoted(value, 0) !== value.length - 1) return value;
  return value.slice(1, -1).replaceAll(/\\([^])/g, "$1");
}

/** A text without the spaces and tabs around it: optional white space, and no other (RFC 9110 §5.6.3). */
export function trimmed(value: string): string {
  let start = 0;
  let end = value.length;
  while (isOptionalSpace(value, start)) start++;
  while (end > start && isOptionalSpace(value, end - 1)) end--;
  return value.slice(start, end);
}

/** Whether a text is a token (RFC 9110 §5.6.2). */
export function isToken(value: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(value);
}

/** One entity-tag; a value without quotes is kept as it came, since origins send such and clients send them back. */
export function parseEntityTag(value: string): EntityTag {
  const weak = value.startsWith("W/");
  return { weak, opaque: weak ? value.slice(2) : value };
}

/** The members of an If-None-Match or If-Match list; a backslash in an entity-tag is a character like any other. */
export function parseEntityTags(value: string): EntityTag[] {
  return [...value.matchAll(/(?:W\/)?"[^"]*"|[^,\s][^,]*/g)].map((match) =>
    parseEntityTag(match[0].trimEnd()),
  );
}

/** Weak comparison (RFC 9110 §8.8.3.2): the opaque parts are equal. */
export function weaklyEqual(one: EntityTag, other: EntityTag): boolean {
  return one.opaque === other.opaque;
}

/** Strong comparison (RFC 9110 §8.8.3.2): neither is weak and the opaque parts are equal. */
export function stronglyEqual(one: EntityTag, other: EntityTag): boolean {
  return !one.weak && !other.weak && one.opaque === other.opaque;
}

/** A member of a weighted list (RFC 9110 §12.4.2): its text in front of the weight, and the weight in thousandths, 0 to 1000. */
export interface Weighted {
  readonly range: string;
  readonly weight: number;
}

/** The members of Accept, Accept-Encoding and their kin; an unreadable weight counts as 1. */
export function weightedMembers(value: string): Weighted[] {
  return listMembers(value).map((member) => {
    const parameters = member.split(";").map(trimmed);
    const at = parameters.findIndex((parameter) => /^q=[01](?:\.\d{0,3})?$/i.test(parameter));
    if (at < 0) return { range: parameters.join(";"), weight: 1000 };
    const weight = Math.min(1000, Math.round(Number(parameters[at]?.slice(2)) * 1000));
    return { range: parameters.slice(0, at).join(";"), weight };
  });
}

function trimmedMembers(members: readonly string[]): string[] {
  return members.map(trimmed).filter((member) => member !== "");
}

function isOptionalSpace(value: string, at: number): boolean {
  return value[at] === " " || value[at] === "\t";
}

/** The position of the closing quote, or the length of the value where it is never closed. */
function endOfQuoted(value: string, opening: number): number {
  for (let at = opening + 1; at < value.length; at++) {
    if (value[at] === "\\") at++;
    else if (value[at] === '"') return at;
  }
  return value.length;
}
