// Answers: which requests ask for a WebSocket.
// Owns: the one rule of both wires (RFC 6455 §4.1); other protocols are declined, those requests stay HTTP/1.1.
// Leaves out: how a handshake goes on (`relay.ts` for Bun, `wire/relay.ts` for node:http).
import { listMembers } from "./rfc9111/syntax.ts";

const HANDSHAKE_KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * Whether a request opens a WebSocket (RFC 6455 §4.1): a GET without content. One that only looks like it, or asks for
 * another protocol, is a plain request: a server may ignore Upgrade (RFC 9110 §7.8).
 */
export function opensWebSocket({ method, headers }: Pick<Request, "method" | "headers">): boolean {
  const upgrade = headers.get("upgrade");
  if (upgrade === null || method !== "GET") return false;
  const names = (value: string | null): string[] => listMembers(value?.toLowerCase() ?? "");
  return (
    names(upgrade).includes("websocket") &&
    names(headers.get("connection")).includes("upgrade") &&
    headers.get("sec-websocket-version") === "13" &&
    HANDSHAKE_KEY.test(headers.get("sec-websocket-key") ?? "") &&
    (headers.get("content-length") ?? "0") === "0" &&
    !headers.has("transfer-encoding")
  );
}
