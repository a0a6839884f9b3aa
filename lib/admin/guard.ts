// Answers: who may use the admin.
// Owns: the token; names and origins that a page in a browser could be tricked with (DNS rebinding, cross-site requests).
// Leaves out: on which address it listens (`serve-admin.ts`), what there is to use (`admin-app.ts`).
import { createHash, timingSafeEqual } from "node:crypto";
import type { FieldLookup } from "../message.ts";

/** Why it may not: a status and one line. */
export interface Refused {
  readonly status: 401 | 403 | 415 | 421;
  readonly line: string;
}

/** A request, as far as that goes. */
export interface AdminRequest {
  readonly method: string;
  readonly fields: FieldLookup;
}

const SAFE = ["GET", "HEAD", "OPTIONS"];

/** `undefined` where it may. Without a token the admin is for this machine, under names that are always this machine. */
export function refusal({ method, fields }: AdminRequest, token: string): Refused | undefined {
  if (token !== "" && !hasToken(fields.get("authorization"), token))
    return { status: 401, line: "Authorization: Bearer, with the token of --admin-token, is needed." };
  const host = fields.get("host") ?? "";
  if (token === "" && !isLoopbackName(host))
    return { status: 421, line: "The admin is asked as localhost, or by the address of this machine." };
  if (SAFE.includes(method)) return undefined;
  const origin = fields.get("origin");
  const site = fields.get("sec-fetch-site") ?? "none";
  const isOwn = origin === null || (URL.canParse(origin) && new URL(origin).host === host);
  if (!isOwn || !["none", "same-origin"].includes(site))
    return { status: 403, line: "A page of another site may not change anything here." };
  // What a form of another site can send without being asked is none of it.
  if (!/^application\/json(?:\s*;|$)/i.test(fields.get("content-type") ?? ""))
    return { status: 415, line: "Expected Content-Type: application/json." };
  return undefined;
}

/** In a time that says nothing of how much of it was right. */
function hasToken(authorization: string | null, token: string): boolean {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Names that no other machine can have: who controls the DNS of a name could lead a browser here with it. */
function isLoopbackName(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host);
}
