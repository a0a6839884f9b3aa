// Answers: what a purge does, and `PURGE url`, the request by which an operator or an application has a URL forgotten.
// Owns: who may send that, and the answer; it comes when nothing of it is left, stored or on its way, in no tier and worker.
// Leaves out: the removing (`invalidate.ts`), what unsafe requests make invalid (`rfc9111/invalidation.ts`).
import { cacheStatusMember, type Report, VIA } from "./cache-status.ts";
import { invalidateTargets, type InvalidationPlaces } from "./invalidate.ts";
import type { Answer, Handler, PresentedRequest } from "./message.ts";
import { answerPage } from "./respond.ts";
import type { InvalidationTarget } from "./rfc9111/cache-groups.ts";
import { formatHttpDate, epochSeconds } from "./rfc9111/time.ts";
import { Visit, type VisitContext } from "./visit.ts";

/** What a purge needs besides. */
export interface PurgeParts extends InvalidationPlaces, VisitContext {
  /** Whether a client with this address may purge. */
  readonly mayPurge: (address: string) => boolean;
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

/** What was removed, and from where. */
export interface Purged {
  /** Stored responses that there were, in each process that had them. */
  readonly removed: number;
  /** Those that are well: of another, `pending` says what that means. */
  readonly tiers: readonly string[];
  /** Processes that share one tier, or 1. */
  readonly nodes: number;
  /** Nodes that have not done it yet, or are not known to; absent where there are none. */
  readonly pending?: readonly string[];
}

/** Removes what these mean, everywhere. */
export async function purgeTargets(
  places: InvalidationPlaces,
  targets: readonly InvalidationTarget[],
): Promise<Purged> {
  const { removed, nodes, pending } = await invalidateTargets(places, targets);
  const outer = places.store.stats().outer ?? [];
  const tiers = ["memory", ...outer.filter(({ isWell }) => isWell).map(({ name }) => name)];
  return { removed, tiers, nodes, ...(pending.length > 0 && { pending }) };
}

async function purge(presented: PresentedRequest, parts: PurgeParts): Promise<Answer> {
  const visit = new Visit(presented, parts);
  presented.body?.cancel().catch(() => {});
  if (!isAllowed(presented, parts))
    return visit.done(answerPage(403, "Forbidden", [WHO_MAY], REFUSED), REFUSED);
  const said = await purgeTargets(parts, [presented.uri]);
  const report = { word: "PURGED", detail: `${said.removed} stored` } as const;
  return visit.done(jsonAnswer(said, report, parts.clockMs()), report);
}

/** A proxy has an address that may be allowed; whoever asked it has not. */
function isAllowed(presented: PresentedRequest, { mayPurge }: PurgeParts): boolean {
  const address = presented.clientAddress();
  const isForwarded = FORWARDING_FIELDS.some((name) => presented.fields.has(name));
  return address !== undefined && !isForwarded && mayPurge(address);
}

const REFUSED: Report = { word: "REFUSED", detail: "purge" };
const WHO_MAY = "PURGE is for clients whose address is in --purge-from, and who ask without a proxy between.";

function jsonAnswer(said: Purged, report: Report, nowMs: number): Answer {
  const body = new TextEncoder().encode(`${JSON.stringify(said)}\n`);
  const fields = new Headers({
    "cache-control": "no-store",
    "cache-status": cacheStatusMember(report),
    "content-length": String(body.length),
    "content-type": "application/json",
    date: formatHttpDate(epochSeconds(nowMs)),
    via: VIA,
  });
  return { status: 200, fields, body };
}
