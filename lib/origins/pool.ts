// Answers: which of several origins that hold the same is asked next?
// Owns: the order in which the origins of one prefix take turns, and who is passed over.
// Leaves out: which pool it is (`routes.ts`), what makes an origin unfit (`breaker.ts`, `health.ts`).
import type { Origin } from "./origin.ts";

/** In turn, or to the origin with the least before it. */
export type Balance = "round-robin" | "least-pending";

/** The origins of one prefix. */
export class Pool {
  /** The path prefix whose requests come here. */
  readonly prefix: string;
  /** At least one. */
  readonly origins: readonly Origin[];
  readonly #balance: Balance;
  #next = 0;

  constructor(prefix: string, origins: readonly Origin[], balance: Balance) {
    this.prefix = prefix;
    this.origins = origins;
    this.#balance = balance;
  }

  /**
   * The origin to ask now; `undefined` where the breakers of all that come into question are open. Unhealthy ones are
   * passed over as long as there is a healthy one; if there is none, the check is believed less than the requests.
   * @param except origins that this request has been to already
   */
  pick(nowMs: number, except?: ReadonlySet<Origin>): Origin | undefined {
    const isAnyHealthy = this.origins.some(({ isHealthy }) => isHealthy);
    let best: Origin | undefined;
    let bestIndex = 0;
    for (let turn = 0; turn < this.origins.length; turn += 1) {
      const index = (this.#next + turn) % this.origins.length;
      const origin = this.origins[index];
      if (origin === undefined || except?.has(origin) === true) continue;
      if ((isAnyHealthy && !origin.isHealthy) || !origin.breaker.permits(nowMs)) continue;
      // The first in turn wins a tie, so that equal origins take turns here too.
      if (best !== undefined && origin.load >= best.load) continue;
      best = origin;
      bestIndex = index;
      if (this.#balance === "round-robin") break;
    }
    if (best !== undefined) this.#next = bestIndex + 1;
    return best;
  }
}
