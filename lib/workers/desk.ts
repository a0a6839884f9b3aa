// Answers: what a worker answers to another one that asks for a key which is its own.
// Owns: the way from a question through the engine to a verdict; undoing what is said to clients only.
// Leaves out: the socket (`../wire/peer-bun.ts`), what happens in between (`../proxy.ts`).
import { cacheStatusMember, type Report, VIA } from "../cache-status.ts";
import { OriginError } from "../errors.ts";
import type { Answer, PresentedRequest } from "../message.ts";
import type { Proxy } from "../proxy.ts";
import { requestFacts, type RequestFacts } from "../rfc9111/reuse.ts";
import { deltaSeconds } from "../rfc9111/time.ts";
import { Visit, type VisitContext } from "../visit.ts";
import type { AnswerPeer } from "../wire/peer-bun.ts";
import { fieldsFrom, pairsOf, type Question, type Verdict } from "./question.ts";

/** Answers questions with this engine. */
export function answering(proxy: Proxy, context: VisitContext): AnswerPeer {
  return async (text, gone) => {
    const question = JSON.parse(text) as Question;
    const presented = presentedBy(question, gone);
    const visit = new AskedVisit(presented, context, question.needsFresh);
    const answer = await proxy.handle(presented, visit);
    const { report, failure } = visit;
    if (report === undefined) throw new Error("an answer without a report");
    if (report.word !== "ERROR")
      return { head: JSON.stringify(verdictOf(answer, report)), body: answer.body };
    // A fault of Larder itself: the other worker had better ask the origin.
    if (!(failure instanceof OriginError)) throw new Error("no answer", { cause: failure });
    const { code, message, origin, answered } = failure;
    const verdict = { kind: "failure", code, message, status: answer.status, origin, answered };
    return { head: JSON.stringify(verdict), body: null };
  };
}

function presentedBy({ uri, authority, fields, address }: Question, gone: AbortSignal): PresentedRequest {
  return {
    ...{ method: "GET", uri, authority, fields: fieldsFrom(fields), body: null },
    ...{ clientAddress: () => address, gone: () => gone, isFromWorker: true },
  };
}

/** What was received or is stored, without what this cache adds for a client: the other worker will. */
function verdictOf({ status, reason, fields: shown }: Answer, report: Report): Verdict {
  const fields = new Headers(shown);
  withoutLast(fields, "via", VIA);
  withoutLast(fields, "cache-status", cacheStatusMember(report));
  return { kind: "response", report, status, reason, fields: pairsOf(fields) };
}

function withoutLast(fields: Headers, name: string, member: string): void {
  const value = fields.get(name);
  if (value === member) fields.delete(name);
  else if (value?.endsWith(`, ${member}`) === true) fields.set(name, value.slice(0, -member.length - 2));
}

/** A visit of another worker: that tells the log, and what it cannot use does not count as an answer. */
class AskedVisit extends Visit {
  failure: unknown;
  override readonly request: RequestFacts;

  constructor(presented: PresentedRequest, context: VisitContext, needsFresh: boolean) {
    super(presented, context);
    const facts = requestFacts(presented.method, presented.fields);
    const { directives } = facts;
    const minFresh = directives.minFresh ?? deltaSeconds(0);
    const fresh = { ...directives, minFresh, maxStale: undefined };
    this.request = needsFresh ? { ...facts, directives: fresh } : facts;
  }

  override done(answer: Answer, report: Report, _storage?: unknown, failure?: unknown): Answer {
    this.report = report;
    this.failure = failure;
    return answer;
  }
}
