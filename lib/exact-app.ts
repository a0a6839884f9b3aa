// Answers: what the cache's Hono app is on the exact wire: the door, then the engine, or a relay for WebSocket.
// Owns: the way from a request on node:http to its answer there.
// Leaves out: what is refused (`door.ts`), what happens to the rest (`proxy.ts`), the sockets (`wire/`).
import { Hono } from "hono";
import { refusedAnswer } from "./cache-app.ts";
import { failureReport, type Report, VIA } from "./cache-status.ts";
import { refuse } from "./door.ts";
import type { Events } from "./events.ts";
import type { Forwarder } from "./forward.ts";
import type { Answer, Handler, PresentedRequest } from "./message.ts";
import { ReceivedAnswer } from "./received-answer.ts";
import { failureOf, receivedFrom } from "./received.ts";
import { faultPage } from "./respond.ts";
import { arrivalOf, type Tunnel } from "./wire/node-message.ts";
import type { StreamedResponse } from "./wire/origin-exchange.ts";
import { relay } from "./wire/relay.ts";
import { respond, type NodeEnvironment } from "./wire/serve-node.ts";

/** What the app is made of. */
export interface ExactParts {
  readonly proxy: Handler;
  readonly forwarder: Forwarder;
  readonly events: Events;
}

/** The app. It answers on the socket itself; what it returns to the adapter says only that this is done. */
export function exactApp(parts: ExactParts): Hono<{ Bindings: NodeEnvironment }> {
  const answer = (wire: NodeEnvironment): Response => {
    const { knock, presented } = arrivalOf(wire.incoming, wire.outgoing);
    const refusal = refuse(knock);
    if (refusal !== undefined) {
      if (refusal.status !== 204) wire.connections.lasts(wire.outgoing);
      return respond(wire, refusedAnswer(presented, refusal, parts.events));
    }
    const { tunnel } = wire.incoming;
    if (tunnel === undefined) return respond(wire, parts.proxy.handle(presented));
    return respond(wire, relayed(parts, presented, tunnel));
  };
  const app = new Hono<{ Bindings: NodeEnvironment }>({ getPath: () => "/" });
  app.all("*", (context) => answer(context.env));
  const routed = app.fetch;
  // Hono would make another Response of it, and the adapter a second answer of that.
  app.fetch = (request, wire, context) =>
    request.method === "HEAD" && wire !== undefined
      ? answer(wire as NodeEnvironment)
      : routed(request, wire, context);
  return app;
}

/** Joins client and origin; `undefined` where that was done, else what the client is answered. Never rejects. */
async function relayed(
  { forwarder, events }: ExactParts,
  presented: PresentedRequest,
  tunnel: Tunnel,
): Promise<Answer | undefined> {
  const startedMs = Date.now();
  const told = (status: number, report: Report): void => {
    const { method, uri } = presented;
    const durationMs = Date.now() - startedMs;
    events.emit({ kind: "answered", method, uri, status, report, durationMs, background: false });
  };
  let deadline: ReturnType<Forwarder["relayed"]>["deadline"] | undefined;
  try {
    const refusal = forwarder.refusal(presented);
    if (refusal !== undefined) throw refusal;
    const way = forwarder.relayed(presented);
    deadline = way.deadline;
    const addVia = (fields: Headers): void => fields.append("via", VIA);
    const result = await relay(way.outgoing, tunnel, addVia);
    const status = result.kind === "switched" ? result.status : result.response.status;
    const report = { word: "PASS", fwd: "bypass", fwdStatus: status } as const;
    const answer =
      result.kind === "switched" ? undefined : declined(result.response, presented.method, report);
    told(status, report);
    return answer;
  } catch (error) {
    const failure = failureOf(deadline?.signal.aborted === true ? deadline.signal.reason : error);
    const report = failureReport(failure, "bypass");
    const origin = failure.origin ?? "";
    const page = faultPage(failure, { origin, report, mustHaveOrigin: false });
    told(page.status, report);
    return page;
  } finally {
    deadline?.end();
  }
}

/** The origin's own answer, as that of any request. */
function declined(response: StreamedResponse, method: string, report: Report): Answer {
  const nowMs = Date.now();
  const facts = { method, requestTimeMs: nowMs, responseTimeMs: nowMs, trustsClose: true };
  const { status, reason, fields } = receivedFrom({ ...response, body: null }, facts);
  return new ReceivedAnswer({ status, reason, fields, body: response.body }, report);
}
