// Answers: was this exchange right, all of it?
// Owns: putting the rules about heads and bodies together, and the account of what they find.
// Leaves out: the rules (`judge-head.ts`, `judge-body.ts`).
import { cacheWord } from "./cache-status-word.ts";
import type { Exchanged } from "./exchange.ts";
import { BodyJudge } from "./judge-body.ts";
import { judgeHead, judgeUnsafe } from "./judge-head.ts";
import { field, isExplained, type Case, type Problem, type SentRequest } from "./judgement.ts";
import type { Ledger } from "./ledger.ts";
import type { ResponseHead, ResponseListener } from "./response-reader.ts";
import type { Tally } from "./tally.ts";

/** What a judge needs to know. */
export interface JudgeParts {
  readonly seed: number;
  readonly ledger: Ledger;
  readonly tally: Tally;
  readonly nowMs: () => number;
}

/** Watches one exchange, from its head on; what it finds goes to the tally. */
export class Judge implements ResponseListener {
  readonly #parts: JudgeParts;
  readonly #sent: SentRequest;
  #facts: Case | undefined;
  #body: BodyJudge | undefined;

  constructor(parts: JudgeParts, sent: SentRequest) {
    this.#parts = parts;
    this.#sent = sent;
  }

  /** What was answered; `undefined` while no head has come. */
  get facts(): Case | undefined {
    return this.#facts;
  }

  onHead = (head: ResponseHead): void => {
    const { ledger, tally, nowMs } = this.#parts;
    const word = cacheWord(head.status, head.fields.get("cache-status"));
    const version = Number(head.fields.get("x-version") ?? Number.NaN);
    const facts = { ledger, sent: this.#sent, head, word, version, variant: field(head, "x-variant") };
    this.#facts = facts;
    tally.count("words", word.collapsed ? `${word.word}+collapsed` : word.word);
    if (word.collapsed) tally.count("together", "collapsed");
    if (word.isResumed) tally.count("together", "resumed");
    tally.count("statuses", String(head.status));
    const isSafe = ["GET", "HEAD"].includes(this.#sent.plan.method);
    this.#report(isSafe ? judgeHead(facts) : judgeUnsafe(facts, nowMs()));
    this.#body = new BodyJudge(facts);
  };

  onBody = (bytes: Buffer): void => this.#body?.take(bytes);

  /** All is over: the end is judged, too. */
  end({ ending, problem, hasHead }: Exchanged): void {
    const { tally, ledger } = this.#parts;
    tally.count("endings", hasHead ? ending : `${ending} before the head`);
    tally.count("bytes", "compared", this.#body?.bytes ?? 0);
    if (problem !== undefined) this.#report([{ rule: "framing", detail: problem }]);
    else if (this.#body !== undefined) this.#report(this.#body.end(ending));
    else if (ending === "broken" && !this.#sent.plan.halfCloses) {
      // A body that breaks off with its first bytes takes the head with it: the wire sends them together.
      if (isExplained({ ledger, sent: this.#sent }, /in-body|length|chunk|outage/)) return;
      const detail = "the connection ended without a response";
      this.#report([{ rule: "no-response", detail }]);
    }
  }

  #report(problems: readonly Problem[]): void {
    const { seed, tally } = this.#parts;
    const { plan } = this.#sent;
    for (const problem of problems) {
      tally.add({ ...problem, seed, requestId: plan.id, object: plan.object.id, exchange: this.#account() });
    }
  }

  #account(): string {
    const { plan, startMs, ...fields } = this.#sent;
    const asked = Object.entries({ ...fields, directives: plan.directives, selecting: plan.selecting })
      .filter(([, value]) => value !== "")
      .map(([name, value]) => ` ${name}=${value}`);
    const head = this.#facts?.head;
    const answer = head === undefined ? "no head" : `${head.status} ${field(head, "cache-status")}`;
    const of = `${plan.object.cacheControl || "no Cache-Control"}, ${plan.object.validator}, ${plan.object.framing}`;
    const arrivals = this.#parts.ledger.arrivals(plan.id);
    const came =
      arrivals === undefined
        ? "never came to the origin"
        : `came ${arrivals.count} times, sent versions ${arrivals.versions.join()}, faults ${arrivals.faults.map(({ kind }) => kind).join() || "none"}`;
    return `${plan.method}${asked.join("")}${plan.halfCloses ? " half-closed" : ""} ${plan.reading} → ${answer}; age ${head ? field(head, "age") : ""}; object: ${of}; at ${startMs.toFixed(0)}–${this.#parts.nowMs().toFixed(0)} ms; ${came}`;
  }
}
