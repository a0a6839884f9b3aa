// Answers: how long may what the shared tier does take?
// Owns: its limits in time, and what they are where nothing is said.
// Leaves out: the options that set them, and limits that nobody sets (in the files that keep them).

/** How long things may take, in milliseconds. */
export interface SharedLimits {
  readonly commandMs: number;
  readonly connectMs: number;
  /** A node that died delays others for so long at most. */
  readonly leaseMs: number;
  /** For how long a key is left to everybody after its response was for one client only. */
  readonly unsharedMs: number;
  /** Without contact for longer, a node validates what it has. */
  readonly cutoffMs: number;
  /** So long a purge waits for nodes that live. */
  readonly purgeMs: number;
}

/** The limits where nothing is said. */
export const SHARED_LIMITS: SharedLimits = {
  ...{ commandMs: 250, connectMs: 1000, leaseMs: 5000, unsharedMs: 5000, cutoffMs: 3_600_000, purgeMs: 2000 },
};
