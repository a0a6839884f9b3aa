// Answers: which bytes a request asks for, which of them are stored, and what two partial responses make together.
// Owns: §3.3, §3.4, and the range syntax of RFC 9110 §14.1.2, §14.2, §14.4.
// Leaves out: If-Range (`preconditions.ts`) and the answer itself (`respond.ts`).
import type { Part, StoredBody } from "../message.ts";
import { listMembers } from "./syntax.ts";

/** One range of a Range field: from `first` to `last` or the end, or the last `suffix` bytes. */
export type RangeSpec =
  { readonly first: number; readonly last: number | undefined } | { readonly suffix: number };

/** Positions of the first and the last byte, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** What a stored body can do for a Range field. */
export type Coverage =
  | { readonly kind: "covered"; readonly ranges: readonly ByteRange[]; readonly completeLength: number }
  | { readonly kind: "unsatisfiable"; readonly completeLength: number }
  /** The Range field is better ignored: too many ranges, or overlapping ones (RFC 9110 §14.2). */
  | { readonly kind: "ignored" }
  /** Some of the bytes are not stored. */
  | { readonly kind: "uncovered" };

/** A Content-Range field of a 206; `completeLength` is `undefined` for `*`. */
export interface ContentRange extends ByteRange {
  readonly completeLength: number | undefined;
}

/** More ranges than this in one request are taken for an attack and ignored, as Apache httpd and nginx do it. */
const MAX_RANGES = 16;

/** The ranges of a Range field; `undefined` where the unit is not `bytes` or the syntax is off: then it is ignored. */
export function parseRange(value: string | null): RangeSpec[] | undefined {
  const match = value === null ? null : /^bytes=(.+)$/i.exec(value);
  if (match === null) return undefined;
  const specs = listMembers(match[1] ?? "").map(parseSpec);
  return specs.length > 0 && specs.every((spec) => spec !== undefined) ? specs : undefined;
}

/** The bytes that a range stands for in a representation of that length; `undefined` where there are none. */
export function resolveRange(spec: RangeSpec, completeLength: number): ByteRange | undefined {
  const first = "suffix" in spec ? Math.max(0, completeLength - spec.suffix) : spec.first;
  const asked = "suffix" in spec ? completeLength - 1 : (spec.last ?? completeLength - 1);
  const last = Math.min(asked, completeLength - 1);
  return first <= last ? { first, last } : undefined;
}

/** The Content-Range of a single part in bytes; `undefined` where it is anything else. */
export function parseContentRange(value: string | null): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(value ?? "");
  if (match === null) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2])];
  const completeLength = match[3] === "*" ? undefined : Number(match[3]);
  if (last < first || (completeLength !== undefined && last >= completeLength)) return undefined;
  return { first, last, completeLength };
}

/**
 * The body to store for a 206 whose content ended where its framing said. Where the content is shorter than
 * Content-Range promises and the range was the last one, the bytes are believed and the representation ends with them;
 * any other contradiction makes it unusable (`undefined`).
 * @owns §3.3
 */
export function partialBody(range: ContentRange, bytes: Uint8Array): StoredBody | undefined {
  const { first, last, completeLength } = range;
  const promised = last - first + 1;
  if (bytes.length === 0 || bytes.length > promised) return undefined;
  if (bytes.length === promised) return bodyOf([{ first, bytes }], completeLength);
  if (completeLength === undefined || last !== completeLength - 1) return undefined;
  return bodyOf([{ first, bytes }], first + bytes.length);
}

/**
 * Two partial responses of the same representation as one; complete where nothing is missing any more. Only to be
 * called for responses with the same strong validator; `undefined` where their lengths contradict each other.
 * @owns §3.4
 */
export function combined(one: StoredBody, other: StoredBody): StoredBody | undefined {
  const lengths = [completeLengthOf(one), completeLengthOf(other)].filter((length) => length !== undefined);
  const [completeLength, otherLength = completeLength] = lengths;
  if (completeLength !== otherLength) return undefined;
  const whole = [one, other].find(({ kind }) => kind === "blob" || kind === "outside");
  if (whole !== undefined) return whole;
  const parts = [...partsOf(one), ...partsOf(other)].sort((a, b) => a.first - b.first);
  if (completeLength !== undefined && parts.some((part) => endOf(part) > completeLength)) return undefined;
  const joined: Part[] = [];
  for (const part of parts) {
    const previous = joined.at(-1);
    if (previous === undefined || part.first > endOf(previous)) joined.push(part);
    else if (endOf(part) > endOf(previous)) joined[joined.length - 1] = join(previous, part);
  }
  return bodyOf(joined, completeLength);
}

