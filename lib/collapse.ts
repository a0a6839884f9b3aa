// Answers: whether a request has to go to the origin, or follows one that is already on its way.
// Owns: one fill per cache key (§4), its followers, and what an invalidation does to fills in flight (§4.4).
// Leaves out: the body and its readers (`fill-body.ts`), and which request may follow (`proxy.ts`).
import type { FillBody } from "./fill-body.ts";
import type { StoredHead } from "./message.ts";
import type { InvalidationTarget } from "./rfc9111/cache-groups.ts";
import type { EpochSeconds } from "./rfc9111/time.ts";
import { meets } from "./store/labels-of.ts";
import { parsedTarget, type ParsedTarget } from "./store/targets.ts";

/** What became of a request to the origin, as far as followers are concerned. */
export type FillResult =
  /** The response is on its way into the store: followers that it fits read along. */
  | { readonly kind: "shared"; readonly head: StoredHead; readonly body: FillBody }
  /** The store has been brought up to date: followers look there. */
  | { readonly kind: "freshened" }
  /**
   * The response is for the leader only: followers go to the origin at once, in parallel. A stale one of another worker
   * they may have as well, if they ask for it.
   */
  | { readonly kind: "unshared"; readonly isStale?: boolean }
  /** The origin failed, for all of them. */
  | { readonly kind: "failed"; readonly error: unknown };

/** One request to the origin, from its sending until its response is stored or passed on. */
export class Fill {
  readonly uri: string;
  /** How many requests wait, or have waited, for what it brings. */
  followers = 0;
  /** Made for the first that follows. */
  #result: Promise<FillResult> | undefined;
  #tell: ((result: FillResult) => void) | undefined;
  #settled: FillResult | undefined;
  #discarded = false;
  /** Groups and tags that were made invalid since it began. */
  readonly #left: ParsedTarget[] = [];

  constructor(uri: string) {
    this.uri = uri;
  }

  get result(): Promise<FillResult> {
    const settled = this.#settled;
    this.#result ??=
      settled === undefined ? new Promise((resolve) => (this.#tell = resolve)) : Promise.resolve(settled);
    return this.#result;
  }

  /** Whether what it brings must not be stored any more. */
  get isDiscarded(): boolean {
    return this.#discarded;
  }

  /** Whether its response is on its way into the store: it is closed when it has arrived there. */
  get isShared(): boolean {
    return this.#settled?.kind === "shared";
  }

  /** What it was for others, where it did not bring a response that is stored. */
  get outcome(): "stored" | "unshared" | "failed" {
    if (this.#settled?.kind === "freshened") return "stored";
    return this.#settled?.kind === "failed" ? "failed" : "unshared";
  }

  /** Whether what it brought was another worker's stale response. */
  get isStale(): boolean {
    return this.#settled?.kind === "unshared" && this.#settled.isStale === true;
  }

  /** Whether a request that comes now may follow. */
  get isJoinable(): boolean {
    if (this.#discarded) return false;
    return this.#settled === undefined || (this.#settled.kind === "shared" && this.#settled.body.isJoinable);
  }

  settle(result: FillResult): void {
    this.#settled ??= result;
    this.#tell?.(result);
  }

  /** A group or tag was made invalid while it was in flight: should its response belong to it, that is not stored. */
  leave(label: ParsedTarget): void {
    // A body may be on its way for hours, and what it is, is known: nothing is gathered for it.
    if (this.#settled?.kind !== "shared") this.#left.push(label);
    else if (meets(label, this.#settled.head)) this.discard();
  }

  /** Whether what it brings may be stored as this: nothing that means it was made invalid since it began. */
  mayStore(head: Pick<StoredHead, "key" | "fields">): boolean {
    if (this.#left.some((label) => meets(label, head))) this.discard();
    return !this.#discarded;
  }

  /** An invalidation came while it was in flight: it serves who reads already, and leaves nothing behind. */
  discard(): void {
    this.#discarded = true;
    if (this.#settled?.kind === "shared") this.#settled.body.discard();
  }
}

/** How many keys are remembered as not collapsible; the oldest is forgotten first. */
const MAX_UNCOLLAPSIBLE = 10_000;

/** All fills in flight. */
export class Collapser {
  readonly #joinable = new Map<string, Fill>();
  readonly #byUri = new Map<string, Set<Fill>>();
  readonly #uncollapsible = new Map<string, EpochSeconds>();

  /** The fill that a request with this fill key may follow. */
  find(fillKey: string): Fill | undefined {
    const fill = this.#joinable.get(fillKey);
    return fill?.isJoinable === true ? fill : undefined;
  }

  /** Opens a fill; with a fill key others can find it. It must be closed. */
  open(uri: string, fillKey: string | undefined): Fill {
    const fill = new Fill(uri);
    if (fillKey !== undefined) this.#joinable.set(fillKey, fill);
    const fills = this.#byUri.get(uri) ?? new Set();
    this.#byUri.set(uri, fills.add(fill));
    return fill;
  }

  close(fill: Fill, fillKey: string | undefined): void {
    fill.settle({ kind: "unshared" });
    if (fillKey !== undefined && this.#joinable.get(fillKey) === fill) this.#joinable.delete(fillKey);
    const fills = this.#byUri.get(fill.uri);
    fills?.delete(fill);
    if (fills?.size === 0) this.#byUri.delete(fill.uri);
  }

  /**
   * Keeps all fills in flight that a target means from being stored or followed, save the one that invalidates, if it is
   * here. Of which group they will be, and which tags they have, is known when their responses come.
   */
  invalidate(target: InvalidationTarget, by?: Fill): void {
    const parsed = parsedTarget(target);
    const { kind, name } = parsed;
    for (const fill of kind === "uri" ? (this.#byUri.get(name) ?? []) : this.#all()) {
      if (fill === by) continue;
      if (kind === "group" || kind === "tag") fill.leave(parsed);
      else if (kind !== "prefix" || fill.uri.startsWith(name)) fill.discard();
    }
  }

  *#all(): Iterable<Fill> {
    for (const fills of this.#byUri.values()) yield* fills;
  }

  /** Whether requests for a key go to the origin each on its own for now. */
  isUncollapsible(uri: string, now: EpochSeconds): boolean {
    const until = this.#uncollapsible.get(uri);
    if (until === undefined) return false;
    if (now < until) return true;
    this.#uncollapsible.delete(uri);
    return false;
  }

  /** Remembers that the last response for a key was not shareable. */
  markUncollapsible(uri: string, until: EpochSeconds): void {
    this.#uncollapsible.delete(uri);
    this.#uncollapsible.set(uri, until);
    if (this.#uncollapsible.size <= MAX_UNCOLLAPSIBLE) return;
    for (const oldest of this.#uncollapsible.keys()) {
      this.#uncollapsible.delete(oldest);
      break;
    }
  }

  /** How many requests to the origin are under way. */
  get inFlight(): number {
    let count = 0;
    for (const fills of this.#byUri.values()) count += fills.size;
    return count;
  }
}
