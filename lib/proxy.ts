// Answers: what happens to a request, from the cache key to the answer. The life of one request, on one page.
// Owns: the order of lookup, decision, collapsing, forwarding, storing and answering: the only file that sequences I/O.
// Leaves out: every rule (`rfc9111/`), the door in front (`door.ts`), bodies (`deliver.ts`), sockets (`wire/`).
import { Background, type BackgroundParts } from "./background.ts";
import {
  ONLY_IF_CACHED,
  passReport,
  reuseReport,
  storeReport,
  tellsOfKey,
  validatedReport,
  type Report,
} from "./cache-status.ts";
import type { Fill } from "./collapse.ts";
import {
  deliver,
  fillBody,
  finishPartial,
  isSuperseded,
  passedBody,
  shown,
  type Completion,
  type ReadingLimits,
} from "./deliver.ts";
import { originFailed } from "./errors.ts";
import { storageAt } from "./events.ts";
import { fillKeyOf } from "./fill-key.ts";
import type { Forwarder } from "./forward.ts";
import { invalidate, type InvalidationPlaces } from "./invalidate.ts";
import type { Answer, PresentedRequest, ReceivedResponse, StoredResponse } from "./message.ts";
import { recall, turnOf, type RecallParts } from "./recall.ts";
import { endTurn, type Lead } from "./lead.ts";
import { drop } from "./received.ts";
import { supersedes } from "./rfc9111/cache-key.ts";
import { isSafe } from "./rfc9111/invalidation.ts";
import { outcome, type Outcome } from "./rfc9111/outcome.ts";
import {
  decide,
  isShareable,
  plain,
  validate,
  wouldReuse,
  type Decision,
  type Forwarding,
} from "./rfc9111/reuse.ts";
import { epochSeconds, type EpochSeconds } from "./rfc9111/time.ts";
import { aged, onlyIfCachedPage } from "./respond.ts";
import { coverFailure, serveStored, type ServingParts } from "./serve-stored.ts";
import { markOf, type MaybePromise } from "./store/store.ts";
import { Visit } from "./visit.ts";

/** What the engine is made of. */
export interface ProxyParts
  extends BackgroundParts, ServingParts, RecallParts, Pick<InvalidationPlaces, "elsewhere"> {
  readonly forwarder: Pick<Forwarder, "refusal" | "forward">;
  /** How far a reader may lag behind the fastest of a body that is not stored, in bytes. */
  readonly maxLagBytes: number;
  /** Seconds for which a key is not collapsed after its response turned out not to be shareable. */
  readonly uncollapse: number;
}

type Storing = Extract<Outcome, { kind: "store" }>;
type Freshening = Extract<Outcome, { kind: "freshen" }>;

/** The engine: a presented request in, an answer out; a hit in the memory tier answers without waiting. */
export class Proxy {
  readonly #parts: ProxyParts;
  readonly #limits: ReadingLimits;
  readonly #background: Background;

  constructor(parts: ProxyParts) {
    this.#parts = parts;
    const { store, maxLagBytes } = parts;
    this.#limits = { hold: (stored, onEvicted) => store.hold(stored, onEvicted), maxLagBytes };
    this.#background = new Background(parts);
  }

