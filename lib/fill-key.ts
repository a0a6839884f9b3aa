// Answers: which requests to the origin are so alike that one of them is enough.
// Owns: the key under which equal requests find each other, and which requests have none.
// Leaves out: the fills themselves (`collapse.ts`), whether a key is collapsed just now (`proxy.ts`).
import type { StoredResponse } from "./message.ts";
import { selectingValues, type VaryComparison } from "./rfc9111/cache-key.ts";
import type { Forwarding, RequestFacts } from "./rfc9111/reuse.ts";

/** The key of a request for `uri`; `undefined` where the response can hardly be for anybody else. */
export function fillKeyOf(
  uri: string,
  request: RequestFacts,
  { why, stored }: { readonly why: Forwarding["why"]; readonly stored: readonly StoredResponse[] },
  comparison: VaryComparison,
): string | undefined {
  const { noStore, noCache } = request.directives;
  if (request.method !== "GET" || why === "request" || noStore || noCache) return undefined;
  if (request.isForOrigin) return undefined;
  // With Authorization the response is mostly for this client only: it must not end the collapsing for the others.
  if (["if-range", "authorization"].some((name) => request.fields.get(name) !== null)) return undefined;
  const names = stored.at(-1)?.selecting?.names ?? [];
  const variant = selectingValues(names, request.fields, comparison);
  return `${uri}\n${request.fields.get("range") ?? ""}\n${variant}`;
}
