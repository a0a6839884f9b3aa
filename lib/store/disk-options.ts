// Answers: how is a disk tier to be?
// Owns: its sizes and what they are where nothing is said.
// Leaves out: the options of the command line (`../tier-options.ts`).

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
}

/** Where nothing is said. */
export const IN_MEMORY_BYTES = 2 ** 23;
/** Where nothing is said. */
export const QUEUE_BYTES = 2 ** 25;

/** A body may take this share of the file. */
const MAX_BODY_SHARE = 1 / 2;

/** The largest body that is stored, in bytes, where the files may take so many. */
export function maxBodyBytesOf({ maxObjectBytes = Infinity }: DiskOptions, sizeBytes: number): number {
  return Math.min(maxObjectBytes, sizeBytes * MAX_BODY_SHARE);
}
