// Answers: how a response on its way reaches the store and a client at the same time.
// Owns: in one piece or as a stream; the joining of a stored partial body with the rest that comes (§3.4).
// Leaves out: whether it is stored (`rfc9111/outcome.ts`), the chunks (`fill-body.ts`), the header fields (`respond.ts`).
import { setTimeout as sleep } from "node:timers/promises";
import type { Report } from "./cache-status.ts";
import { clientLeft, OriginError } from "./errors.ts";
import type { Storage } from "./events.ts";
import { digestCheck, type DigestCheck } from "./digest.ts";
import { FillBody, type FillEnd } from "./fill-body.ts";
import { hasContent } from "./hot-answers.ts";
import type {
  Answer,
  AnswerBody,
  ByteReader,
  FieldLookup,
  ReceivedResponse,
  StoredBody,
  StoredHead,
  StoredResponse,
  Trailers,
} from "./message.ts";
import { ReceivedAnswer } from "./received-answer.ts";
import { readerOf, withoutTarget } from "./received.ts";
import { aged, answerNotModified } from "./respond.ts";
import { merged } from "./rfc9111/outcome.ts";
import { completeLengthOf, parseContentRange, partialBody, partsOf } from "./rfc9111/range.ts";
import type { EpochSeconds } from "./rfc9111/time.ts";
import type { Finish, Writer } from "./store/store.ts";
import type { Hold } from "./stored-rest.ts";
import type { Visit } from "./visit.ts";

/** Bodies up to this go out in one piece, with Content-Length, if they come within the grace. */
const ONE_PIECE_BYTES = 64 * 1024;

/** A body that is too large to be stored can be joined until so many bytes have come. */
const JOIN_BYTES = 2 * 2 ** 20;

/** How long a small body that has begun to come is waited for, in milliseconds. */
const GRACE_MS = 10;

/** What an answer is made from while its body is on its way; its fields are not changed any more. */
export interface Delivery {
  readonly status: number;
  readonly reason?: string | undefined;
  readonly fields: Headers;
  readonly body: FillBody | Uint8Array | undefined;
  readonly report: Report;
  /** The head as stored, for the client's own conditions; absent where nothing is stored. */
  readonly head?: StoredHead;
  readonly storage?: Promise<Storage>;
}

/**
 * The answer, as soon as there is something to answer with.
 * @throws OriginError where the body breaks off before its first byte could be passed on.
 */
export async function deliver(visit: Visit, delivery: Delivery): Promise<Answer> {
  const { status, fields, body, report, head, storage } = delivery;
  const reason = delivery.reason ?? head?.reason;
  const notModified = head === undefined ? undefined : answerNotModified(head, visit.request, report);
  try {
    if (notModified !== undefined) return visit.done(notModified, report, storage);
    const coming = contentFor(visit, delivery);
    const content = coming instanceof Promise ? await coming : coming;
    const trailers = body instanceof FillBody ? trailersBehind.get(body) : undefined;
    const answer = { status, reason, fields, body: content, trailers };
    return visit.done(new ReceivedAnswer(answer, report), report, storage);
  } finally {
    if (body instanceof FillBody) body.release();
  }
}

function contentFor(visit: Visit, { status, fields, body }: Delivery): AnswerBody | Promise<AnswerBody> {
  // RFC 9110 §8.6: a HEAD response whose length is not known must not say 0; a stream without bytes says nothing.
  if (visit.request.method === "HEAD") return fields.has("content-length") ? null : lengthlessStream();
  if (body === undefined || !hasContent(status)) return null;
  if (body instanceof Uint8Array) return body;
  const whole = onePiece(body);
  return whole === undefined || hasTrailers(visit, body) ? contentAsItComes(visit, body, fields) : whole;
}

/** In one piece a body would have a Content-Length, and no place for trailers. */
function hasTrailers(visit: Visit, body: FillBody): boolean {
  return visit.presented.takesTrailers === true && trailersBehind.get(body)?.() !== undefined;
}

