// Answers: what the origin says to a request: a file of its folder, whole or in part, or why not.
// Owns: the order of a request's life at the origin; status and header fields of each answer.
// Leaves out: every step itself: `origin-target`, `-file`, `-conditions`, `-range`, `-media-type`, `-page`, `-log`.
import { Hono } from "hono";
import { judge, mayAnswerRange, type CurrentValidators } from "./origin-conditions.ts";
import { lengthOf, type Piece } from "./origin-content.ts";
import { findFile, type FoundFile } from "./origin-file.ts";
import { logRequests, type WriteLine } from "./origin-log.ts";
import { contentTypeOf, maxAgeOf } from "./origin-media-type.ts";
import { pageResponse } from "./origin-page.ts";
import { contentRange, multipart, selectRanges, type Selection } from "./origin-range.ts";
import type { ByteRange } from "./rfc9111/range.ts";
import { folderLocation, targetOf, type PathTarget } from "./origin-target.ts";
import { epochSeconds, formatHttpDate, type EpochSeconds } from "./rfc9111/time.ts";

/** What an origin serves and how. */
export interface OriginSettings {
  /** The folder, as a real path: absolute and without symbolic links. */
  readonly root: string;
  /** Seconds that every file stays fresh, or a rule for each file type. */
  readonly maxAge: number | "auto";
  /** Where a line goes for each request; `undefined` logs nothing. */
  readonly log: WriteLine | undefined;
}

/** One request, with the one reading of the clock that it is answered by. */
interface Asked {
  readonly request: Request;
  readonly now: EpochSeconds;
}

const ALLOW = "GET, HEAD, OPTIONS";
// What is missing is asked for again and again; a cache may hold that for a moment. Other refusals it may not.
const BRIEFLY = { "Cache-Control": "max-age=5" };

/** The Hono app that serves a folder; every method and every path ends here. */
export function originApp(settings: OriginSettings): Hono {
  // One route for all paths: the target is read from the URL as received, not as Hono decodes it.
  const app = new Hono({ getPath: () => "/" });
  if (settings.log !== undefined) app.use(logRequests(settings.log));
  app.all("/", (context) => answer({ request: context.req.raw, now: epochSeconds(Date.now()) }, settings));
  app.onError((error, context) => {
    console.error(`larder origin: ${JSON.stringify(context.req.url)}: ${error.message}`);
    return pageResponse(500, epochSeconds(Date.now()));
  });
  return app;
}

async function answer(asked: Asked, settings: OriginSettings): Promise<Response> {
  const { request, now } = asked;
  if (request.method === "OPTIONS") {
    return new Response(null, { status: 204, headers: { Date: formatHttpDate(now), Allow: ALLOW } });
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return pageResponse(405, now, { Allow: ALLOW });
  }
  const target = targetOf(request.url, request.headers.get("host"));
  switch (target.kind) {
    case "malformed":
      return pageResponse(400, now);
    case "nameless":
      return pageResponse(404, now, BRIEFLY);
    case "path":
      return answerPath(asked, target, settings);
    default:
      return target satisfies never;
  }
}

async function answerPath(asked: Asked, target: PathTarget, settings: OriginSettings): Promise<Response> {
  const names = target.folder ? [...target.names, "index.html"] : target.names;
  const found = await findFile(settings.root, names);
  switch (found.kind) {
    case "missing":
      return pageResponse(404, asked.now, BRIEFLY);
    case "folder":
      // A folder that is itself called index.html is no page; redirecting to it would go on for ever.
      if (target.folder) return pageResponse(404, asked.now, BRIEFLY);
      return pageResponse(301, asked.now, { ...BRIEFLY, Location: folderLocation(target) });
    case "unsteady":
      return pageResponse(503, asked.now, { "Retry-After": "1" });
    case "file":
      return answerFile(asked, found, settings.maxAge);
    default:
      return found satisfies never;
  }
}

