// Answers: which requests a run of bytes holds, if it is read by the letter.
// Owns: request lines, Host, targets and the framing of requests (RFC 9112 §3, §6); what must, and what may be refused.
// Leaves out: field lines and chunks (`message-grammar.ts`), whether the cache did right (`oracle.ts`).
import {
  bad,
  chunkedAt,
  fieldsOf,
  isToken,
  linesAt,
  valuesOf,
  type Field,
  type Liberty,
} from "./message-grammar.ts";

/** A request, read whole. */
export interface ReadRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly Field[];
  readonly body: string;
  readonly framing: "none" | "length" | "chunked";
  readonly trailers: readonly Field[];
  /** Whether the connection is to end behind its answer (RFC 9112 §9.3). */
  readonly isLast: boolean;
  /** Where it ends. */
  readonly end: number;
  /** Why it must be refused, although it is clear where it ends: the connection may go on. */
  readonly fault: string | undefined;
  /** Why a recipient may refuse it. */
  readonly liberties: readonly Liberty[];
}

/** What is at a place. `method` is what the line starts with, for the framing of the response. */
export type RequestReading =
  | { readonly kind: "incomplete"; readonly method: string; readonly head: boolean }
  | { readonly kind: "bad"; readonly method: string; readonly why: string }
  | { readonly kind: "request"; readonly request: ReadRequest };

/** All requests of a run of bytes, and what comes behind them; `rest` is `undefined` where nothing does. */
export interface RequestRun {
  readonly requests: readonly ReadRequest[];
  readonly rest: Exclude<RequestReading, { kind: "request" }> | undefined;
}

/** Recipients should take 8,000 octets of request line (§3); larger heads than these may be refused. */
const LARGE = { line: 8000, head: 15_000, fields: 150, body: 100_000_000 };

/** Reads requests one after the other. */
export function readRequests(text: string): RequestRun {
  const requests: ReadRequest[] = [];
  for (let at = 0; at < text.length;) {
    const reading = readRequest(text, at);
    if (reading.kind !== "request") return { requests, rest: reading };
    requests.push(reading.request);
    at = reading.request.end;
  }
  return { requests, rest: undefined };
}

/** Reads the request at a place. Never throws. */
export function readRequest(text: string, start: number): RequestReading {
  const skipped = /^(?:\r?\n)+/.exec(text.slice(start, start + 64))?.[0].length ?? 0;
  const at = start + skipped;
  const method = /^[!-~]*/.exec(text.slice(at, at + 64))?.[0] ?? "";
  const section = linesAt(text, at);
  if (section.kind !== "read") return { kind: "incomplete", method, head: false };
  const [line = "", ...lines] = section.value.lines;
  const fields = fieldsOf({ lines, hasBareLf: section.value.hasBareLf });
  const first = requestLine(line);
  if (first.kind === "bad") return { kind: "bad", method, why: first.why };
  if (fields.kind !== "read") return { kind: "bad", method, why: fields.kind === "bad" ? fields.why : "" };
  const head = { ...first, fields: fields.value };
  const why = framingFault(head);
  if (why !== undefined) return { kind: "bad", method, why };
  const content = contentAt(text, section.end, head);
  if (content.kind === "incomplete") return { kind: "incomplete", method, head: true };
  if (content.kind === "bad") return { kind: "bad", method, why: content.why };
  const isLarge =
    line.length > LARGE.line ||
    section.end - at > LARGE.head ||
    lines.length > LARGE.fields ||
    content.body.length > LARGE.body;
  const liberties: Liberty[] = [
    ...first.liberties,
    ...fields.liberties,
    ...headLiberties(head),
    ...content.liberties,
    ...(skipped > 0 ? ["leading-line" as const] : []),
    ...(isLarge ? ["large" as const] : []),
  ];
  const fault = targetFault(head) ?? hostFault(head);
  return { kind: "request", request: { ...head, ...content, isLast: isLast(head), fault, liberties } };
}

interface Line {
  readonly kind: "line";
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly liberties: readonly Liberty[];
}

type Head = Omit<Line, "kind"> & { readonly fields: readonly Field[] };

function requestLine(line: string): Line | { readonly kind: "bad"; readonly why: string } {
  const parts = line.split(/[ \t\v\f\r]+/).filter((part) => part !== "");
  const [method = "", target = "", version = ""] = parts;
  if (parts.length !== 3) return bad("a request line that is not of three parts");
  if (!isToken(method)) return bad("a method that is no token");
  if (!/^HTTP\/1\.\d$/.test(version)) return bad("a version that is not HTTP/1.x");
  if (/[\x00-\x1f]/.test(target)) return bad("a control in the target");
  const liberties: Liberty[] = [
    ...(line === `${method} ${target} ${version}` ? [] : ["white-space-runs" as const]),
    ...(/^HTTP\/1\.[01]$/.test(version) ? [] : ["minor-version" as const]),
    ...(isPlainTarget(target) ? [] : ["target-characters" as const]),
  ];
  return { kind: "line", method, target, version, liberties };
}

