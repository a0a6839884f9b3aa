// Answers: what the cache directives of a request and of a response say.
// Owns: §5.2 with all its directives, §5.4, RFC 8246 `immutable`, RFC 5861's two, RFC 9213 CDN-Cache-Control.
// Leaves out: what follows from them (`storing.ts`, `freshness.ts`, `stale.ts`, `reuse.ts`).
import { parseDictionary, Token } from "structured-headers";
import type { FieldLookup } from "../message.ts";
import { isToken, listMembers, trimmed, unquoted } from "./syntax.ts";
import { MAX_DELTA, parseDeltaSeconds, type DeltaSeconds } from "./time.ts";

/** A directive that may name header fields: absent, for the whole response, or for those fields only (lower case). */
export type Qualified = false | true | readonly string[];

/** The directives of a response that concern a shared cache. A time is `undefined` where its directive is absent. */
export interface ResponseDirectives {
  /** The field they come from. With `cdn-cache-control`, Cache-Control and Expires are ignored (RFC 9213 §2.2). */
  readonly source: "cache-control" | "cdn-cache-control";
  readonly maxAge: DeltaSeconds | undefined;
  readonly sMaxage: DeltaSeconds | undefined;
  readonly staleWhileRevalidate: DeltaSeconds | undefined;
  readonly staleIfError: DeltaSeconds | undefined;
  readonly noCache: Qualified;
  readonly private: Qualified;
  readonly noStore: boolean;
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly immutable: boolean;
}

/** The directives of a request. A time is `undefined` where its directive is absent or unreadable. */
export interface RequestDirectives {
  readonly maxAge: DeltaSeconds | undefined;
  /** 2^31 where `max-stale` has no argument: any staleness (§5.2.1.2). */
  readonly maxStale: DeltaSeconds | undefined;
  readonly minFresh: DeltaSeconds | undefined;
  readonly noCache: boolean;
  readonly noStore: boolean;
  readonly noTransform: boolean;
  readonly onlyIfCached: boolean;
}

type Arguments = ReadonlyMap<string, string | null>;

const NONE: Arguments = new Map();

/**
 * The directives that govern a response in this cache: those of CDN-Cache-Control where it is valid and not empty,
 * else those of Cache-Control. Invalid freshness information counts as 0, hence as stale (§4.2.1). Never throws.
 * @owns §5.2 §5.2.2 §5.2.2.1 §5.2.2.2 §5.2.2.3 §5.2.2.4 §5.2.2.5 §5.2.2.6 §5.2.2.7 §5.2.2.8 §5.2.2.9 §5.2.2.10
 */
export function responseDirectives(fields: FieldLookup): ResponseDirectives {
  const targeted = targetedDirectives(fields.get("cdn-cache-control"));
  const args = targeted ?? parseDirectives(fields.get("cache-control"));
  return {
    source: targeted === undefined ? "cache-control" : "cdn-cache-control",
    maxAge: lifetime(args, "max-age"),
    sMaxage: lifetime(args, "s-maxage"),
    staleWhileRevalidate: lifetime(args, "stale-while-revalidate"),
    staleIfError: lifetime(args, "stale-if-error"),
    noCache: qualified(args, "no-cache"),
    private: qualified(args, "private"),
    noStore: args.has("no-store"),
    public: args.has("public"),
    mustRevalidate: args.has("must-revalidate"),
    proxyRevalidate: args.has("proxy-revalidate"),
    mustUnderstand: args.has("must-understand"),
    immutable: args.has("immutable"),
  };
}

/**
 * The directives of a request. `no-transform` asks for nothing here: Larder passes content on as it is. Pragma is not
 * among the arguments because it has no meaning any more (§5.4). Never throws.
 * @owns §5.4 §5.2.1 §5.2.1.1 §5.2.1.2 §5.2.1.3 §5.2.1.4 §5.2.1.5 §5.2.1.6 §5.2.1.7
 */
