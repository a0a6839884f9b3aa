// Answers: which options `cache.ts` and `origin.ts` have.
// Owns: the two option tables: meaning, unit, range and default of each option, one row a line.
// Leaves out: reading them (`options.ts`); the README's table is printed from here and a test compares the two.
import type { Resolved } from "./options.ts";
import { TIER_OPTIONS } from "./tier-options.ts";
import {
  addresses,
  bytes,
  count,
  milliseconds,
  oneOf,
  optionalHost,
  optionalPath,
  optionalText,
  optionalToken,
  originRoutes,
  port,
  portOrOff,
  seconds,
  secondsOrAuto,
  share,
  text,
  workers,
} from "./option-values.ts";

const log = oneOf("auto", "pretty", "json", "off");
const LOG_MEANING =
  "one line a request: `pretty`, `json` or `off`; `auto` is pretty on a terminal, off otherwise";

/** The options of `bun cache.ts`. */
export const CACHE_OPTIONS = {
  port: {
    kind: port,
    fallback: "8001",
    value: "PORT",
    meaning: "where clients reach it; 0 takes any free port",
  },
  origin: {
    kind: originRoutes,
    fallback: "http://localhost:8000",
    value: "URL",
    meaning:
      "what is cached: scheme, host and port of the main server; several times for a pool, `/api=URL` for the paths under a prefix",
    many: true,
  },
  host: { kind: text, fallback: "0.0.0.0", value: "ADDRESS", meaning: "the address it listens on" },
  config: {
    kind: optionalText,
    fallback: "",
    value: "FILE",
    meaning:
      'a TypeScript file whose default export holds options in camelCase, such as `{ maxObject: "16MB" }`',
  },
  memory: {
    kind: bytes,
    fallback: "256MB",
    value: "SIZE",
    meaning: "budget of the memory tier: bodies, header fields, index and fills",
  },
  maxObject: {
    kind: bytes,
    fallback: "64MB",
    value: "SIZE",
    meaning: "larger bodies are passed on and not stored",
  },
  ...TIER_OPTIONS,
  originHost: {
    kind: optionalHost,
    fallback: "",
    value: "HOST",
    meaning: "the Host field sent to the origin; empty sends the client's own",
  },
  balance: {
    kind: oneOf("round-robin", "least-pending"),
    fallback: "round-robin",
    value: "HOW",
    meaning: "which origin of a pool is asked: each in turn, or the one with the fewest requests under way",
  },
  healthCheck: {
    kind: optionalPath,
    fallback: "",
    value: "PATH",
    meaning:
      "a path that every origin is asked for, to know whether it is well (status 200–399); empty is never",
  },
  healthInterval: {
    kind: milliseconds,
    fallback: "5s",
    value: "TIME",
    meaning: "the time between two such checks, at least 100ms, and the deadline of each, at most 5s",
  },
  originLimit: {
    kind: count,
    fallback: "1000",
    value: "N",
    meaning: "requests under way to one origin at a time; 0 is no limit",
  },
  originQueue: {
    kind: count,
    fallback: "1000",
    value: "N",
    meaning:
      "requests that wait for one of those places; what comes on top gets 503 with Retry-After, or stale",
  },
  breaker: {
    kind: count,
    fallback: "10",
    value: "N",
    meaning:
      "after so many failures in a row an origin is left alone for half a second, then tried with one request; 0 is never",
  },
  connectTimeout: {
    kind: milliseconds,
    fallback: "5s",
    value: "TIME",
    meaning:
      "how long an origin may take to accept a connection (tried on the side when half of it is over); then 504 or stale, as with the next ones; 0 is for ever",
  },
  firstByteTimeout: {
    kind: milliseconds,
    fallback: "30s",
    value: "TIME",
    meaning: "how long it may take until its header section is complete, waiting for a place included",
  },
  betweenBytesTimeout: {
    kind: milliseconds,
    fallback: "60s",
    value: "TIME",
    meaning: "how long it may be silent within a body; then the connection to the client is broken off",
  },
  totalTimeout: {
    kind: milliseconds,
    fallback: "0",
    value: "TIME",
    meaning: "how long it may take until the end of the body; 0 is for ever",
  },
  staleIfError: {
    kind: seconds,
    fallback: "1d",
    value: "TIME",
    meaning:
      "how long past its freshness a response may be served while the origin fails, where it does not say itself (RFC 9111 §4.2.4, RFC 5861 §4); 0 is never",
  },
  staleWhileRevalidate: {
    kind: seconds,
    fallback: "0",
    value: "TIME",
    meaning:
      "how long past its freshness a response may be served while it is validated in the background, where it does not say itself (RFC 5861 §3); 0 is never",
  },
  heuristicShare: {
    kind: share,
    fallback: "10%",
    value: "SHARE",
    meaning: "heuristic freshness as a share of the time since Last-Modified (RFC 9111 §4.2.2); 0 is none",
  },
  heuristicMax: {
    kind: seconds,
    fallback: "1d",
    value: "TIME",
    meaning: "the cap on heuristic freshness (RFC 9111 §4.2.2)",
  },
  vary: {
    kind: oneOf("meaning", "exact"),
    fallback: "meaning",
    value: "HOW",
    meaning:
      "how selecting header fields are compared (RFC 9111 §4.1): by `meaning` (order, case, white space, q-values), or `exact`ly as sent",
  },
  uncollapse: {
    kind: seconds,
    fallback: "10s",
    value: "TIME",
    meaning:
      "how long requests for a key are not collapsed after its response turned out not to be shareable",
  },
  maxLag: {
    kind: bytes,
    fallback: "4MB",
    value: "SIZE",
    meaning:
      "how far one reader of a body that is not stored may fall behind the fastest before it is cut off",
  },
  closeDelimited: {
    kind: oneOf("pass", "store"),
    fallback: "pass",
    value: "HOW",
    meaning:
      "whether a body that ends with its connection may be stored: whether it is complete cannot be known",
  },
  purgeFrom: {
    kind: addresses,
    fallback: "loopback",
    value: "ADDRESS",
    meaning:
      "who may send `PURGE`: addresses or ranges such as `10.0.0.0/8`, several times; `loopback` is 127.0.0.0/8 and ::1; `none` is nobody",
    many: true,
  },
  admin: {
    kind: portOrOff,
    fallback: "auto",
    value: "PORT",
    meaning: "where the admin is reached; `auto` is 8002, or none where that is taken; or `off`",
  },
  adminHost: {
    kind: text,
    fallback: "127.0.0.1",
    value: "ADDRESS",
    meaning: "the address on which the admin listens; any but this machine's own needs `--admin-token`",
  },
  adminToken: {
    kind: optionalToken,
    fallback: "",
    value: "TOKEN",
    meaning:
      "what the admin must be told, as `Authorization: Bearer TOKEN`; better in `LARDER_ADMIN_TOKEN`, where no list of processes shows it",
  },
  wire: {
    kind: oneOf("auto", "bun", "lane", "exact"),
    fallback: "auto",
    value: "HOW",
    meaning:
      "how bytes come and go: `lane` is the fastest, `bun` is `Bun.serve` alone, `exact` is on node:http and carries what they cannot (below); `auto` is lane on Bun, exact on Node",
  },
  maxConnections: {
    kind: count,
    fallback: "10000",
    value: "N",
    meaning:
      "connections of clients at a time; the next one gets 503 and is closed (and is closed at once where a hundred such wait); 0 is no limit, and `--wire bun` has none",
  },
  workers: {
    kind: workers,
    fallback: "1",
    value: "N",
    meaning:
      "processes that share the port, the work and `--memory`; `auto` is one for each core (see All cores); `--wire exact` has one",
  },
  drainTimeout: {
    kind: milliseconds,
    fallback: "10s",
    value: "TIME",
    meaning: "how long requests under way may take to end after SIGTERM or SIGINT; a second signal ends them",
  },
  log: { kind: log, fallback: "auto", value: "HOW", meaning: LOG_MEANING },
} as const;

