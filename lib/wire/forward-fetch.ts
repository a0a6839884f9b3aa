// Answers: how a request reaches the origin through Bun's `fetch`.
// Owns: the options of `fetch` that keep bytes and header fields as they are.
// Leaves out: which header fields are sent, deadlines, and what the response means (`forward.ts`).
import type { Send } from "./origin-exchange.ts";

/** `Send` through `fetch`: nothing decoded, nothing followed, no proxy of the environment. */
export const sendThroughFetch: Send = async (request) => {
  const response = await fetch(request.origin + request.target, {
    method: request.method,
    headers: request.fields,
    body: request.body,
    redirect: "manual",
    decompress: false,
    keepalive: request.mayReuseConnection,
    signal: request.signal,
    proxy: false,
  } as BunFetchRequestInit);
  if (response.status > 599) {
    response.body?.cancel().catch(() => {});
    const error = new Error(`this wire cannot pass on the status code ${response.status}`);
    throw Object.assign(error, { code: "InvalidHTTPStatus" });
  }
  return { status: response.status, fields: response.headers, body: response.body };
};
