// Answers: whether a request is let in at all, before a cache key exists.
// Owns: what is refused: Host, method, target, framing; each row of the table says why, and with which status.
// Leaves out: requests that are let in (`proxy.ts`), and what Bun itself refuses before any handler runs.
import { METHODS } from "node:http";
import type { FieldLookup } from "./message.ts";

/** What of a request the door looks at, as this wire hands it over. */
export interface Knock {
  readonly method: string;
  /** The absolute URL that the wire made of target and Host. */
  readonly url: string;
  readonly fields: FieldLookup;
  /** Whether it is known to have none of FRAMING_FIELDS. */
  readonly isPlain?: boolean;
  /** What the request line said, where the wire carries it unchanged. */
  readonly exact?: { readonly authority: string; readonly target: string; readonly version: string };
}

/** Why a request is refused. */
export interface Refusal {
  readonly status: 204 | 400 | 417 | 501;
  readonly title: string;
  /** One word for Cache-Status and log. */
  readonly reason: string;
  /** What the client did, and what would be right. */
  readonly line: string;
}

/** Methods that this wire can hand on unchanged; any other would leave as GET. */
const FORWARDABLE = new Set(METHODS.filter((method) => method !== "CONNECT" && method !== "TRACE"));

const TITLES = { 204: "No Content", 400: "Bad Request", 417: "Expectation Failed", 501: "Not Implemented" };

/** The rules, first match first. */
const RULES: readonly (readonly [Refusal, (knock: Knock) => boolean])[] = [
  [
    refusal(501, "method", "This cache passes on registered methods only; CONNECT and TRACE end here."),
    ({ method }) => !FORWARDABLE.has(method),
  ],
  [
    // RFC 9112 §6.1: what is not understood cannot be passed on as what it is not.
    refusal(501, "transfer-coding", "The only transfer coding that is understood is chunked."),
    ({ fields }) => isOther(/^chunked$/i, fields.get("transfer-encoding")),
  ],
  [
    refusal(400, "host", "The request needs exactly one Host field, with a valid host (RFC 9112 §3.2)."),
    ({ url, fields, exact }) =>
      url.startsWith("/") ||
      !isHost(fields.get("host") ?? "") ||
      (exact !== undefined && !isHost(exact.authority)),
  ],
  [
    refusal(400, "target", "A target is a path, or a URL with http://; * is for OPTIONS (RFC 9112 §3.2)."),
    ({ method, url, exact }) =>
      exact !== undefined &&
      !(url.startsWith("http://") && (exact.target.startsWith("/") || method === "OPTIONS")),
  ],
  [
    refusal(400, "target", "A target that starts with // cannot be passed on unchanged."),
    ({ url, exact }) => exact === undefined && url.startsWith("//", url.indexOf("/", url.indexOf("//") + 2)),
  ],
  [
    refusal(400, "target", "A request target has no fragment (RFC 9112 §3.2)."),
    ({ url, exact }) => exact === undefined && url.includes("#"),
  ],
  [
    // Bytes that are not UTF-8 all become U+FFFD on the way here: different targets would share a stored response.
    refusal(400, "target", "The target holds bytes that are not UTF-8; percent-encode them (RFC 3986 §2.1)."),
    ({ url, exact }) => exact === undefined && url.includes("%EF%BF%BD"),
  ],
  [
    // RFC 9112 §6.1; node:http takes off the chunks only, and would hand the rest on as if it were the content.
    refusal(501, "coding", "The only transfer coding of content that can be read is chunked."),
    ({ fields }) => isOther(/^[\s,]*chunked[\s,]*$/i, fields.get("transfer-encoding")),
  ],
  [
    // RFC 9112 §6.1: whoever was in front may not have read the chunks as such.
    refusal(400, "coding", "HTTP/1.0 has no Transfer-Encoding."),
    ({ fields, exact }) => exact?.version === "1.0" && fields.get("transfer-encoding") !== null,
  ],
  [
    // The wire drops such content without a word, so the origin would see another request than the client sent.
    refusal(400, "content", "Content in a GET or HEAD request cannot be passed on."),
    ({ method, fields }) => (method === "GET" || method === "HEAD") && announcesContent(fields),
  ],
  [
    // RFC 9110 §10.1.1; the wire has answered 100-continue itself.
    refusal(417, "expect", "The only expectation that can be met is 100-continue."),
    ({ fields }) => isOther(/^(?:100-continue)?$/i, fields.get("expect")),
  ],
  [
    // RFC 9110 §7.6.2: with 0 the request ends here, and here is no resource to ask about.
    refusal(204, "max-forwards", ""),
    ({ method, fields }) => method === "OPTIONS" && /^0+$/.test(fields.get("max-forwards") ?? ""),
  ],
];

/** Why a request is refused, `undefined` where it may come in. */
export function refuse(knock: Knock): Refusal | undefined {
  if (isOrdinary(knock)) return undefined;
  for (const [refusal, applies] of RULES) if (applies(knock)) return refusal;
  return undefined;
}

/** Fields that some rule looks at, besides Host. */
export const FRAMING_FIELDS = ["transfer-encoding", "content-length", "expect", "max-forwards"];

/** Whether no rule can apply, as with most requests: known from less than all the rules look at. */
export function isOrdinary({ method, url, fields, exact, isPlain }: Knock): boolean {
  if (isPlain !== true || exact !== undefined || (method !== "GET" && method !== "HEAD")) return false;
  if (lastHost === "" || fields.get("host") !== lastHost) return false;
  const path = url.indexOf("/", url.indexOf("//") + 2);
  return path > 0 && url[path + 1] !== "/" && !url.includes("#", path) && !url.includes("%EF%BF%BD", path);
}

/** The last host that was found to be valid: most requests are for the same few. */
let lastHost = "";

/** `host [ ":" port ]` of RFC 3986 §3.2.2, and no list of several. */
function isHost(value: string): boolean {
  if (value === lastHost) return value !== "";
  const isValid = hasFormOfHost(value) && isHostOfUrl(value);
  if (isValid) lastHost = value;
  return isValid;
}

/**
 * What RFC 3986 allows and no URL can have, such as `%00`: the wire hands its target over as it came, where it would
 * normalise any other.
 */
function isHostOfUrl(value: string): boolean {
  return !value.includes("%") || URL.canParse(`http://${value}/`);
}

function hasFormOfHost(value: string): boolean {
  const match = /^(?:[\w.~!$&'()*+;=%-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{0,5}))?$/.exec(value);
  return match !== null && Number(match[1] ?? 0) <= 65535;
}

function refusal(status: Refusal["status"], reason: string, line: string): Refusal {
  return { status, title: TITLES[status], reason, line };
}

function announcesContent(fields: FieldLookup): boolean {
  return (fields.get("content-length") ?? "0") !== "0" || fields.get("transfer-encoding") !== null;
}

function isOther(form: RegExp, value: string | null): boolean {
  return value !== null && !form.test(value);
}
