// Answers: what header fields look like while they are kept.
// Owns: the fields of a stored response as one text, in the form in which a wire of bytes sends them.
// Leaves out: which fields are stored (`rfc9111/header-fields.ts`), and those that an answer adds (`hit-answer.ts`).
import type { StoredFields } from "../message.ts";

/**
 * Header fields as text: `CRLF Name: value` for each line. Where `Headers` takes some 800 bytes for nine fields, this
 * takes little more than their letters. Never changed.
 */
export class FieldBlock implements StoredFields {
  /** Empty, or a CRLF in front of each line and none behind the last. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The value of a field by its lower-case name, several lines joined by `, `; `null` where there is none. */
  get(name: string): string | null {
    const opening = `\r\n${fieldName(name)}: `;
    let found: string | null = null;
    for (let at = this.text.indexOf(opening); at >= 0; at = this.text.indexOf(opening, at + 2)) {
      const end = this.text.indexOf("\r\n", at + 2);
      const value = this.text.slice(at + opening.length, end < 0 ? undefined : end);
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  has(name: string): boolean {
    return this.text.includes(`\r\n${fieldName(name)}: `);
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (const line of this.text.split("\r\n")) {
      const colon = line.indexOf(": ");
      if (colon > 0) yield [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)];
    }
  }
}

/** The fields as such a text, whatever form they are in. */
export function fieldText(fields: Iterable<[string, string]>): string {
  if (fields instanceof FieldBlock) return fields.text;
  const lines: string[] = [];
  const add = (value: string, name: string): void => void lines.push("\r\n", fieldName(name), ": ", value);
  // Native ones make an object of each line where they are iterated.
  if (fields instanceof Headers) fields.forEach(add);
  else for (const [name, value] of fields) add(value, name);
  // In one piece, unlike a sum: what it was put together from is not to live on.
  return lines.join("");
}

/** Texts of fields that nobody changes any more. */
const texts = new WeakMap<Headers, string>();

/** The same for fields that will not be changed: who asks for it again is given the same text. */
export function textOnce(fields: StoredFields): string {
  if (!(fields instanceof Headers)) return fieldText(fields);
  const known = texts.get(fields);
  if (known !== undefined) return known;
  const text = fieldText(fields);
  texts.set(fields, text);
  return text;
}

const NAMES = new Map([
  ["etag", "ETag"],
  ["te", "TE"],
  ["www-authenticate", "WWW-Authenticate"],
  ["content-md5", "Content-MD5"],
  ["cdn-cache-control", "CDN-Cache-Control"],
  ["sourcemap", "SourceMap"],
]);

/** How many names are remembered; any other is spelled anew each time. */
const MAX_NAMES = 1000;

/** A field name as people write it: `Content-Type`. Names are case-insensitive (RFC 9110 §5.1). */
export function fieldName(name: string): string {
  const known = NAMES.get(name);
  if (known !== undefined) return known;
  const spelled = name.toLowerCase().replaceAll(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase());
  if (NAMES.size < MAX_NAMES) NAMES.set(name, spelled);
  return spelled;
}
