// Answers: which requests the lane takes, and what they say.
// Owns: the strict reading of a header section, and the memory of those that were read; what may not be in one.
// Leaves out: the connection (`lane-connection.ts`), and every request that is not taken: `Bun.serve` reads those itself.
import { FRAMING_FIELDS, refuse } from "../door.ts";
import type { FieldLookup, PresentedRequest } from "../message.ts";
import { requestFacts, type RequestFacts } from "../rfc9111/reuse.ts";
import { trimmed } from "../rfc9111/syntax.ts";
import { latin1Text } from "./latin1.ts";

/** A header section that was read. Those of one client repeat from request to request, so it is read once. */
export interface HeaderSection {
  /** Scheme and authority: what the target is appended to. */
  readonly base: string;
  readonly authority: string;
  /** Whether the client wants the connection to end with the answer. */
  readonly isLast: boolean;
  readonly facts: { readonly GET: RequestFacts; readonly HEAD: RequestFacts };
  /** For a request that goes on to the origin. */
  readonly headers: () => Headers;
}

/** Longer ones, request line included, are left to `Bun.serve`, which answers 431. */
export const MAX_HEAD_BYTES = 16_384;

const MAX_FIELDS = 100;

/** Fields about framing or the connection: `Bun.serve` deals with them, and with whatever they announce. */
const NOT_TAKEN = new Set([
  ...FRAMING_FIELDS,
  ...["upgrade", "te", "trailer", "keep-alive", "proxy-connection", "http2-settings"],
]);

/** Of a target: what `Bun.serve` and `fetch` leave as it is. Dot segments, `//` in front and the rest they rewrite. */
const PLAIN_TARGET = /^\/(?:[\w\-.~!$&()*+,;=:@?%][\w\-.~!$&()*+,;=:@?%/]*)?$/;

/** Whether a target means the same on this wire as on the other one. */
export function isPlainTarget(target: string): boolean {
  if (!PLAIN_TARGET.test(target) || target.includes("/.")) return false;
  return !target.includes("%") || !/\/%2e|%EF%BF%BD/i.test(target);
}

/** A header section that was read, and its bytes with the empty line behind them. */
export interface KnownSection {
  readonly bytes: Buffer;
  /** `undefined` where a request with it is not taken. */
  readonly section: HeaderSection | undefined;
}

/**
 * Header sections that were read, by a hash of their bytes, which are compared then: no text is made of what is known.
 * Two generations: what is not asked for again goes.
 */
export class SectionMemory {
  #young = new Map<number, KnownSection>();
  #old = new Map<number, KnownSection>();
  #youngBytes = 0;

  /** The one that begins at `start`, behind a request line; `undefined` where its end is missing. */
  read(bytes: Buffer, start: number): KnownSection | undefined {
    // A client mostly waits for its answer: nothing comes behind.
    const last = bytes.length - start <= MAX_HEAD_BYTES ? bytes.subarray(start) : undefined;
    const known = last && this.#find(last, Bun.hash.crc32(last));
    if (known !== undefined) return known;
    const text = latin1Text(bytes, start - 2, Math.min(bytes.length, start + MAX_HEAD_BYTES));
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const own = bytes.subarray(start, start + end + 2);
    const hash = Bun.hash.crc32(own);
    return (
      this.#find(own, hash) ??
      this.#keep(hash, { bytes: Buffer.from(own), section: sectionFrom(text.slice(2, end)) })
    );
  }

  #find(bytes: Buffer, hash: number): KnownSection | undefined {
    const young = this.#young.get(hash);
    if (young?.bytes.equals(bytes) === true) return young;
    const old = this.#old.get(hash);
    return old?.bytes.equals(bytes) === true ? this.#keep(hash, old) : undefined;
  }

  #keep(hash: number, known: KnownSection): KnownSection {
    if (this.#youngBytes > MAX_GENERATION_BYTES) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(hash, known);
    this.#youngBytes += known.bytes.length + SECTION_BYTES;
    return known;
  }
}

const MAX_GENERATION_BYTES = 2 * 2 ** 20;

/** What a section costs beyond its bytes, roughly: fields and facts. */
const SECTION_BYTES = 1024;

/** A request that the lane took. */
export class LaneRequest implements PresentedRequest {
  readonly method: "GET" | "HEAD";
  readonly uri: string;
  readonly facts: RequestFacts;
  readonly body = null;
  readonly hasSharedFields = true;
  readonly section: HeaderSection;
  readonly #client: LaneClient;

  constructor(method: "GET" | "HEAD", target: string, section: HeaderSection, client: LaneClient) {
    this.method = method;
    this.uri = section.base + target;
    this.facts = section.facts[method];
    this.section = section;
    this.#client = client;
  }

  get authority(): string {
    return this.section.authority;
  }

  get fields(): Headers {
    return this.section.headers();
  }

  clientAddress(): string | undefined {
    return this.#client.address;
  }

  gone(): AbortSignal {
    return this.#client.gone;
  }
}

/** Who sent it. */
export interface LaneClient {
  readonly address: string | undefined;
  readonly gone: AbortSignal;
}

function sectionFrom(text: string): HeaderSection | undefined {
  const fields = fieldsFrom(text);
  const host = fields?.get("host");
  if (fields === undefined || host === undefined || !isAsWritten(host)) return undefined;
  const connection = fields.get("connection")?.toLowerCase() ?? "keep-alive";
  if (connection !== "keep-alive" && connection !== "close") return undefined;
  const lookup: FieldLookup = { get: (name) => fields.get(name) ?? null };
  const base = `http://${host}`;
  if (refuse({ method: "GET", url: `${base}/`, fields: lookup }) !== undefined) return undefined;
  let headers: Headers | undefined;
  return {
    base,
    authority: host,
    isLast: connection === "close",
    facts: { GET: requestFacts("GET", lookup), HEAD: requestFacts("HEAD", lookup) },
    headers: () => (headers ??= new Headers([...fields])),
  };
}

/** By lower-case name; `undefined` where anything is malformed, or not for the lane. */
function fieldsFrom(text: string): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  const lines = text.split("\r\n");
  if (lines.length > MAX_FIELDS) return undefined;
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = trimmed(line.slice(colon + 1));
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) || /[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return undefined;
    if (NOT_TAKEN.has(name)) return undefined;
    const earlier = fields.get(name);
    // Bun joins cookies by a semicolon (RFC 9113 §8.2.3), and keeps lines of Set-Cookie apart.
    if (earlier !== undefined && (name === "host" || name === "set-cookie" || name === "connection"))
      return undefined;
    fields.set(name, earlier === undefined ? value : `${earlier}${name === "cookie" ? "; " : ", "}${value}`);
  }
  return fields;
}

/** Whether a host is in the key as `Bun.serve` would have it there: in lower case, no default port, no odd address. */
function isAsWritten(host: string): boolean {
  return URL.canParse(`http://${host}/`) && new URL(`http://${host}/`).host === host;
}
