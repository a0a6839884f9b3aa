// Answers: which bytes a representation has, at any offset, without anybody keeping them.
// Owns: the table of random bytes that all content is cut from, and the comparison with it.
// Leaves out: how long a representation is and which fields it has (`objects.ts`).

/** What bytes are of: one version and one variant of one object. */
export interface Representation {
  readonly object: string;
  readonly version: number;
  /** Empty where the object has only one. */
  readonly variant: string;
}

/** No body may be longer than this. */
export const MAX_CONTENT_BYTES = 12 * 2 ** 20;
const STARTS = 8 * 2 ** 20;
const TABLE = randomBytes(MAX_CONTENT_BYTES + STARTS);

/** The bytes from `first` up to, not including, `end`; not copied. */
export function contentOf(representation: Representation, first: number, end: number): Buffer {
  const start = startOf(representation);
  return TABLE.subarray(start + first, start + end);
}

/** Where in the representation the first byte is that differs from it; `offset` is where `bytes` begin. */
export function firstDifference(
  bytes: Buffer,
  expected: Buffer,
  offset: number,
): { readonly at: number; readonly expected: number | undefined; readonly got: number } | undefined {
  const same = expected.subarray(offset, offset + bytes.length);
  if (same.length === bytes.length && same.equals(bytes)) return undefined;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== same[at]) return { at: offset + at, expected: same[at], got: bytes[at] ?? 0 };
  }
  return undefined;
}

/** Each representation is the table from another byte on: foreign or shifted bytes differ within a few bytes. */
function startOf({ object, version, variant }: Representation): number {
  return Number(Bun.hash.xxHash32(`${object}/${version}/${variant}`)) % STARTS;
}

function randomBytes(length: number): Buffer {
  const words = new Uint32Array(length / 4);
  let word = 0x9e3779b9;
  for (let at = 0; at < words.length; at++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    words[at] = word;
  }
  return Buffer.from(words.buffer);
}
