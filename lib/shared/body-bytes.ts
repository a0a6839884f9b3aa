// Answers: what are the bytes of a stored body, wherever they are?
// Owns: bytes, Blobs and outside bodies in one piece.
// Leaves out: where they go then (`entries.ts`).
import type { OutsideBody, StoredBody } from "../message.ts";

/** Bytes of a complete body; `undefined` for parts of one. */
export function lengthOfBody(body: StoredBody): number | undefined {
  if (body.kind === "complete") return body.bytes.length;
  if (body.kind === "blob") return body.blob.size;
  return body.kind === "outside" ? body.length : undefined;
}

/** All of a body that has `length` bytes; `undefined` where they cannot be had. Never rejects. */
export async function bytesOfBody(body: StoredBody, length: number): Promise<Uint8Array | undefined> {
  try {
    if (body.kind === "complete") return body.bytes;
    if (body.kind === "blob") return new Uint8Array(await body.blob.arrayBuffer());
    return body.kind === "outside" ? await outsideBytes(body, length) : undefined;
  } catch {
    return undefined;
  }
}

async function outsideBytes(body: OutsideBody, length: number): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(length);
  if (length === 0) return bytes;
  const stream = body.read(0, length - 1);
  if (stream === undefined) return undefined;
  const reader = stream.getReader();
  let at = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (at + next.value.length > length) return undefined;
    bytes.set(next.value, at);
    at += next.value.length;
  }
  return at === length ? bytes : undefined;
}
