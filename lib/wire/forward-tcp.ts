// Answers: how a request without content reaches an origin over a connection of Larder's own.
// Owns: which requests go that way, and their bytes: the target and the fields as they are, and nothing besides.
// Leaves out: all others (`forward-fetch.ts`), connections (`origin-pool.ts`), what a response means (`forward.ts`).
import { textOnce } from "../store/field-block.ts";
import { sendThroughFetch } from "./forward-fetch.ts";
import { Exchange } from "./origin-connection.ts";
import type { OriginResponse, OutgoingRequest, Send } from "./origin-exchange.ts";
import { OriginPool } from "./origin-pool.ts";

/** In origin-form, and of letters that need no escape: with others `fetch` knows what to do. */
const TARGET = /^\/[\x21-\x7e]*$/;

/**
 * `Send` over TCP for GET and HEAD without content to a `http:` origin; through `fetch` for everything else. Unlike
 * `fetch` it adds no User-Agent and no Accept, and sends the target to the letter. @throws TypeError for a target with
 * control characters.
 */
export const sendThroughTcp: Send = (outgoing) => {
  const { method, origin, target, body } = outgoing;
  if (/[\0-\x20\x7f]/.test(target)) return Promise.reject(new TypeError("the target cannot be sent"));
  const isOurs = (method === "GET" || method === "HEAD") && body === null && origin.startsWith("http:");
  if (!isOurs || !TARGET.test(target)) return sendThroughFetch(outgoing);
  const { callOff } = outgoing;
  if (callOff === undefined && outgoing.signal.aborted) return Promise.reject(outgoing.signal.reason);
  if (callOff?.reason !== undefined) return Promise.reject(callOff.reason);
  return new Promise<OriginResponse>((resolve, reject) => {
    poolOf(origin).send(new Exchange(outgoing, headOf(outgoing), resolve, reject));
  });
};

const pools = new Map<string, OriginPool>();

function poolOf(origin: string): OriginPool {
  const known = pools.get(origin);
  if (known !== undefined) return known;
  const pool = new OriginPool(origin);
  pools.set(origin, pool);
  return pool;
}

/** `Headers` hold no CR, LF or NUL in names and values. */
function headOf({ method, target, origin, fields }: OutgoingRequest): string {
  const host = fields.has("host") ? "" : `\r\nHost: ${new URL(origin).host}`;
  // Many requests share their fields (`outgoing-fields.ts`).
  return `${method} ${target} HTTP/1.1${host}${textOnce(fields)}\r\n\r\n`;
}
