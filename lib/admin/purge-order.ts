// Answers: what a purge that comes through the admin is to remove.
// Owns: the form of its JSON, and one line that says what is wrong with it.
// Leaves out: who may ask (`guard.ts`), the removing (`../invalidate.ts`).
import type { InvalidationTarget } from "../rfc9111/cache-groups.ts";
import { EVERYTHING, prefixTarget, softly, tagTarget } from "../store/targets.ts";

/** The targets of `{ url | prefix | tag | group | all, soft }`, or what is wrong. Names may be lists of up to 1000. */
export type PurgeOrder = { readonly targets: readonly InvalidationTarget[] } | { readonly wrong: string };

const KINDS = ["url", "prefix", "tag", "group", "all"] as const;
const MAX_NAMES = 1000;

/** Reads the JSON of a request. */
export function purgeOrder(text: string): PurgeOrder {
  const order = objectIn(text);
  if (order === undefined)
    return { wrong: 'expected a JSON object such as { "url": "http://example.com/" }' };
  const unknown = Object.keys(order).filter((name) => ![...KINDS, "soft", "origin"].includes(name));
  if (unknown.length > 0) return { wrong: `unknown: ${unknown.join(", ")}` };
  const [kind, ...others] = KINDS.filter((one) => order[one] !== undefined);
  if (kind === undefined || others.length > 0) return { wrong: `expected one of ${KINDS.join(", ")}` };
  const { soft = false } = order;
  if (typeof soft !== "boolean") return { wrong: "soft: expected true or false" };
  const targets = targetsOf(kind, order);
  if (typeof targets === "string") return { wrong: targets };
  return { targets: soft ? targets.map(softly) : targets };
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The targets, or what is wrong. */
function targetsOf(
  kind: (typeof KINDS)[number],
  order: Readonly<Record<string, unknown>>,
): readonly InvalidationTarget[] | string {
  if (kind !== "group" && order["origin"] !== undefined) return "origin: goes with group only";
  if (kind === "all") return order["all"] === true ? [EVERYTHING] : "all: expected true";
  const names = [order[kind]].flat();
  if (names.length === 0 || names.length > MAX_NAMES || !names.every(isName))
    return `${kind}: expected a text, or a list of up to ${MAX_NAMES}`;
  if (kind === "tag") return names.map(tagTarget);
  if (kind === "group") return groupTargets(names, order["origin"]);
  if (!names.every((name) => URL.canParse(name) && /^https?:\/\//i.test(name)))
    return `${kind}: expected it with scheme and host, such as http://example.com/a`;
  return kind === "url" ? names.flatMap(urisOf) : names.flatMap(prefixesOf);
}

/** No control characters: they separate what a target is made of. */
function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !/[\x00-\x1f\x7f]/.test(value);
}

/** As it was written, and as `URL` writes it: which of both a key is depends on the wire. */
function urisOf(url: string): readonly InvalidationTarget[] {
  return [...new Set([withoutFragment(url), withoutFragment(new URL(url).href)])];
}

function prefixesOf(prefix: string): readonly InvalidationTarget[] {
  const { href } = new URL(prefix);
  // `http://a` is also the beginning of `http://a.example`.
  return [...new Set([prefix.indexOf("/", prefix.indexOf("//") + 2) < 0 ? href : prefix, href])].map(
    prefixTarget,
  );
}

function withoutFragment(url: string): string {
  const at = url.indexOf("#");
  return at < 0 ? url : url.slice(0, at);
}

function groupTargets(names: readonly string[], origin: unknown): readonly InvalidationTarget[] | string {
  if (typeof origin !== "string" || !URL.canParse(origin) || new URL(origin).origin === "null")
    return 'group: expected its origin too, such as { "group": "a", "origin": "http://example.com" } (RFC 9875)';
  return names.map((name) => `${new URL(origin).origin}\n${name}`);
}
