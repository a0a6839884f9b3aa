// Answers: which parts of a file a request asks for, and how several of them travel in one response.
// Owns: the Range field as an origin reads it (RFC 9110 §14.1, §14.2) and multipart/byteranges (§14.6).
// Leaves out: If-Range (`origin-conditions.ts`), reading (`origin-content.ts`), a stored response (`rfc9111/range.ts`).

/** Positions of the first and the last byte, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

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
  const set = /^bytes=(.*)$/is.exec(value)?.[1];
  const specs =
    set
      ?.split(",")
      .map((spec) => spec.trim())
      .filter((spec) => spec !== "") ?? [];
  if (specs.length === 0 || specs.length > MAX_RANGES) return { kind: "whole" };
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const range = resolved(spec, size);
    if (range === "invalid") return { kind: "whole" };
    if (range !== "unsatisfiable") ranges.push(range);
  }
  const [first] = ranges;
  if (first === undefined) return { kind: "unsatisfiable" };
  const isAscending = ranges.every((range, at) => at === 0 || range.first > (ranges[at - 1]?.last ?? 0));
  // The last bytes of an empty file: a range that is satisfied, yet Content-Range cannot say so.
  return isAscending && first.last >= first.first ? { kind: "ranges", ranges } : { kind: "whole" };
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

/** RFC 9110 §14.1.2; digits beyond what a number holds are beyond the end of any file too. */
function resolved(spec: string, size: number): ByteRange | "invalid" | "unsatisfiable" {
  const match = /^(\d*)-(\d*)$/.exec(spec);
  const [from, to] = [match?.[1] ?? "", match?.[2] ?? ""];
  if (from === "" && to === "") return "invalid";
  if (from === "") {
    return Number(to) === 0 ? "unsatisfiable" : { first: Math.max(0, size - Number(to)), last: size - 1 };
  }
  if (to !== "" && Number(to) < Number(from)) return "invalid";
  if (Number(from) >= size) return "unsatisfiable";
  return { first: Number(from), last: to === "" ? size - 1 : Math.min(Number(to), size - 1) };
}
