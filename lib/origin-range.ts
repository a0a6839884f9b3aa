// Answers: which parts of a file a request asks for, and how several of them travel in one response.
// Owns: the Range field as an origin reads it (RFC 9110 §14.1, §14.2) and multipart/byteranges (§14.6).
// Leaves out: If-Range (`origin-conditions.ts`), reading (`origin-content.ts`), the syntax of Range (`rfc9111/range.ts`).
import { parseRange, resolveRange, type ByteRange } from "./rfc9111/range.ts";

/** What a Range field selects of a file of a known size. */
export type Selection =
  | { readonly kind: "whole" }
  | { readonly kind: "unsatisfiable" }
  /** One or more ranges that ascend without overlap. */
  | { readonly kind: "ranges"; readonly ranges: readonly ByteRange[] };

const MAX_RANGES = 16;

/**
 * Reads a Range field. What cannot be read, or is in another unit, selects the whole file (RFC 9110 §14.2).
 * Deviation: so do more than 16 ranges, and ranges that overlap or do not ascend, which §14.2 lets a server ignore.
 */
export function selectRanges(value: string, size: number): Selection {
  const specs = parseRange(value) ?? [];
  if (specs.length === 0 || specs.length > MAX_RANGES) return { kind: "whole" };
  // The last bytes of an empty file: a range that is satisfied, yet Content-Range cannot say so.
  if (size === 0 && specs.some((spec) => "suffix" in spec && spec.suffix > 0)) return { kind: "whole" };
  const ranges = specs.flatMap((spec) => resolveRange(spec, size) ?? []);
  if (ranges.length === 0) return { kind: "unsatisfiable" };
  const isAscending = ranges.every((range, at) => at === 0 || range.first > (ranges[at - 1]?.last ?? 0));
  return isAscending ? { kind: "ranges", ranges } : { kind: "whole" };
}

/** The pieces of a multipart/byteranges body: bytes as they are sent, and ranges of the file between them. */
export function multipart(
  ranges: readonly ByteRange[],
  of: { readonly boundary: string; readonly type: string; readonly size: number },
): (Uint8Array<ArrayBuffer> | ByteRange)[] {
  const encoder = new TextEncoder();
  const pieces = ranges.flatMap((range, at) => {
    const head = `--${of.boundary}\r\nContent-Type: ${of.type}\r\nContent-Range: ${contentRange(range, of.size)}\r\n\r\n`;
    return [encoder.encode(at === 0 ? head : `\r\n${head}`), range];
  });
  return [...pieces, encoder.encode(`\r\n--${of.boundary}--\r\n`)];
}

/** The value of Content-Range (RFC 9110 §14.4); without a range, that of a 416. */
export function contentRange(range: ByteRange | undefined, size: number): string {
  return `bytes ${range === undefined ? "*" : `${range.first}-${range.last}`}/${size}`;
}
