// Answers: which header fields pass on, which are stored, and which a 304 or HEAD response updates.
// Owns: §3.1, §3.2, and the hop-by-hop fields of RFC 9110 §7.6.1.
// Leaves out: what the fields say, and those that Larder adds itself (`forward.ts`, `respond.ts`).
import type { StoredFields } from "../message.ts";
import type { ResponseDirectives } from "./cache-control.ts";
import { listMembers } from "./syntax.ts";

/** Fields for one connection only (RFC 9110 §7.6.1), besides those that Connection names. */
const HOP_BY_HOP = [
  "connection",
  "proxy-connection",
  "keep-alive",
  "te",
  "transfer-encoding",
  "upgrade",
  // Of an h2c upgrade (RFC 7540 §3.2.1), which is never made here.
  "http2-settings",
] as const;

/** Fields for the proxy that forwards a request; a cache must not store them (§3.1). */
const PROXY_ONLY = ["proxy-authenticate", "proxy-authentication-info", "proxy-authorization"] as const;

/**
 * Fields that Connection may not name, since they are meant for every recipient (RFC 9110 §7.6.1): if it does, they
 * stay. Without this a sender could have a response stored without the very fields that restrict its use.
 */
const NEVER_CONNECTION_OPTIONS = new Set([
  ...["age", "authorization", "cache-control", "cdn-cache-control", "content-encoding", "content-length"],
  ...["content-range", "content-type", "cookie", "date", "etag", "expires", "host", "set-cookie", "vary"],
]);

/** Fields that belong to the stored bytes: updating them would tear content and description apart (§3.2). */
const TIED_TO_CONTENT = new Set([
  ...["content-encoding", "content-length", "content-range"],
  // RFC 9530 §2: that of a 304 is of no content, that of a part of the part.
  ...["content-digest", "repr-digest"],
]);

/** The fields without those that are meant for one connection only; the same object where there are none. */
export function endToEndFields(fields: Headers): Headers {
  const options = listMembers(fields.get("connection") ?? "").map((option) => option.toLowerCase());
  const names = [...HOP_BY_HOP, ...options.filter((option) => !NEVER_CONNECTION_OPTIONS.has(option))];
  return without(fields, names);
}

/**
 * The fields of a response that a shared cache may store: not those that are meant for a proxy, nor those that
 * `private="…"` or `no-cache="…"` names (§5.2.2.4, §5.2.2.7). Age is left out because it is worked out anew.
 * @owns §3.1
 */
export function storableFields(fields: Headers, directives: ResponseDirectives): Headers {
  const named = [directives.private, directives.noCache].flatMap((names) =>
    typeof names === "boolean" ? [] : names,
  );
  return without(fields, [...PROXY_ONLY, ...named, "age"]);
}

/**
 * The stored fields after an update: each field of a 304 or HEAD response replaces the stored one of that name, save
 * those that may not be stored and those that belong to the stored content.
 * @owns §3.2
 */
export function updatedFields(
  stored: StoredFields,
  update: Headers,
  directives: ResponseDirectives,
): Headers {
  const result = new Headers([...stored]);
  const replaced = new Set<string>();
  for (const [name, value] of storableFields(update, directives)) {
    if (TIED_TO_CONTENT.has(name)) continue;
    if (!replaced.has(name)) result.delete(name);
    replaced.add(name);
    result.append(name, value);
  }
  return result;
}

function without(fields: Headers, names: readonly string[]): Headers {
  const present = names.filter((name) => isFieldName(name) && fields.has(name));
  if (present.length === 0) return fields;
  const result = new Headers(fields);
  for (const name of present) result.delete(name);
  return result;
}

/** `Headers` throws on names that cannot be; Connection may hold any text. */
function isFieldName(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name);
}
