// Answers: how a request goes on to the origin, and what came back.
// Owns: the header fields that a gateway adds and removes (RFC 9110 §7.6, RFC 8586), the deadline, broken responses.
// Leaves out: the socket (`wire/`), whether to forward at all (`rfc9111/reuse.ts`), what follows (`proxy.ts`).
import { CACHE_NAME } from "./cache-status.ts";
import { OriginError } from "./errors.ts";
import { withoutBelieved } from "./forwarded-fields.ts";
import type { PresentedRequest, ReceivedResponse } from "./message.ts";
import { endToEndFields } from "./rfc9111/header-fields.ts";
import type { Forwarding } from "./rfc9111/reuse.ts";
import { listMembers } from "./rfc9111/syntax.ts";
import { epochSeconds, formatHttpDate, parseDeltaSeconds, parseHttpDate } from "./rfc9111/time.ts";
import { validationFields } from "./rfc9111/validation.ts";
import type { OriginResponse, Send } from "./wire/origin-exchange.ts";

/** Where requests go, and how long that may take. */
export interface OriginSettings {
  /** Scheme and authority, such as `http://localhost:8000`. */
  readonly origin: string;
  /** The Host field to send; empty for the client's own. */
  readonly hostField: string;
  /** Milliseconds until the header section must be there, and then for each silence within the body. */
  readonly timeoutMs: number;
}

/** How the client's own conditions are treated. */
export type Conditions =
  /** They go along: nobody but this client gets the response. */
  | "as-presented"
  /** They stay here, and Larder evaluates them: the response is to be stored for all. */
  | "stripped";

const CLIENT_CONDITIONS = ["if-none-match", "if-modified-since"];
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "SEARCH", "QUERY"]);

/** Forwards requests to one origin. */
export class Forwarder {
  readonly #settings: OriginSettings;
  readonly #send: Send;
  readonly #clockMs: () => number;
  /** Names this process in CDN-Loop: another Larder in front or behind is no loop. */
  readonly #loopToken = `${CACHE_NAME}-${crypto.randomUUID().slice(0, 8)}`;

  constructor(settings: OriginSettings, send: Send, clockMs: () => number) {
    this.#settings = settings;
    this.#send = send;
    this.#clockMs = clockMs;
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
    conditions: Conditions,
  ): Promise<ReceivedResponse> {
    const requestTimeMs = this.#clockMs();
    const response = await this.#exchange(presented, this.#fieldsFor(presented, forwarding, conditions));
    const times = { requestTimeMs, responseTimeMs: this.#clockMs() };
    return { ...received(response, presented.method, times), silenceMs: this.#settings.timeoutMs };
  }

  async #exchange(presented: PresentedRequest, fields: Headers): Promise<OriginResponse> {
    const { timeoutMs, origin } = this.#settings;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort("deadline"), timeoutMs);
    try {
      return await this.#send({
        origin,
        target: presented.uri.slice(presented.uri.indexOf("/", presented.uri.indexOf("//") + 2)),
        method: presented.method,
        fields,
        body: presented.body,
        signal: deadline.signal,
        mayReuseConnection: IDEMPOTENT.has(presented.method),
        trailers: presented.trailers,
        onInterim: presented.onInterim,
      });
    } catch (error) {
      if (deadline.signal.aborted) {
        throw new OriginError("origin-timeout", `no response within ${timeoutMs / 1000} s`, error);
      }
      const code = (error as { readonly code?: unknown }).code;
      const malformed = typeof code === "string" && /Malformed|InvalidHTTP|Invalid_?HTTP/i.test(code);
      throw new OriginError(malformed ? "origin-malformed" : "origin-unreachable", messageOf(error), error);
    } finally {
      clearTimeout(timer);
    }
  }

  #fieldsFor(presented: PresentedRequest, forwarding: Forwarding, conditions: Conditions): Headers {
    const fields = new Headers(endToEndFields(presented.fields));
    withoutBelieved(fields, presented.method);
    // The wire has answered `Expect: 100-continue` itself; the content follows at once.
    fields.delete("expect");
    fields.set("host", this.#settings.hostField === "" ? presented.authority : this.#settings.hostField);
    if (conditions === "stripped") for (const name of CLIENT_CONDITIONS) fields.delete(name);
    const { ifNoneMatch, ifModifiedSince } = validationFields(forwarding.nominated);
    if (ifNoneMatch !== undefined) fields.set("if-none-match", ifNoneMatch);
    if (ifModifiedSince !== undefined) fields.set("if-modified-since", ifModifiedSince);
    if (forwarding.completing !== undefined) askForRest(fields, forwarding.completing);
    normaliseLength(fields, presented);
    countForward(fields, presented.method);
    fields.append("via", `1.1 ${CACHE_NAME}`);
    fields.append("cdn-loop", this.#loopToken);
    addForwardedFor(fields, presented);
    return fields;
  }
}

