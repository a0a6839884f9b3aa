// Answers: what the cache's Hono app is: the door, then the engine, for every method and path.
// Owns: the way from a Request to a Response on a web-standard wire.
// Leaves out: what is refused (`door.ts`), what happens to the rest (`proxy.ts`), the socket (`wire/`).
import { Hono } from "hono";
import { refuse, type Refusal } from "./door.ts";
import type { Events } from "./events.ts";
import { opensWebSocket } from "./handshake.ts";
import type { Answer, Handler, PresentedRequest } from "./message.ts";
import { OriginError } from "./errors.ts";
import { refusedRelay, RELAYED, relayedFields, relayRequest, type Relaying } from "./relay.ts";
import { answerPage } from "./respond.ts";
import type { WireEnvironment } from "./wire/serve-bun.ts";
import { ReadFields, responseFrom, WebRequest } from "./wire/web-message.ts";

/**
 * The app. A hit in the memory tier is answered without a promise; the router has one route and parses no path. Without
 * `relaying`, and on wires that relay nothing, a request for a WebSocket is a plain one.
 */
export function cacheApp(
  proxy: Handler,
  events: Events,
  relaying?: Relaying,
): Hono<{ Bindings: WireEnvironment }> {
  const respond = (
    request: Request,
    wire: Partial<WireEnvironment> | undefined,
  ): Response | Promise<Response> => {
    const fields = new ReadFields(request.headers);
    // Other wires than Bun's give another environment, or none.
    const presented = new WebRequest(request, () => wire?.clientAddress?.(request), fields);
    const { method, uri: url } = presented;
    const refusal = refuse({ method, url, fields, isPlain: fields.isPlain });
    if (refusal !== undefined) return refusedResponse(request, refusal, events);
    if (relaying !== undefined && wire?.relay !== undefined && !fields.isPlain) {
      if (opensWebSocket(request))
        return relayed(request, presented, { ...wire, relay: wire.relay }, { relaying, events });
    }
    const answer = proxy.handle(presented);
    if (!(answer instanceof Promise)) return responseFrom(answer);
    return responseLater(answer, request, wire);
  };
  const app = new Hono<{ Bindings: WireEnvironment }>({ getPath: () => "/" });
  app.all("*", (context) => respond(context.req.raw, context.env));
  const routed = app.fetch;
  // In front of the router, which costs a hit 5 %; and Hono answers HEAD with GET's response and no body, which turns an
  // unknown length into Content-Length: 0.
  app.fetch = (request, wire, context) =>
    request.method === "GET" || request.method === "HEAD"
      ? respond(request, wire as WireEnvironment | undefined)
      : routed(request, wire, context);
  return app;
}

async function responseLater(
  answer: Promise<Answer>,
  request: Request,
  wire: Partial<WireEnvironment> | undefined,
): Promise<Response> {
  wire?.waits?.(request);
  const ready = await answer;
  wire?.isAnswered?.(request);
  // The signal is made when it is asked for.
  if (!(ready.body instanceof ReadableStream) || !request.signal.aborted) return responseFrom(ready);
  // Nobody would read it, and nobody cancel it: the origin would be kept waiting.
  ready.body.cancel().catch(() => {});
  return new Response();
}

function refusedResponse(request: Request, refusal: Refusal, events: Events): Response {
  return responseFrom(refusedAnswer({ method: request.method, uri: request.url }, refusal, events));
}

/** The page for a request that is not let in, which is told to those who listen. */
export function refusedAnswer(
  { method, uri }: { readonly method: string; readonly uri: string },
  { status, title, reason, line }: Refusal,
  events: Events,
): Answer {
  const report = { word: "REFUSED", detail: reason } as const;
  const answer = answerPage(status, title, [line], report);
  events.emit({ kind: "answered", method, uri, status, report, durationMs: 0, background: false });
  // What follows on the connection may be the content of a request that was refused for it.
  if (status !== 204) answer.fields.set("connection", "close");
  if (status === 204) for (const name of ["content-type", "content-length"]) answer.fields.delete(name);
  return status === 204 || method === "HEAD" ? { ...answer, body: null } : answer;
}

/** The client's end opens when the origin's has; otherwise the answer says why not. */
async function relayed(
  request: Request,
  presented: PresentedRequest,
  wire: Partial<WireEnvironment> & Pick<WireEnvironment, "relay">,
  { relaying, events }: { readonly relaying: Relaying; readonly events: Events },
): Promise<Response> {
  const arrivedMs = performance.now();
  wire.waits?.(request);
  const departure = relayRequest(presented, relaying);
  const refusal =
    departure instanceof OriginError
      ? departure
      : await wire.relay(request, departure.outgoing, relayedFields()).finally(departure.done);
  const refused = refusal && refusedRelay(refusal, departure instanceof OriginError ? "" : departure.origin);
  events.emit({
    kind: "answered",
    method: request.method,
    uri: request.url,
    status: refused?.answer.status ?? 101,
    report: refused?.report ?? RELAYED,
    durationMs: Math.round(performance.now() - arrivedMs),
    background: false,
  });
  if (refused === undefined) return new Response();
  wire.isAnswered?.(request);
  return responseFrom(refused.answer);
}
