// Answers: whether a request that has to leave a worker goes to the owner of its key or to the origin.
// Owns: what goes to the owner, what comes of its answer, and going on without it.
// Leaves out: who the owner is (`owner.ts`), the bytes (`../wire/peer-bun.ts`), the way to the origin (`../forward.ts`).
import { clientLeft, OriginError } from "../errors.ts";
import { onceGone } from "../client-watch.ts";
import type { Forwarder, ForwarderParts, ForwardingWay } from "../forward.ts";
import { IncomingBody, type Rest } from "../incoming-body.ts";
import type { ByteReader, PresentedRequest, ReceivedResponse } from "../message.ts";
import { changedRequest } from "../presented.ts";
import { fieldsForRest, restFrom, resumable, type Resumable } from "../resumption.ts";
import { requestDirectives } from "../rfc9111/cache-control.ts";
import type { Forwarding } from "../rfc9111/reuse.ts";
import { epochSeconds } from "../rfc9111/time.ts";
import { validationFields } from "../rfc9111/validation.ts";
import type { Patience, PeerAnswer } from "../wire/peer-bun.ts";
import { fieldsFrom, OwnerFailure, pairsOf, type Question, type Verdict } from "./question.ts";

/** What is needed to find an owner and to ask it. */
export interface OwnerFirstParts extends Pick<ForwarderParts, "settings" | "events" | "clockMs"> {
  readonly own: Forwarder;
  /** The slot of the owner of a URI; `undefined` where this worker is the owner. */
  readonly ownerOf: (uri: string) => number | undefined;
  /** Asks it; `undefined` where it does not answer, rejects where the signal aborts. */
  readonly ask: (
    slot: number,
    question: string,
    patience: Patience,
  ) => Promise<PeerAnswer<ByteReader> | undefined>;
  /** Removes what is stored for these URIs in all other workers. */
  readonly elsewhere: (targets: readonly string[]) => Promise<unknown>;
  /** Whether an invalidation of the URI is under way: the owner may not have heard of it. */
  readonly isInvalidating: (uri: string) => boolean;
}

/** The owner has to take a question at once; one that is busy for so long is better left out, and then for a while. */
const TAKEN_MS = 2000;
const LEFT_ALONE_MS = 5000;

/** An owner that tries twice is not given up before it gives up itself; only one that hangs. */
const SLACK_MS = 1000;

/** A forwarder that asks the owner of the key before the origin. */
export class OwnerFirst implements Pick<Forwarder, "refusal" | "forward"> {
  readonly #parts: OwnerFirstParts;
  /** Owners that were too slow, and until when nobody waits for them. */
  readonly #leftAlone = new Map<number, number>();
  #asked = 0;
  #away = 0;

  constructor(parts: OwnerFirstParts) {
    this.#parts = parts;
  }

  /** How often an owner was asked, and how often it did not answer. */
  get counts(): { readonly asked: number; readonly away: number } {
    return { asked: this.#asked, away: this.#away };
  }

  refusal(presented: PresentedRequest): OriginError | undefined {
    return this.#parts.own.refusal(presented);
  }

  /** @throws OriginError where there is no usable response. */
  async forward(
    presented: PresentedRequest,
    forwarding: Forwarding,
    way: ForwardingWay,
  ): Promise<ReceivedResponse> {
    const owner = this.#ownerFor(presented, way);
    const received =
      owner === undefined ? undefined : await this.#askOwner(owner, presented, forwarding, way);
    return received ?? this.#fromOrigin(presented, forwarding, way);
  }

  /**
   * A client that has a page fetched anew changes it for all, as it does where there is one process: if the origin has
   * another one by now, nobody is to get the old one from another worker after this client has the new one.
   */
  async #fromOrigin(
    presented: PresentedRequest,
    forwarding: Forwarding,
    way: ForwardingWay,
  ): Promise<ReceivedResponse> {
    const received = await this.#parts.own.forward(presented, forwarding, way);
    const { method, fields, uri } = presented;
    const isAnew = forwarding.why === "request" || requestDirectives(fields.get("cache-control")).noCache;
    if (isAnew && method === "GET" && received.status === 200) await this.#parts.elsewhere([uri]);
    return received;
  }

  /**
   * The slot to ask; `undefined` where the origin is to be asked. Only what others may get as well is worth a detour:
   * `endsWithClient` says that a request has no fill key. What another worker asks for stays here, whoever this one
   * takes for the owner: nothing goes round. What is tried once more goes to the origin.
   */
  #ownerFor(presented: PresentedRequest, way: ForwardingWay): number | undefined {
    const { ownerOf, isInvalidating, clockMs } = this.#parts;
    const isForAll = !way.endsWithClient && presented.isFromWorker !== true && presented.body === null;
    if (!isForAll || way.after !== undefined || isInvalidating(presented.uri)) return undefined;
    const owner = ownerOf(presented.uri);
    return owner !== undefined && clockMs() < (this.#leftAlone.get(owner) ?? 0) ? undefined : owner;
  }

