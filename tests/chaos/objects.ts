// Answers: which objects the origin has, and what each version and variant of them looks like.
// Owns: the catalogue, lengths, variants, header fields and bytes of representations.
// Leaves out: which version is current (`ledger.ts`), how it is sent (`origin-answer.ts`).
import { contentOf, type Representation } from "./content.ts";
import { Dice } from "./dice.ts";

/** How an object is to be cached and served. Times in seconds, sizes in bytes. */
export interface ChaosObject {
  readonly id: string;
  /** Its row in the table of kinds. */
  readonly kind: string;
  readonly status: 200 | 204 | 301 | 404;
  /** Length of version 0. */
  readonly baseBytes: number;
  /** By how much every later version is longer; 0 where only validators and bytes tell them apart. */
  readonly growthBytes: number;
  readonly framing: "length" | "chunked" | "close";
  readonly validator: "strong" | "weak" | "date" | "none";
  readonly cacheControl: string | undefined;
  /** How long a cache may take it for fresh. */
  readonly lifetime: number;
  readonly whileRevalidate: number;
  /** `undefined` where the operator's allowance counts. */
  readonly ifError: number | undefined;
  readonly prohibitsStale: boolean;
  /** What nobody but who asked may get: each request has content of its own. */
  readonly isPersonal: boolean;
  readonly setsCookie: boolean;
  readonly vary: "" | "x-flavour" | "accept-language" | "accept-encoding";
  readonly hasRanges: boolean;
  readonly hasDigest: boolean;
  /** Mean milliseconds between two versions; 0 for never. */
  readonly churnMs: number;
}

type Kind = Partial<Omit<ChaosObject, "id" | "kind">> & { readonly maxBytes?: number };

/** The operator's `--stale-if-error` and `--heuristic-max` of these runs, in seconds. */
export const OPERATOR_IF_ERROR = 2;
const HEURISTIC_SECONDS = 2;

/** What a request may send for a selecting field, and the variant that it gets. */
export const SELECTING_VALUES = {
  "x-flavour": { sweet: "sweet", sour: "sour", "": "plain" },
  "accept-language": { de: "de", "fr;q=0.9, en;q=0.2": "fr", "en, fr;q=0.1": "en", "": "en" },
  "accept-encoding": { gzip: "gzip", "gzip;q=1.0, br;q=0": "gzip", identity: "identity", "": "identity" },
} as const;

const KINDS: readonly (readonly [name: string, kind: Kind])[] = [
  ["plain", { lifetime: 2 }],
  ["short", { lifetime: 1, validator: "weak" }],
  ["long", { lifetime: 3, framing: "chunked" }],
  ["always-validated", { lifetime: 0, cacheControl: "no-cache", prohibitsStale: true }],
  ["max-age-0", { lifetime: 0, validator: "date" }],
  ["revalidated", { lifetime: 1, whileRevalidate: 3 }],
  ["revalidated-chunked", { lifetime: 1, whileRevalidate: 2, framing: "chunked", validator: "weak" }],
  ["covered", { lifetime: 1, ifError: 3 }],
  ["uncovered", { lifetime: 1, ifError: 0 }],
  ["must-revalidate", { lifetime: 1, prohibitsStale: true, cacheControl: "max-age=1, must-revalidate" }],
  ["s-maxage", { lifetime: 2, prohibitsStale: true, cacheControl: "max-age=0, s-maxage=2" }],
  ["heuristic", { lifetime: HEURISTIC_SECONDS, cacheControl: "", validator: "date" }],
  ["no-validator", { lifetime: 2, validator: "none" }],
  ["no-validator-chunked", { lifetime: 2, validator: "none", framing: "chunked" }],
  ["no-store", { lifetime: 0, isPersonal: true, cacheControl: "no-store" }],
  ["private", { lifetime: 0, isPersonal: true, cacheControl: "private, max-age=60" }],
  ["cookie", { lifetime: 0, isPersonal: true, cacheControl: "", setsCookie: true }],
  ["flavoured", { lifetime: 2, vary: "x-flavour", framing: "chunked" }],
  ["in-languages", { lifetime: 2, vary: "accept-language" }],
  ["coded", { lifetime: 2, vary: "accept-encoding", maxBytes: 60_000 }],
  ["close-delimited", { lifetime: 2, framing: "close", hasRanges: false }],
  ["digested", { lifetime: 2, hasDigest: true, maxBytes: 60_000 }],
  ["without-ranges", { lifetime: 3, hasRanges: false }],
  ["gone", { lifetime: 2, status: 404, maxBytes: 500, hasRanges: false }],
  ["empty-status", { lifetime: 2, status: 204, maxBytes: 0, hasRanges: false, framing: "length" }],
  ["moved", { lifetime: 3, status: 301, maxBytes: 500, hasRanges: false }],
];

/** Sizes in bytes with how often each range of them comes; the last one is above `--max-object`. */
const SIZES: readonly (readonly [range: readonly [number, number], weight: number])[] = [
  [[0, 0], 1],
  [[1, 200], 3],
  [[201, 5_000], 5],
  [[5_001, 70_000], 6],
  [[70_001, 500_000], 4],
  [[500_001, 3_500_000], 3],
  [[3_900_000, 8_000_000], 1.5],
];

