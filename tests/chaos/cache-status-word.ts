// Answers: what the cache says about where a response came from.
// Owns: reading Larder's member of Cache-Status (RFC 9211 §2), and its word.
// Leaves out: whether that is true (`judge-head.ts`).

/** Cache-Status as Larder gave it. */
export interface CacheWord {
  readonly word: "HIT" | "STALE" | "VALIDATED" | "MISS" | "PASS" | "REFUSED" | "ERROR" | "NONE";
  /** From the store, the origin not asked for it. */
  readonly isHit: boolean;
  readonly collapsed: boolean;
  /** Only the bytes that were missing came from the origin. */
  readonly isResumed: boolean;
  readonly ttl: number | undefined;
  readonly detail: string;
}

/** Reads the last member; one that is not Larder's is "NONE". */
export function cacheWord(status: number, value: string | undefined): CacheWord {
  const last = (value ?? "").split(/,\s*/).at(-1) ?? "";
  const [name, ...parameters] = last.split(/;\s*/);
  const given = new Map(
    parameters.map((parameter) => parameter.split("=", 2) as [string, string | undefined]),
  );
  const isHit = given.has("hit");
  const detail = given.get("detail") ?? "";
  const ttl = given.has("ttl") ? Number(given.get("ttl")) : undefined;
  const collapsed = given.has("collapsed") && given.get("collapsed") !== "?0";
  const isResumed = given.get("fwd") === "partial" && given.get("fwd-status") === "206" && status === 200;
  const facts = { isHit, collapsed, isResumed, ttl, detail };
  return { word: name === "larder" ? wordOf(status, given, facts) : "NONE", ...facts };
}

function wordOf(
  status: number,
  given: ReadonlyMap<string, string | undefined>,
  {
    isHit,
    ttl,
    detail,
  }: { readonly isHit: boolean; readonly ttl: number | undefined; readonly detail: string },
): Exclude<CacheWord["word"], "NONE"> {
  if (isHit) return detail === "" ? "HIT" : "STALE";
  const fwd = given.get("fwd");
  if (fwd === undefined) return "REFUSED";
  if (/^"?(?:origin-|loop|fault|overload|breaker|busy)/.test(detail))
    return ttl === undefined ? "ERROR" : "STALE";
  if (given.get("fwd-status") === "304" && ttl !== undefined) return "VALIDATED";
  if (status >= 500 && given.get("fwd-status") === undefined) return "ERROR";
  return fwd === "method" ? "PASS" : "MISS";
}
