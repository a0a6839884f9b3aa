// Answers: what `PURGE url` does, the request by which an operator or an application has a URL forgotten.
// Owns: who may ask for that, and the answer; it comes when nothing of the URL is left, stored or on its way, in no worker.
// Leaves out: the removing (`invalidate.ts`), what unsafe requests make invalid (`rfc9111/invalidation.ts`).
import { CACHE_NAME, cacheStatusMember, type Report } from "./cache-status.ts";
import { invalidateTargets, type InvalidationPlaces } from "./invalidate.ts";
import type { Answer, PresentedRequest } from "./message.ts";
import { answerPage } from "./respond.ts";
import { formatHttpDate, epochSeconds } from "./rfc9111/time.ts";
import type { MaybePromise } from "./store/store.ts";

/** What answers requests: the engine, or what stands in front of it. */
export interface Handler {
  handle(presented: PresentedRequest): MaybePromise<Answer>;
}

/** What a purge needs besides. */
export interface PurgeParts extends InvalidationPlaces {
  /** Whether a client with this address may purge. */
  readonly mayPurge: (address: string) => boolean;
  readonly clockMs: () => number;
}

/** The engine, which never sees a PURGE: it is for this cache, and not passed on. */
export function withPurge(engine: Handler, parts: PurgeParts): Handler {
  return {
    handle: (presented) =>
      presented.method === "PURGE" ? purge(presented, parts) : engine.handle(presented),
  };
}

/** Fields by which a proxy says for whom it asks. */
const FORWARDING_FIELDS = ["forwarded", "x-forwarded-for", "via"];

async function purge(presented: PresentedRequest, parts: PurgeParts): Promise<Answer> {
  const startedMs = parts.clockMs();
  presented.body?.cancel().catch(() => {});
  if (!isAllowed(presented, parts)) return tell(presented, parts, { startedMs, ...refusal() });
  const removed = await invalidateTargets(parts, [presented.uri]);
  const report = { word: "PURGED", detail: `${removed} stored` } as const;
  const answer = jsonAnswer({ removed, tiers: ["memory"], nodes: 1 }, report, parts.clockMs());
  return tell(presented, parts, { startedMs, answer, report });
}

/** A proxy has an address that may be allowed; whoever asked it has not. */
function isAllowed(presented: PresentedRequest, { mayPurge }: PurgeParts): boolean {
  const address = presented.clientAddress();
  const isForwarded = FORWARDING_FIELDS.some((name) => presented.fields.has(name));
  return address !== undefined && !isForwarded && mayPurge(address);
}

function refusal(): { readonly answer: Answer; readonly report: Report } {
  const report = { word: "REFUSED", detail: "purge" } as const;
  const line = "PURGE is for clients whose address is in --purge-from, and who ask without a proxy between.";
  return { answer: answerPage(403, "Forbidden", [line], report), report };
}

function jsonAnswer(said: Readonly<Record<string, unknown>>, report: Report, nowMs: number): Answer {
  const body = new TextEncoder().encode(`${JSON.stringify(said)}\n`);
  const fields = new Headers({
    "cache-control": "no-store",
    "cache-status": cacheStatusMember(report),
    "content-length": String(body.length),
    "content-type": "application/json",
    date: formatHttpDate(epochSeconds(nowMs)),
    via: `1.1 ${CACHE_NAME}`,
  });
  return { status: 200, fields, body };
}

function tell(
  { method, uri }: PresentedRequest,
  { events, clockMs }: PurgeParts,
  {
    answer,
    report,
    startedMs,
  }: { readonly answer: Answer; readonly report: Report; readonly startedMs: number },
): Answer {
  const durationMs = clockMs() - startedMs;
  events.emit({
    kind: "answered",
    method,
    uri,
    status: answer.status,
    report,
    durationMs,
    background: false,
  });
  return answer;
}
