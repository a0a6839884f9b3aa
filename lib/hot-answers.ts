// Answers: which answer a fresh hit is given, ready-made for the stored responses that are asked for now.
// Owns: what is left out of a 304 and of a part; how many such answers are kept, and when they go.
// Leaves out: what stands in them (`hit-answer.ts`), which of them it is (`respond.ts`).
import { HitAnswer, type Field, type HitParts } from "./hit-answer.ts";
import type { Answer, Memo, StoredBody, StoredResponse } from "./message.ts";
import { NOT_IN_304 } from "./rfc9111/preconditions.ts";
import { completeLengthOf } from "./rfc9111/range.ts";
import type { EpochSeconds } from "./rfc9111/time.ts";
import { FieldBlock, fieldText } from "./store/field-block.ts";

/** All of a stored response, to GET. The same object for all who get it in this second. */
export function wholeHit(stored: StoredResponse, now: EpochSeconds): Answer {
  return hotAnswerOf(stored).at(now);
}

/** The same to HEAD. */
export function headHit(stored: StoredResponse, now: EpochSeconds): Answer {
  const hot = hotAnswerOf(stored);
  hot.head ??= new HitAnswer(stored, { ...wholeParts(stored), body: null });
  return hot.head.at(now);
}

/** Whether these entity-tags were found to name it before (§4.3.2): a stored response never changes. */
export function isKnownToBeNamed({ memo }: StoredResponse, ifNoneMatch: string | null): boolean {
  return ifNoneMatch !== null && memo instanceof HotAnswer && memo.namedBy === ifNoneMatch;
}

/** The 304 to a client that has it already, and said so with `ifNoneMatch` or with a date. */
export function notModifiedHit(
  stored: StoredResponse,
  ifNoneMatch: string | null,
  now: EpochSeconds,
): Answer {
  const hot = hotAnswerOf(stored);
  hot.namedBy = ifNoneMatch;
  hot.notModified ??= new HitAnswer(stored, { status: 304, body: null, kept: without(stored, NOT_IN_304) });
  return hot.notModified.at(now);
}

/** Some of its bytes; `added` are the fields that say which. */
export function partHit(
  stored: StoredResponse,
  body: Uint8Array | Blob,
  added: readonly Field[],
  now: EpochSeconds,
): Answer {
  const hot = hotAnswerOf(stored);
  hot.keptInPart ??= without(stored, NOT_IN_PART);
  return new HitAnswer(stored, { status: 206, body, kept: hot.keptInPart, added }).at(now);
}

/** Fields of the whole content; RFC 9530 §2: Content-Digest is of what was sent, Repr-Digest is not. */
export const NOT_IN_PART = ["content-digest", "content-length"];

/** A complete body in memory as an answer has it; `null` for any other. */
export function wholeOf(body: StoredBody): Uint8Array | Blob | null {
  if (body.kind === "partial" || body.kind === "outside") return null;
  return body.kind === "blob" ? body.blob : body.bytes;
}

/** Whether a response with that status has content at all (RFC 9110 §6.4.1). */
export function hasContent(status: number): boolean {
  return status !== 204 && status !== 304;
}

/** Bounds how many stored responses have such answers at a time, at some 1 KB each, by the budget of the store. */
export function limitHotAnswers(budgetBytes: number): void {
  limit = Math.max(256, Math.min(MAX_HOT, Math.floor(budgetBytes / 16_384)));
}

/** The answer with all of a stored response, and what else has been made from that so far. */
class HotAnswer extends HitAnswer implements Memo {
  head: HitAnswer | undefined;
  notModified: HitAnswer | undefined;
  /** The If-None-Match that was answered with it last. */
  namedBy: string | null = null;
  keptInPart: FieldBlock | undefined;
  readonly #place: number;

  constructor(stored: StoredResponse, place: number) {
    super(stored, wholeParts(stored));
    this.#place = place;
  }

  forget(): void {
    if (ring[this.#place]?.memo === this) ring[this.#place] = undefined;
  }
}

const MAX_HOT = 16_384;

/** Those that have answers, in the order of their making: the oldest is forgotten for a new one, and made again if need be. */
const ring: (StoredResponse | undefined)[] = [];
let next = 0;
let limit = MAX_HOT;

function hotAnswerOf(stored: StoredResponse): HotAnswer {
  if (stored.memo instanceof HotAnswer) return stored.memo;
  if (next >= limit) next = 0;
  const oldest = ring[next];
  if (oldest !== undefined) oldest.memo = undefined;
  const made = new HotAnswer(stored, next);
  stored.memo = made;
  ring[next++] = stored;
  return made;
}

function wholeParts(stored: StoredResponse): HitParts {
  const { status, reason, fields } = stored;
  const parts = { status, reason, body: wholeOf(stored.body), kept: fields };
  const length = String(completeLengthOf(stored.body));
  const announced = fields.get("content-length");
  if (announced === length || !hasContent(status)) return parts;
  const kept = announced === null ? fields : without(stored, ["content-length"]);
  return { ...parts, kept, added: [["Content-Length", length]] };
}

function without(stored: StoredResponse, names: readonly string[]): FieldBlock {
  return new FieldBlock(fieldText([...stored.fields].filter(([name]) => !names.includes(name))));
}