/** The bytes that a Range field asks for, as far as a stored body has them. */
export function coverage(body: StoredBody, specs: readonly RangeSpec[]): Coverage {
  const completeLength = completeLengthOf(body);
  if (completeLength === undefined) return coverageOfUnknownLength(body, specs);
  if (specs.length > MAX_RANGES) return body.kind === "partial" ? { kind: "uncovered" } : { kind: "ignored" };
  const ranges = specs.flatMap((spec) => resolveRange(spec, completeLength) ?? []);
  // RFC 9110 §14.1.2: the last bytes of nothing are satisfiable, and no 206 can say so.
  if (completeLength === 0 && specs.some((spec) => "suffix" in spec && spec.suffix > 0))
    return { kind: "ignored" };
  if (ranges.length === 0) return { kind: "unsatisfiable", completeLength };
  if (!ranges.every((range) => has(body, range))) return { kind: "uncovered" };
  // Several parts of what is outside of memory would have to be put together there.
  if (body.kind === "outside" && ranges.length > 1) return { kind: "ignored" };
  const overlapping = ranges.some((range, at) => ranges.slice(at + 1).some((other) => overlap(range, other)));
  return overlapping ? ignoredOrUncovered(body) : { kind: "covered", ranges, completeLength };
}

/** Whether all bytes of a range are stored. */
function has(body: StoredBody, range: ByteRange): boolean {
  return body.kind === "outside" || slice(body, range) !== undefined;
}

/** The bytes of a range, not copied; `undefined` where they are not all stored. */
export function slice(
  body: StoredBody,
  range: ByteRange,
): Uint8Array | Blob | ReadableStream<Uint8Array> | undefined {
  if (body.kind === "blob") return body.blob.slice(range.first, range.last + 1);
  if (body.kind === "outside") return body.read(range.first, range.last);
  const part = partsOf(body).find(
    ({ first, bytes }) => first <= range.first && range.last < first + bytes.length,
  );
  return part?.bytes.subarray(range.first - part.first, range.last - part.first + 1);
}

/**
 * The one range that holds all that a partial body lacks; `last` is `undefined` for all up to the end. `undefined` where
 * nothing before or behind is stored, so that the whole has to be asked for.
 */
export function missingRange(body: StoredBody): { first: number; last: number | undefined } | undefined {
  if (body.kind !== "partial") return undefined;
  const [start, end] = [body.parts[0], body.parts.at(-1)];
  if (start === undefined || end === undefined) return undefined;
  const first = start.first === 0 ? endOf(start) : 0;
  const reachesEnd = body.completeLength !== undefined && endOf(end) === body.completeLength;
  const last = reachesEnd ? end.first - 1 : undefined;
  return first === 0 && last === undefined ? undefined : { first, last };
}

/** Bytes of the complete representation; `undefined` where that is not known. */
export function completeLengthOf(body: StoredBody): number | undefined {
  if (body.kind === "blob") return body.blob.size;
  if (body.kind === "outside") return body.length;
  return body.kind === "complete" ? body.bytes.length : body.completeLength;
}

/** The stored runs of bytes in order, as far as they are at hand: those of a Blob, or outside, are not. */
export function partsOf(body: StoredBody): readonly Part[] {
  if (body.kind === "blob" || body.kind === "outside") return [];
  return body.kind === "complete" ? [{ first: 0, bytes: body.bytes }] : body.parts;
}

function parseSpec(member: string): RangeSpec | undefined {
  const match = /^(\d*)-(\d*)$/.exec(member);
  if (match === null || (match[1] === "" && match[2] === "")) return undefined;
  if (match[1] === "") return { suffix: Number(match[2]) };
  const first = Number(match[1]);
  const last = match[2] === "" ? undefined : Number(match[2]);
  return last !== undefined && last < first ? undefined : { first, last };
}

/** Without a complete length only ranges with both ends given can be found. */
function coverageOfUnknownLength(body: StoredBody, specs: readonly RangeSpec[]): Coverage {
  const [spec, ...others] = specs;
  if (spec === undefined || others.length > 0 || "suffix" in spec || spec.last === undefined) {
    return { kind: "uncovered" };
  }
  const range = { first: spec.first, last: spec.last };
  if (!has(body, range)) return { kind: "uncovered" };
  return { kind: "covered", ranges: [range], completeLength: Number.NaN };
}

function ignoredOrUncovered(body: StoredBody): Coverage {
  return body.kind === "partial" ? { kind: "uncovered" } : { kind: "ignored" };
}

function bodyOf(parts: readonly Part[], completeLength: number | undefined): StoredBody {
  const [only] = parts;
  if (only !== undefined && parts.length === 1 && only.first === 0 && only.bytes.length === completeLength) {
    return { kind: "complete", bytes: only.bytes as Uint8Array<ArrayBuffer> };
  }
  return { kind: "partial", parts, completeLength };
}

function endOf(part: Part): number {
  return part.first + part.bytes.length;
}

function join(one: Part, other: Part): Part {
  const bytes = new Uint8Array(endOf(other) - one.first);
  bytes.set(one.bytes);
  bytes.set(other.bytes, other.first - one.first);
  return { first: one.first, bytes };
}

function overlap(one: ByteRange, other: ByteRange): boolean {
  return one.first <= other.last && other.first <= one.last;
}