/** The objects of a run: each kind at least twice. */
export function catalogue(seed: number): readonly ChaosObject[] {
  return KINDS.flatMap(([name, kind]) => [1, 2, 3].map((number) => objectOf(seed, { name, number, kind })));
}

function objectOf(
  seed: number,
  { name, number, kind }: { readonly name: string; readonly number: number; readonly kind: Kind },
): ChaosObject {
  const dice = new Dice(seed, "object", name, number);
  const [least, most] = dice.weighted(SIZES);
  const { maxBytes = Number.POSITIVE_INFINITY, ...given } = kind;
  const size = dice.between(least, most);
  const baseBytes = size > maxBytes ? size % (maxBytes + 1) : size;
  const lifetime = given.lifetime ?? 2;
  const churnMs = dice.weighted([
    [0, 1],
    [400, 1],
    [2_000, 2],
    [6_000, 2],
  ]);
  const object = {
    status: 200 as const,
    framing: "length" as const,
    validator: "strong" as const,
    whileRevalidate: 0,
    ifError: undefined,
    prohibitsStale: false,
    isPersonal: false,
    setsCookie: false,
    vary: "" as const,
    hasRanges: true,
    hasDigest: false,
    ...given,
  };
  const cacheControl = object.cacheControl ?? cacheControlOf(lifetime, object);
  const growthBytes = number === 1 && object.validator !== "none" ? 0 : 13;
  const sizes = { baseBytes, growthBytes };
  return { ...object, ...sizes, id: `${name}-${number}`, kind: name, lifetime, cacheControl, churnMs };
}

function cacheControlOf(
  lifetime: number,
  { whileRevalidate, ifError }: Pick<ChaosObject, "whileRevalidate" | "ifError">,
): string {
  return [
    `max-age=${lifetime}`,
    ...(whileRevalidate > 0 ? [`stale-while-revalidate=${whileRevalidate}`] : []),
    ...(ifError === undefined ? [] : [`stale-if-error=${ifError}`]),
  ].join(", ");
}

/** The variant that a request with that value of the selecting field gets; personal objects have one for each request. */
export function variantOf(object: ChaosObject, selecting: string, requestId: string): string {
  if (object.isPersonal) return `for-${requestId}`;
  if (object.vary === "") return "";
  const values: Readonly<Record<string, string>> = SELECTING_VALUES[object.vary];
  return values[selecting] ?? values[""] ?? "";
}

const coded = new Map<string, Buffer>();

/** All bytes of a representation, coded as it is sent. */
export function bytesOf(object: ChaosObject, version: number, variant: string): Buffer {
  const representation: Representation = { object: object.id, version, variant };
  const length = object.baseBytes === 0 ? 0 : object.baseBytes + version * object.growthBytes;
  const identity = contentOf(representation, 0, length);
  if (variant !== "gzip") return identity;
  const key = `${object.id}/${version}`;
  const bytes = coded.get(key) ?? Buffer.from(Bun.gzipSync(new Uint8Array(identity)));
  coded.set(key, bytes);
  return bytes;
}

/** The entity-tag of a representation; `undefined` where the object has none. */
export function entityTagOf(object: ChaosObject, version: number, variant: string): string | undefined {
  if (object.validator !== "strong" && object.validator !== "weak") return undefined;
  return `${object.validator === "weak" ? "W/" : ""}"${object.id}.${version}.${variant}"`;
}

const LONG_AGO_MS = Date.UTC(2020, 0, 1);

/** Last-Modified of a version: another second for each. */
export function lastModifiedOf(object: ChaosObject, version: number): string | undefined {
  if (object.validator === "none") return undefined;
  return new Date(LONG_AGO_MS + version * 1000).toUTCString();
}

/** The fields that say what is sent, whatever the framing: those of a 304 where it `isNotModified`. */
export function fieldsOf(
  object: ChaosObject,
  version: number,
  variant: string,
  isNotModified = false,
): [name: string, value: string][] {
  const optional: [string, string | undefined][] = [
    ["ETag", entityTagOf(object, version, variant)],
    ["Last-Modified", lastModifiedOf(object, version)],
    ["Cache-Control", object.cacheControl === "" ? undefined : object.cacheControl],
    ["Vary", object.vary === "" ? undefined : object.vary],
    ["Set-Cookie", object.setsCookie ? `chaos=${variant}` : undefined],
  ];
  const ofContent: [string, string | undefined][] = [
    // One in three has none: the cache must not invent one.
    ["Content-Type", object.id.endsWith("3") ? undefined : "application/octet-stream"],
    ["Content-Encoding", variant === "gzip" ? "gzip" : undefined],
    ["Content-Language", object.vary === "accept-language" ? variant : undefined],
    ["Location", object.status === 301 ? `/moved-to/${object.id}/${version}` : undefined],
  ];
  return [
    ["Date", new Date().toUTCString()],
    ["X-Object", object.id],
    ["X-Version", String(version)],
    ["X-Variant", variant],
    ...[...optional, ...(isNotModified ? [] : ofContent)].flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    ),
  ];
}
