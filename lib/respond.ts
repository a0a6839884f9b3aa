// Answers: what the client gets: a stored or a received response as an Answer.
// Owns: Age, 304, 206 and 416 from a stored response, Cache-Status and Via on the way out, and Larder's own pages.
// Leaves out: which response it is (`proxy.ts`), rendering it for a socket (`wire/`).
import { OriginError } from "./errors.ts";
import { cacheStatusMember, type Report, VIA } from "./cache-status.ts";
import {
  hasContent,
  headHit,
  isKnownToBeNamed,
  NOT_IN_PART,
  notModifiedHit,
  partHit,
  wholeHit,
  wholeOf,
} from "./hot-answers.ts";
import type { Answer, StoredHead, StoredResponse } from "./message.ts";
import { currentAge } from "./rfc9111/age.ts";
import { ifRangeHolds, isNotModified, NOT_IN_304 } from "./rfc9111/preconditions.ts";
import { completeLengthOf, coverage, slice, type ByteRange } from "./rfc9111/range.ts";
import type { RequestFacts } from "./rfc9111/reuse.ts";
import { formatHttpDate, type EpochSeconds } from "./rfc9111/time.ts";

/** The answer to a request from a stored response: 200 (or what is stored), 304, 206 or 416. */
export function answerFromStored(
  stored: StoredResponse,
  request: RequestFacts,
  report: Report,
  now: EpochSeconds,
): Answer {
  if (request.isConditional) {
    const tags = request.fields.get("if-none-match");
    if (isKnownToBeNamed(stored, tags) || isNotModified(request.fields, stored, now))
      return report.word === "HIT" ? notModifiedHit(stored, tags, now) : notModified(stored, report, now);
  }
  if (request.ranges !== undefined && (stored.status === 200 || stored.status === 206)) {
    if (ifRangeHolds(request.fields.get("if-range"), stored, now))
      return answerRanges(stored, request, report, now);
  }
  return wholeAnswer(stored, request, report, now);
}

/** Whether the client already has what is coming; its 304 then takes the place of the response. */
export function answerNotModified(
  head: StoredHead,
  request: RequestFacts,
  report: Report,
): Answer | undefined {
  if (!request.isConditional || !isNotModified(request.fields, head, head.responseTime)) return undefined;
  return notModified(head, report, head.responseTime);
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
  const fields = new Headers([...head.fields]);
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

function wholeAnswer(
  stored: StoredResponse,
  request: RequestFacts,
  report: Report,
  now: EpochSeconds,
): Answer {
  if (stored.body.kind === "partial") return notStoredWhole(report);
  const isHead = request.method === "HEAD";
  if (stored.body.kind === "outside") {
    const body = isHead ? null : stored.body.read(0, stored.body.length - 1);
    if (body === undefined) return notStoredWhole(report);
    return { status: stored.status, reason: stored.reason, fields: storedFields(stored, report, now), body };
  }
  if (report.word === "HIT") return isHead ? headHit(stored, now) : wholeHit(stored, now);
  const { status, reason } = stored;
  return {
    status,
    reason,
    fields: storedFields(stored, report, now),
    body: isHead ? null : wholeOf(stored.body),
  };
}

function storedFields(stored: StoredHead | StoredResponse, report: Report, now: EpochSeconds): Headers {
  const fields = baseFields(stored);
  fields.set("age", String(currentAge(stored.bornAt, now)));
  appendStatus(fields, report);
  return fields;
}

/** What stays the same as long as the response is stored. Date is the origin's, or when the response came. */
function baseFields(stored: StoredHead | StoredResponse): Headers {
  const fields = new Headers([...stored.fields]);
  if ("body" in stored && stored.body.kind !== "partial" && hasContent(stored.status)) {
    fields.set("content-length", String(completeLengthOf(stored.body)));
  }
  if (!fields.has("date")) fields.set("date", formatHttpDate(stored.dateValue));
  fields.append("via", VIA);
  return fields;
}

/** RFC 9211 §2: caches add themselves at the end. */
function appendStatus(fields: Headers, report: Report): void {
  fields.append("Cache-Status", cacheStatusMember(report));
}

function notModified(stored: StoredHead, report: Report, now: EpochSeconds): Answer {
  const fields = storedFields(stored, report, now);
  for (const name of NOT_IN_304) fields.delete(name);
  return { status: 304, fields, body: null };
}

function answerRanges(
  stored: StoredResponse,
  request: RequestFacts,
  report: Report,
  now: EpochSeconds,
): Answer {
  const covered = coverage(stored.body, request.ranges ?? []);
  if (covered.kind === "covered") {
    const [only, ...others] = covered.ranges;
    if (only === undefined || others.length > 0)
      return severalRanges(stored, covered.ranges, partFields(stored, report, now));
    return singleRange(stored, only, report, now);
  }
  if (covered.kind !== "unsatisfiable") return wholeAnswer(stored, request, report, now);
  const fields = partFields(stored, report, now);
  for (const name of ["content-encoding", "content-type", "etag", "last-modified"]) fields.delete(name);
  fields.set("content-range", `bytes */${covered.completeLength}`);
  fields.set("content-length", "0");
  return { status: 416, fields, body: null };
}

function singleRange(stored: StoredResponse, range: ByteRange, report: Report, now: EpochSeconds): Answer {
  const body = slice(stored.body, range);
  if (body === undefined) return notStoredWhole(report);
  const own = [
    ["Content-Range", contentRange(stored, range)],
    ["Content-Length", String(range.last - range.first + 1)],
  ] as const;
  if (report.word === "HIT" && !(body instanceof ReadableStream)) return partHit(stored, body, own, now);
  const fields = partFields(stored, report, now);
  for (const [name, value] of own) fields.set(name, value);
  return { status: 206, fields, body };
}

function partFields(stored: StoredResponse, report: Report, now: EpochSeconds): Headers {
  const fields = storedFields(stored, report, now);
  for (const name of NOT_IN_PART) fields.delete(name);
  return fields;
}

/** RFC 9110 §14.6: each part with its own Content-Type and Content-Range. */
function severalRanges(stored: StoredResponse, ranges: readonly ByteRange[], fields: Headers): Answer {
  const boundary = crypto.randomUUID();
  const type = fields.get("content-type");
  const pieces = ranges.flatMap((range) => {
    const head = type === null ? "" : `Content-Type: ${type}\r\n`;
    const opening = `\r\n--${boundary}\r\n${head}Content-Range: ${contentRange(stored, range)}\r\n\r\n`;
    return [opening, slice(stored.body, range) ?? ""];
  });
  const body = new Blob([...pieces, `\r\n--${boundary}--\r\n`] as ConstructorParameters<typeof Blob>[0]);
  fields.set("content-type", `multipart/byteranges; boundary=${boundary}`);
  fields.set("content-length", String(body.size));
  return { status: 206, fields, body };
}

function contentRange(stored: StoredResponse, range: ByteRange): string {
  return `bytes ${range.first}-${range.last}/${completeLengthOf(stored.body) ?? "*"}`;
}

/** `reuse.ts` never lets it come to this; should it, the client is to ask again rather than get half a body. */
function notStoredWhole(report: Report): Answer {
  return { status: 502, fields: new Headers({ "cache-status": cacheStatusMember(report) }), body: null };
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