/** The rest of the life of a request once there is a file: RFC 9110 §13.2.2, then §14.2. */
function answerFile(asked: Asked, file: FoundFile, maxAge: number | "auto"): Response {
  const { request, now } = asked;
  const copy = describe(file, now, maxAge);
  const verdict = judge(request.headers, copy);
  if (verdict === "failed") return without(file, pageResponse(412, now));
  if (verdict === "not modified") {
    // RFC 9110 §15.4.5: what a 200 would have said that guides the cache, and nothing else.
    return without(file, new Response(null, { status: 304, headers: copy.guidance }));
  }
  const fields = { ...copy.guidance, "Accept-Ranges": "bytes", "Content-Type": copy.type };
  const selected = selectionFor(request, copy);
  if (selected.kind === "unsatisfiable") {
    return without(file, pageResponse(416, now, { "Content-Range": contentRange(undefined, copy.size) }));
  }
  const full = { ...fields, "Last-Modified": formatHttpDate(copy.lastModified) };
  if (selected.kind === "whole") {
    return send(asked, file, { status: 200, fields: full, pieces: [{ first: 0, last: copy.size - 1 }] });
  }
  // RFC 9110 §15.3.7: a client that sent If-Range has Last-Modified already. It has Content-Type too, which stays
  // all the same: without one Bun would put in its own.
  const base = request.headers.has("if-range") ? fields : full;
  return send(asked, file, { status: 206, ...partOf(selected.ranges, base, copy) });
}

/** What is said of a file, whichever part of it is sent. */
interface Description extends CurrentValidators {
  readonly size: number;
  readonly type: string;
  readonly hash: string;
  readonly guidance: Readonly<Record<string, string>>;
}

function describe(file: FoundFile, now: EpochSeconds, maxAge: number | "auto"): Description {
  const { hash, size } = file.content;
  const type = contentTypeOf(file.name);
  const etag = `"${hash}"`;
  const seconds = maxAge === "auto" ? maxAgeOf(type) : maxAge;
  return {
    size,
    type,
    hash,
    etag,
    now,
    // RFC 9110 §8.8.2.1: a date in the future is replaced by the moment of the answer.
    lastModified: file.lastModified < now ? file.lastModified : now,
    guidance: { Date: formatHttpDate(now), ETag: etag, "Cache-Control": `max-age=${seconds}` },
  };
}

/** RFC 9110 §14.2: Range means something for GET only, and only where If-Range agrees. */
function selectionFor(request: Request, copy: Description): Selection {
  const range = request.headers.get("range");
  if (range === null || request.method !== "GET" || !mayAnswerRange(request.headers, copy)) {
    return { kind: "whole" };
  }
  return selectRanges(range, copy.size);
}

interface Part {
  readonly fields: Readonly<Record<string, string>>;
  readonly pieces: readonly Piece[];
}

/** One range is sent as it is, several as multipart/byteranges (RFC 9110 §15.3.7). */
function partOf(ranges: readonly ByteRange[], base: Part["fields"], copy: Description): Part {
  const [only] = ranges;
  if (ranges.length === 1 && only !== undefined) {
    return { fields: { ...base, "Content-Range": contentRange(only, copy.size) }, pieces: [only] };
  }
  // No content can hold its own hash, so the hash is a boundary that cannot occur in it.
  const boundary = `larder-${copy.hash}`;
  return {
    fields: { ...base, "Content-Type": `multipart/byteranges; boundary=${boundary}` },
    pieces: multipart(ranges, { boundary, type: copy.type, size: copy.size }),
  };
}

/** Bun sends `Content-Length` with bytes and drops it, in favour of chunked, with a stream. */
function send(asked: Asked, file: FoundFile, part: Part & { readonly status: 200 | 206 }): Response {
  const length = part.pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
  const init = { status: part.status, headers: { ...part.fields, "Content-Length": String(length) } };
  if (asked.request.method === "HEAD") return without(file, new Response(null, init));
  return new Response(file.content.body(part.pieces), init);
}

function without(file: FoundFile, response: Response): Response {
  file.content.close();
  return response;
}
