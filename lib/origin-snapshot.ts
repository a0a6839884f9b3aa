// Answers: whether an open file is still what it was.
// Owns: what a file system says of a file, and the comparison of two such sayings.
// Leaves out: what to do about a change (`origin-file.ts`, `origin-content.ts`).
import { fstatSync } from "node:fs";
import { epochSeconds, type EpochSeconds } from "./rfc9111/time.ts";

/** An open file at one moment. The change time cannot be set back, unlike the time of modification. */
export interface Snapshot {
  /** Device, inode, size and both times in nanoseconds: differs whenever the content may differ. */
  readonly key: string;
  readonly size: number;
  readonly modifiedNs: bigint;
  readonly lastModified: EpochSeconds;
  readonly changedMs: number;
  readonly regular: boolean;
  /** How many names it has. */
  readonly links: bigint;
}

/** Looks at an open file. */
export function snapshotOf(fd: number): Snapshot {
  const stat = fstatSync(fd, { bigint: true });
  return {
    key: [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(":"),
    size: Number(stat.size),
    modifiedNs: stat.mtimeNs,
    lastModified: epochSeconds(Number(stat.mtimeNs / 1_000_000n)),
    changedMs: Number(stat.ctimeNs / 1_000_000n),
    regular: stat.isFile(),
    links: stat.nlink,
  };
}

/** Whether nothing was written between two looks, the first of them at a file that rested. */
export function sameBytes(before: Snapshot, after: Snapshot): boolean {
  if (before.key === after.key) return true;
  // A file that is replaced or removed loses its name. That moves its change time, but not its bytes.
  const isWritten = before.size !== after.size || before.modifiedNs !== after.modifiedNs;
  return !isWritten && before.links !== after.links;
}
