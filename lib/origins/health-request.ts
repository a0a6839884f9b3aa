// Answers: which status an origin gives for the path of the health checks.
// Owns: the request of a check.
// Leaves out: when it is sent and what follows (`health.ts`), the socket (`wire/`).
import { CACHE_NAME } from "../cache-status.ts";
import type { Send } from "../wire/origin-exchange.ts";
import type { AskStatus } from "./health.ts";

/** Asks through a client of origins; `hostField` is the Host to send, empty for the origin's own. */
export function askThrough(send: Send, hostField: string): AskStatus {
  return async (origin, path, signal) => {
    const host = hostField === "" ? new URL(origin).host : hostField;
    const fields = new Headers({ host, accept: "*/*", "user-agent": `${CACHE_NAME}-health-check` });
    const request = { origin, target: path, method: "GET", fields, body: null, signal };
    const { status, body } = await send({ ...request, mayReuseConnection: true });
    if (!(body instanceof Uint8Array)) body?.cancel().catch(() => {});
    return status;
  };
}
