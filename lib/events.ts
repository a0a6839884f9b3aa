// Answers: what happens in the cache, step by step, for whoever listens.
// Owns: the typed union of events; log, metrics, timeline and tests all hear the same.
// Leaves out: what is made of them (`log.ts`). Nobody listening costs one comparison.
import type { Report } from "./cache-status.ts";
import type { FillEnd } from "./fill-body.ts";
import type { StoredHead } from "./message.ts";
import type { NotStoredReason } from "./rfc9111/storing.ts";

/** What became of the response in the store. */
export type Storage =
  | { readonly kind: "stored"; readonly bytes: number; readonly freshSeconds: number }
  | { readonly kind: "not-stored"; readonly reason: NotStoredReason | "too-large" | "invalidated" }
  | { readonly kind: "broken"; readonly message: string };

/** One step. Durations are milliseconds, ages and freshness whole seconds. */
export type CacheEvent =
  /** A request was answered; where its response was stored on the way, the storing is over too. */
  | {
      readonly kind: "answered";
      readonly method: string;
      readonly uri: string;
      readonly status: number;
      readonly report: Report;
      readonly ageSeconds?: number;
      readonly storage?: Storage;
      readonly durationMs: number;
      /** True where no client waited: a validation in the background. */
      readonly background: boolean;
    }
  /** An unsafe request made what was stored for that invalid, or a purge had it removed. */
  | ({ readonly kind: "invalidated"; readonly removed: number } & InvalidationNames)
  /** The response for a key was not for all who asked: for so many seconds each asks on its own. */
  | { readonly kind: "uncollapsed"; readonly uri: string; readonly seconds: number; readonly reason: string }
  /** A body broke off at byte `at`, and came on from there on another connection. */
  | { readonly kind: "resumed"; readonly uri: string; readonly at: number }
  /** A validation in the background failed, so many times in a row; the next is tried no sooner than that. */
  | {
      readonly kind: "revalidation-failed";
      readonly uri: string;
      readonly failures: number;
      readonly retryMs: number;
    }
  /** An origin is left alone after failures in a row, is tried with one request, or is well again. */
  | {
      readonly kind: "breaker";
      readonly origin: string;
      readonly state: "closed" | "open" | "half-open";
      readonly failures: number;
    }
  /** A health check changed its mind. */
  | { readonly kind: "health"; readonly origin: string; readonly healthy: boolean; readonly detail: string }
  /** Something in Larder itself went wrong; the request was answered all the same. */
  | { readonly kind: "fault"; readonly uri: string; readonly message: string };

/** What was made invalid: a URI, a group of an origin (then `uri` is that), a tag, a prefix, or all. */
export interface InvalidationNames {
  readonly uri?: string;
  readonly group?: string;
  readonly tag?: string;
  readonly prefix?: string;
  readonly all?: true;
  /** Stale now, and not gone. */
  readonly soft?: true;
}

/** Takes an event; must not throw and must not wait. */
export type Listener = (event: CacheEvent) => void;

/** Who listens. */
export class Events {
  readonly #listeners: Listener[] = [];

  /** Whether anybody listens: if not, an event need not even be made. */
  get isHeard(): boolean {
    return this.#listeners.length > 0;
  }

  on(listener: Listener): void {
    this.#listeners.push(listener);
  }

  emit(event: CacheEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** What became of a body that was on its way into the store. */
export function storageAt(end: FillEnd, isInvalidated: boolean, head: StoredHead): Storage {
  if (end.kind === "broken") {
    return { kind: "broken", message: end.error instanceof Error ? end.error.message : String(end.error) };
  }
  if (end.stored === undefined) {
    const reason = head.status === 206 ? "unusable-range" : "too-large";
    return { kind: "not-stored", reason: isInvalidated ? "invalidated" : reason };
  }
  return { kind: "stored", bytes: end.lengthBytes, freshSeconds: head.staleAt - head.responseTime };
}