  /** Never rejects as long as the store keeps its contract: what goes wrong becomes an answer. */
  handle(presented: PresentedRequest, visit = new Visit(presented, this.#parts)): MaybePromise<Answer> {
    const now = epochSeconds(visit.arrivedMs);
    const decision = this.#decision(visit, now);
    if (decision.kind === "reuse" || this.#parts.store.recall === undefined)
      return this.#act(visit, decision, now);
    const came = recall(this.#parts, visit, decision);
    if (came instanceof Promise) return came.then(() => this.#act(visit, this.#decision(visit, now), now));
    return this.#act(visit, came ? this.#decision(visit, now) : decision, now);
  }

  #decision(visit: Visit, now: EpochSeconds): Decision {
    return decide(visit.request, this.#stored(visit), now, this.#parts.rules);
  }

  #act(visit: Visit, decision: Decision, now: EpochSeconds): MaybePromise<Answer> {
    if (decision.kind === "forward") return this.#forward(visit, decision);
    if (decision.kind === "refuse") return visit.done(onlyIfCachedPage(ONLY_IF_CACHED), ONLY_IF_CACHED);
    if (decision.stale === "while-revalidate") this.#revalidate(visit, decision.stored);
    return this.#reuse(visit, decision.stored, reuseReport(decision.stored, now, decision.stale), now);
  }

  #reuse(visit: Visit, stored: StoredResponse, report: Report, now: EpochSeconds): Answer {
    return serveStored(this.#parts.store, visit, stored, { report, now });
  }

  /** To the origin: alongside a request that is under way already, or as one that others may follow. */
  #forward(visit: Visit, forwarding: Forwarding): MaybePromise<Answer> {
    // Before it can follow a request: in a loop that would be itself.
    const refusal = this.#parts.forwarder.refusal(visit.presented);
    if (refusal !== undefined) return coverFailure(this.#parts, visit, forwarding, refusal);
    const isCollapsible = !this.#parts.collapser.isUncollapsible(visit.presented.uri, this.#now());
    const fillKey = isCollapsible ? this.#fillKey(visit, forwarding, this.#stored(visit)) : undefined;
    const fill = fillKey === undefined ? undefined : this.#parts.collapser.find(fillKey);
    if (fill === undefined) return this.#lead(visit, forwarding, fillKey);
    return this.#follow(visit, forwarding, fill).then(
      (answer) => answer ?? this.#lead(visit, forwarding, fill.isStale ? fillKey : undefined, false),
    );
  }

  #fillKey(visit: Visit, { why }: Forwarding, stored: readonly StoredResponse[]): string | undefined {
    return fillKeyOf(visit.presented.uri, visit.request, { why, stored }, this.#parts.rules.vary);
  }

  /** The answer from a fill that another request leads; `undefined` where it is of no use for this one. */
  async #follow(visit: Visit, forwarding: Forwarding, fill: Fill): Promise<Answer | undefined> {
    fill.followers++;
    const result = await fill.result;
    const now = this.#now();
    if (result.kind === "unshared") return undefined;
    if (result.kind === "failed") return this.#recover(visit, forwarding, result.error);
    if (result.kind === "freshened")
      return this.#fromOthers(visit, (stored) => ({
        ...validatedReport(stored, forwarding, now),
        collapsed: true,
      }));
    const { head, body } = result;
    if (!body.isJoinable || !wouldReuse(visit.request, head, now, this.#parts.rules)) return undefined;
    const { stored: _, ...report } = storeReport(head, { forwarding, collapsed: true }, head.status);
    const delivery = { status: head.status, fields: aged(head, now), body, report, head };
    return deliver(visit, delivery).catch((error: unknown) => this.#recover(visit, forwarding, error));
  }

  /** What another request has brought into the store meanwhile; `undefined` where it does not do for this one. */
  #fromOthers(visit: Visit, reportOn: typeof reuseReport): Answer | undefined {
    const now = this.#now();
    const decision = this.#decision(visit, now);
    if (decision.kind !== "reuse" || decision.stale !== undefined) return undefined;
    return this.#reuse(visit, decision.stored, reportOn(decision.stored, now), now);
  }

  /** Asks the origin, for this request and for those that follow it; in a fleet when it is this node's turn. */
  async #lead(visit: Visit, forwarding: Forwarding, fillKey?: string, collapsed?: false): Promise<Answer> {
    const { collapser } = this.#parts;
    const fill = collapser.open(visit.presented.uri, fillKey);
    const waiting = fillKey === undefined ? undefined : turnOf(this.#parts, visit, { forwarding, fillKey });
    const turn = waiting && (await waiting);
    try {
      const arrived = turn?.kind === "arrived" ? this.#fromOthers(visit, reuseReport) : undefined;
      if (arrived === undefined)
        return await this.#exchange({ visit, forwarding, fill, fillKey, collapsed, turn });
      fill.settle({ kind: "freshened" });
      return arrived;
    } catch (error) {
      fill.settle({ kind: "failed", error });
      return this.#recover(visit, forwarding, error);
    } finally {
      if (!fill.isShared) collapser.close(fill, fillKey);
      if (!fill.isShared) endTurn(turn, fill.outcome);
    }
  }

  async #exchange(lead: Lead): Promise<Answer> {
    const { visit, forwarding, fillKey } = lead;
    const { nominated, completing } = forwarding;
    const isForStore = fillKey !== undefined || nominated.length > 0 || completing !== undefined;
    const { presented, request, failed: after } = visit;
    const received = await this.#parts.forwarder.forward(presented, forwarding, {
      conditions: isForStore ? "stripped" : "as-presented",
      endsWithClient: fillKey === undefined,
      isAwaited: () => lead.fill.followers > 0,
      after,
    });
    if (!isSafe(presented.method)) await invalidate(this.#parts, presented, received, lead.fill);
    const exchange = { uri: presented.uri, request, forwarding, stored: this.#stored(visit), received };
    return this.#conclude(lead, received, outcome(exchange, this.#parts.rules));
  }

  /** Carries out what the rules made of the response. */
  async #conclude(lead: Lead, received: ReceivedResponse, result: Outcome): Promise<Answer> {
    switch (result.kind) {
      case "store":
        return this.#store(lead, received, result);
      case "freshen":
        drop(received);
        return this.#freshen(lead, received, result);
      case "stale":
        drop(received);
        throw originFailed(received.status);
      case "retry":
        drop(received);
        return this.#exchange({ ...lead, forwarding: plain(lead.forwarding.why) });
      case "head":
        for (const { old, by } of result.replacements)
          if (by === undefined || lead.fill.mayStore(by)) this.#parts.store.replace(old, by);
        return this.#pass(lead, received, "head");
      case "pass":
        if (result.outdated.length > 0) this.#remove(result.outdated);
        return this.#pass(lead, received, result.reason);
      default:
        return result satisfies never;
    }
  }

  /** The response goes into the store, to this client and to all that follow, at the same time. */
  #store(lead: Lead, received: ReceivedResponse, result: Storing): Promise<Answer> {
    const { visit, fill, fillKey } = lead;
    const { store, collapser } = this.#parts;
    const { head, outdated } = result;
    const completes = result.completes && { partial: result.completes, head };
    if (!fill.mayStore(head) || received.decided?.word === "STALE")
      return this.#pass(lead, received, "invalidated", completes);
    const writer = store.write(head, received.length, markOf(lead.turn));
    const isPart = received.status === 206 && completes === undefined;
    const finish = isPart ? finishPartial(head, received) : undefined;
    const body = fillBody(received, { writer, finish, completes, isShared: true }, this.#limits);
    const isForAll = isShareable(head, this.#now());
    if (!isForAll) this.#leaveUncollapsed(lead, "not fresh");
    fill.settle({ kind: "shared", head, body });
    const storage = body.ended.then(async (end) => {
      collapser.close(fill, fillKey);
      endTurn(lead.turn, end.kind === "broken" ? "failed" : isForAll ? "stored" : "unshared");
      if (outdated.length > 0 && isSuperseded(end, completes)) this.#remove(outdated);
      return storageAt(end, fill.isDiscarded, head);
    });
    const { status, decided } = received;
    const report =
      decided ?? (writer ? storeReport(head, lead, status) : passReport(lead, status, "too-large"));
    return deliver(visit, { ...shown(received, completes, this.#now()), body, report, head, storage });
  }

  async #freshen(lead: Lead, { decided }: ReceivedResponse, result: Freshening): Promise<Answer> {
    const { old, by, outdated } = result;
    this.#remove(outdated);
    const isKept = result.keep && lead.fill.mayStore(by);
    const mark = markOf(lead.turn);
    if (isKept && supersedes(by, old)) this.#parts.store.replace(old, by, mark);
    else if (isKept) this.#parts.store.add(by, mark);
    const isForAll = isKept && isShareable(by, this.#now());
    const isStale = decided?.word === "STALE";
    if (!isForAll && !isStale) this.#leaveUncollapsed(lead, "validated for one client only");
    lead.fill.settle(isForAll ? { kind: "freshened" } : { kind: "unshared", isStale });
    const now = this.#now();
    return this.#reuse(lead.visit, by, decided ?? validatedReport(by, lead.forwarding, now), now);
  }

  /** The response goes to this client only. */
  #pass(lead: Lead, received: ReceivedResponse, reason: string, completes?: Completion): Promise<Answer> {
    const { decided } = received;
    if (reason !== "invalidated" && tellsOfKey(decided)) this.#leaveUncollapsed(lead, reason);
    lead.fill.settle({ kind: "unshared", isStale: decided?.word === "STALE" });
    const body = received.framing === "none" ? undefined : passedBody(received, completes, this.#limits);
    const report = decided ?? passReport(lead, received.status, reason);
    return deliver(lead.visit, { ...shown(received, completes, this.#now()), body, report });
  }

  /** Once more, where that is safe and can help; those who followed find each other again. */
  async #recover(visit: Visit, forwarding: Forwarding, error: unknown): Promise<Answer> {
    if (!visit.mayTryAgain(error)) return coverFailure(this.#parts, visit, forwarding, error);
    // All of it this time: what is stored of it may be what does not fit.
    const { completing: _, ...whole } = forwarding;
    return this.#forward(visit, whole);
  }

  #revalidate(visit: Visit, stored: StoredResponse): void {
    const background = visit.inBackground();
    const forwarding = validate(stored, "stale");
    const fillKey = this.#fillKey(background, forwarding, [stored]) ?? `${stored.key}\nbackground`;
    this.#background.validate(background, fillKey, () => this.#lead(background, forwarding, fillKey));
  }

  #remove(outdated: readonly StoredResponse[]): void {
    for (const old of outdated) this.#parts.store.replace(old, undefined);
  }

  #leaveUncollapsed({ fill, fillKey, visit }: Lead, reason: string): void {
    if (fillKey === undefined) return;
    const { collapser, events, uncollapse: seconds } = this.#parts;
    const { uri } = visit.presented;
    collapser.markUncollapsible(uri, (this.#now() + seconds) as EpochSeconds);
    if (fill.followers > 0 && seconds > 0) events.emit({ kind: "uncollapsed", uri, seconds, reason });
  }

  #stored(visit: Visit): readonly StoredResponse[] {
    return this.#parts.store.lookup(visit.presented.uri);
  }

  #now(): EpochSeconds {
    return epochSeconds(this.#parts.clockMs());
  }
}
