// Answers: how a request goes on to the origin, and what came back.
// Owns: one exchange: its deadlines, its failures, going on after its connection broke; loops (RFC 8586).
// Leaves out: the fields (`outgoing-fields.ts`, `received.ts`), the socket (`wire/`), whether to forward (`rfc9111/reuse.ts`).
import { newLoopToken } from "./cache-status.ts";
import { ClientWatch, onceGone } from "./client-watch.ts";
import { Deadline, type Deadlines } from "./deadline.ts";
import { clientLeft, originBusy, originLeftAlone, OriginError } from "./errors.ts";
import type { Events } from "./events.ts";
import { IncomingBody, type Continued, type Incoming, type Rest } from "./incoming-body.ts";
import type { ByteReader, PresentedRequest, ReceivedResponse } from "./message.ts";
import type { Origin } from "./origins/origin.ts";
import type { Place } from "./origins/places.ts";
import type { Routes } from "./origins/routes.ts";
import { hasPassed, outgoingFields, type Conditions } from "./outgoing-fields.ts";
import { Outgoing, targetOf } from "./outgoing-request.ts";
import { failureOf, receivedFrom } from "./received.ts";
import { fieldsForRest, restFrom, resumable, type Resumable } from "./resumption.ts";
import { isSafe } from "./rfc9111/invalidation.ts";
import type { Forwarding } from "./rfc9111/reuse.ts";
import type { OriginResponse, OutgoingRequest, Send } from "./wire/origin-exchange.ts";

/** How requests go to the origins, and how long that may take. */
export interface ForwardingSettings {
  /** The Host field to send; empty for the client's own. */
  readonly hostField: string;
  readonly deadlines: Deadlines;
  /** Whether the end of a connection is taken for the end of a body. */
  readonly trustsClose: boolean;
  /** Names this cache in CDN-Loop, where it is more than this process; else a name is made up. */
  readonly loopToken?: string | undefined;
}

/** What a forwarder is made of. */
export interface ForwarderParts {
  readonly settings: ForwardingSettings;
  readonly routes: Routes;
  readonly send: Send;
  readonly events: Events;
  readonly clockMs: () => number;
}

/** How one request is forwarded. */
export interface ForwardingWay {
  readonly conditions: Conditions;
  /** Whether it is given up when its client leaves before the response is there: nobody else gets it. */
  readonly endsWithClient: boolean;
  /** Whether others wait for the response by now. One that nobody waits for leaves the queue. */
  readonly isAwaited: () => boolean;
  /** The failure after which it is sent once more, on a fresh connection. */
  readonly after?: OriginError | undefined;
}

/** A request on its way: what is needed to send it, and to ask for the rest of its response. */
interface Exchange {
  readonly presented: PresentedRequest;
  readonly outgoing: OutgoingRequest;
  readonly deadline: Deadline;
  readonly origin: Origin;
  readonly place: Place;
}

/** What is known of a request before it has a place at an origin. */
interface Departure {
  readonly presented: PresentedRequest;
  readonly fields: Headers;
  readonly deadline: Deadline;
  readonly way: ForwardingWay;
}