export function requestDirectives(cacheControl: string | null): RequestDirectives {
  if (cacheControl === null) return NO_REQUEST_DIRECTIVES;
  const args = parseDirectives(cacheControl);
  return {
    maxAge: span(args.get("max-age")),
    maxStale: args.get("max-stale") === null ? MAX_DELTA : span(args.get("max-stale")),
    minFresh: span(args.get("min-fresh")),
    noCache: args.has("no-cache"),
    noStore: args.has("no-store"),
    noTransform: args.has("no-transform"),
    onlyIfCached: args.has("only-if-cached"),
  };
}

/**
 * Every directive by its lower-case name with its argument, `null` where it has none. Unknown ones are kept and change
 * nothing (§5.2.3). Of several with one name the first counts (§4.2.1), save that `private` and `no-cache` for the whole
 * response count wherever they stand. An argument may be a token or a quoted string (§5.2). With white space in front of
 * `=` the argument keeps the `=`, so that nothing reads a number or a name out of it.
 * @owns §5.2.3
 */
export function parseDirectives(value: string | null): Arguments {
  if (value === null) return NONE;
  const args = new Map<string, string | null>();
  for (const member of listMembers(value)) {
    const equals = member.indexOf("=");
    const rawName = equals < 0 ? member : member.slice(0, equals);
    const name = trimmed(rawName).toLowerCase();
    const argument = equals < 0 ? null : unquoted(member.slice(equals + 1));
    const kept = argument !== null && name.length < rawName.length ? `=${argument}` : argument;
    if (!args.has(name)) args.set(name, kept);
    else if (QUALIFIABLE.has(name)) args.set(name, joinedNames(args.get(name), kept));
  }
  return args;
}

/** Those of a request without Cache-Control. */
export const NO_REQUEST_DIRECTIVES: RequestDirectives = Object.freeze({
  maxAge: undefined,
  maxStale: undefined,
  minFresh: undefined,
  noCache: false,
  noStore: false,
  noTransform: false,
  onlyIfCached: false,
});

/** Directives whose argument RFC 9213 §2.1 takes to be an Integer. */
const INTEGER_DIRECTIVES = new Set(["max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"]);

/** RFC 9213 §2.1: a Dictionary; where it is empty, cannot be parsed or holds a wrong type, as if it were not there. */
function targetedDirectives(value: string | null): Arguments | undefined {
  if (value === null) return undefined;
  try {
    const args = new Map<string, string | null>();
    for (const [name, [item]] of parseDictionary(value)) {
      if (Array.isArray(item) || (INTEGER_DIRECTIVES.has(name) && !Number.isInteger(item))) return undefined;
      if (item === true) args.set(name, null);
      else if (typeof item === "string" || typeof item === "number") args.set(name, String(item));
      else if (item instanceof Token) args.set(name, item.toString());
    }
    return args.size === 0 ? undefined : args;
  } catch {
    return undefined;
  }
}

/** §4.2.1: invalid freshness information makes a response stale. */
function lifetime(args: Arguments, name: string): DeltaSeconds | undefined {
  return args.has(name) ? (span(args.get(name)) ?? (0 as DeltaSeconds)) : undefined;
}

function span(argument: string | null | undefined): DeltaSeconds | undefined {
  return typeof argument === "string" ? parseDeltaSeconds(argument) : undefined;
}

/** Directives that may name header fields. */
const QUALIFIABLE = new Set(["private", "no-cache"]);

function joinedNames(one: string | null | undefined, other: string | null): string | null {
  return typeof one === "string" && other !== null ? `${one}, ${other}` : null;
}

/** Where not every member of an argument is a field name, it is taken for none: the stricter reading. */
function qualified(args: Arguments, name: string): Qualified {
  const argument = args.get(name);
  if (argument === undefined) return false;
  const names = listMembers(argument ?? "");
  return names.length > 0 && names.every(isToken) ? names.map((field) => field.toLowerCase()) : true;
}
