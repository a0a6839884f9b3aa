// Answers: what the client gets: a stored or a received response as an Answer.
// Owns: Age, 304, 206 and 416 from a stored response, Cache-Status and Via on the way out, and Larder's own pages.
// Leaves out: which response it is (`proxy.ts`), rendering it for a socket (`wire/`).
import { OriginError } from "./errors.ts";
import { CACHE_NAME, cacheStatusMember, type Report } from "./cache-status.ts";
import type { Answer, StoredBody, StoredHead, StoredResponse } from "./message.ts";
import { currentAge } from "./rfc9111/age.ts";
import { ifRangeHolds, isNotModified, NOT_IN_304 } from "./rfc9111/preconditions.ts";
import { completeLengthOf, coverage, slice, type ByteRange } from "./rfc9111/range.ts";
import type { RequestFacts } from "./rfc9111/reuse.ts";
import { formatHttpDate, type EpochSeconds } from "./rfc9111/time.ts";

/** The header block of a fresh hit; it changes once a second, and every answer of that second shares it. */
interface HitBlock {
  readonly fields: Headers;
  /** Members that caches before this one added to Cache-Status. */
  readonly earlierStatus: string | null;
  stampedAt: EpochSeconds;
}

const hitBlocks = new WeakMap<StoredResponse, HitBlock>();

/** The answer to a request from a stored response: 200 (or what is stored), 304, 206 or 416. */
export function answerFromStored(
  stored: StoredResponse,
  request: RequestFacts,
  report: Report,
  now: EpochSeconds,
): Answer {
  const fields = report.word === "HIT" ? hitFields(stored, now) : storedFields(stored, report, now);
  if (isConditional(request) && isNotModified(request.fields, stored, now)) return notModified(fields);
  if (request.ranges !== undefined && (stored.status === 200 || stored.status === 206)) {
    if (ifRangeHolds(request.fields.get("if-range"), stored, now))
      return answerRanges(stored, request, fields);
  }
  if (stored.body.kind === "partial") return notStoredWhole(fields);
  const { status, reason } = stored;
  return { status, reason, fields, body: request.method === "HEAD" ? null : wholeOf(stored.body) };
}

/** The answer from a response that is on its way, for its leader (`fields` as received) or a follower (as stored). */
export function answerFromReceived(response: Answer, report: Report): Answer {
  const fields = new Headers(response.fields);
  fields.append("via", `1.1 ${CACHE_NAME}`);
  appendStatus(fields, report);
  if (response.body instanceof Uint8Array) fields.set("content-length", String(response.body.length));
  return { ...response, fields };
}

/** Whether the client already has what is coming; its 304 then takes the place of the response. */
export function answerNotModified(
  head: StoredHead,
  request: RequestFacts,
  report: Report,
): Answer | undefined {
  if (!isConditional(request) || !isNotModified(request.fields, head, head.responseTime)) return undefined;
  return notModified(storedFields(head, report, head.responseTime));
}

