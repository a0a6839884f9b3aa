// Answers: what the origin sends for one request, and how it goes wrong on the way.
// Owns: conditions, ranges and framing of a response, and each fault in it.
// Leaves out: connections and outages (`origin.ts`), which fault it is to be (`faults.ts`).
import type { ChaosObject } from "./objects.ts";
import { bytesOf, entityTagOf, fieldsOf, lastModifiedOf } from "./objects.ts";
import type { OriginRequest } from "./origin-request.ts";
import type { Behaviour } from "./faults.ts";

/** A response as it should be, before anything goes wrong with it. */
export interface OriginAnswer {
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly framing: ChaosObject["framing"] | "none";
}

/** One version and variant of an object. */
export interface Selected {
  readonly object: ChaosObject;
  readonly version: number;
  readonly variant: string;
}

/** The right answer to GET or HEAD. */
export function rightAnswer(request: OriginRequest, selected: Selected): OriginAnswer {
  const { object, version, variant } = selected;
  if (isNotModified(request, selected)) {
    return { status: 304, fields: fieldsOf(object, version, variant, true), body: NOTHING, framing: "none" };
  }
  const whole = bytesOf(object, version, variant);
  const fields = fieldsOf(object, version, variant);
  const asked = request.method === "GET" && object.hasRanges ? askedRange(request, selected) : undefined;
  if (asked !== undefined) {
    const [first, last] = resolved(asked, whole.length);
    if (first > last) {
      const unsatisfied = [...fields, ["Content-Range", `bytes */${whole.length}`]] as const;
      return { status: 416, fields: unsatisfied, body: NOTHING, framing: "length" };
    }
    return partOf(selected, { whole, first, end: last + 1 });
  }
  const digest = object.hasDigest ? [["Repr-Digest", digestOf(whole)] as const] : [];
  const framing = object.status === 204 ? "none" : object.framing;
  return { status: object.status, fields: [...fields, ...digest], body: whole, framing };
}

/** A 206 with these bytes. */
export function partOf(
  { object, version, variant }: Selected,
  { whole, first, end }: { readonly whole: Buffer; readonly first: number; readonly end: number },
): OriginAnswer {
  const range = ["Content-Range", `bytes ${first}-${end - 1}/${whole.length}`] as const;
  const framing = object.framing === "close" ? "length" : object.framing;
  const fields = [...fieldsOf(object, version, variant), range];
  return { status: 206, fields, body: whole.subarray(first, end), framing };
}

/** An error of the origin itself; its content names the request. */
export function errorAnswer(status: number, requestId: string): OriginAnswer {
  const body = Buffer.from(`${status} for ${requestId}`);
  return { status, fields: [["X-Error-For", requestId]], body, framing: "length" };
}

/** A wrong 206 where that makes sense; `undefined` where there are too few bytes for it. */
export function wrongPart(selected: Selected, { fault, dice, share }: Behaviour): OriginAnswer | undefined {
  const whole = bytesOf(selected.object, selected.version, selected.variant);
  const { status, framing } = selected.object;
  // A part always has a length of its own, and could be stored; what is close-delimited must never be.
  if (whole.length < 100 || status !== 200 || framing === "close") return undefined;
  const first = Math.floor(share * (whole.length - 60));
  const end = Math.min(whole.length - 30, first + dice.between(1, 5_000));
  const part = partOf(selected, { whole, first, end });
  if (fault !== "part-too-long") return part;
  return { ...part, body: whole.subarray(first, end + dice.between(1, 30)), framing: "length" };
}

/** The head as bytes; `length` stands in for the real length where it is given. */
export function headOf({ status, fields, body, framing }: OriginAnswer, length = body.length): Buffer {
  const framed: (readonly [string, string])[] =
    framing === "length"
      ? [["Content-Length", String(length)]]
      : framing === "chunked"
        ? [["Transfer-Encoding", "chunked"]]
        : framing === "close"
          ? [["Connection", "close"]]
          : [];
  const lines = [...fields, ...framed].map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${status} Chaos\r\n${lines.join("")}\r\n`, "latin1");
}

/** The body in its framing, in pieces to be written one after another; its end stands alone. */
export function* piecesOf({ body, framing }: OriginAnswer, pieceBytes: number): Generator<Buffer> {
  for (let at = 0; at < body.length; at += pieceBytes) {
    const piece = body.subarray(at, at + pieceBytes);
    if (framing !== "chunked") yield piece;
    else yield Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
  }
  if (framing === "chunked") yield Buffer.from("0\r\n\r\n");
}

const NOTHING = Buffer.alloc(0);

function digestOf(bytes: Buffer): string {
  return `sha-256=:${new Bun.CryptoHasher("sha256").update(new Uint8Array(bytes)).digest("base64")}:`;
}

/** RFC 9110 §13.2.2: If-None-Match, else If-Modified-Since. */
function isNotModified(request: OriginRequest, { object, version, variant }: Selected): boolean {
  if (object.status !== 200) return false;
  const tags = request.field("if-none-match");
  if (tags !== "") {
    const current = entityTagOf(object, version, variant)?.replace("W/", "");
    return tags.split(",").some((tag) => tag.trim().replace("W/", "") === current);
  }
  const since = Date.parse(request.field("if-modified-since"));
  const modified = Date.parse(lastModifiedOf(object, version) ?? "");
  return object.vary === "" && !object.isPersonal && modified <= since;
}

/** The one range that is asked for; several are answered with the whole. */
function askedRange(
  request: OriginRequest,
  { object, version, variant }: Selected,
): RegExpExecArray | undefined {
  const ifRange = request.field("if-range");
  const isStrong = object.validator === "strong" && entityTagOf(object, version, variant) === ifRange;
  if (ifRange !== "" && !isStrong) return undefined;
  const match = /^bytes=(\d*)-(\d*)$/.exec(request.field("range"));
  return match === null || object.status !== 200 ? undefined : match;
}

function resolved([, from = "", to = ""]: RegExpExecArray, length: number): [first: number, last: number] {
  if (from === "") return [Math.max(0, length - Number(to)), Number(to) === 0 ? -1 : length - 1];
  return [Number(from), Math.min(to === "" ? length - 1 : Number(to), length - 1)];
}
