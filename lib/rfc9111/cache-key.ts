// Answers: which stored responses fit a request.
// Owns: §4.1; the primary key of §2 is the target URI, worked out at the door.
// Leaves out: which of those that fit is used (`reuse.ts`).
import type { FieldLookup, Selecting, StoredHead } from "../message.ts";
import { remembering } from "./memo.ts";
import { listMembers, weightedMembers } from "./syntax.ts";

/** How selecting header fields are compared: by what they mean, or as they were sent. */
export type VaryComparison = "meaning" | "exact";

/** Fields whose members are weighted and in no order (RFC 9110 §12.4.2), and whether their letters' case matters. */
const WEIGHTED_FIELDS: ReadonlyMap<string, "any-case" | "case-matters"> = new Map([
  ["accept", "case-matters"],
  ["accept-charset", "any-case"],
  ["accept-encoding", "any-case"],
  ["accept-language", "any-case"],
]);

/** Fields with one value in which a comma separates nothing, or in which order and white space may matter. */
const SINGLE_VALUED_FIELDS = new Set([
  ...[
    "authorization",
    "cookie",
    "date",
    "from",
    "host",
    "if-modified-since",
    "if-unmodified-since",
    "origin",
  ],
  ...["proxy-authorization", "referer", "user-agent"],
]);

/**
 * The selecting header fields of a response with that Vary, for the request that brought it; `undefined` without Vary,
 * `"*"` where it fits no other request.
 */
export function selectingFields(
  vary: string | null,
  request: FieldLookup,
  comparison: VaryComparison,
): Selecting | "*" | undefined {
  if (vary === null) return undefined;
  const names = namesIn(vary);
  if (names.length === 0) return undefined;
  if (names.includes("*")) return "*";
  return selecting(`${names.join("\n")}\n\n${selectingValues(names, request, comparison)}`);
}

/** The field names of a Vary, sorted, each once. */
const namesIn = remembering((vary: string): readonly string[] =>
  [...new Set(listMembers(vary).map((name) => name.toLowerCase()))].sort(),
);

/** Thousands of stored responses are selected by a few values of the same few fields: they share the object. */
const selecting = remembering((text: string): Selecting => {
  const at = text.indexOf("\n\n");
  return { names: text.slice(0, at).split("\n"), values: text.slice(at + 2) };
});

/**
 * Whether a request's selecting header fields are those that a stored response was selected by. A field that is absent
 * matches only where it was absent. Where the language was negotiated, the response also fits a request that prefers
 * just its Content-Language to all others (RFC 9110 §12.5.4).
 * @owns §4.1
 */
export function matchesSelecting(
  stored: StoredHead,
  request: FieldLookup,
  comparison: VaryComparison,
): boolean {
  const { selecting } = stored;
  if (selecting === undefined) return true;
  if (selectingValues(selecting.names, request, comparison) === selecting.values) return true;
  return comparison === "meaning" && fitsByLanguage(stored, selecting, request);
}

/** Whether a newly stored response takes the place of an older one for the same URI: they were selected alike. */
export function supersedes(newer: StoredHead, older: StoredHead): boolean {
  const [one, other] = [newer.selecting, older.selecting];
  if (one === undefined || other === undefined) return one === other;
  return one.values === other.values && one.names.join() === other.names.join();
}

/** The values of the named fields of a request in comparable form: equal exactly where the requests match. */
export function selectingValues(
  names: readonly string[],
  request: FieldLookup,
  comparison: VaryComparison,
): string {
  return names.map((name) => comparableValue(name, fieldValue(request, name), comparison)).join("\n");
}

function comparableValue(name: string, value: string | null, comparison: VaryComparison): string {
  if (value === null) return "-";
  if (comparison === "exact") return `=${value}`;
  const weighted = WEIGHTED_FIELDS.get(name);
  if (weighted !== undefined)
    return weighted === "any-case" ? `=${weightedInAnyCase(value)}` : `=${weightedAsWritten(value)}`;
  return SINGLE_VALUED_FIELDS.has(name) ? `=${value}` : `=${listMembers(value).join(",")}`;
}

const weightedInAnyCase = remembering((value: string) => comparableWeighted(value.toLowerCase()));

const weightedAsWritten = remembering(comparableWeighted);

function comparableWeighted(value: string): string {
  return weightedMembers(value)
    .map(({ range, weight }) => `${range};${weight}`)
    .sort()
    .join(",");
}

/** All selecting fields but Accept-Language match, and the one language preferred to all others is the stored one. */
function fitsByLanguage(stored: StoredHead, selecting: Selecting, request: FieldLookup): boolean {
  const at = selecting.names.indexOf("accept-language");
  const language = stored.fields.get("content-language")?.toLowerCase();
  if (at < 0 || language === undefined) return false;
  const storedValues = selecting.values.split("\n");
  const values = selectingValues(selecting.names, request, "meaning").split("\n");
  if (!values.every((value, index) => index === at || value === storedValues[index])) return false;
  const [best, next] = weightedMembers(request.get("accept-language") ?? "").sort(
    (a, b) => b.weight - a.weight,
  );
  const preferred = best !== undefined && best.weight > 0 && best.weight > (next?.weight ?? 0);
  return preferred && best.range.toLowerCase() === language;
}

/** Vary may name anything; a name that no header field can have matches as absent. */
function fieldValue(request: FieldLookup, name: string): string | null {
  return /^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) ? request.get(name) : null;
}
