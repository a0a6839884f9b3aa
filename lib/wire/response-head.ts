// Answers: what the header section of an origin's response says, and how the end of its body is known.
// Owns: the strict reading of status line and fields (RFC 9112 §4, §5), framing (§6.3), the memory of what repeats.
// Leaves out: the bytes behind it (`response-body.ts`), what the fields mean to a cache (`received.ts`).
import { listMembers, trimmed } from "../rfc9111/syntax.ts";
import { latin1Text } from "./latin1.ts";

/** How the end of a body is known, whatever method was asked with: a length in bytes, or else. */
export type Framing = number | "chunked" | "close";

/** A header section that was read. */
export interface ResponseHead {
  readonly status: number;
  /** Not to be changed: what repeats is read once. */
  readonly fields: Headers;
  readonly framing: Framing;
  /** Whether not everybody on the way may have understood it: HTTP/1.0 has no Transfer-Encoding (RFC 9112 §6.1). */
  readonly isFramingFaulty: boolean;
  /** Whether another request may follow on the connection. */
  readonly isPersistent: boolean;
  /** For how many seconds the connection is kept, where the origin says so. */
  readonly keptSeconds: number | undefined;
  /** Bytes of all of it, the empty line included. */
  readonly length: number;
}

/** Bytes of a header section, status line included; fetch takes a megabyte as well. */
const MAX_HEAD_BYTES = 2 ** 20;

/** Lines of a header section, as many as fetch takes. */
const MAX_FIELDS = 256;

/** Longer header sections are read anew each time. */
const MAX_REPEATED_BYTES = 4096;

const LF = 10;
const CR = 13;
const NO_BYTES = Buffer.alloc(0);

/** What it sent is no valid response; `failureOf` knows it by its code. */
export function malformed(what: string): Error {
  return Object.assign(new Error(what), { code: "Malformed_HTTP_Response" });
}

/** Reads the header sections of one origin: it mostly sends the same again, but for a few lines. */
export class HeadReader {
  #repeated: Buffer = NO_BYTES;
  #last: ReadHead | undefined;

