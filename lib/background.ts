// Answers: which stored responses are validated while they are served stale (RFC 5861 §3), and when again after a failure.
// Owns: one validation in the background per key, the counting of its failures, the pause after each.
// Leaves out: the validation itself (`proxy.ts`), the pauses (`back-off.ts`), whether stale is allowed (`rfc9111/stale.ts`).
import type { BackOff } from "./back-off.ts";
import type { Collapser } from "./collapse.ts";
import type { Events } from "./events.ts";
import type { Answer } from "./message.ts";
import type { Visit } from "./visit.ts";

/** What the background needs of the engine. */
export interface BackgroundParts {
  readonly collapser: Collapser;
  readonly backOff: BackOff;
  readonly events: Events;
  readonly clockMs: () => number;
}

/** The validations for which no client waits. */
export class Background {
  readonly #parts: BackgroundParts;

  constructor(parts: BackgroundParts) {
    this.#parts = parts;
  }

  /** Has `lead` ask the origin for that visit, unless that is being done, or failed a moment ago. */
  validate(visit: Visit, fillKey: string, lead: () => Promise<Answer>): void {
    const { collapser, backOff } = this.#parts;
    if (collapser.find(fillKey) !== undefined || !backOff.mayTry(fillKey, visit.arrivedMs)) return;
    void lead().then(({ body }) => {
      if (body instanceof ReadableStream) body.cancel().catch(() => {});
      const { word } = visit.report ?? {};
      if (word === "ERROR" || word === "STALE") this.#failed(fillKey, visit.presented.uri);
      else backOff.succeeded(fillKey);
    });
  }

  #failed(fillKey: string, uri: string): void {
    const { backOff, clockMs, events } = this.#parts;
    events.emit({ kind: "revalidation-failed", uri, ...backOff.failed(fillKey, clockMs()) });
  }
}
