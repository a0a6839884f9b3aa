// Answers: on which wire the cache is.
// Owns: what `auto` means, and which runtime has which.
// Leaves out: the wires (`wire/`), starting one (`cache-serve.ts`).
import { ConfigError } from "./errors.ts";
import type { CacheOptions } from "./option-tables.ts";

/** How bytes come and go. */
export type Wire = "bun" | "lane" | "exact";

/** @throws ConfigError for a wire that this runtime does not have. */
export function wireFor({ wire }: Pick<CacheOptions, "wire">): Wire {
  const isBun = process.versions.bun !== undefined;
  if (wire !== "auto" && wire !== "exact" && !isBun)
    throw new ConfigError("--wire", wire, "needs Bun; Node has exact");
  return wire === "auto" ? (isBun ? "lane" : "exact") : wire;
}
