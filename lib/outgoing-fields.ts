// Answers: which header fields a request has when it leaves for the origin.
// Owns: what a gateway adds and removes (RFC 9110 §7.6, RFC 8586), validators and ranges of Larder's own questions.
// Leaves out: sending it (`forward.ts`), why it is sent (`rfc9111/reuse.ts`).
import { VIA } from "./cache-status.ts";
import { withoutBelieved } from "./forwarded-fields.ts";
import type { PresentedRequest } from "./message.ts";
import { endToEndFields } from "./rfc9111/header-fields.ts";
import type { Forwarding } from "./rfc9111/reuse.ts";
import { listMembers } from "./rfc9111/syntax.ts";
import { parseDeltaSeconds } from "./rfc9111/time.ts";
import { validationFields } from "./rfc9111/validation.ts";

/** How the client's own conditions are treated. */
export type Conditions =
  /** They go along: nobody but this client gets the response. */
  | "as-presented"
  /** They stay here, and Larder evaluates them: the response is to be stored for all. */
  | "stripped";

/** What this cache is to the origin. */
export interface Gateway {
  /** The Host field to send; empty for the client's own. */
  readonly hostField: string;
  /** Names this process in CDN-Loop. */
  readonly loopToken: string;
}

/** Whether a request went through the cache of that name before (RFC 8586 §2). */
export function hasPassed(fields: Headers, loopToken: string): boolean {
  const passed = fields.get("cdn-loop");
  if (passed === null) return false;
  return listMembers(passed).some((member) => member.split(";")[0]?.trim() === loopToken);
}

const CLIENT_CONDITIONS = ["if-none-match", "if-modified-since"];

/** What the fields of a request were made from, and what became of them. */
interface Made {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly address: string | undefined;
  readonly conditions: Conditions;
  readonly gateway: Gateway;
  readonly fields: Headers;
}

/** Where a wire has one block for all requests that say the same, what leaves is mostly the same as well. */
const madeFrom = new WeakMap<Headers, Made>();

/** The fields to send, in a block that is not to be changed; the presented request stays as it was. */
export function outgoingFields(
  presented: PresentedRequest,
  forwarding: Forwarding,
  conditions: Conditions,
  gateway: Gateway,
): Headers {
  const { method, uri, authority, fields: presentedFields } = presented;
  const address = presented.clientAddress();
  const isPlain = forwarding.nominated.length === 0 && forwarding.completing === undefined;
  if (presented.hasSharedFields !== true || !isPlain) {
    const fields = newFields(presented, forwarding, conditions, gateway);
    addForwardedFor(fields, presented, address);
    return fields;
  }
  const made = madeFrom.get(presentedFields);
  if (
    made?.method === method &&
    made.authority === authority &&
    made.address === address &&
    made.conditions === conditions &&
    made.gateway.hostField === gateway.hostField &&
    made.gateway.loopToken === gateway.loopToken &&
    uri.startsWith(`${made.scheme}:`)
  )
    return made.fields;
  const scheme = uri.slice(0, uri.indexOf(":"));
  const fields = newFields(presented, forwarding, conditions, gateway);
  addForwardedFor(fields, presented, address);
  madeFrom.set(presentedFields, { method, scheme, authority, address, conditions, gateway, fields });
  return fields;
}

function newFields(
  presented: PresentedRequest,
  forwarding: Forwarding,
  conditions: Conditions,
  { hostField, loopToken }: Gateway,
): Headers {
  const presentedFields = presented.fields;
  const endToEnd = endToEndFields(presentedFields);
  const fields = endToEnd === presentedFields ? new Headers(endToEnd) : endToEnd;
  // RFC 9110 §6.5.1: trailers are asked for only where they can be passed on.
  if (presented.takesTrailers === true && presentedFields.get("te") === "trailers")
    fields.set("te", "trailers");
  withoutBelieved(fields, presented.method);
  // The wire has answered `Expect: 100-continue` itself; the content follows at once.
  fields.delete("expect");
  fields.set("host", hostField === "" ? presented.authority : hostField);
  if (conditions === "stripped") for (const name of CLIENT_CONDITIONS) fields.delete(name);
  if (forwarding.nominated.length > 0) askWhetherModified(fields, forwarding);
  if (forwarding.completing !== undefined) askForRest(fields, forwarding.completing);
  normaliseLength(fields, presented);
  countForward(fields, presented.method);
  fields.append("via", VIA);
  fields.append("cdn-loop", loopToken);
  return fields;
}

/** §4.3.1: with the validators of what is stored. */
function askWhetherModified(fields: Headers, { nominated }: Forwarding): void {
  const { ifNoneMatch, ifModifiedSince } = validationFields(nominated);
  if (ifNoneMatch !== undefined) fields.set("if-none-match", ifNoneMatch);
  if (ifModifiedSince !== undefined) fields.set("if-modified-since", ifModifiedSince);
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
  if (method !== "OPTIONS") return;
  const left = parseDeltaSeconds(fields.get("max-forwards") ?? "");
  if (left !== undefined && left > 0) fields.set("max-forwards", String(left - 1));
}

/** What origins behind a gateway expect to be told; a client's own X-Forwarded-Host is not believed. */
function addForwardedFor(fields: Headers, presented: PresentedRequest, address: string | undefined): void {
  if (address !== undefined) fields.append("x-forwarded-for", address);
  fields.set("x-forwarded-proto", presented.uri.slice(0, presented.uri.indexOf(":")));
  fields.set("x-forwarded-host", presented.authority);
}