/** A page of Larder's own: a refusal or an error. `lines` are plain text. */
export function answerPage(status: number, title: string, lines: readonly string[], report: Report): Answer {
  const paragraphs = lines.map((line) => `<p>${escaped(line)}</p>`).join("\n");
  const heading = `${status} ${escaped(title)}`;
  const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${heading}</title>
<meta name="viewport" content="width=device-width"><style>body{font:1rem/1.5 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem}
:root{color-scheme:light dark}</style>
<h1>${heading}</h1>
${paragraphs}
<p><small>Larder, the cache server</small></p></html>
`;
  const fields = new Headers({ "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
  fields.set("Cache-Status", cacheStatusMember(report));
  fields.set("date", new Date().toUTCString());
  const body = new TextEncoder().encode(page);
  fields.set("content-length", String(body.length));
  return { status, fields, body };
}

/** The fields of a response that is shared while it is still on its way. */
export function aged(head: StoredHead, now: EpochSeconds): Headers {
  const fields = new Headers(head.fields);
  fields.set("age", String(currentAge(head.bornAt, now)));
  return fields;
}

/** The page for §5.2.1.7: `only-if-cached`, and nothing to reuse. */
export function onlyIfCachedPage(report: Report): Answer {
  const line = "The request asks for a stored response only, and there is none that may be used.";
  return answerPage(504, "Gateway Timeout", [line], report);
}

/** What went wrong between Larder and the origin, told to the client. */
export interface Failure {
  readonly origin: string;
  readonly report: Report;
  /** The request asks for an origin that has to be reached (§5.2.2.2): 504. */
  readonly mustHaveOrigin: boolean;
}

const TITLES = {
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  508: "Loop Detected",
} as const;

/** The page for a failing origin: which it is, what is wrong, and what to do. */
export function faultPage(error: unknown, { origin, report, mustHaveOrigin }: Failure): Answer {
  if (!(error instanceof OriginError)) {
    return answerPage(500, "Internal Server Error", ["Larder itself failed; the log says how."], report);
  }
  const status = mustHaveOrigin ? 504 : error.status;
  if (status === 404) return answerPage(status, "Not Found", [`${error.message}.`], report);
  const lines = [
    `There is no stored response that may be served, and the origin ${origin} gave none: ${error.message}.`,
    status === 503 ? "Try again in a second." : "Is it running? Start it, or name another one with --origin.",
  ];
  const page = answerPage(status, TITLES[status], lines, report);
  if (status === 503) page.fields.set("retry-after", "1");
  return page;
}

function isConditional(request: RequestFacts): boolean {
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  return request.fields.get("if-none-match") !== null || request.fields.get("if-modified-since") !== null;
}

/** The shared header block of a stored response, stamped anew when the second has changed. */
function hitFields(stored: StoredResponse, now: EpochSeconds): Headers {
  let block = hitBlocks.get(stored);
  if (block === undefined) {
    const fields = baseFields(stored);
    block = { fields, earlierStatus: fields.get("cache-status"), stampedAt: -1 as EpochSeconds };
    hitBlocks.set(stored, block);
  }
  if (block.stampedAt !== now) {
    block.stampedAt = now;
    block.fields.set("age", String(currentAge(stored.bornAt, now)));
    const member = cacheStatusMember({ word: "HIT", ttl: stored.staleAt - now });
    block.fields.set(
      "Cache-Status",
      block.earlierStatus === null ? member : `${block.earlierStatus}, ${member}`,
    );
  }
  return block.fields;
}

function storedFields(stored: StoredHead | StoredResponse, report: Report, now: EpochSeconds): Headers {
  const fields = baseFields(stored);
  fields.set("age", String(currentAge(stored.bornAt, now)));
  appendStatus(fields, report);
  return fields;
}

/** What stays the same as long as the response is stored. Date is the origin's, or when the response came. */
function baseFields(stored: StoredHead | StoredResponse): Headers {
  const fields = new Headers(stored.fields);
  if ("body" in stored && stored.body.kind !== "partial" && hasContent(stored.status)) {
    fields.set("content-length", String(completeLengthOf(stored.body)));
  }
  if (!fields.has("date")) fields.set("date", formatHttpDate(stored.dateValue));
  fields.append("via", `1.1 ${CACHE_NAME}`);
  return fields;
}

/** RFC 9211 §2: caches add themselves at the end. */
function appendStatus(fields: Headers, report: Report): void {
  fields.append("Cache-Status", cacheStatusMember(report));
}

function notModified(from: Headers): Answer {
  const fields = new Headers(from);
  for (const name of NOT_IN_304) fields.delete(name);
  return { status: 304, fields, body: null };
}

function answerRanges(stored: StoredResponse, request: RequestFacts, hit: Headers): Answer {
  const covered = coverage(stored.body, request.ranges ?? []);
  if (covered.kind === "covered") {
    const [only, ...others] = covered.ranges;
    if (only !== undefined && others.length === 0) return singleRange(stored, only, hit);
    return severalRanges(stored, covered.ranges, hit);
  }
  if (covered.kind === "unsatisfiable") {
    const fields = new Headers(hit);
    for (const name of ["content-length", "content-encoding", "content-type", "etag", "last-modified"]) {
      fields.delete(name);
    }
    fields.set("content-range", `bytes */${covered.completeLength}`);
    fields.set("content-length", "0");
    return { status: 416, fields, body: null };
  }
  if (stored.body.kind === "partial") return notStoredWhole(hit);
  return { status: stored.status, reason: stored.reason, fields: hit, body: wholeOf(stored.body) };
}

function singleRange(stored: StoredResponse, range: ByteRange, hit: Headers): Answer {
  const bytes = slice(stored.body, range) ?? new Uint8Array();
  const fields = partFields(hit);
  fields.set("content-range", contentRange(stored, range));
  fields.set("content-length", String(range.last - range.first + 1));
  return { status: 206, fields, body: bytes };
}

/** RFC 9530 §2: Content-Digest is of the content as it was sent, hence not of a part; Repr-Digest is. */
function partFields(hit: Headers): Headers {
  const fields = new Headers(hit);
  fields.delete("content-digest");
  return fields;
}

function wholeOf(body: Exclude<StoredBody, { kind: "partial" }>): Uint8Array | Blob {
  return body.kind === "blob" ? body.blob : new Uint8Array(body.bytes);
}

/** RFC 9110 §14.6: each part with its own Content-Type and Content-Range. */
function severalRanges(stored: StoredResponse, ranges: readonly ByteRange[], hit: Headers): Answer {
  const boundary = crypto.randomUUID();
  const type = hit.get("content-type");
  const pieces = ranges.flatMap((range) => {
    const head = type === null ? "" : `Content-Type: ${type}\r\n`;
    const opening = `\r\n--${boundary}\r\n${head}Content-Range: ${contentRange(stored, range)}\r\n\r\n`;
    return [opening, slice(stored.body, range) ?? ""];
  });
  const body = new Blob([...pieces, `\r\n--${boundary}--\r\n`] as ConstructorParameters<typeof Blob>[0]);
  const fields = partFields(hit);
  fields.set("content-type", `multipart/byteranges; boundary=${boundary}`);
  fields.set("content-length", String(body.size));
  return { status: 206, fields, body };
}

function contentRange(stored: StoredResponse, range: ByteRange): string {
  return `bytes ${range.first}-${range.last}/${completeLengthOf(stored.body) ?? "*"}`;
}

/** `reuse.ts` never lets it come to this; should it, the client is to ask again rather than get half a body. */
function notStoredWhole(hit: Headers): Answer {
  return {
    status: 502,
    fields: new Headers({ "cache-status": hit.get("cache-status") ?? CACHE_NAME }),
    body: null,
  };
}

/** Whether a response with that status has content at all (RFC 9110 §6.4.1). */
export function hasContent(status: number): boolean {
  return status !== 204 && status !== 304;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
