// Answers: what the tests of this folder are fed with: moments, header fields, stored responses, exchanges, odd text.
// Owns: the making of test values; a stored response is made by `storedHead`, as everywhere else.
// Leaves out: claims (the `*.test.ts` files).
import fc from "fast-check";
import type { ReceivedResponse, StoredBody, StoredResponse } from "../../lib/message.ts";
import { storedHead, type CachingRules, type Exchange } from "../../lib/rfc9111/outcome.ts";
import { requestFacts, type Forwarding, type RequestFacts } from "../../lib/rfc9111/reuse.ts";
import { deltaSeconds, epochSeconds, formatHttpDate, type EpochSeconds } from "../../lib/rfc9111/time.ts";

/** The moment at which test values are born: Fri, 15 Jan 2027 08:00:00 GMT. */
export const NOW = epochSeconds(1_800_000_000_000);

export const URI = "http://larder.test/menu";

export const RULES: CachingRules = {
  heuristic: { share: 0.1, max: deltaSeconds(86_400) },
  vary: "meaning",
  staleWhileRevalidate: deltaSeconds(0),
  staleIfError: deltaSeconds(300),
  originAuthorities: ["localhost:8000"],
};

/** The moment so many seconds after (or before) NOW. */
export function at(seconds: number): EpochSeconds {
  return (NOW + seconds) as EpochSeconds;
}

/** The HTTP-date so many seconds after (or before) NOW. */
export function dateAt(seconds: number): string {
  return formatHttpDate(at(seconds));
}

/** A GET (or other) request with these header fields. */
export function request(fields: Record<string, string> = {}, method = "GET"): RequestFacts {
  return requestFacts(method, new Headers(fields));
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function complete(text: string): StoredBody {
  return { kind: "complete", bytes: new Uint8Array(bytesOf(text)) };
}

/** A partial body of `[first, text]` parts. */
export function partial(completeLength: number | undefined, ...parts: [number, string][]): StoredBody {
  return {
    kind: "partial",
    parts: parts.map(([first, text]) => ({ first, bytes: bytesOf(text) })),
    completeLength,
  };
}

/** What is particular about a stored response; `receivedAt` counts seconds from NOW. */
export interface Particulars {
  readonly fields?: Record<string, string>;
  readonly status?: number;
  readonly request?: Record<string, string>;
  readonly body?: StoredBody;
  readonly receivedAt?: number;
}

/** A stored response: where nothing is said, a 200 that was received at NOW with age 0, in 10 bytes. */
export function storedResponse(particulars: Particulars = {}): StoredResponse {
  const { fields = { "cache-control": "max-age=60" }, receivedAt = 0 } = particulars;
  const moment = at(receivedAt);
  const made = exchange({
    request: request(particulars.request),
    received: received({
      status: particulars.status ?? 200,
      fields: new Headers({ date: formatHttpDate(moment), ...fields }),
      requestTime: moment,
      responseTime: moment,
    }),
  });
  return { ...storedHead(made, RULES), body: particulars.body ?? complete("0123456789"), sizeBytes: 500 };
}

/** A response as it came at NOW. */
export function received(particulars: Partial<ReceivedResponse> = {}): ReceivedResponse {
  return {
    status: 200,
    fields: new Headers({ date: dateAt(0), "cache-control": "max-age=60" }),
    body: null,
    framing: "length",
    length: undefined,
    requestTime: NOW,
    responseTime: NOW,
    ...particulars,
  };
}

/** A response that came at NOW with that status and these header fields besides Date. */
export function answered(status: number, fields: Record<string, string> = {}): ReceivedResponse {
  return received({ status, fields: new Headers({ date: dateAt(0), ...fields }) });
}

export function exchange(particulars: Partial<Exchange> = {}): Exchange {
  return {
    uri: URI,
    request: request(),
    forwarding: forwarding(),
    stored: [],
    received: received(),
    ...particulars,
  };
}

export function forwarding(particulars: Partial<Forwarding> = {}): Forwarding {
  return { kind: "forward", why: "uri-miss", nominated: [], ...particulars };
}

/** How a stored response is validated: it is nominated, and the fallback. */
export function validating(stored: StoredResponse, particulars: Partial<Exchange> = {}): Exchange {
  const asked = forwarding({ why: "stale", nominated: [stored], fallback: stored });
  return exchange({ forwarding: asked, stored: [stored], ...particulars });
}

const PIECES = ['"', "\\", ",", "=", ";", " ", "\t", "q=", "0.", "bytes=", "bytes ", "-", "9", "/", "*"];
const WORDS = ["W/", "max-age", "private", "no-cache", "gzip", "en-GB", "Sun, 06 Nov 1994 08:49:37 GMT", "a"];
const latin1 = fc.integer({ min: 0, max: 255 }).map((unit) => String.fromCharCode(unit));

/** Any text that can come in a field value: code units 0 to 255, and what looks like the syntax of one. */
export const fieldText = fc.oneof(
  fc.array(latin1, { maxLength: 60, size: "max" }).map((units) => units.join("")),
  fc
    .array(fc.oneof(fc.constantFrom(...PIECES), fc.constantFrom(...WORDS), latin1), {
      maxLength: 30,
      size: "max",
    })
    .map((pieces) => pieces.join("")),
);

const LONG = 16_384;

/** Field values of 16 KB that lead regular expressions astray. */
export const LONG_TEXTS: readonly (readonly [string, string])[] = [
  ["white space", " ".repeat(LONG)],
  ["white space inside", `a${" ".repeat(LONG)}a`],
  ["tabs inside", `a${"\t".repeat(LONG)}a`],
  ["white space in front of a weight", `a${" ".repeat(LONG)};q=x`],
  ["semicolons", `a${"; ".repeat(LONG / 2)}a`],
  ["quotes", '"'.repeat(LONG + 1)],
  ["an unclosed quoted string", `"${"\\".repeat(LONG)}`],
  ["quotes and commas", '"a,'.repeat(LONG / 3)],
  ["commas", ", ".repeat(LONG / 2)],
  ["digits", "1".repeat(LONG)],
  ["weights", "a;q=0.".repeat(LONG / 6)],
  ["weak marks", 'W/"'.repeat(LONG / 3)],
  ["ranges", `bytes=${"0-0,".repeat(LONG / 4)}`],
  ["equals signs", "max-age=".repeat(LONG / 8)],
];

/** Milliseconds of processor time, not of the wall clock, for the quickest of three calls: linear work on 16 KB needs less than one. */
export function quickestMs(call: () => unknown): number {
  let quickest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3 && quickest > TOO_LONG_MS; attempt++) {
    const start = process.cpuUsage();
    call();
    quickest = Math.min(quickest, process.cpuUsage(start).user / 1000);
  }
  return quickest;
}

/** More than this for 16 KB is work that grows with the square of the length. */
export const TOO_LONG_MS = 50;
