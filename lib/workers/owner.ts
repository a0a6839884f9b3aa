// Answers: which worker a key belongs to?
// Owns: the one rule by which all workers find the same owner.
// Leaves out: what an owner is asked (`owner-first.ts`).

/** The slot of the owner of a URI, from 0 to `count` - 1. Slots never change hands, so a remainder is enough. */
export function ownerOf(uri: string, count: number): number {
  // FNV-1a, and a last stir: the low bits of its remainder are weak.
  let hash = 0x811c9dc5;
  for (let at = 0; at < uri.length; at++) hash = Math.imul(hash ^ uri.charCodeAt(at), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return (hash >>> 0) % count;
}
