// Answers: what leaves for the origin, as one object.
// Owns: the request that a client of origins is given, and the target in it.
// Leaves out: its fields (`outgoing-fields.ts`), when it leaves (`forward.ts`), its bytes (`wire/`).
import type { Deadline } from "./deadline.ts";
import type { PresentedRequest, TakeInterim, Trailers } from "./message.ts";
import type { OutgoingRequest } from "./wire/origin-exchange.ts";

/** Where it goes, and on which connections it may. */
export type Destination = Pick<OutgoingRequest, "origin" | "target" | "mayReuseConnection">;

/** A request as it leaves. Its signal is that of its deadline, made only for a client that needs one. */
export class Outgoing implements OutgoingRequest {
  readonly origin: string;
  readonly target: string;
  readonly method: string;
  readonly fields: Headers;
  readonly body: ReadableStream<Uint8Array> | null;
  readonly mayReuseConnection: boolean;
  readonly trailers: Trailers | undefined;
  readonly onInterim: TakeInterim | undefined;
  readonly callOff: Deadline;

  constructor(at: Destination, presented: PresentedRequest, fields: Headers, deadline: Deadline) {
    const { origin, target, mayReuseConnection } = at;
    this.origin = origin;
    this.target = target;
    this.method = presented.method;
    this.fields = fields;
    this.body = presented.body;
    this.mayReuseConnection = mayReuseConnection;
    this.trailers = presented.trailers;
    this.onInterim = presented.onInterim;
    this.callOff = deadline;
  }

  get signal(): AbortSignal {
    return this.callOff.signal;
  }
}

/** In origin-form, as it came; or the `*` of OPTIONS, which has no path. */
export function targetOf({ uri }: PresentedRequest): string {
  const at = uri.indexOf("/", uri.indexOf("//") + 2);
  return at < 0 ? "*" : uri.slice(at);
}
