// Answers: what requests clients send that mean no harm.
// Owns: valid requests with every feature: methods, targets, fields, content, conditions, ranges, directives.
// Leaves out: what is done to them (`mutations.ts`), how they are sent (`fuzz-case.ts`).
import type { Chance } from "./chance.ts";
import { SHARED, tokenFor } from "./token.ts";

/** A request that can still be changed. */
export interface Draft {
  method: string;
  target: string;
  version: string;
  /** Field lines without their ends. */
  lines: string[];
  /** What follows the header section. */
  content: string;
  /** The line end. */
  end: string;
  /** A request that nobody sends, to be hidden in content. */
  readonly smuggled: string;
}

/** The bytes of a draft, as latin1. */
export function rendered({ method, target, version, lines, content, end }: Draft): string {
  return `${[`${method} ${target} ${version}`, ...lines].map((line) => line + end).join("")}${end}${content}`;
}

const METHODS = [
  [60, "GET"],
  [6, "HEAD"],
  [12, "POST"],
  [4, "PUT"],
  [3, "DELETE"],
  [2, "PATCH"],
  [2, "OPTIONS"],
  [1, "PROPFIND"],
  [1, "LINK"],
  [1, "QUERY"],
  [1, "REPORT"],
  [0.3, "TRACE"],
  [0.1, "CONNECT"],
  [0.3, "BREW"],
  [0.3, "get"],
] as const;
const WITHOUT_CONTENT = new Set(["GET", "HEAD", "TRACE", "CONNECT", "OPTIONS"]);
const ROOMS = [
  [40, "f"],
  [25, "c"],
  [10, "v"],
  [8, "z"],
  [5, "w"],
  [1, "x"],
  [1, "y"],
  [3, "e"],
  [3, "h"],
  [1, "b"],
] as const;
const QUERIES = [
  "",
  "?",
  "?a=1&b=2",
  "?%20x=%C3%A9",
  "?/?@:!$'()*+,;=",
  "/deep/er/",
  "/a%2Fb",
  "?a=1?b=2",
  "/;p=1",
];

/** One request; its place is its index in the case. */
export function validRequest(chance: Chance, number: number, place: number): Draft {
  const method = chance.weighted(METHODS);
  const token = tokenFor(number, place);
  const room = chance.weighted(ROOMS);
  const path =
    room === "c" ? `/c/${chance.between(0, SHARED - 1)}` : `/${room}/${token}${chance.pick(QUERIES)}`;
  const host = chance.weighted([
    [90, "fuzz.test"],
    [3, "other.test:8080"],
    [2, "FUZZ.test"],
    [2, "127.0.0.1:80"],
  ]);
  const isOld = chance.is(0.03);
  const draft: Draft = {
    method,
    target:
      method === "CONNECT"
        ? `${host}:443`.replace(/:\d+:/, ":")
        : chance.is(0.03)
          ? `http://${host}${path}`
          : path,
    version: isOld ? "HTTP/1.0" : "HTTP/1.1",
    lines: [`Host: ${host}`, `X-Fuzz: ${token}`],
    content: "",
    end: "\r\n",
    smuggled: `GET /f/${tokenFor(number, "smuggled")} HTTP/1.1\r\nHost: fuzz.test\r\n\r\n`,
  };
  if (isOld && chance.is(0.5)) draft.lines.push("Connection: keep-alive");
  for (let extra = chance.between(0, 4); extra > 0; extra--) draft.lines.push(chance.pick(FEATURES)(chance));
  if (!WITHOUT_CONTENT.has(method)) addContent(draft, chance, isOld);
  return draft;
}

const DATES = [
  "Sat, 01 Jan 2022 00:00:00 GMT",
  "Saturday, 01-Jan-22 00:00:00 GMT",
  "Sat Jan  1 00:00:00 2022",
  "Fri, 31 Dec 9999 23:59:60 GMT",
  "0",
  "yesterday",
];
const TAGS = ['"c7"', 'W/"c7"', "*", '"a", "b", W/"c"', '"unclosed', "bare", '""', ",,,"];
const DIRECTIVES = [
  "no-cache",
  "no-store",
  "max-age=0",
  "max-age=99999999999999999999",
  "max-stale",
  "max-stale=60",
  "min-fresh=5",
  "only-if-cached",
  'max-age="60"',
  "max-age=-1",
  'private="x',
  "=,=;=,",
  "a".repeat(500),
];
const RANGES = [
  "bytes=0-9",
  "bytes=-5",
  "bytes=10-",
  "bytes=0-0,5-6",
  "bytes=9-2",
  "bytes=99999999999999999999-",
  "bytes=-0",
  "lines=1-2",
  "bytes=",
  "bytes=0-,-1",
];

