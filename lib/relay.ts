// Answers: how a handshake goes on to the origin, and what a client is told that cannot have a WebSocket.
// Owns: the handshake as HTTP (RFC 6455 §4.1, RFC 9110 §7.8): fields, subprotocols, statuses.
// Leaves out: which requests are one (`handshake.ts`), gateway fields (`outgoing-fields.ts`), sockets and messages (`wire/relay-bun.ts`).
import { cacheStatusMember, failureReport, type Report, VIA } from "./cache-status.ts";
import { OriginError } from "./errors.ts";
import type { Forwarder } from "./forward.ts";
import type { Answer, PresentedRequest } from "./message.ts";
import { failureOf } from "./received.ts";
import { answerPage, faultPage } from "./respond.ts";
import { isToken, listMembers } from "./rfc9111/syntax.ts";
import type { RelayRefusal, RelayRequest } from "./wire/relay-bun.ts";

/** Which origin a WebSocket goes to, and with which fields; or why it must not. */
export type Relaying = Pick<Forwarder, "refusal" | "relayed">;

/** A handshake that is to leave. */
export interface RelayDeparture {
  readonly outgoing: RelayRequest;
  readonly origin: string;
  /** The origin has answered, whichever way. */
  readonly done: () => void;
}

/** The handshake as it goes on; an error where there is no origin for it, or it has passed here before (RFC 8586 §2). */
export function relayRequest(presented: PresentedRequest, relaying: Relaying): RelayDeparture | OriginError {
  const refusal = relaying.refusal(presented);
  if (refusal !== undefined) return refusal;
  let way: ReturnType<Relaying["relayed"]>;
  try {
    way = relaying.relayed(presented);
  } catch (error) {
    return failureOf(error);
  }
  const { fields, origin, target, signal } = way.outgoing;
  const protocols = listMembers(fields.get("sec-websocket-protocol") ?? "");
  for (const name of [...fields.keys()]) if (name.startsWith("sec-websocket-")) fields.delete(name);
  fields.delete("content-length");
  const url = origin.replace(/^http/, "ws") + target;
  // A list that no client may send (RFC 6455 §4.1 item 10) would make the WebSocket of this wire throw.
  const isList = protocols.every(isToken) && new Set(protocols).size === protocols.length;
  const outgoing = { url, fields, protocols: isList ? protocols : [], signal, gone: presented.gone() };
  return { outgoing, origin, done: () => way.deadline.end() };
}

/** What a relay that has opened is reported as, and the fields that its 101 response carries. */
export const RELAYED: Report = { word: "PASS", fwd: "bypass", fwdStatus: 101, detail: "websocket" };

/** The fields that Larder adds to the 101 response. */
export function relayedFields(): Record<string, string> {
  return { Via: VIA, "Cache-Status": cacheStatusMember(RELAYED) };
}

/** What the client gets in place of a WebSocket: the origin's own status where it refused, else 502, 504 or 508. */
export function refusedRelay(
  refusal: RelayRefusal | OriginError,
  origin: string,
): { readonly answer: Answer; readonly report: Report } {
  if (!(refusal instanceof OriginError) && refusal.kind === "status") {
    const { status } = refusal;
    const report = { word: "PASS", fwd: "bypass", fwdStatus: status, detail: "websocket" } as const;
    // 401 and 407 need fields that do not come through; a redirect or success is no refusal that a client could use.
    const shown = status >= 400 && status <= 599 && status !== 401 && status !== 407 ? status : 502;
    const lines = [`The origin did not open a WebSocket; it answered ${status}.`];
    return { answer: answerPage(shown, "No WebSocket", lines, report), report };
  }
  const error = refusal instanceof OriginError ? refusal : originErrorOf(refusal);
  const report = failureReport(error, "bypass");
  return { answer: faultPage(error, { origin, report, mustHaveOrigin: false }), report };
}

function originErrorOf(refusal: Exclude<RelayRefusal, { readonly kind: "status" }>): OriginError {
  return refusal.kind === "timeout"
    ? new OriginError("origin-timeout", "no answer to the WebSocket handshake in time")
    : new OriginError("origin-unreachable", refusal.message);
}
