// Answers: what one client does from the beginning of a run to its end.
// Owns: its connections, its visits, what it remembers.
// Leaves out: single requests (`exchange.ts`), what they are (`request-plan.ts`), what comes of them (`judge.ts`).
import { connect, type Socket } from "node:net";
import { Dice } from "./dice.ts";
import { exchange, requestFor, type Known } from "./exchange.ts";
import { Judge, type JudgeParts } from "./judge.ts";
import { bytesOf, type ChaosObject } from "./objects.ts";
import { requestPlan } from "./request-plan.ts";

/** What all clients share. */
export interface ClientParts extends JudgeParts {
  readonly port: number;
  readonly objects: readonly (readonly [ChaosObject, number])[];
  /** When no new request is to begin, on the clock of `nowMs`. */
  readonly endMs: number;
}

/** One client: comes, asks, goes, and comes back. */
export class ChaosClient {
  readonly #parts: ClientParts;
  readonly #number: number;
  readonly #known = new Map<string, Known>();
  #requests = 0;

  constructor(parts: ClientParts, number: number) {
    this.#parts = parts;
    this.#number = number;
  }

  /** Until the end of the run. Never rejects. */
  async run(): Promise<void> {
    for (let visit = 0; this.#hasTime(); visit++) {
      const dice = new Dice(this.#parts.seed, "client", this.#number, "visit", visit);
      await this.#visit(dice);
      await this.#wait(dice.between(0, 600));
    }
  }

  async #visit(dice: Dice): Promise<void> {
    const count = dice.chance(0.3) ? 1 : dice.between(2, 12);
    const asksToClose = dice.chance(0.5);
    const socket = connect({ host: "127.0.0.1", port: this.#parts.port, allowHalfOpen: true, noDelay: true });
    const gone = Promise.withResolvers<void>();
    socket.on("error", () => {}).on("close", () => gone.resolve());
    for (let number = 1; number <= count && this.#hasTime(); number++) {
      if (!(await this.#ask(socket, number === count && asksToClose))) break;
      await this.#wait(dice.between(0, 120));
    }
    if (dice.chance(0.5)) socket.resetAndDestroy();
    else socket.destroy();
    await gone.promise;
  }

  async #ask(socket: Socket, isLast: boolean): Promise<boolean> {
    const { seed, objects, nowMs, tally } = this.#parts;
    const plan = requestPlan(seed, this.#number, this.#requests++, objects);
    const sent = requestFor(plan, this.#known.get(`${plan.object.id}/${plan.selecting}`), nowMs());
    const judge = new Judge(this.#parts, sent);
    tally.count("methods", plan.method);
    const exchanged = await exchange(socket, sent, judge, isLast);
    judge.end(exchanged);
    this.#remember(judge);
    return exchanged.isReusable;
  }

  #remember({ facts }: Judge): void {
    if (facts === undefined || facts.head.status !== 200 || Number.isNaN(facts.version)) return;
    const { object, selecting, method } = facts.sent.plan;
    if (method !== "GET") return;
    const { version, variant, ledger } = facts;
    if (ledger.supersededAt(object.id, version) === undefined) return;
    const length = bytesOf(object, version, variant).length;
    this.#known.set(`${object.id}/${selecting}`, { version, variant, length });
  }

  #hasTime(): boolean {
    return this.#parts.nowMs() < this.#parts.endMs;
  }

  async #wait(ms: number): Promise<void> {
    await Bun.sleep(Math.min(ms, Math.max(0, this.#parts.endMs - this.#parts.nowMs())));
  }
}
