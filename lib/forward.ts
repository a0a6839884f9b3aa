// Answers: how a request goes on to the origin, and what came back.
// Owns: one exchange: its deadlines, its failures, going on after its connection broke; loops (RFC 8586).
// Leaves out: the fields (`outgoing-fields.ts`, `received.ts`), the socket (`wire/`), whether to forward (`rfc9111/reuse.ts`).
import { CACHE_NAME } from "./cache-status.ts";
import { Deadline, type Deadlines } from "./deadline.ts";
import { OriginError } from "./errors.ts";
import type { Events } from "./events.ts";
import { IncomingBody, type Rest } from "./incoming-body.ts";
import type { PresentedRequest, ReceivedResponse } from "./message.ts";
import { outgoingFields, type Conditions } from "./outgoing-fields.ts";
import { failureOf, receivedFrom } from "./received.ts";
import { fieldsForRest, lengthWithRest, resumable, type Resumable } from "./resumption.ts";
import { isSafe } from "./rfc9111/invalidation.ts";
import type { Forwarding } from "./rfc9111/reuse.ts";
import { listMembers } from "./rfc9111/syntax.ts";
import type { OriginResponse, OutgoingRequest, Send } from "./wire/origin-exchange.ts";

/** Where requests go, and how long that may take. */
export interface OriginSettings {
  /** Scheme and authority, such as `http://localhost:8000`. */
  readonly origin: string;
  /** The Host field to send; empty for the client's own. */
  readonly hostField: string;
  readonly deadlines: Deadlines;
  /** Whether the end of a connection is taken for the end of a body. */
  readonly trustsClose: boolean;
}

/** What a forwarder is made of. */
export interface ForwarderParts {
  readonly settings: OriginSettings;
  readonly send: Send;
  readonly events: Events;
  readonly clockMs: () => number;
}

/** How one request is forwarded. */
export interface ForwardingWay {
  readonly conditions: Conditions;
  /** Whether it is given up when its client leaves before the response is there: nobody else gets it. */
  readonly endsWithClient: boolean;
  /** The failure after which it is sent once more, on a fresh connection. */
  readonly after?: OriginError | undefined;
}

/** A request on its way: what is needed to send it, and to ask for the rest of its response. */
interface Exchange {
  readonly presented: PresentedRequest;
  readonly outgoing: OutgoingRequest;
  readonly deadline: Deadline;
}

/** Forwards requests to the origin. */
export class Forwarder {
  readonly #parts: ForwarderParts;
  /** Names this process in CDN-Loop: another Larder in front or behind is no loop. */
  readonly #loopToken = `${CACHE_NAME}-${crypto.randomUUID().slice(0, 8)}`;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  /** Why a request must not be forwarded: it has passed here before and would go round for ever (RFC 8586 §2). */
  refusal(presented: PresentedRequest): OriginError | undefined {
    const passed = listMembers(presented.fields.get("cdn-loop") ?? "").map((member) =>
      member.split(";")[0]?.trim(),
    );
    if (!passed.includes(this.#loopToken)) return undefined;
    return new OriginError("loop", "the request has passed this cache before: the origin leads back to it");
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
    const left = way.endsWithClient && isSafe(presented.method) ? presented.gone() : undefined;
    const onLeft = (): void => deadline.giveUp(new OriginError("origin-incomplete", "the client has left"));
    left?.addEventListener("abort", onLeft);
    try {
      return await this.#exchange({
        presented,
        deadline,
        outgoing: this.#outgoing(presented, fields, deadline, way),
      });
    } catch (error) {
      deadline.end();
      throw deadline.signal.aborted ? deadline.signal.reason : failureOf(error);
    } finally {
      left?.removeEventListener("abort", onLeft);
    }
  }

  #outgoing(
    presented: PresentedRequest,
    fields: Headers,
    deadline: Deadline,
    { after }: ForwardingWay,
  ): OutgoingRequest {
    return {
      origin: this.#parts.settings.origin,
      target: presented.uri.slice(presented.uri.indexOf("/", presented.uri.indexOf("//") + 2)),
      method: presented.method,
      fields,
      body: presented.body,
      signal: deadline.signal,
      mayReuseConnection: isSafe(presented.method) && after === undefined,
      trailers: presented.trailers,
      onInterim: presented.onInterim,
    };
  }

  async #exchange(exchange: Exchange): Promise<ReceivedResponse> {
    const received = await this.#ask(exchange, exchange.outgoing);
    const { presented, deadline } = exchange;
    if (received.body === null) {
      deadline.end();
      return received;
    }
    const body = resumable(presented.method, received);
    const incoming = new IncomingBody({
      reader: received.body,
      betweenBytesMs: this.#parts.settings.deadlines.betweenBytesMs,
      signal: deadline.signal,
      resume: body && ((at) => this.#resume(exchange, body, at)),
      onEnd: () => deadline.end(),
    });
    return { ...received, body: incoming };
  }

  /** Sends a request and waits for the header section of its response. */
  async #ask({ presented, deadline }: Exchange, outgoing: OutgoingRequest): Promise<ReceivedResponse> {
    const { clockMs, send, settings } = this.#parts;
    const requestTimeMs = clockMs();
    const response: OriginResponse = await send(outgoing);
    deadline.headCame();
    return receivedFrom(response, {
      method: presented.method,
      requestTimeMs,
      responseTimeMs: clockMs(),
      trustsClose: settings.trustsClose,
    });
  }

  /** The rest of a body whose connection broke after `at` bytes; `undefined` where the origin has something else. */
  async #resume(exchange: Exchange, body: Resumable, at: number): Promise<Rest | undefined> {
    const { outgoing, deadline, presented } = exchange;
    deadline.awaitHead();
    const fields = fieldsForRest(outgoing.fields, body, at);
    const received = await this.#ask(exchange, { ...outgoing, fields, mayReuseConnection: false });
    const wholeLength = lengthWithRest(received, body, at);
    if (wholeLength === undefined || received.body === null) {
      received.body?.cancel().catch(() => {});
      return undefined;
    }
    this.#parts.events.emit({ kind: "resumed", uri: presented.uri, at });
    return { reader: received.body, wholeLength };
  }
}
