// Answers: what supervisor and workers say to each other.
// Owns: the messages between them, and what a worker is told when it starts; types, and reading the latter.
// Leaves out: what follows from a message (`supervisor.ts`, `rounds.ts`, `worker.ts`), what workers say to each other (`question.ts`).
import type { EngineStats } from "../cache-serve.ts";
import type { OriginRoute } from "../option-values.ts";
import type { Purged } from "../purge.ts";

/** What the supervisor says to a worker; they are taken in order. */
export type ToWorker =
  /** Listen there. */
  | { readonly kind: "listen"; readonly port: number }
  /** An unsafe request that another worker had makes these URIs invalid: remove, and say so. */
  | { readonly kind: "invalidate"; readonly round: number; readonly targets: readonly string[] }
  /** All workers have done it. */
  | { readonly kind: "settled"; readonly round: number }
  /** The invalidation that it asked for is done; how many stored responses each URI had elsewhere. */
  | { readonly kind: "invalidated"; readonly id: number; readonly removed: readonly number[] }
  | { readonly kind: "stats"; readonly id: number }
  /** Purge these, here and everywhere else. */
  | { readonly kind: "purge"; readonly id: number; readonly targets: readonly string[] }
  /** Take no more requests, end those that are under way, and say so. */
  | { readonly kind: "stop" };

/** What a worker says to the supervisor. */
export type FromWorker =
  /** It hears. */
  | { readonly kind: "ready" }
  | { readonly kind: "listening"; readonly url: string }
  /** It cannot listen. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  /** Ask all others to remove these. */
  | { readonly kind: "invalidate"; readonly id: number; readonly targets: readonly string[] }
  /** Done; how many stored responses each URI had here. */
  | { readonly kind: "removed"; readonly round: number; readonly removed: readonly number[] }
  | { readonly kind: "stats"; readonly id: number; readonly stats: WorkerStats }
  | { readonly kind: "purged"; readonly id: number; readonly said: Purged }
  /** After `stop`: nothing is under way any more. */
  | { readonly kind: "drained" };

/** What a worker counts; sizes in bytes. */
export interface WorkerStats extends EngineStats {
  /** Questions to the owner of a key; `away` are those that it did not answer, so that the origin was asked. */
  readonly owners: { readonly asked: number; readonly away: number };
}

/** What makes a process a worker. */
export interface Role {
  /** From 0 on. A worker that takes the place of another has its slot. */
  readonly slot: number;
  readonly count: number;
  /** Where the sockets are on which workers ask each other. */
  readonly folder: string;
  readonly loopToken: string;
  /** Whether the log ends on a terminal. */
  readonly isTerminal: boolean;
  readonly origin: readonly OriginRoute[];
}

/** The variable of the environment that holds it. */
export const ROLE_VARIABLE = "LARDER_WORKER";

/** The role of this process; `undefined` where nobody supervises it. */
export function workerRole(): Role | undefined {
  const text = process.env[ROLE_VARIABLE];
  return text === undefined || process.send === undefined ? undefined : (JSON.parse(text) as Role);
}
