// Answers: which request is being served, since when, and how it is told to those who listen.
// Owns: one request on its way through the engine, and the event at its end.
// Leaves out: what is done with it (`proxy.ts`), what the listeners make of it (`log.ts`).
import type { Report } from "./cache-status.ts";
import { OriginError } from "./errors.ts";
import type { Events, Storage } from "./events.ts";
import type { Answer, PresentedRequest } from "./message.ts";
import { changedRequest } from "./presented.ts";
import { isSafe } from "./rfc9111/invalidation.ts";
import { requestFacts, type RequestFacts } from "./rfc9111/reuse.ts";

/** What a visit needs of the engine. */
export interface VisitContext {
  readonly events: Events;
  readonly clockMs: () => number;
}

/** Fields that make a request conditional or partial: a validation in the background is neither. */
const CONDITIONS = ["if-none-match", "if-modified-since", "if-range", "range", "cache-control"];

/** Failures of a connection, which another one may not have. */
const PASSING: ReadonlySet<string> = new Set(["origin-unreachable", "origin-incomplete", "origin-corrupt"]);

/** One request on its way through. */
export class Visit {
  readonly presented: PresentedRequest;
  readonly request: RequestFacts;
  readonly arrivedMs: number;
  /** The failure after which it was tried once more; there is no third time. */
  failed: OriginError | undefined;
  /** What was said of it, once it is answered. */
  report: Report | undefined;
  readonly #context: VisitContext;
  readonly #background: boolean;

  constructor(presented: PresentedRequest, context: VisitContext, background = false) {
    this.presented = presented;
    this.request = presented.facts ?? requestFacts(presented.method, presented.fields);
    this.arrivedMs = context.clockMs();
    this.#context = context;
    this.#background = background;
  }

  /** The same request as a plain GET for which no client waits. */
  inBackground(): Visit {
    const fields = new Headers(this.presented.fields);
    for (const name of CONDITIONS) fields.delete(name);
    const plain = { method: "GET", fields, body: null, trailers: undefined, gone: () => undefined };
    return new Visit(changedRequest(this.presented, plain), this.#context, true);
  }

  /** The answer, and the event that says so: at once, or when the storing is over. Of a failure the report says enough. */
  done(answer: Answer, report: Report, storage?: Promise<Storage>, _failure?: unknown): Answer {
    this.report = report;
    if (this.#context.events.isHeard) this.#tell(answer, report, storage);
    const isPageForHead = this.request.method === "HEAD" && answer.body instanceof Uint8Array;
    return isPageForHead ? { ...answer, body: null } : answer;
  }

  /**
   * Whether it may be tried once more after this failure, on a fresh connection: only what is safe, has no content that
   * is used up, and got nothing so far. Says yes once.
   */
  mayTryAgain(error: unknown): boolean {
    const { method, body } = this.presented;
    if (this.failed !== undefined || !isSafe(method) || body !== null) return false;
    if (this.presented.gone()?.aborted === true) return false;
    if (!(error instanceof OriginError) || error.isFinal || !PASSING.has(error.code)) return false;
    this.failed = error;
    return true;
  }

  /** Something in Larder itself went wrong. */
  fault(error: unknown): void {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#context.events.emit({ kind: "fault", uri: this.presented.uri, message });
  }

  #tell(answer: Answer, report: Report, storage: Promise<Storage> | undefined): void {
    const { events, clockMs } = this.#context;
    const age = answer.fields.get("age");
    const event = {
      kind: "answered",
      method: this.presented.method,
      uri: this.presented.uri,
      status: answer.status,
      report,
      ...(age !== null && { ageSeconds: Number.parseInt(age, 10) }),
      durationMs: clockMs() - this.arrivedMs,
      background: this.#background,
    } as const;
    if (storage === undefined) events.emit(event);
    else void storage.then((stored) => events.emit({ ...event, storage: stored }));
  }
}
