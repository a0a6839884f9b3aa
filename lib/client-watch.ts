// Answers: has a client left that waits for the origin, and how long is its response waited for then?
// Owns: when that is asked, and the patience with a response that nobody may want any more.
// Leaves out: giving the exchange up (`deadline.ts`), readers of a body (`deliver.ts`).
import type { PresentedRequest } from "./message.ts";
import { limitsOf, type Limited } from "./time-limits.ts";

/**
 * How long a response that may be worth storing, or may tell of a change, is waited for when its client has left and
 * nobody else wants it, in milliseconds. Any longer, and who only asks could take all places of an origin that hangs.
 */
const PATIENCE_MS = 2000;

/** Most responses come before it matters who has left: only where one takes longer than this is that asked at all. */
const UNWATCHED_MS = 20;

/** What is done about a response whose client has left. */
export interface Leaving {
  /** Whether it is for this client only. */
  readonly endsWithClient: boolean;
  /** Whether others wait for it by then. */
  readonly isAwaited: () => boolean;
  readonly giveUp: () => void;
}

/** Watches one client, from the departure of its request until the response is there: then it must be ended. */
export class ClientWatch implements Limited {
  readonly #unwatched: Limited;
  #stop: (() => void) | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(presented: PresentedRequest, leaving: Leaving) {
    this.#unwatched = limitsOf(UNWATCHED_MS).begin(() => {
      this.#stop = onceGone(presented, () => {
        const patienceMs = leaving.endsWithClient ? 0 : PATIENCE_MS;
        this.#patience = setTimeout(() => leaving.isAwaited() || leaving.giveUp(), patienceMs);
      });
    });
  }

  end(): void {
    this.#unwatched.end();
    this.#stop?.();
    clearTimeout(this.#patience);
  }
}

/** Calls when the client leaves, or has left; what it returns calls that off. */
export function onceGone(presented: PresentedRequest, act: () => void): () => void {
  const gone = presented.gone();
  if (gone?.aborted === true) act();
  gone?.addEventListener("abort", act);
  return () => gone?.removeEventListener("abort", act);
}