/** The options of `bun origin.ts`. */
export const ORIGIN_OPTIONS = {
  port: { kind: port, fallback: "8000", value: "PORT", meaning: "where it listens; 0 takes any free port" },
  root: { kind: text, fallback: "media", value: "DIR", meaning: "the folder that it serves" },
  host: { kind: text, fallback: "0.0.0.0", value: "ADDRESS", meaning: "the address it listens on" },
  maxAge: {
    kind: secondsOrAuto,
    fallback: "auto",
    value: "TIME",
    meaning: "max-age of every file; `auto` is a rule for each file type",
  },
  log: { kind: log, fallback: "auto", value: "HOW", meaning: LOG_MEANING },
} as const;

const { origin: _, ...CACHE_WITHOUT_ORIGIN } = CACHE_OPTIONS;

/** The options of `bun start`: those of the cache, and where the origin beside it is. */
export const START_OPTIONS = {
  ...CACHE_WITHOUT_ORIGIN,
  originPort: {
    kind: port,
    fallback: "8000",
    value: "PORT",
    meaning: "where the origin listens; 0 takes any free port",
  },
  root: ORIGIN_OPTIONS.root,
  log: { ...CACHE_OPTIONS.log, fallback: "pretty" },
} as const;

/** The resolved options of the cache. Times are whole seconds, sizes bytes. */
export type CacheOptions = Resolved<typeof CACHE_OPTIONS>;

/** The resolved options of the origin. */
export type OriginOptions = Resolved<typeof ORIGIN_OPTIONS>;