/** Field lines, each a feature. */
const FEATURES: readonly ((chance: Chance) => string)[] = [
  (chance) =>
    `Cache-Control: ${Array.from({ length: chance.between(1, 3) }, () => chance.pick(DIRECTIVES)).join(", ")}`,
  (chance) => `If-None-Match: ${chance.pick(TAGS)}`,
  (chance) => `If-Modified-Since: ${chance.pick(DATES)}`,
  (chance) => `If-Match: ${chance.pick(TAGS)}`,
  (chance) => `If-Unmodified-Since: ${chance.pick(DATES)}`,
  (chance) => `If-Range: ${chance.is(0.5) ? chance.pick(DATES) : chance.pick(TAGS)}`,
  (chance) => `Range: ${chance.pick(RANGES)}`,
  (chance) =>
    `Range: bytes=${Array.from({ length: chance.between(2, 900) }, (_, at) => `${at * 2}-${at * 2}`).join()}`,
  (chance) =>
    `Accept-Encoding: ${chance.pick(["gzip", "br;q=0.5, gzip;q=1.0", "*;q=0", "", "gzip;q=9", ";;,"])}`,
  (chance) => `Accept-Language: ${chance.pick(["de, en;q=0.5", "*", "en;q=", "x".repeat(300)])}`,
  (chance) => `X-Odd: ${chance.text(chance.between(0, 40), 'abc ,;="\\é\xff\t')}x`,
  (chance) =>
    `Connection: ${chance.pick(["keep-alive", "keep-alive, X-Odd", "X-Fuzz-Not, TE", "Host", "é, ,"])}`,
  () => "Connection: close",
  () => "TE: trailers, gzip;q=0.5",
  () => "Expect: 100-continue",
  (chance) => `Upgrade: ${chance.pick(["websocket", "h2c", "TLS/1.0, foo"])}\r\nConnection: Upgrade`,
  (chance) => `Via: ${chance.pick(["1.0 a, 1.1 b", "", "1.1 larder"])}`,
  (chance) => `Max-Forwards: ${chance.pick(["0", "3", "-1", "99999999999999999999"])}`,
  () => "Authorization: Basic Og==",
  () => "Cookie: a=b; c=d",
  (chance) => `Date: ${chance.pick(DATES)}`,
  (chance) => `Pragma: ${chance.pick(["no-cache", "x"])}`,
  (chance) => `Forwarded: for=${chance.pick(["_x", '"[::1]:1"'])}`,
  () => "Keep-Alive: timeout=5",
  () => "Proxy-Connection: keep-alive",
  (chance) => `Accept: ${chance.text(chance.between(0, 200), "abc/*;q=0.1,")}`,
];

function addContent(draft: Draft, chance: Chance, isOld: boolean): void {
  const size = chance.weighted([
    [5, 0],
    [50, chance.between(1, 200)],
    [10, chance.between(200, 9000)],
    [1, 70_000],
  ]);
  const body = chance.is(0.4) ? draft.smuggled : chance.text(size);
  if (isOld || chance.is(0.5)) {
    draft.lines.push(`Content-Length: ${body.length}`);
    draft.content = body;
    return;
  }
  draft.lines.push(`Transfer-Encoding: ${chance.is(0.9) ? "chunked" : "Chunked"}`);
  draft.content = chunkedContent(body, chance);
}

function chunkedContent(body: string, chance: Chance): string {
  const chunks: string[] = [];
  for (let at = 0; at < body.length;) {
    const piece = body.slice(at, at + chance.between(1, 4000));
    const extension = chance.is(0.05) ? chance.pick([";a", ";a=b", ';a="b;c"', ` ; a = b`]) : "";
    const size = piece.length.toString(16);
    chunks.push(`${chance.is(0.1) ? `00${size.toUpperCase()}` : size}${extension}\r\n${piece}\r\n`);
    at += piece.length;
  }
  const trailers = chance.is(0.05) ? "X-Trailer: a\r\nX-Other: b\r\n" : "";
  return `${chunks.join("")}${chance.is(0.1) ? "000" : "0"}\r\n${trailers}\r\n`;
}
