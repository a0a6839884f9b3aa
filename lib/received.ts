// Answers: what came back from the origin, as the rules read it, or why it cannot be used.
// Owns: framing (RFC 9112 §6.3), hop-by-hop fields, a Date for each response, the names of failures.
// Leaves out: getting it (`forward.ts`), reading its body (`incoming-body.ts`).
import { OriginError } from "./errors.ts";
import type { ByteReader, ReceivedResponse } from "./message.ts";
import { endToEndFields } from "./rfc9111/header-fields.ts";
import { listMembers } from "./rfc9111/syntax.ts";
import { epochSeconds, formatHttpDate, parseHttpDate, type EpochSeconds } from "./rfc9111/time.ts";
import type { OriginResponse } from "./wire/origin-exchange.ts";

/** What of an exchange its response does not say itself. Times are milliseconds since 1970. */
export interface ExchangeFacts {
  readonly method: string;
  readonly requestTimeMs: number;
  readonly responseTimeMs: number;
  /** Whether the end of a connection is taken for the end of a body. */
  readonly trustsClose: boolean;
}

/** The response for the rules. @throws OriginError where it may not be passed on; it is ended then. */
export function receivedFrom(response: OriginResponse, facts: ExchangeFacts): ReceivedResponse {
  const { method, requestTimeMs, responseTimeMs } = facts;
  const coding = response.fields.get("transfer-encoding");
  const isBodiless = method === "HEAD" || response.status === 204 || response.status === 304;
  const announced = response.fields.get("content-length");
  const lengths = announced === null ? [] : listMembers(announced);
  const problem = unusable(response.status, coding, lengths);
  if (problem !== undefined) {
    drop(response);
    throw new OriginError("origin-malformed", problem);
  }
  const responseTime = epochSeconds(responseTimeMs);
  const length = coding === null && lengths[0] !== undefined ? Number(lengths[0]) : undefined;
  const fields = corrected(endToEndFields(response.fields), length, responseTime);
  return {
    status: response.status,
    reason: response.reason,
    fields,
    body: isBodiless ? null : readable(response.body),
    framing: isBodiless ? "none" : framingOf(response, length, facts.trustsClose),
    length: isBodiless ? undefined : length,
    requestTime: epochSeconds(requestTimeMs),
    responseTime,
    trailers: response.trailers,
  };
}

/** How the end of a body is known; one that may have ended too early counts as closed with its connection. */
function framingOf(
  { fields, isFramingFaulty }: OriginResponse,
  length: number | undefined,
  trustsClose: boolean,
): ReceivedResponse["framing"] {
  if (isFramingFaulty === true) return "close";
  if (fields.get("transfer-encoding") !== null) return "chunked";
  if (length !== undefined) return "length";
  return trustsClose ? "trusted-close" : "close";
}

/**
 * The fields with a Date, and with the length that counts: Transfer-Encoding beats Content-Length, which is wrong then
 * (RFC 9112 §6.3); several equal values may come joined, and one is passed on (RFC 9110 §8.6). The same object where
 * there is nothing to change, for it may be shared.
 */
function corrected(fields: Headers, length: number | undefined, now: EpochSeconds): Headers {
  const announced = length === undefined ? null : String(length);
  const isDated = parseHttpDate(fields.get("date") ?? "", now) !== undefined;
  if (isDated && fields.get("content-length") === announced) return fields;
  const own = new Headers(fields);
  if (!isDated) own.set("date", formatHttpDate(now));
  if (announced === null) own.delete("content-length");
  else own.set("content-length", announced);
  return own;
}

function readable(body: OriginResponse["body"]): ByteReader | Uint8Array | null {
  return body instanceof ReadableStream ? body.getReader() : body;
}

/** Bytes as something that is read. */
export function readerOf(body: ByteReader | Uint8Array): ByteReader {
  if (!(body instanceof Uint8Array)) return body;
  let value: Uint8Array | undefined = body;
  return {
    async read() {
      const result = { done: value === undefined, value };
      value = undefined;
      return result;
    },
    cancel: async () => {},
  };
}

/** Ends a response that nobody is to read. */
export function drop({ body }: Pick<OriginResponse, "body">): void {
  if (!(body instanceof Uint8Array)) body?.cancel().catch(() => {});
}

/** The error for a request that got no response. */
export function failureOf(error: unknown): OriginError {
  if (error instanceof OriginError) return error;
  const { code } = (error ?? {}) as { readonly code?: unknown };
  const isMalformed =
    typeof code === "string" &&
    /^HPE_|Malformed|^Invalid_?(?:HTTP|ContentLength)|^UnsupportedTransfer|^UnrequestedUpgrade/i.test(code);
  if (isMalformed)
    return new OriginError("origin-malformed", `what it sent is no valid response (${String(code)})`, error);
  const message =
    MEANINGS.get(code) ?? (error instanceof Error ? withoutTarget(error.message) : String(error));
  return new OriginError("origin-unreachable", message, error);
}

/** `fetch` names what it fetched: a page of Larder's own is not to show what a client sent. */
export function withoutTarget(message: string): string {
  return message.replace(/ fetching ".*$/s, "").replace(/\.$/, "");
}

function unusable(status: number, coding: string | null, lengths: readonly string[]): string | undefined {
  if (status < 200) return `the status code ${status} is outside 200 to 999`;
  if (coding !== null && coding.toLowerCase() !== "chunked")
    return `the transfer coding ${coding} is not supported`;
  // RFC 9112 §6.3: what cannot be framed for sure is not passed on.
  const isLength = lengths.every((one) => /^\d{1,15}$/.test(one) && one === lengths[0]);
  if (coding === null && !isLength) return `its Content-Length is ${lengths.join(", ")}`;
  return undefined;
}

/** What a person can do something with, for the failures that are common. */
const MEANINGS: ReadonlyMap<unknown, string> = new Map([
  ["ECONNREFUSED", "nothing listens there (connection refused)"],
  ["ConnectionRefused", "nothing listens there (connection refused)"],
  ["ECONNRESET", "it closed the connection without an answer"],
  ["ConnectionClosed", "it closed the connection without an answer"],
  ["ENOTFOUND", "its name is not known"],
]);
