// Answers: which options the tiers behind memory have.
// Owns: their rows of the option table.
// Leaves out: all other rows (`option-tables.ts`), what is made of them (`open-stores.ts`).
import { bytes, fileBytes, milliseconds, optionalFolder, optionalSharedUrl } from "./option-values.ts";

/** Disk and shared. */
export const TIER_OPTIONS = {
  disk: {
    kind: optionalFolder,
    fallback: "",
    value: "DIR",
    meaning:
      "a folder for the disk tier: what is stored survives a restart and a crash, and may be larger than memory; empty is none",
  },
  diskSize: {
    kind: fileBytes,
    fallback: "10GB",
    value: "SIZE",
    meaning: "budget of the disk tier: all of its files",
  },
  shared: {
    kind: optionalSharedUrl,
    fallback: "",
    value: "URL",
    meaning:
      "a Valkey or Redis that several nodes have in common: `redis://[USER:PASSWORD@]HOST:PORT` (percent-encoded), `redis+sentinel://HOST:PORT,…/MASTER`, `redis+cluster://HOST:PORT,…`, or `rediss` for TLS; empty is none",
  },
  sharedMaxObject: {
    kind: bytes,
    fallback: "1MB",
    value: "SIZE",
    meaning: "larger bodies stay with the node that fetched them",
  },
  sharedCutoff: {
    kind: milliseconds,
    fallback: "1h",
    value: "TIME",
    meaning:
      "how long a node that is cut off from the shared tier, and so hears of no purge, goes on reusing what it has; then it validates first",
  },
} as const;