async function contentAsItComes(visit: Visit, body: FillBody, fields: FieldLookup): Promise<AnswerBody> {
  const stream = body.reader();
  const gone = visit.presented.gone();
  // A wire tells the stream only once it has the answer.
  const onGone = (): void => {
    stream.cancel().catch(() => {});
    body.release();
  };
  gone?.addEventListener("abort", onGone);
  // It may have left while the header section was waited for.
  if (gone?.aborted === true) onGone();
  const whole = await wholeInTime(body, lengthOf(fields)).finally(() =>
    gone?.removeEventListener("abort", onGone),
  );
  if (gone?.aborted === true) return brokenStream();
  if (whole === undefined || hasTrailers(visit, body)) return stream;
  stream.cancel().catch(() => {});
  return whole;
}

/** What comes behind a body, for all who read it: it is passed on, and never stored (§3.1). */
const trailersBehind = new WeakMap<FillBody, Trailers>();

/** How a body goes into the store and to its readers. */
export interface Filling {
  /** Absent where it is passed on only. */
  readonly writer?: Writer | undefined;
  /** For a 206 that is stored as a part: what its bytes are. */
  readonly finish?: Finish | undefined;
  readonly completes?: Completion | undefined;
  /** Whether those who come a little later may read along, though it is passed on only. */
  readonly isShared?: boolean;
}

/** What holds for every body that comes in. */
export interface ReadingLimits {
  readonly hold: Hold;
  /** How far a reader may lag behind the fastest where nothing is stored, in bytes. */
  readonly maxLagBytes: number;
}

/** The partial response that what comes completes, and the head of both together. */
export interface Completion {
  readonly partial: StoredResponse;
  readonly head: StoredHead;
}

/** Status and fields that the client sees: as received, or those of the whole that it is the rest of. */
export function shown(
  received: ReceivedResponse,
  completes: Completion | undefined,
  now: EpochSeconds,
): Pick<Delivery, "status" | "reason" | "fields"> {
  const { status, reason, fields } = received;
  if (completes === undefined) return { status, reason, fields };
  return { status: completes.head.status, fields: aged(completes.head, now) };
}

/** The body of a response that is passed on to one client only. */
export function passedBody(
  received: ReceivedResponse,
  completes: Completion | undefined,
  limits: ReadingLimits,
): FillBody | Uint8Array {
  const { body, length, trailers } = received;
  const isReady = body instanceof Uint8Array && completes === undefined && trailers === undefined;
  if (isReady && body.length === (length ?? body.length) && body.length <= ONE_PIECE_BYTES) return body;
  return fillBody(received, { completes }, limits);
}

/** The body of a response that is passed on, and stored where there is a writer. */
export function fillBody(received: ReceivedResponse, filling: Filling, limits?: ReadingLimits): FillBody {
  const { writer, finish, completes } = filling;
  const came = received.body ?? NO_BYTES;
  const rest = readerOf(came);
  const length = completes === undefined ? received.length : lengthOf(completes.head.fields);
  const range = finish && parseContentRange(received.fields.get("content-range"));
  const body = new FillBody({
    reader: completes === undefined ? rest : completedBody(rest, completes.partial, length ?? 0),
    whole: came instanceof Uint8Array && completes === undefined ? came : undefined,
    length,
    writer,
    finish,
    first: range?.first,
    digest: writer && digestFor(received, completes),
    joinBytes: filling.isShared === true ? Math.min(JOIN_BYTES, limits?.maxLagBytes ?? JOIN_BYTES) : 0,
    ...limits,
  });
  if (received.trailers !== undefined) trailersBehind.set(body, received.trailers);
  return body;
}

function digestFor(received: ReceivedResponse, completes: Completion | undefined): DigestCheck | undefined {
  if (completes !== undefined) return digestCheck(completes.head.fields, "whole");
  return digestCheck(received.fields, received.status === 206 ? "part" : "content");
}

/**
 * All bytes of a body that is small and there in time. Its stream has to be open before, so that no byte is freed
 * meanwhile.
 * @throws OriginError where it broke off before the first byte could be passed on.
 */
