// Answers: are the bytes that came what the origin says it sent?
// Owns: Repr-Digest and Content-Digest (RFC 9530 §2, §3), over the bytes as they came, content coding included.
// Leaves out: what follows when they are not (`fill-body.ts`).
import { createHash, type Hash } from "node:crypto";
import { parseDictionary } from "structured-headers";
import type { FieldLookup } from "./message.ts";

/** The algorithms of RFC 9530 §5 that are fit for it, and their lengths in bytes; others are ignored, as are members that make no sense. */
const ALGORITHMS = [
  ["sha-256", "sha256", 32],
  ["sha-512", "sha512", 64],
] as const;

/** Takes the bytes as they come, and says at the end whether they are the right ones. */
export interface DigestCheck {
  update(chunk: Uint8Array): void;
  /** To be asked once, at the end. */
  holds(): boolean;
}

/**
 * The check for the content of a response. Of a part (206) only Content-Digest speaks, unless it is to be `"whole"`: the
 * complete representation, put together. `undefined` where nothing is said that can be checked.
 */
export function digestCheck(fields: FieldLookup, of: "content" | "part" | "whole"): DigestCheck | undefined {
  const names = {
    content: ["content-digest", "repr-digest"],
    part: ["content-digest"],
    whole: ["repr-digest"],
  };
  const checks = names[of].flatMap((name) => checksOf(fields.get(name)));
  if (checks.length === 0) return undefined;
  return {
    update: (chunk) => checks.forEach(({ hash }) => hash.update(chunk)),
    holds: () => checks.every(({ hash, expected }) => hash.digest("base64") === expected),
  };
}

function checksOf(value: string | null): { readonly hash: Hash; readonly expected: string }[] {
  if (value === null) return [];
  let members: ReturnType<typeof parseDictionary>;
  try {
    members = parseDictionary(value);
  } catch {
    return [];
  }
  return ALGORITHMS.flatMap(([name, algorithm, length]) => {
    const bytes = members.get(name)?.[0];
    if (!(bytes instanceof ArrayBuffer) || bytes.byteLength !== length) return [];
    return [{ hash: createHash(algorithm), expected: Buffer.from(bytes).toString("base64") }];
  });
}
