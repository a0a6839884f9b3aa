// Answers: how the rest of a body is asked for after its connection broke, and whether what comes is that rest.
// Owns: Range with If-Range for one broken response (RFC 9110 §13.1.5, §14.2), by a strong entity-tag only.
// Leaves out: when it is tried (`incoming-body.ts`), sending it (`forward.ts`), partial responses in the store (§3.4).
import type { Rest } from "./incoming-body.ts";
import type { ReceivedResponse } from "./message.ts";
import { drop, readerOf } from "./received.ts";
import { parseContentRange } from "./rfc9111/range.ts";
import { listMembers, parseEntityTag, stronglyEqual } from "./rfc9111/syntax.ts";

/** The bytes that a response carries: positions within the representation, and its length where that is known. */
export interface Resumable {
  readonly etag: string;
  readonly coding: string | null;
  readonly first: number;
  readonly last: number | undefined;
  readonly completeLength: number | undefined;
}

/** What of a response could be asked for again; `undefined` where nothing promises the same bytes. */
export function resumable(method: string, received: ReceivedResponse): Resumable | undefined {
  const { fields, status, length } = received;
  const etag = fields.get("etag");
  if (method !== "GET" || etag?.startsWith('"') !== true) return undefined;
  const coding = fields.get("content-encoding");
  if (status === 200) {
    const ranges = listMembers((fields.get("accept-ranges") ?? "").toLowerCase());
    if (!ranges.includes("bytes")) return undefined;
    const last = length === undefined ? undefined : length - 1;
    return { etag, coding, first: 0, last, completeLength: length };
  }
  const range = status === 206 ? parseContentRange(fields.get("content-range")) : undefined;
  return (
    range && { etag, coding, first: range.first, last: range.last, completeLength: range.completeLength }
  );
}

/** The fields that ask for the bytes from `at` on, counted from the start of the broken response. */
export function fieldsForRest(sent: Headers, { etag, first, last }: Resumable, at: number): Headers {
  const fields = new Headers(sent);
  for (const name of ["if-none-match", "if-modified-since", "if-match", "if-unmodified-since"])
    fields.delete(name);
  fields.set("range", `bytes=${first + at}-${last ?? ""}`);
  fields.set("if-range", etag);
  return fields;
}

/** What a response brings of the rest; `undefined` where it is something else, which is ended then. */
export function restFrom(received: ReceivedResponse, body: Resumable, at: number): Rest | undefined {
  const wholeLength = lengthWithRest(received, body, at);
  if (wholeLength !== undefined && received.body !== null)
    return { reader: readerOf(received.body), wholeLength };
  drop(received);
  return undefined;
}

/**
 * How many bytes the whole body has where a response carries just those that are lacking, of the same representation;
 * `undefined` where it is anything else.
 */
export function lengthWithRest(received: ReceivedResponse, body: Resumable, at: number): number | undefined {
  const range = parseContentRange(received.fields.get("content-range"));
  if (received.status !== 206 || range === undefined || range.first !== body.first + at) return undefined;
  const { completeLength } = range;
  if (body.completeLength !== undefined && completeLength !== body.completeLength) return undefined;
  const last = body.last ?? (completeLength === undefined ? undefined : completeLength - 1);
  const length = range.last - range.first + 1;
  if (range.last !== last || (received.length ?? length) !== length) return undefined;
  const etag = received.fields.get("etag");
  if (etag === null || !stronglyEqual(parseEntityTag(etag), parseEntityTag(body.etag))) return undefined;
  return received.fields.get("content-encoding") === body.coding ? at + length : undefined;
}