async function wholeInTime(body: FillBody, lengthBytes: number | undefined): Promise<Uint8Array | undefined> {
  await body.started;
  if (body.end === undefined && (lengthBytes ?? 0) <= ONE_PIECE_BYTES) {
    await Promise.race([body.ended, sleep(GRACE_MS)]);
  }
  return onePiece(body);
}

/** All bytes of a small body that has ended. @throws OriginError where it broke off. */
function onePiece(body: FillBody): Uint8Array | undefined {
  if (body.end?.kind === "broken") throw incomplete(body.end.error);
  return body.end !== undefined && body.end.lengthBytes <= ONE_PIECE_BYTES ? body.whole() : undefined;
}

/** How the bytes of a 206 are stored: as a part, together with what is there already of the same representation. */
export function finishPartial(head: StoredHead, received: ReceivedResponse): Finish {
  return (bytes, stored) => {
    const range = parseContentRange(received.fields.get("content-range"));
    const part = range === undefined ? undefined : partialBody(range, bytes);
    if (part === undefined) return undefined;
    const { head: both, body } = merged(head, part, stored);
    if (![both, head].every(({ fields }) => isWholeAsItSays(fields, body))) return undefined;
    const fields = new Headers([...both.fields]);
    for (const name of ["content-range", "content-length", "content-digest"]) fields.delete(name);
    return { head: { ...both, fields, status: body.kind === "partial" ? 206 : 200 }, body };
  };
}

/** RFC 9530 §3: a whole that parts make up is what its digest says; a Blob has been verified when it was stored. */
function isWholeAsItSays(fields: FieldLookup, body: StoredBody): boolean {
  if (body.kind !== "complete") return true;
  const check = digestCheck(fields, "whole");
  check?.update(body.bytes);
  return check?.holds() !== false;
}

/**
 * Whether what a response came in place of has to go: when it came, and where a part together with its rest is not what
 * its digest says.
 */
export function isSuperseded(end: FillEnd, completes: Completion | undefined): boolean {
  if (end.kind === "complete") return true;
  return completes !== undefined && end.error instanceof OriginError && end.error.code === "origin-corrupt";
}

/** Content-Length in bytes, `undefined` where there is none. */
function lengthOf(fields: FieldLookup): number | undefined {
  const length = fields.get("content-length");
  return length === null ? undefined : Number(length);
}

/** How a body may have ended: whatever it was, to a client it is the origin's fault. */
function incomplete(error: unknown): OriginError {
  if (error instanceof OriginError) return error;
  const message = error instanceof Error ? withoutTarget(error.message) : String(error);
  return new OriginError("origin-incomplete", `the body broke off: ${message}`, error);
}

/**
 * What is stored in front of the gap, the rest as it comes, what is stored behind it. A rest that does not fill the gap
 * to the byte breaks off there: what is behind would be out of its place.
 */
function completedBody(rest: ByteReader, partial: StoredResponse, wholeLength: number): ByteReader {
  const parts = partsOf(partial.body);
  const prefix = parts[0]?.first === 0 ? parts[0] : undefined;
  const last = parts.at(-1);
  const reachesEnd = last !== undefined && last.first + last.bytes.length === completeLengthOf(partial.body);
  const before = prefix === undefined ? [] : [prefix.bytes];
  const behind = reachesEnd && last !== prefix ? [last.bytes] : [];
  let gap = [...before, ...behind].reduce((left, { length }) => left - length, wholeLength);
  return {
    async read() {
      const first = before.pop();
      if (first !== undefined) return { done: false, value: first };
      const result = await rest.read();
      gap -= result.value?.length ?? 0;
      if (result.done ? gap !== 0 : gap < 0)
        throw new OriginError("origin-incomplete", "the rest does not fit");
      const suffix = result.done ? behind.pop() : undefined;
      return suffix === undefined ? result : { done: false, value: suffix };
    },
    cancel: (reason) => rest.cancel(reason),
  };
}

/** Ends after a turn of the event loop: a stream that ends at once would be given Content-Length: 0. */
function lengthlessStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => sleep(0).then(() => controller.close()) });
}

/** For a client that has left: should anybody hear of it, it must not look whole. */
function brokenStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.error(clientLeft()) });
}

const NO_BYTES = new Uint8Array();
