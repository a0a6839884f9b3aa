// Answers: what the hash of a file's bytes is, so that a strong ETag names these bytes and no others (RFC 9110 §8.8.3).
// Owns: the hash, and the memory of the hashes of large files.
// Leaves out: whether the file rests (`origin-file.ts`); small files are hashed each time they are read.
import { readForward } from "./origin-content.ts";
import { sameBytes, snapshotOf, type Snapshot } from "./origin-snapshot.ts";

const REMEMBERED_FILES = 1024;
const remembered = new Map<string, string | Promise<void>>();

/** 128 bits of SHA-256 in base64url, 22 characters. */
export function hashOf(bytes: Uint8Array): string {
  return shortened(new Bun.CryptoHasher("sha256").update(bytes));
}

/**
 * The hash of a large file, or a promise that settles when it is worked out: then ask again.
 * Reads `fd` from its start to its end; while the promise is pending, others wait for it instead of reading too.
 */
export function hashOfFile(fd: number, snapshot: Snapshot): string | Promise<void> {
  const known = remembered.get(snapshot.key);
  if (known !== undefined) return known;
  const work = hashWhole(fd, snapshot).then(
    (hash) => remember(snapshot.key, hash),
    (error: unknown) => {
      remembered.delete(snapshot.key);
      throw error;
    },
  );
  remembered.set(snapshot.key, work);
  return work;
}

function remember(key: string, hash: string | undefined): void {
  remembered.delete(key);
  if (hash !== undefined) remembered.set(key, hash);
  for (const oldest of remembered.keys()) {
    if (remembered.size <= REMEMBERED_FILES) return;
    remembered.delete(oldest);
  }
}

/** `undefined` where the file was changed meanwhile. */
async function hashWhole(fd: number, snapshot: Snapshot): Promise<string | undefined> {
  const hasher = new Bun.CryptoHasher("sha256");
  const read = readForward(fd, { first: 0, last: snapshot.size - 1 });
  try {
    for (let bytes = await read(); bytes.length > 0; bytes = await read()) hasher.update(bytes);
  } catch (error) {
    if (sameBytes(snapshot, snapshotOf(fd))) throw error;
  }
  return sameBytes(snapshot, snapshotOf(fd)) ? shortened(hasher) : undefined;
}

function shortened(hasher: Bun.CryptoHasher): string {
  return hasher.digest().subarray(0, 16).toString("base64url");
}
