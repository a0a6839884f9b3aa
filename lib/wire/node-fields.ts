// Answers: how header and trailer sections pass between `node:http` and `Headers`.
// Owns: the flat lists that node:http takes and gives, and which trailer fields may pass (RFC 9110 §6.5.1).
// Leaves out: which fields are sent (`outgoing-fields.ts`, `respond.ts`).
import { endToEndFields } from "../rfc9111/header-fields.ts";

/** Names and values in turn, as node:http has them: every line on its own, order and duplicates kept. */
export type FieldLines = readonly string[];

/** The fields of a section. */
export function fieldsFrom(lines: FieldLines): Headers {
  const fields = new Headers();
  for (let at = 0; at + 1 < lines.length; at += 2) fields.append(lines[at] ?? "", lines[at + 1] ?? "");
  return fields;
}

/** The lines of a section; each Set-Cookie is a line of its own. `without` names fields that are left out. */
export function linesFrom(fields: Headers, without: readonly string[] = []): string[] {
  const lines: string[] = [];
  for (const [name, value] of fields) if (!without.includes(name)) lines.push(name, value);
  return lines;
}

/** What must not come behind the content: framing, routing, conditions, authentication and what says how to read it. */
const NOT_IN_TRAILERS = new Set([
  ...["content-length", "transfer-encoding", "trailer", "host", "max-forwards", "expect", "range", "te"],
  ...[
    "authorization",
    "proxy-authorization",
    "www-authenticate",
    "proxy-authenticate",
    "cookie",
    "set-cookie",
  ],
  ...["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "cache-control"],
  ...["content-encoding", "content-type", "content-range", "age", "date", "expires", "location", "vary"],
]);

/** A trailer section that may be passed on; `undefined` where nothing of it is left. */
export function trailersFrom(lines: FieldLines): Headers | undefined {
  if (lines.length === 0) return undefined;
  const fields = new Headers(endToEndFields(fieldsFrom(lines)));
  for (const name of NOT_IN_TRAILERS) fields.delete(name);
  return [...fields].length === 0 ? undefined : fields;
}

/** Pairs, which is the only form that `addTrailers` takes with duplicates. */
export function trailerPairs(trailers: Headers): [string, string][] {
  return [...trailers];
}
