// Answers: what does a stored response look like in Redis?
// Owns: one value a variant, in bytes: version, fence, place of the body, and what reads back to its head.
// Leaves out: the head as text (`../store/codec.ts`), names (`names.ts`), reading and writing (`entries.ts`).
import type { StoredHead } from "../message.ts";
import { decodeHead, encodeHead } from "../store/codec.ts";
import { HEAD_VERSION } from "../store/head-version.ts";
import { parsePosition, positionText, type Position } from "./position.ts";

/** A variant, as it is kept. */
export interface Packed {
  /** Orders the writers of a variant. */
  readonly fence: number;
  /** How far its writer had read the purge log when the fill began. */
  readonly asOf: Position;
  readonly head: StoredHead;
  /** Bytes of the body. */
  readonly length: number;
  /** The body itself, or the id that it is kept under. */
  readonly body: Uint8Array | string;
}

/** The form below; scripts compare it, and the fence behind it, letter by letter. */
export const FORM = String.fromCharCode(0x40 + HEAD_VERSION);

/** Digits of a fence, and letters of a body's id: 128 bits. */
const FENCE_DIGITS = 16;
const ID_LETTERS = 22;
const INLINE = "-".repeat(ID_LETTERS);

/** Form, fence, id, and the lengths of position, key, head and body. */
const PREFIX_BYTES = 1 + FENCE_DIGITS + ID_LETTERS + 4 * 4;

/** A fence as scripts compare it: all of one length. */
export function fenceText(fence: number): string {
  return String(fence).padStart(FENCE_DIGITS, "0");
}

/** The bytes of a variant. */
export function pack({ fence, asOf, head, length, body }: Packed): Buffer {
  const isInline = typeof body !== "string";
  const texts = [positionText(asOf), head.key, encodeHead(head)].map((text) => Buffer.from(text, "utf8"));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(FORM + fenceText(fence) + (isInline ? INLINE : body), "latin1");
  for (const [at, size] of [...texts.map((text) => text.length), length].entries())
    prefix.writeUInt32BE(size, PREFIX_BYTES - 16 + at * 4);
  return Buffer.concat([prefix, ...texts, ...(isInline ? [body] : [])]);
}

/** The variant that was packed so for this key; `undefined` where the bytes are none. Never throws. */
export function unpack(key: string, bytes: Buffer): Packed | undefined {
  if (bytes.length < PREFIX_BYTES || bytes.toString("latin1", 0, 1) !== FORM) return undefined;
  const id = bytes.toString("latin1", 1 + FENCE_DIGITS, 1 + FENCE_DIGITS + ID_LETTERS);
  const [positionBytes = 0, keyBytes = 0, headBytes = 0, length = 0] = [0, 1, 2, 3].map((at) =>
    bytes.readUInt32BE(PREFIX_BYTES - 16 + at * 4),
  );
  const [keyAt, headAt] = [PREFIX_BYTES + positionBytes, PREFIX_BYTES + positionBytes + keyBytes];
  const bodyAt = headAt + headBytes;
  const isInline = id === INLINE;
  if (bytes.length !== bodyAt + (isInline ? length : 0)) return undefined;
  // Two keys of one digest are not to be expected; a key that was altered by somebody is.
  if (bytes.toString("utf8", keyAt, headAt) !== key) return undefined;
  const asOf = parsePosition(bytes.toString("utf8", PREFIX_BYTES, keyAt));
  const head = decodeHead(key, bytes.toString("utf8", headAt, bodyAt));
  const fence = Number(bytes.toString("latin1", 1, 1 + FENCE_DIGITS));
  if (asOf === undefined || head === undefined || !Number.isSafeInteger(fence)) return undefined;
  return { fence, asOf, head, length, body: isInline ? new Uint8Array(bytes.subarray(bodyAt)) : id };
}
