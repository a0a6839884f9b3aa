// Answers: which worker does what has to be done once, for all of them?
// Owns: handing it to one that listens, and to another should that end before it has answered.
// Leaves out: what is to be done (`worker.ts`), how a purge gets to all others (`rounds.ts`).
import type { Purged } from "../purge.ts";
import type { ToWorker } from "./messages.ts";

/** A worker that can be sent on one. */
export interface Runner {
  readonly send: (message: ToWorker) => void;
}

interface Errand {
  readonly targets: readonly string[];
  readonly resolve: (said: Purged) => void;
  runner: Runner | undefined;
}

/** The purges that somebody outside of the workers has asked for. */
export class Errands {
  readonly #listening: () => Iterable<Runner>;
  readonly #underWay = new Map<number, Errand>();
  #lastId = 0;

  /** @param listening those that can be sent now */
  constructor(listening: () => Iterable<Runner>) {
    this.#listening = listening;
  }

  /** Has one worker purge these, everywhere. While none listens it waits for one. */
  purge(targets: readonly string[]): Promise<Purged> {
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      const errand: Errand = { targets, resolve, runner: undefined };
      this.#underWay.set(id, errand);
      this.#send(id, errand);
    });
  }

  /** A worker is back. */
  done(id: number, said: Purged): void {
    this.#underWay.get(id)?.resolve(said);
    this.#underWay.delete(id);
  }

  /** A worker listens from now on. */
  joined(): void {
    for (const [id, errand] of this.#underWay) if (errand.runner === undefined) this.#send(id, errand);
  }

  /** A worker has ended: whatever it has done of it, to do it again does no harm. */
  left(runner: Runner): void {
    for (const [id, errand] of this.#underWay) if (errand.runner === runner) this.#send(id, errand);
  }

  #send(id: number, errand: Errand): void {
    errand.runner = undefined;
    for (const runner of this.#listening()) {
      errand.runner = runner;
      return runner.send({ kind: "purge", id, targets: errand.targets });
    }
  }
}
