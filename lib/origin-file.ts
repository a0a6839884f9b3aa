// Answers: which file lies under a path of names, and what it holds at this moment.
// Owns: staying inside the root, regular files only, and telling a file that is being changed from one that rests.
// Leaves out: which names are allowed (`origin-target.ts`), sending (`origin-content.ts`), hashes (`origin-hash.ts`).
import { closeSync, constants, lstatSync, openSync, readlinkSync, realpathSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { bytesContent, StreamedContent, type Content } from "./origin-content.ts";
import { hashOf, hashOfFile } from "./origin-hash.ts";
import { sameBytes, snapshotOf, type Snapshot } from "./origin-snapshot.ts";
import type { EpochSeconds } from "./rfc9111/time.ts";

/** A file whose content is known; the content has to be sent or closed. */
export interface FoundFile {
  readonly kind: "file";
  /** Its own name, for the media type: of what was asked for, not of what a symbolic link leads to. */
  readonly name: string;
  readonly lastModified: EpochSeconds;
  readonly content: Content;
}

/** What lies under a path. */
export type Found =
  | FoundFile
  /** A folder inside the root. */
  | { readonly kind: "folder" }
  /** Nothing, nothing that may be served, or nothing inside the root. */
  | { readonly kind: "missing" }
  /** A file that was changed every time it was looked at. */
  | { readonly kind: "unsteady" };

/** Up to here a file is read at once and sent with its Content-Length; larger ones are streamed. */
const AT_ONCE_BYTES = 2 ** 20;
const ATTEMPTS = 5;
// File times move in ticks of up to 10 ms: a change within the tick of the last one would not show.
const SETTLED_MS = 20;
const MISSING_CODES: ReadonlySet<unknown> = new Set([
  "ENOENT",
  "ENOTDIR",
  "ENAMETOOLONG",
  "ELOOP",
  "EACCES",
  "EPERM",
  "ENXIO",
]);

/**
 * Finds and reads a file below `root`, a real path.
 * @throws what the file system throws for reasons other than that there is nothing to be served.
 */
export async function findFile(root: string, names: readonly string[]): Promise<Found> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const opened = openInside(root, names);
    if (opened.kind !== "open") return opened;
    const content = await contentOf(opened.fd, opened.snapshot);
    if (content !== undefined) {
      return {
        kind: "file",
        name: names.at(-1) ?? basename(root),
        lastModified: opened.snapshot.lastModified,
        content,
      };
    }
  }
  return { kind: "unsteady" };
}

type Opened =
  | { readonly kind: "open"; readonly fd: number; readonly snapshot: Snapshot }
  | { readonly kind: "folder" }
  | { readonly kind: "missing" };

/** Opens what the names lead to, if that is a regular file whose real path is inside the root. */
function openInside(root: string, names: readonly string[]): Opened {
  try {
    const real = realpathSync(join(root, ...names));
    if (!isInside(root, real)) return { kind: "missing" };
    const before = lstatSync(real);
    if (before.isDirectory()) return { kind: "folder" };
    if (!before.isFile()) return { kind: "missing" };
    const fd = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const snapshot = snapshotOf(fd);
    // A folder on the way may have become a symbolic link since the first look.
    if (snapshot.regular && openedPath(fd, real) === real) return { kind: "open", fd, snapshot };
    closeSync(fd);
    return { kind: "missing" };
  } catch (error) {
    if (MISSING_CODES.has((error as NodeJS.ErrnoException).code)) return { kind: "missing" };
    throw error;
  }
}

/** A symbolic link may lead elsewhere inside the root, but not to what could not be asked for by name. */
function isInside(root: string, real: string): boolean {
  if (real === root) return true;
  const steps = relative(root, real).split(sep);
  return steps.every((step) => step !== "" && !step.startsWith("."));
}

function openedPath(fd: number, real: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return realpathSync(real);
  }
}

/** What the file holds, read and hashed in one piece of its life; `undefined` asks for another attempt. */
async function contentOf(fd: number, snapshot: Snapshot): Promise<Content | undefined> {
  let keep = false;
  try {
    const ageMs = Date.now() - snapshot.changedMs;
    if (Math.abs(ageMs) < SETTLED_MS) {
      await Bun.sleep(SETTLED_MS - Math.abs(ageMs));
      return undefined;
    }
    if (snapshot.size <= AT_ONCE_BYTES) {
      const bytes = await Bun.file(fd).bytes();
      const steady = bytes.length === snapshot.size && sameBytes(snapshot, snapshotOf(fd));
      return steady ? bytesContent(bytes, hashOf(bytes)) : undefined;
    }
    const known = hashOfFile(fd, snapshot);
    if (typeof known === "string") {
      keep = true;
      return new StreamedContent(fd, snapshot, known);
    }
    // Hashing has read to the end of `fd`; the next attempt opens the file anew and finds the hash known.
    await known;
    return undefined;
  } finally {
    if (!keep) closeSync(fd);
  }
}
