// Answers: where in a run of bytes a header section or a chunked body ends, and what is wrong with it.
// Owns: field lines and chunks by the letter of RFC 9112 §2.2, §5, §7.1; text is latin1, so that bytes survive.
// Leaves out: start lines and framing of whole messages (`request-reader.ts`, `response-reader.ts`).

/** A field line, its value without the white space around it. */
export type Field = readonly [name: string, value: string];

/** What a recipient may take or refuse (RFC 9112 and 9110 leave it the choice), by its name. */
export type Liberty =
  | "bare-lf"
  | "bare-cr-or-control"
  | "delete"
  | "obs-fold"
  | "leading-line"
  | "white-space-runs"
  | "no-host-1.0"
  | "empty-host"
  | "numeric-host"
  | "minor-version"
  | "target-characters"
  | "listed-length"
  | "empty-list-members"
  | "chunk-extension"
  | "large";

/** What is at a place: not all of it yet, something that must be refused, or a part and where it ends. */
export type Reading<T> =
  | { readonly kind: "incomplete" }
  | { readonly kind: "bad"; readonly why: string }
  | {
      readonly kind: "read";
      readonly value: T;
      readonly end: number;
      readonly liberties: readonly Liberty[];
    };

/** The lines of a header section up to the empty one, and where that ends. */
export interface Lines {
  readonly lines: readonly string[];
  readonly hasBareLf: boolean;
}

const INCOMPLETE = { kind: "incomplete" } as const;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether a text is a token (RFC 9110 §5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** All lines from a place to the first empty line, that one excluded. */
export function linesAt(text: string, start: number): Reading<Lines> {
  const lines: string[] = [];
  let hasBareLf = false;
  for (let at = start; ;) {
    const lf = text.indexOf("\n", at);
    if (lf < 0) return INCOMPLETE;
    const isCrlf = lf > at && text[lf - 1] === "\r";
    hasBareLf ||= !isCrlf;
    const line = text.slice(at, isCrlf ? lf - 1 : lf);
    at = lf + 1;
    if (line === "") return { kind: "read", value: { lines, hasBareLf }, end: at, liberties: [] };
    lines.push(line);
  }
}

/** The fields of those lines. Folded lines are joined by a space; CR, NUL and other controls become spaces (§5.2, §5.5). */
export function fieldsOf({ lines, hasBareLf }: Lines): Reading<readonly Field[]> {
  const liberties = new Set<Liberty>(hasBareLf ? ["bare-lf"] : []);
  const fields: [string, string][] = [];
  for (const line of lines) {
    if (/[\x00-\x08\x0b-\x1f]/.test(line)) liberties.add("bare-cr-or-control");
    if (line.includes("\x7f")) liberties.add("delete");
    const clean = line.replaceAll(/[\x00-\x08\x0b-\x1f]/g, " ");
    const last = fields.at(-1);
    if (/^[ \t\x00-\x1f]/.test(line)) {
      if (last === undefined) return bad("white space in front of the first field");
      liberties.add("obs-fold");
      last[1] = `${last[1]} ${trimmed(clean)}`.trim();
      continue;
    }
    const colon = line.indexOf(":");
    if (colon < 0) return bad("a field line without a colon");
    if (!isToken(line.slice(0, colon))) return bad("a field name that is no token");
    fields.push([line.slice(0, colon), trimmed(clean.slice(colon + 1))]);
  }
  return { kind: "read", value: fields, end: 0, liberties: [...liberties] };
}

/** A chunked body: its content and its trailer fields. */
export interface Chunked {
  readonly content: string;
  readonly trailers: readonly Field[];
}

/** The chunked body at a place (§7.1). */
export function chunkedAt(text: string, start: number): Reading<Chunked> {
  const parts: string[] = [];
  const liberties = new Set<Liberty>();
  for (let at = start; ;) {
    const lf = text.indexOf("\n", at);
    if (lf < 0)
      return /^[0-9A-Fa-f]*(?:[ \t]*;[^\0]*)?\r?$/.test(text.slice(at)) ? INCOMPLETE : bad("no chunk size");
    const line = text.slice(at, lf + 1);
    const [, digits = "", extension = ""] = /^([0-9A-Fa-f]+)((?:[ \t]*;[^\r\n]*)?)\r\n$/.exec(line) ?? [];
    if (digits === "") return bad("a chunk-size line out of grammar");
    if (extension !== "") liberties.add("chunk-extension");
    if (/[\x00-\x08\x0b-\x1f\x7f]/.test(extension)) return bad("a control in a chunk extension");
    const size = Number.parseInt(digits, 16);
    if (!Number.isSafeInteger(size)) return bad("a chunk size beyond all bounds");
    if (digits.length > 8) liberties.add("large");
    at = lf + 1;
    if (size === 0) return trailed(text, at, { content: parts.join(""), liberties });
    const end = at + size;
    parts.push(text.slice(at, end));
    if (text.length > end && text[end] !== "\r") return bad("chunk data that goes on beyond its size");
    if (text.length < end + 2) return INCOMPLETE;
    if (text[end + 1] !== "\n") return bad("chunk data that goes on beyond its size");
    at = end + 2;
  }
}

function trailed(
  text: string,
  start: number,
  { content, liberties }: { readonly content: string; readonly liberties: ReadonlySet<Liberty> },
): Reading<Chunked> {
  const section = linesAt(text, start);
  if (section.kind !== "read") return section;
  const fields = fieldsOf(section.value);
  if (fields.kind !== "read") return fields.kind === "bad" ? bad(`in the trailers: ${fields.why}`) : fields;
  const all = [...liberties, ...fields.liberties];
  return { kind: "read", value: { content, trailers: fields.value }, end: section.end, liberties: all };
}

/** All values of a field, in order. */
export function valuesOf(fields: readonly Field[], name: string): string[] {
  return fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
}

/** A reading that says what must be refused. */
export function bad(why: string): { readonly kind: "bad"; readonly why: string } {
  return { kind: "bad", why };
}

function trimmed(text: string): string {
  return text.replace(/^[ \t]+/, "").replace(/[ \t]+$/, "");
}
