// Answers: what a contestant of the benchmark is, and what it is given.
// Owns: the nouns that all who start one share.
// Leaves out: which there are (`contestants.ts`), how each is started (there, `nginx.ts`, `varnish.ts`).
import type { Served } from "./pinned-process.ts";

/** A server under test. */
export interface Contestant extends Served {
  readonly name: string;
  readonly version: string;
}

/** What each contestant is given. */
export interface Place {
  readonly originUrl: string;
  /** As taskset has it. */
  readonly core: string;
  /** Processes that share the port. */
  readonly workers: number;
}

/** Room for all that is stored in a run, the same for each. */
export const STORE_SIZE = { larder: "1GB", others: "1g" };
