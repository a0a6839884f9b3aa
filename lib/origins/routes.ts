// Answers: which origins hold what a request target names?
// Owns: path prefixes and what they match; one origin of each URL, whatever prefixes it serves.
// Leaves out: which origin of the pool is asked (`pool.ts`), how prefixes are typed (`option-values.ts`).
import type { OriginRoute } from "../option-values.ts";
import { Origin, type OriginParts, type OriginSettings } from "./origin.ts";
import { Pool, type Balance } from "./pool.ts";

/** The limits of each origin, and how those of one prefix take turns. */
export interface RoutesSettings extends OriginSettings {
  readonly balance: Balance;
}

/**
 * A dot segment, as the most generous origin would find one: `%2e` for the dot (RFC 3986 §6.2.2.2), `\` or an encoded
 * separator for the slash, parameters behind it (`/..;/` climbs in servlet containers). What is encoded twice is not
 * decoded twice.
 */
const DOT_SEGMENT = /(?:[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?=$|[/\\;]|%2f|%5c|%3b)/i;

/** All origins, by the prefixes of the paths that they hold. */
export class Routes {
  /** Longest prefix first. */
  readonly pools: readonly Pool[];
  /** Each origin once. */
  readonly origins: readonly Origin[];
  readonly #all: Pool | undefined;

  constructor(routes: readonly OriginRoute[], settings: RoutesSettings, parts: OriginParts) {
    const origins = new Map<string, Origin>();
    const byPrefix = new Map<string, Set<Origin>>();
    for (const { prefix, origin: url } of routes) {
      const origin = origins.get(url) ?? new Origin(url, settings, parts);
      origins.set(url, origin);
      byPrefix.set(prefix, (byPrefix.get(prefix) ?? new Set()).add(origin));
    }
    this.origins = [...origins.values()];
    this.pools = [...byPrefix]
      .map(([prefix, members]) => new Pool(prefix, [...members], settings.balance))
      .sort((one, other) => other.prefix.length - one.prefix.length);
    this.#all = this.pools.length === 1 && this.pools[0]?.prefix === "/" ? this.pools[0] : undefined;
  }

  /**
   * The pool for a request target in origin-form (RFC 9112 §3.2.1); `undefined` where no prefix matches.
   *
   * The prefix is compared with the raw path, byte by byte as it is sent to the origin: `/api` is for `/api` and
   * `/api/…`, with or without a query, and not for `/API`, `//api`, `/%61pi` or `/api%2fx`, which are others' business
   * (RFC 3986 §6.2.2 calls some of them equivalent; two that an origin may tell apart are not merged here).
   *
   * Where prefixes tell origins apart, a path with dot segments has no route at all: `/api/../admin` would match
   * `/api`, and its origin may find `/admin`, which nobody meant to open. Where all goes to one pool, it makes no
   * difference, and they pass.
   */
  for(target: string): Pool | undefined {
    if (this.#all !== undefined) return this.#all;
    const mark = target.indexOf("?");
    const path = mark === -1 ? target : target.slice(0, mark);
    if (DOT_SEGMENT.test(path)) return undefined;
    return this.pools.find(({ prefix }) => isUnder(path, prefix));
  }
}

function isUnder(path: string, prefix: string): boolean {
  if (prefix === "/" || path === prefix) return true;
  return path.startsWith(prefix) && path[prefix.length] === "/";
}
