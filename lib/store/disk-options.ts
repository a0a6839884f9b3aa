// Answers: how is a disk tier to be?
// Owns: its options, and what they are where nothing is said.
// Leaves out: where they come from (the command line), what they do (`disk.ts`).

/** How a disk tier is to be. */
export interface DiskOptions {
  /** The most that the files may take, in bytes. */
  readonly sizeBytes: number;
  /** Takes a line for a person: what went wrong, once for each trouble. */
  readonly warn: (line: string) => void;
  /** Bodies above this stay on the disk and are read as they are sent, in bytes; 8 MB where nothing is said. */
  readonly inMemoryBytes?: number;
  /** Bodies above this are not stored, in bytes; half of the files where nothing is said, and at the most. */
  readonly maxObjectBytes?: number;
  /** What may wait to be written, in bytes; 32 MB where nothing is said. */
  readonly queueBytes?: number;
  /** Milliseconds since 1970, to know what is stale when room is needed; the machine's where nothing is said. */
  readonly clockMs?: () => number;
}

/** The same with nothing left open. */
export function resolved(options: DiskOptions): Required<DiskOptions> {
  return {
    maxObjectBytes: Infinity,
    inMemoryBytes: 2 ** 23,
    queueBytes: 2 ** 25,
    clockMs: Date.now,
    ...options,
  };
}

/** A body may take this share of the file. */
const MAX_BODY_SHARE = 1 / 2;

/** The largest body that is stored, in bytes, where the files may take so many. */
export function maxBodyBytesOf({ maxObjectBytes = Infinity }: DiskOptions, sizeBytes: number): number {
  return Math.min(maxObjectBytes, sizeBytes * MAX_BODY_SHARE);
}