/** Forwards requests to the origins. */
export class Forwarder {
  readonly #parts: ForwarderParts;
  readonly #loopToken: string;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
    this.#loopToken = parts.settings.loopToken ?? newLoopToken();
  }

  /**
   * Why a request must not be forwarded: it has passed here before and would go round for ever (RFC 8586 §2), or there
   * is no origin for it.
   */
  refusal(presented: PresentedRequest): OriginError | undefined {
    if (hasPassed(presented.fields, this.#loopToken)) {
      return new OriginError("loop", "the request has passed this cache before: the origin leads back to it");
    }
    if (this.#parts.routes.for(targetOf(presented)) !== undefined) return undefined;
    return new OriginError("no-origin", "No --origin is given for such a path");
  }

  /** @throws OriginError where there is no usable response. */
  async forward(
    presented: PresentedRequest,
    forwarding: Forwarding,
    way: ForwardingWay,
  ): Promise<ReceivedResponse> {
    const { settings } = this.#parts;
    const gateway = { hostField: settings.hostField, loopToken: this.#loopToken };
    const fields = outgoingFields(presented, forwarding, way.conditions, gateway);
    const deadline = new Deadline(settings.deadlines);
    const watch = new ClientWatch(presented, {
      endsWithClient: way.endsWithClient && isSafe(presented.method),
      isAwaited: way.isAwaited,
      giveUp: () => deadline.giveUp(clientLeft()),
    });
    try {
      return await this.#depart({ presented, fields, deadline, way });
    } catch (error) {
      deadline.end();
      throw error;
    } finally {
      watch.end();
    }
  }

  /**
   * How a request for another protocol goes to its origin, and by when that has to answer. It takes no place there: it
   * may last for days. @throws OriginError
   */
  relayed(presented: PresentedRequest): { readonly outgoing: OutgoingRequest; readonly deadline: Deadline } {
    const { settings, routes, clockMs } = this.#parts;
    const target = targetOf(presented);
    const pool = routes.for(target);
    const origin = pool?.pick(clockMs());
    if (origin === undefined) throw originLeftAlone(pool?.origins[0]?.url);
    const gateway = { hostField: settings.hostField, loopToken: this.#loopToken };
    const forwarding = { kind: "forward", why: "bypass", nominated: [] } as const;
    const fields = outgoingFields(presented, forwarding, "as-presented", gateway);
    const deadline = new Deadline({ ...settings.deadlines, totalMs: 0 });
    const { method } = presented;
    const sent = { origin: origin.url, target, method, fields, body: null, mayReuseConnection: false };
    return { outgoing: { ...sent, signal: deadline.signal }, deadline };
  }

  /** Finds an origin that can take it, and a place there. @throws OriginError where there is neither */
  #depart(departure: Departure): Promise<ReceivedResponse> {
    const { routes, clockMs } = this.#parts;
    const target = targetOf(departure.presented);
    const pool = routes.for(target);
    const failed = departure.way.after?.origin;
    // One that has just failed is better than none.
    const avoided =
      failed === undefined ? undefined : new Set(pool?.origins.filter(({ url }) => url === failed));
    const origin = pool?.pick(clockMs(), avoided) ?? pool?.pick(clockMs());
    if (origin === undefined) throw originLeftAlone(pool?.origins[0]?.url);
    const place = this.#placeAt(origin, departure);
    const { presented, fields, deadline, way } = departure;
    // Content goes out once: where the kept connection turns out to be closed, it cannot be sent again.
    const mayReuseConnection = isSafe(presented.method) && presented.body === null && way.after === undefined;
    const outgoing = new Outgoing(
      { origin: origin.url, target, mayReuseConnection },
      presented,
      fields,
      deadline,
    );
    if (!(place instanceof Promise)) return this.#exchange({ presented, outgoing, deadline, origin, place });
    return place.then((free) => this.#exchange({ presented, outgoing, deadline, origin, place: free }));
  }

  /** A place at once, or when one is free. @throws OriginError where there is none, or nobody waits for it any more */
  #placeAt(origin: Origin, { presented, deadline, way }: Departure): Place | Promise<Place> {
    const place = origin.places.takeFree() ?? origin.places.take(deadline.signal);
    if (place === "full") throw originBusy(origin.url);
    if (!(place instanceof Promise)) return place;
    return place.finally(
      onceGone(presented, () => {
        if (!way.isAwaited()) deadline.giveUp(clientLeft());
      }),
    );
  }

  /** Gives its place back when the response is there, or will not come. */
  async #exchange(exchange: Exchange): Promise<ReceivedResponse> {
    const { deadline, place, presented } = exchange;
    try {
      const received = await this.#ask(exchange, exchange.outgoing);
      if (received.body !== null && !(received.body instanceof Uint8Array)) {
        const body = resumable(presented.method, received);
        return { ...received, body: this.#incoming(exchange, received.body, body) };
      }
      deadline.end();
      place.release();
      return received;
    } catch (error) {
      place.release();
      throw error;
    }
  }

  /** The body of an exchange, which is over when that is. */
  #incoming(
    exchange: Exchange,
    reader: ByteReader,
    body: Resumable | undefined,
    continued?: Continued,
  ): IncomingBody {
    const { deadline, place } = exchange;
    const incoming: Incoming = {
      reader,
      betweenBytesMs: this.#parts.settings.deadlines.betweenBytesMs,
      signal: deadline.signal,
      resume: body && ((at) => this.#resume(exchange, body, at)),
      alone: body && ((at) => this.#alone(exchange, body, at)),
      onEnd(isComplete) {
        deadline.end();
        place.release();
        // What is asked for at this moment, to go on with, is not needed either.
        if (!isComplete) deadline.giveUp(new OriginError("origin-incomplete", "nobody needs the rest"));
      },
    };
    return new IncomingBody(incoming, continued);
  }

  /** Sends a request and waits for the header section of its response. @throws OriginError */
  async #ask(
    { presented, deadline, origin }: Exchange,
    outgoing: OutgoingRequest,
  ): Promise<ReceivedResponse> {
    const { clockMs, send, settings } = this.#parts;
    const permit = origin.breaker.permit(clockMs());
    if (permit === undefined) throw originLeftAlone(origin.url);
    const watch = origin.connectProbe.watch((error) => deadline.giveUp(error));
    const requestTimeMs = clockMs();
    try {
      const response: OriginResponse = await send(outgoing);
      const { trustsClose } = settings;
      const { method } = presented;
      const facts = { method, requestTimeMs, responseTimeMs: clockMs(), trustsClose };
      const received = receivedFrom(response, facts);
      permit.succeeded();
      return received;
    } catch (error) {
      const failure = failureOf(deadline.reason ?? error);
      if (presented.gone()?.aborted === true) permit.abandoned();
      else permit.failed(clockMs());
      failure.origin = origin.url;
      throw failure;
    } finally {
      watch.done();
      deadline.headCame();
    }
  }

  /** The rest of a body whose connection broke after `at` bytes; `undefined` where the origin has something else. */
  async #resume(exchange: Exchange, body: Resumable, at: number): Promise<Rest | undefined> {
    // All of it came, only its end was lost: there is nothing that could be asked for.
    if (body.last !== undefined && body.first + at > body.last) return undefined;
    const { outgoing, deadline, presented } = exchange;
    deadline.awaitHead();
    const fields = fieldsForRest(outgoing.fields, body, at);
    const received = await this.#ask(exchange, {
      ...outgoing,
      ...{ fields, signal: deadline.signal, callOff: undefined, mayReuseConnection: false },
    });
    const rest = restFrom(received, body, at);
    if (rest !== undefined) this.#parts.events.emit({ kind: "resumed", uri: presented.uri, at });
    return rest;
  }

  /** The same in an exchange of its own: for a reader that is too slow for the others. */
  async #alone(exchange: Exchange, body: Resumable, at: number): Promise<ByteReader | undefined> {
    const deadline = new Deadline(this.#parts.settings.deadlines);
    const place = await exchange.origin.places.take(deadline.signal);
    if (place !== "full") {
      const outgoing = { ...exchange.outgoing, signal: deadline.signal, callOff: undefined };
      const own: Exchange = { ...exchange, deadline, place, outgoing };
      const rest = await this.#resume(own, body, at).catch(() => undefined);
      if (rest !== undefined)
        return this.#incoming(own, rest.reader, body, { at, wholeLength: rest.wholeLength });
      place.release();
    }
    deadline.end();
    return undefined;
  }
}
