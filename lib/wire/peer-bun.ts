// Answers: how one worker asks another, and how the answer comes back byte by byte.
// Owns: the Unix socket between two processes of one Larder, and the frame of an answer: taken, head, body.
// Leaves out: who is asked (`workers/owner-first.ts`), what is answered (`workers/desk.ts`).
import type { AnswerBody, ByteReader } from "../message.ts";
import { piecesOf } from "./large-bodies.ts";

/** An answer as it goes over: a head, which is text for the other side, and a body. */
export interface PeerAnswer<Body> {
  readonly head: string;
  readonly body: Body;
}

/** Answers a question; `gone` aborts when the one who asked has left. A rejection breaks the answer off. */
export type AnswerPeer = (question: string, gone: AbortSignal) => Promise<PeerAnswer<AnswerBody>>;

/** How long one waits for the other. */
export interface Patience {
  /** Ends it until the head is there. */
  readonly signal: AbortSignal;
  /** Milliseconds until the other must have taken the question. */
  readonly takenMs: number;
}

/** Says, before there is an answer, that the question has been taken. */
const TAKEN = new Uint8Array([1]);

/** How long an answer is waited for before it is said that the question has been taken, in milliseconds. */
const SOON_MS = 50;

/** The status where there is no answer; that of all others is in the head. */
const NO_ANSWER = 503;

/** Of the length in front of the head. */
const LENGTH_BYTES = 4;

/** A question holds a request's header section, of 16 KB at most. */
const MAX_QUESTION_BYTES = 2 ** 20;

/** An answer may be as slow as its origin, whose deadlines hold. For Unix sockets the types do not know it; Bun does. */
const NEVER_IDLE: object = { idleTimeout: 0 };

/** Takes questions at a path. @throws where it cannot be listened there. */
export function servePeers(path: string, answer: AnswerPeer): void {
  Bun.serve({
    ...NEVER_IDLE,
    unix: path,
    development: false,
    maxRequestBodySize: MAX_QUESTION_BYTES,
    async fetch(request) {
      const { signal } = request;
      const coming = answer(await request.text(), signal);
      try {
        const ready = await soon(coming);
        return new Response(ready === undefined ? framed(coming, signal) : inOnePiece(ready, signal));
      } catch {
        return new Response(null, { status: NO_ANSWER });
      }
    },
  });
}

/**
 * The answer of the worker at that path; `undefined` where it is away, is too slow to take the question, or ends before
 * there is an answer. Rejects with the reason of the signal when that aborts.
 */
export async function askPeer(
  path: string,
  question: string,
  { signal, takenMs }: Patience,
): Promise<PeerAnswer<ByteReader> | undefined> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal.reason);
  signal.addEventListener("abort", abort);
  const timer = setTimeout(() => controller.abort(), takenMs);
  try {
    const response = await fetch("http://worker/", {
      method: "POST",
      unix: path,
      body: question,
      signal: controller.signal,
      proxy: false,
    } as BunFetchRequestInit);
    if (response.status === NO_ANSWER) return undefined;
    const frames = new Frames(response.body?.getReader());
    await frames.take(TAKEN.length);
    clearTimeout(timer);
    const length = await frames.take(LENGTH_BYTES);
    const head = await frames.take(new DataView(length.buffer, length.byteOffset).getUint32(0));
    return { head: new TextDecoder().decode(head), body: frames };
  } catch {
    if (signal.aborted) throw signal.reason;
    return undefined;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}

/** The answer, if it is there before the other worker begins to wonder; rejects as it does. */
async function soon(coming: Promise<PeerAnswer<AnswerBody>>): Promise<PeerAnswer<AnswerBody> | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), SOON_MS);
  });
  return Promise.race([coming, late]).finally(() => clearTimeout(timer));
}

/** Up to here copying costs less than a stream. */
const ONE_PIECE_BYTES = 64 * 1024;

/** Bytes that are few and all there go as such. */
function inOnePiece(
  ready: PeerAnswer<AnswerBody>,
  gone: AbortSignal,
): ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> {
  const { head, body } = ready;
  const isSmall = body === null || (body instanceof Uint8Array && body.length <= ONE_PIECE_BYTES);
  if (!isSmall) return framed(Promise.resolve(ready), gone);
  return joined([TAKEN, headFrame(head), body ?? new Uint8Array()]);
}

/** The answer as one stream, no faster than it is read. Where the body breaks off, the stream does. */
function framed(answer: Promise<PeerAnswer<AnswerBody>>, gone: AbortSignal): ReadableStream<Uint8Array> {
  let isTaken = false;
  let reader: ByteReader | undefined;
  const leave = (): void => void reader?.cancel("the other worker has left").catch(() => {});
  gone.addEventListener("abort", leave);
  answer.catch(() => {});
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!isTaken) {
          isTaken = true;
          return controller.enqueue(TAKEN);
        }
        if (reader === undefined) {
          const { head, body } = await answer;
          reader = readerOf(body);
          if (gone.aborted) leave();
          return controller.enqueue(headFrame(head));
        }
        const { done, value } = await reader.read();
        if (!done && value !== undefined) return controller.enqueue(value);
        controller.close();
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
}

function headFrame(head: string): Uint8Array {
  const text = new TextEncoder().encode(head);
  const frame = new Uint8Array(LENGTH_BYTES + text.length);
  new DataView(frame.buffer).setUint32(0, text.length);
  frame.set(text, LENGTH_BYTES);
  return frame;
}

function readerOf(body: AnswerBody): ByteReader {
  if (body instanceof ReadableStream) return body.getReader();
  return piecesOf(body ?? new Uint8Array()).getReader();
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Reads frames off the front of a stream, and then what is behind them. */
class Frames implements ByteReader {
  readonly #reader: ByteReader;
  #rest = new Uint8Array();

  constructor(reader: ByteReader | undefined) {
    if (reader === undefined) throw new Error("an answer without a body");
    this.#reader = reader;
  }

  /** So many bytes. @throws where fewer come. */
  async take(length: number): Promise<Uint8Array> {
    const parts = [this.#rest];
    let size = this.#rest.length;
    while (size < length) {
      const { value } = await this.#reader.read();
      if (value === undefined) throw new Error("the answer ended in its head");
      parts.push(value as Uint8Array<ArrayBuffer>);
      size += value.length;
    }
    const bytes = parts.length === 1 ? this.#rest : joined(parts);
    this.#rest = bytes.subarray(length);
    return bytes.subarray(0, length);
  }

  read(): ReturnType<ByteReader["read"]> {
    const value = this.#rest;
    if (value.length === 0) return this.#reader.read();
    this.#rest = new Uint8Array();
    return Promise.resolve({ done: false, value });
  }

  cancel(reason?: unknown): Promise<void> {
    return this.#reader.cancel(reason);
  }
}
