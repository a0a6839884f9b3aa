// Answers: what a file is by its name, and how long a cache may call it fresh.
// Owns: Content-Type (RFC 9110 §8.3) and the lifetimes of `--max-age auto` (RFC 9111 §5.2.2.1).
// Leaves out: the table of media types, which is Bun's; `--max-age TIME`, which beats this table (`origin-app.ts`).

/** Start of a media type → seconds that it stays fresh; the first row that fits counts. */
const FRESH_SECONDS = [
  ["text/html", 60],
  ["text/css", 3_600],
  ["text/javascript", 3_600],
  ["application/wasm", 3_600],
  ["image/svg+xml", 3_600],
  ["image/", 86_400],
  ["audio/", 86_400],
  ["video/", 86_400],
  ["font/", 2_592_000],
  ["", 300],
] as const satisfies readonly (readonly [start: string, seconds: number])[];

/** The media type by the file's extension, UTF-8 for text; `application/octet-stream` for an unknown one. */
export function contentTypeOf(name: string): string {
  const type = Bun.file(name).type;
  return type.startsWith("text/") && !type.includes(";") ? `${type};charset=utf-8` : type;
}

/** Seconds that a file of this media type stays fresh. */
export function maxAgeOf(type: string): number {
  return FRESH_SECONDS.find(([start]) => type.startsWith(start))?.[1] ?? 0;
}
