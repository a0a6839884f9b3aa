// Answers: how many bytes of the budget a stored response takes.
// Owns: the estimate of what lies around the bytes, and the count of those.
// Leaves out: the budget (`memory.ts`); `bun run bench memory` holds the estimate against resident memory.
import type { StoredBody, StoredHead } from "../message.ts";
import { partsOf } from "../rfc9111/range.ts";
import { labelsOf } from "./labels-of.ts";

/** What a group or a tag costs for each member: two entries, and the name now and then. */
const LABEL_BYTES = 150;

/** What a stored response costs beyond its bytes: objects, Map entries, header block. */
const OVERHEAD_BYTES = 1024;

/** Of a body, in bytes. */
export function bodySize(body: StoredBody): number {
  if (body.kind === "blob") return body.blob.size;
  // With what is in front of them. To ask for their buffer would make one, where bytes are few.
  if (body.kind === "complete") return body.bytes.byteOffset + body.bytes.length;
  return partsOf(body).reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** Of all the rest, in bytes; `text` are its header fields. */
export function overheadOf(head: StoredHead, text: string): number {
  const { key, selecting } = head;
  const ofLabels = LABEL_BYTES * labelsOf(head).length;
  return OVERHEAD_BYTES + key.length + (selecting?.values.length ?? 0) + text.length + ofLabels;
}
