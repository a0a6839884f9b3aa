// Answers: which answer a fresh hit is given, ready-made for the stored responses that are asked for now.
// Owns: what is left out of a 304 and of a part; how many such answers are kept, and when they go.
// Leaves out: what stands in them (`hit-answer.ts`), which of them it is (`respond.ts`).
import { HitAnswer, HitSection, type Field } from "./hit-answer.ts";
import type { Answer, Memo, StoredBody, StoredResponse } from "./message.ts";
import { NOT_IN_304 } from "./rfc9111/preconditions.ts";
import { completeLengthOf } from "./rfc9111/range.ts";
import type { EpochSeconds } from "./rfc9111/time.ts";
import { FieldBlock } from "./store/field-block.ts";

/** All of a stored response, to GET. The same object for all who get it in this second. */
export function wholeHit(stored: StoredResponse, now: EpochSeconds): Answer {
  const hot = hotAnswersOf(stored);
  hot.whole ??= new HitAnswer({ ...stored, body: wholeOf(stored.body) }, wholeSection(stored));
  return hot.whole.at(now);
}

/** The same to HEAD. */
export function headHit(stored: StoredResponse, now: EpochSeconds): Answer {
  const hot = hotAnswersOf(stored);
  hot.head ??= new HitAnswer({ ...stored, body: null }, wholeSection(stored));
  return hot.head.at(now);
}

/** The 304 to a client that has it already. */
export function notModifiedHit(stored: StoredResponse, now: EpochSeconds): Answer {
  const hot = hotAnswersOf(stored);
  hot.notModified ??= new HitAnswer(
    { status: 304, body: null },
    new HitSection(stored, without(stored, NOT_IN_304)),
  );
  return hot.notModified.at(now);
}

/** Some of its bytes; `own` are the fields that say which. */
export function partHit(
  stored: StoredResponse,
  body: Uint8Array | Blob,
  own: readonly Field[],
  now: EpochSeconds,
): Answer {
  const hot = hotAnswersOf(stored);
  hot.part ??= new HitSection(stored, without(stored, NOT_IN_PART));
  return new HitAnswer({ status: 206, body }, hot.part, own).at(now);
}

/** Fields of the whole content; RFC 9530 §2: Content-Digest is of what was sent, Repr-Digest is not. */
export const NOT_IN_PART = ["content-digest", "content-length"];

/** A complete body as an answer has it. */
export function wholeOf(body: Exclude<StoredBody, { kind: "partial" }>): Uint8Array | Blob;
export function wholeOf(body: StoredBody): Uint8Array | Blob | null;
export function wholeOf(body: StoredBody): Uint8Array | Blob | null {
  if (body.kind === "partial") return null;
  return body.kind === "blob" ? body.blob : new Uint8Array(body.bytes);
}

/** Whether a response with that status has content at all (RFC 9110 §6.4.1). */
export function hasContent(status: number): boolean {
  return status !== 204 && status !== 304;
}

/** Bounds how many stored responses have such answers at a time, at some 1 KB each, by the budget of the store. */
export function limitHotAnswers(budgetBytes: number): void {
  limit = Math.max(256, Math.min(MAX_HOT, Math.floor(budgetBytes / 16_384)));
}

/** What has been made from one stored response so far. */
class HotAnswers implements Memo {
  whole: HitAnswer | undefined;
  head: HitAnswer | undefined;
  notModified: HitAnswer | undefined;
  part: HitSection | undefined;

  forget(): void {
    this.whole = this.head = this.notModified = this.part = undefined;
  }
}

const MAX_HOT = 16_384;

/** In the order of their making; the oldest is forgotten for a new one, and made again where that was wrong. */
const ring: HotAnswers[] = [];
let next = 0;
let limit = MAX_HOT;

function hotAnswersOf(stored: StoredResponse): HotAnswers {
  if (stored.memo instanceof HotAnswers) return stored.memo;
  const made = new HotAnswers();
  stored.memo = made;
  if (next >= limit) next = 0;
  ring[next]?.forget();
  ring[next++] = made;
  return made;
}

function wholeSection(stored: StoredResponse): HitSection {
  const length = String(completeLengthOf(stored.body));
  const announced = stored.fields.get("content-length");
  if (announced === length || !hasContent(stored.status)) return new HitSection(stored, stored.fields);
  const kept = announced === null ? stored.fields : without(stored, ["content-length"]);
  return new HitSection(stored, kept, [["Content-Length", length]]);
}

function without(stored: StoredResponse, names: readonly string[]): FieldBlock {
  return new FieldBlock([...stored.fields].filter(([name]) => !names.includes(name)));
}