/** §3.4: the missing bytes, of the same representation if it can be named. */
function askForRest(fields: Headers, completing: NonNullable<Forwarding["completing"]>): void {
  fields.set("range", `bytes=${completing.first}-${completing.last ?? ""}`);
  const { etag } = completing.stored.validators;
  if (etag?.startsWith('"') === true) fields.set("if-range", etag);
  else fields.delete("if-range");
}

/** Several equal Content-Length lines come joined; only one may leave (RFC 9112 §6.3). */
function normaliseLength(fields: Headers, presented: PresentedRequest): void {
  const length = fields.get("content-length");
  if (length === null) return;
  if (presented.body === null && length !== "0") fields.delete("content-length");
  else fields.set("content-length", listMembers(length)[0] ?? "0");
}

/** RFC 9110 §7.6.2: one forwarding less is allowed; at 0 the door has answered. */
function countForward(fields: Headers, method: string): void {
  const left = parseDeltaSeconds(fields.get("max-forwards") ?? "");
  if (method === "OPTIONS" && left !== undefined && left > 0) fields.set("max-forwards", String(left - 1));
}

/** What origins behind a gateway expect to be told; a client's own X-Forwarded-Host is not believed. */
function addForwardedFor(fields: Headers, presented: PresentedRequest): void {
  const address = presented.clientAddress();
  if (address !== undefined) fields.append("x-forwarded-for", address);
  fields.set("x-forwarded-proto", presented.uri.slice(0, presented.uri.indexOf(":")));
  fields.set("x-forwarded-host", presented.authority);
}

function received(
  response: OriginResponse,
  method: string,
  times: { readonly requestTimeMs: number; readonly responseTimeMs: number },
): ReceivedResponse {
  const coding = response.fields.get("transfer-encoding");
  const isBodiless = method === "HEAD" || response.status === 204 || response.status === 304;
  const problem = unusable(response.status, coding);
  if (problem !== undefined) {
    response.body?.cancel().catch(() => {});
    throw new OriginError("origin-malformed", problem);
  }
  const responseTime = epochSeconds(times.responseTimeMs);
  const fields = new Headers(endToEndFields(response.fields));
  // RFC 9112 §6.3: Transfer-Encoding beats Content-Length, which is wrong then.
  if (coding !== null) fields.delete("content-length");
  if (parseHttpDate(fields.get("date") ?? "", responseTime) === undefined) {
    fields.set("date", formatHttpDate(responseTime));
  }
  const announced = response.fields.get("content-length");
  const length = coding === null && announced !== null ? Number(listMembers(announced)[0]) : undefined;
  return {
    status: response.status,
    reason: response.reason,
    fields,
    body: isBodiless ? null : response.body,
    framing: isBodiless ? "none" : coding !== null ? "chunked" : length !== undefined ? "length" : "close",
    length: isBodiless ? undefined : length,
    requestTime: epochSeconds(times.requestTimeMs),
    responseTime,
    trailers: response.trailers,
  };
}

function unusable(status: number, coding: string | null): string | undefined {
  if (status < 200 || status > 599) return `the status code ${status} is outside 200 to 599`;
  if (coding !== null && coding.toLowerCase() !== "chunked")
    return `the transfer coding ${coding} is not supported`;
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

function messageOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return MEANINGS.get(code) ?? (error instanceof Error ? error.message.replace(/\.$/, "") : String(error));
}