/** RFC 3986 §3.3, §3.4: what a path and a query may be made of. */
function isPlainTarget(target: string): boolean {
  return /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/.test(target);
}

/** §3.2: origin-form, absolute-form, authority-form for CONNECT, `*` for OPTIONS. */
function targetFault({ method, target }: Head): string | undefined {
  const isForm =
    method === "CONNECT" ||
    /^\/|^[a-z][a-z0-9+.-]*:\/\/[^/?#]/i.test(target) ||
    (target === "*" && method === "OPTIONS");
  return isForm ? undefined : "a target in none of the four forms";
}

/** §3.2: none, several, or one that is none. */
function hostFault({ version, fields }: Head): string | undefined {
  const hosts = valuesOf(fields, "host");
  if (hosts.length > 1) return "several Host fields";
  const [host] = hosts;
  if (host === undefined) return version === "HTTP/1.0" ? undefined : "no Host field";
  return /^(?:[\w.~!$&'()*+;=,%-]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?$/.test(host) ? undefined : "an invalid Host";
}

/** §6.1, §6.3: lengths of which two recipients could understand different things. */
function framingFault({ version, fields }: Head): string | undefined {
  const lengths = valuesOf(fields, "content-length").flatMap((value) =>
    value.split(",").map((one) => one.trim()),
  );
  const codings = valuesOf(fields, "transfer-encoding");
  if (codings.length > 0) {
    if (lengths.length > 0) return "Content-Length beside Transfer-Encoding";
    if (version === "HTTP/1.0") return "Transfer-Encoding in HTTP/1.0";
    return listed(codings).join().toLowerCase() === "chunked"
      ? undefined
      : "a transfer coding other than chunked";
  }
  if (lengths.some((length) => !/^\d+$/.test(length))) return "a Content-Length that is no number";
  if (new Set(lengths.map((length) => BigInt(length))).size > 1) return "several different Content-Lengths";
  // A recipient must not overflow (§6.3); 18 digits fit into 64 bits everywhere.
  const isBeyond = lengths.some((length) => length.replace(/^0+/, "").length > 18);
  return isBeyond ? "a Content-Length beyond all bounds" : undefined;
}

function headLiberties({ version, fields, target }: Head): Liberty[] {
  const [host] = valuesOf(fields, "host");
  const lengths = valuesOf(fields, "content-length");
  const codings = valuesOf(fields, "transfer-encoding");
  return [
    ...(host === undefined && version === "HTTP/1.0" ? ["no-host-1.0" as const] : []),
    ...(host !== undefined && /^(?::\d*)?$/.test(host) ? ["empty-host" as const] : []),
    ...(host !== undefined && /^\d+$/.test(host) ? ["numeric-host" as const] : []),
    ...(lengths.length > 1 || lengths[0]?.includes(",") === true ? ["listed-length" as const] : []),
    ...(codings.join() !== listed(codings).join() ? ["empty-list-members" as const] : []),
    ...(/^[a-z][a-z0-9+.-]*:/i.test(target) && !/^https?:/i.test(target)
      ? ["target-characters" as const]
      : []),
  ];
}

type Content =
  | (Pick<ReadRequest, "body" | "framing" | "trailers" | "end" | "liberties"> & { readonly kind: "content" })
  | { readonly kind: "incomplete" }
  | { readonly kind: "bad"; readonly why: string };

function contentAt(text: string, at: number, { fields }: Head): Content {
  const none = { kind: "content", body: "", trailers: [], liberties: [], end: at } as const;
  if (valuesOf(fields, "transfer-encoding").length > 0) {
    const chunked = chunkedAt(text, at);
    if (chunked.kind !== "read") return chunked;
    const { value, end, liberties } = chunked;
    return { ...none, framing: "chunked", body: value.content, trailers: value.trailers, end, liberties };
  }
  const [length] = valuesOf(fields, "content-length");
  if (length === undefined) return { ...none, framing: "none" };
  const end = at + Number(length.split(",")[0]);
  if (text.length < end) return { kind: "incomplete" };
  return { ...none, framing: "length", body: text.slice(at, end), end };
}

function isLast({ version, fields }: Head): boolean {
  const options = listed(valuesOf(fields, "connection")).map((option) => option.toLowerCase());
  return options.includes("close") || (version === "HTTP/1.0" && !options.includes("keep-alive"));
}

function listed(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(",").map((one) => one.trim())).filter((one) => one !== "");
}