  /**
   * The header section at the start of `bytes`; `undefined` where its end is missing. The first `seen` bytes were
   * looked at before. @throws Error where it is malformed, as soon as that is known.
   */
  read(bytes: Buffer, seen: number): ResponseHead | undefined {
    const { length } = this.#repeated;
    if (length > 0 && bytes.length >= length && bytes.compare(this.#repeated, 0, length, 0, length) === 0)
      return this.#last;
    const end = bytes.indexOf("\r\n\r\n", Math.max(0, seen - 3), "latin1");
    if (end < 0 || end > MAX_HEAD_BYTES) {
      mustBeBeginning(bytes, seen);
      return undefined;
    }
    const lines = latin1Text(bytes, 0, end).split("\r\n");
    const head = (this.#last && headLike(this.#last, lines, end + 4)) ?? headFrom(lines, end + 4);
    if (head.length > MAX_REPEATED_BYTES) return head;
    this.#repeated = Buffer.from(bytes.subarray(0, head.length));
    this.#last = head;
    return head;
  }
}

/** What was read, with what it was read from. */
interface ReadHead extends ResponseHead {
  readonly lines: readonly string[];
  /** In lower case, in the order of the fields. */
  readonly names: readonly string[];
}

/** Fields that are more than their value: which connection goes on, where the body ends. Cookies are kept apart. */
const NEVER_REPLACED = new Set(["connection", "keep-alive", "transfer-encoding", "set-cookie"]);

/**
 * A header section that is as the last one, but for the values of fields that it has once: only those are read. Lines
 * are compared to the letter; `undefined` where there is any other difference. @throws Error where it is malformed.
 */
function headLike(last: ReadHead, lines: readonly string[], length: number): ReadHead | undefined {
  const { names } = last;
  if (lines.length !== last.lines.length || lines[0] !== last.lines[0]) return undefined;
  let { framing } = last;
  const fields = new Headers(last.fields);
  for (let at = 1; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line === last.lines[at]) continue;
    const [name, value] = fieldFrom(line);
    const lower = name.toLowerCase();
    const isAlone = names.indexOf(lower) === at - 1 && names.lastIndexOf(lower) === at - 1;
    if (!isAlone || NEVER_REPLACED.has(lower)) return undefined;
    fields.set(name, value);
    if (lower === "content-length") framing = framingFrom(fields.get("transfer-encoding"), [value]);
  }
  return { ...last, fields, framing, length, lines };
}

/** What is no response is not waited for. */
function mustBeBeginning(bytes: Buffer, seen: number): void {
  if (bytes.length > MAX_HEAD_BYTES) throw malformed("its header section is too large");
  const start = latin1Text(bytes, 0, Math.min(bytes.length, OPENING.length));
  if (!OPENING.startsWith(start)) throw malformed("it does not begin as a response does");
  for (let at = bytes.indexOf(LF, seen); at >= 0; at = bytes.indexOf(LF, at + 1))
    if (bytes[at - 1] !== CR) throw malformed("a line does not end in CRLF");
}

const OPENING = "HTTP/1.";

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;

/** @param lines all in front of the empty line, a letter a byte. @param length bytes, with the empty line. */
function headFrom(lines: readonly string[], length: number): ReadHead {
  const [, minor, status] = STATUS_LINE.exec(lines[0] ?? "") ?? [];
  if (status === undefined) throw malformed("its status line is none");
  if (lines.length > MAX_FIELDS + 1) throw malformed("it has too many fields");
  const fields = new Headers();
  const names: string[] = [];
  const lengths: string[] = [];
  for (const line of lines.slice(1)) {
    const [name, value] = fieldFrom(line);
    const lower = name.toLowerCase();
    fields.append(name, value);
    names.push(lower);
    if (lower === "content-length") lengths.push(value);
  }
  const coding = fields.get("transfer-encoding");
  // RFC 9112 §6.1: who reads the one may not agree on the end with who reads the other.
  const isClear = coding === null || lengths.length === 0;
  return {
    status: Number(status),
    fields,
    framing: framingFrom(coding, lengths),
    isFramingFaulty: minor === "0" && coding !== null,
    isPersistent: minor === "1" && isClear && !connectionOptions(fields).includes("close"),
    keptSeconds: keptSecondsOf(fields),
    length,
    lines,
    names,
  };
}

/** A line of a header or trailer section. @throws Error where it is malformed: a bare CR, CTL, a folded line, no name. */
export function fieldFrom(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(0, colon));
  const value = trimmed(line.slice(colon + 1));
  if (!/^[!#$%&'*+\-.^_`|~0-9a-zA-Z]+$/.test(name)) throw malformed("a field has no valid name");
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value)) throw malformed("a field value has control characters");
  return [name, value];
}

/** RFC 9112 §6.3. @throws Error where the end of the body could not be known for sure, or not by everybody. */
function framingFrom(coding: string | null, lengths: readonly string[]): Framing {
  const [length] = lengths;
  if (lengths.some((other) => !/^\d{1,15}$/.test(other) || other !== length))
    throw Object.assign(new Error("its Content-Length"), { code: "InvalidContentLength" });
  if (coding === null) return length === undefined ? "close" : Number(length);
  if (coding.toLowerCase() === "chunked") return "chunked";
  throw Object.assign(new Error(`the transfer coding ${coding}`), { code: "UnsupportedTransferEncoding" });
}

function connectionOptions(fields: Headers): readonly string[] {
  const connection = fields.get("connection");
  return connection === null ? [] : listMembers(connection.toLowerCase());
}

function keptSecondsOf(fields: Headers): number | undefined {
  const said = /(?:^|[\s,])timeout=(\d{1,6})/i.exec(fields.get("keep-alive") ?? "");
  return said === null ? undefined : Number(said[1]);
}