  /** The owner's response, `undefined` where it is away. @throws OriginError where the owner found no usable one. */
  async #askOwner(
    owner: number,
    presented: PresentedRequest,
    forwarding: Forwarding,
    way: ForwardingWay,
  ): Promise<ReceivedResponse | undefined> {
    const { ask, clockMs, settings } = this.#parts;
    const { firstByteMs } = settings.deadlines;
    const controller = new AbortController();
    // The owner goes on for a while, in case somebody asks again; here nobody waits.
    const stopWatching = onceGone(presented, () => way.isAwaited() || controller.abort(clientLeft()));
    const hangs = (): void =>
      controller.abort(new OriginError("origin-timeout", "its worker gave no answer"));
    const timer = firstByteMs > 0 ? setTimeout(hangs, 2 * firstByteMs + SLACK_MS) : undefined;
    const question = questionFor(presented, forwarding);
    const requestTimeMs = clockMs();
    this.#asked++;
    try {
      const patience = { signal: controller.signal, takenMs: TAKEN_MS };
      const answer = await ask(owner, JSON.stringify(question), patience);
      if (answer === undefined) this.#isAway(owner, clockMs() - requestTimeMs);
      return answer && this.#received(answer, { presented, question, requestTimeMs });
    } finally {
      stopWatching();
      clearTimeout(timer);
    }
  }

  #isAway(owner: number, afterMs: number): void {
    this.#away++;
    if (afterMs >= TAKEN_MS) this.#leftAlone.set(owner, this.#parts.clockMs() + LEFT_ALONE_MS);
  }

  #received(
    { head, body }: PeerAnswer<ByteReader>,
    asked: {
      readonly presented: PresentedRequest;
      readonly question: Question;
      readonly requestTimeMs: number;
    },
  ): ReceivedResponse {
    const verdict = JSON.parse(head) as Verdict;
    if (verdict.kind === "failure") {
      body.cancel().catch(() => {});
      throw new OwnerFailure(verdict);
    }
    const { status, reason, report } = verdict;
    const fields = fieldsFrom(verdict.fields);
    const isBodiless = status === 204 || status === 304;
    const length = fields.get("content-length");
    const framed = length === null ? "chunked" : "length";
    // The frame between workers has an end that can be verified, whatever the origin's had.
    const framing = report.detail === "close-delimited" ? "close" : framed;
    const received: ReceivedResponse = {
      ...{ status, reason, fields, body: isBodiless ? null : body, decided: report },
      framing: isBodiless ? "none" : framing,
      length: isBodiless || length === null ? undefined : Number(length),
      requestTime: epochSeconds(asked.requestTimeMs),
      responseTime: epochSeconds(this.#parts.clockMs()),
    };
    // Its connection is free for the next question once its end has been read.
    if (isBodiless) body.read().catch(() => {});
    return isBodiless ? received : { ...received, body: this.#incoming(body, received, asked) };
  }

  /** The body, which goes on from the origin should the owner end: its clients must not notice. */
  #incoming(
    reader: ByteReader,
    received: ReceivedResponse,
    { presented, question }: { readonly presented: PresentedRequest; readonly question: Question },
  ): IncomingBody {
    const { betweenBytesMs } = this.#parts.settings.deadlines;
    const rest = resumable("GET", received);
    const { method, uri, authority } = presented;
    const address = (): string | undefined => question.address;
    const asked = { method, uri, authority, clientAddress: address, gone: () => undefined, body: null };
    const asPresented = { ...asked, fields: fieldsFrom(question.fields) };
    const resume = rest && ((at: number) => this.#rest(asPresented, rest, at));
    return new IncomingBody({
      reader,
      // The owner has the same deadline, and says so when it is over.
      betweenBytesMs: betweenBytesMs === 0 ? 0 : betweenBytesMs + SLACK_MS,
      signal: new AbortController().signal,
      resume,
      alone: resume && (async (at) => (await resume(at))?.reader),
      onEnd: () => {},
    });
  }

  async #rest(presented: PresentedRequest, body: Resumable, at: number): Promise<Rest | undefined> {
    if (body.last !== undefined && body.first + at > body.last) return undefined;
    const fields = fieldsForRest(presented.fields, body, at);
    const forwarding = { kind: "forward", why: "partial", nominated: [] } as const;
    const way = { conditions: "as-presented", endsWithClient: false, isAwaited: () => true } as const;
    const received = await this.#parts.own.forward(changedRequest(presented, { fields }), forwarding, way);
    const rest = restFrom(received, body, at);
    if (rest !== undefined) this.#parts.events.emit({ kind: "resumed", uri: presented.uri, at });
    return rest;
  }
}

/**
 * The client's own conditions stay here, as on the way to the origin; those of this worker's stored responses go along.
 * What is stored in part is asked for as a whole: it is the owner that completes, if it has a part as well.
 */
function questionFor(presented: PresentedRequest, { nominated, why }: Forwarding): Question {
  const fields = new Headers(presented.fields);
  const { ifNoneMatch, ifModifiedSince } = validationFields(nominated);
  for (const [name, value] of [
    ["if-none-match", ifNoneMatch],
    ["if-modified-since", ifModifiedSince],
  ] as const) {
    if (value === undefined) fields.delete(name);
    else fields.set(name, value);
  }
  return {
    uri: presented.uri,
    authority: presented.authority,
    fields: pairsOf(fields),
    address: presented.clientAddress(),
    needsFresh: why === "stale",
  };
}
