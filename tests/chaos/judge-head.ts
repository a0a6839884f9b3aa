// Answers: may this client get this response, now?
// Owns: the rules about heads: status, identity, freshness, invalidation, privacy, conditions; one row of a table each.
// Leaves out: bytes and ranges (`judge-body.ts`), reading of responses (`response-reader.ts`).
import { field, isDoingWithoutExplained, isExplained, type Case, type Problem } from "./judgement.ts";
import { entityTagOf, lastModifiedOf, OPERATOR_IF_ERROR, variantOf } from "./objects.ts";

/** Whole-second arithmetic on both sides, and a busy machine. */
export const TOLERANCE_MS = 2_000;

type Rule = (facts: Case) => string | undefined;

/** Rules for responses that are a version of an object. */
const RULES: readonly (readonly [name: string, rule: Rule])[] = [
  ["identity", wrongIdentity],
  ["status", wrongStatus],
  ["personal", sharedThoughPersonal],
  ["purged", olderThanPromised],
  ["stale", olderThanAllowed],
  ["stale-permission", staleWithoutPermission],
  ["request-directives", againstTheRequest],
  ["age", wrongAge],
  ["not-modified", wrongNotModified],
  ["never-stored", fromTheStoreThoughUnstorable],
];

/** What is wrong with the head of a response to GET or HEAD; empty where nothing is. */
export function judgeHead(facts: Case): Problem[] {
  const { head, sent } = facts;
  if (facts.word.word === "NONE") return [{ rule: "cache-status", detail: "no Cache-Status of Larder" }];
  const errorFor = head.fields.get("x-error-for");
  if (errorFor !== undefined) return passedError(facts, errorFor);
  if (head.status >= 500) return ownError(facts);
  const problems = RULES.flatMap(([rule, find]) => {
    const detail = find(facts);
    return detail === undefined ? [] : [{ rule, detail }];
  });
  // What is not even a version of the object breaks all other rules as well.
  return problems.some(({ rule }) => rule === "identity")
    ? problems.slice(0, 1)
    : problems.slice(0, sent ? 3 : 0);
}

/** What is wrong with the answer to an unsafe request; it tells the ledger what it promises. */
export function judgeUnsafe(facts: Case, nowMs: number): Problem[] {
  const { head, sent, ledger, version } = facts;
  const { object, id } = sent.plan;
  const errorFor = head.fields.get("x-error-for");
  if (errorFor !== undefined) {
    if (head.status === 409 && errorFor === id) return [];
    return passedError(facts, errorFor);
  }
  if (head.status >= 500) return ownError(facts);
  if (field(head, "x-problem") !== "") return [{ rule: "upload", detail: field(head, "x-problem") }];
  if (![200, 201, 204, 303].includes(head.status))
    return [{ rule: "status", detail: `${head.status} to ${sent.plan.method}` }];
  const isOwn =
    field(head, "x-object") === object.id && ledger.supersededAt(object.id, version) !== undefined;
  if (!isOwn)
    return [{ rule: "identity", detail: `it is about ${field(head, "x-object")}, version ${version}` }];
  ledger.promise(object.id, version, nowMs);
  const [other = object.id, also = version] = field(head, "x-also").split(" ");
  if (other !== object.id) ledger.promise(other, Number(also), nowMs);
  return [];
}

/** An error that the origin itself answered with: for who asked, and nobody else. */
function passedError(facts: Case, errorFor: string): Problem[] {
  if (errorFor !== facts.sent.plan.id)
    return [{ rule: "shared-error", detail: `the origin's error for ${errorFor}` }];
  if (isExplained(facts, /^error-/)) return [];
  return [{ rule: "status", detail: `an origin's ${facts.head.status} that the origin did not send` }];
}

/** A page of Larder's own. */
function ownError(facts: Case): Problem[] {
  const { head, word, sent } = facts;
  if (word.word === "REFUSED" && sent.plan.directives === "only-if-cached" && head.status === 504) return [];
  if (![502, 503, 504].includes(head.status))
    return [{ rule: "status", detail: `${head.status} of Larder's own` }];
  if (isDoingWithoutExplained(facts)) return [];
  return [
    {
      rule: "unexplained-error",
      detail: `${head.status} (${word.detail}) though the origin did nothing wrong`,
    },
  ];
}

function wrongIdentity({ head, sent, ledger, version, variant }: Case): string | undefined {
  const { object, selecting, id } = sent.plan;
  if (field(head, "x-object") !== object.id) return `it is ${field(head, "x-object") || "no object at all"}`;
  if (ledger.supersededAt(object.id, version) === undefined) return `there is no version ${version}`;
  const expected = variantOf(object, selecting, id);
  if (object.isPersonal) return undefined;
  if (variant !== expected) return `variant "${variant}", expected "${expected}"`;
  const tag = entityTagOf(object, version, variant);
  // RFC 9110 §15.5.17: Larder's 416 says nothing about the representation but its length.
  if (head.status !== 416 && head.fields.get("etag") !== tag) {
    return `ETag ${field(head, "etag")}, expected ${tag} for version ${version}`;
  }
  return undefined;
}

function wrongStatus(facts: Case): string | undefined {
  const { head, sent } = facts;
  const { object } = sent.plan;
  if (head.status === object.status || head.status === 304) return undefined;
  const isAsked = sent.range !== "" && object.status === 200;
  if ((head.status === 206 || head.status === 416) && isAsked) return undefined;
  if (head.status === 206 && isExplained(facts, /^part-/)) return undefined;
  return `${head.status}, expected ${object.status}`;
}

function sharedThoughPersonal({ head, sent, variant, word }: Case): string | undefined {
  const { object, id } = sent.plan;
  if (!object.isPersonal)
    return head.fields.has("set-cookie") ? "a cookie that the origin did not set" : undefined;
  if (variant !== `for-${id}`) return `it is ${variant}`;
  return word.isHit || word.collapsed ? `${word.word} of what is for one client only` : undefined;
}

function olderThanPromised({ ledger, sent, version }: Case): string | undefined {
  const floor = ledger.floor(sent.plan.object.id, sent.startMs);
  if (version >= floor) return undefined;
  return `version ${version}, though an unsafe request that made version ${floor} was answered before`;
}

/** How long, in seconds, a version may be served after another has taken its place; "exact" for not at all. */
function allowance({ word, sent }: Case): number | "exact" {
  const { lifetime, whileRevalidate, ifError } = sent.plan.object;
  if (word.word === "HIT") return lifetime;
  if (word.word !== "STALE") return word.collapsed ? lifetime : "exact";
  if (word.detail === "while-revalidate") return lifetime + whileRevalidate;
  if (word.detail === "max-stale") return lifetime + maxStale(sent.plan.directives);
  return lifetime + (ifError ?? OPERATOR_IF_ERROR);
}

function olderThanAllowed(facts: Case): string | undefined {
  const { ledger, sent, version } = facts;
  const superseded = ledger.supersededAt(sent.plan.object.id, version) ?? Number.NEGATIVE_INFINITY;
  const allowed = allowance(facts);
  const limitMs = allowed === "exact" ? 0 : allowed * 1000 + TOLERANCE_MS;
  const lateMs = sent.startMs - superseded;
  if (lateMs <= limitMs) return undefined;
  return `version ${version} was superseded ${lateMs.toFixed(0)} ms before the request, ${limitMs} ms are allowed`;
}

function staleWithoutPermission(facts: Case): string | undefined {
  const { word, sent } = facts;
  const { object, directives } = sent.plan;
  if (word.word !== "STALE") return undefined;
  const isFresh = (word.ttl ?? 0) > 0;
  if (object.prohibitsStale && !(isFresh && object.cacheControl !== "no-cache"))
    return "stale though it is prohibited";
  if (word.detail === "while-revalidate") {
    if (object.whileRevalidate === 0) return "no stale-while-revalidate";
    return /max-age|min-fresh/.test(directives)
      ? `while-revalidate to a request with ${directives}`
      : undefined;
  }
  if (word.detail === "max-stale")
    return directives.startsWith("max-stale") ? undefined : "no max-stale in the request";
  const past = -(word.ttl ?? 0);
  const limit = object.ifError ?? OPERATOR_IF_ERROR;
  if (!isFresh && past >= limit) return `${past} s past its freshness, ${limit} s are allowed`;
  return isDoingWithoutExplained(facts)
    ? undefined
    : `stale (${word.detail}) though the origin did nothing wrong`;
}

function againstTheRequest({ word, sent, head }: Case): string | undefined {
  const { directives, object } = sent.plan;
  if (word.isHit && object.cacheControl === "no-cache") return "from the store without validation";
  if (word.isHit && directives === "no-cache") return "from the store in spite of no-cache";
  if (!word.isHit && directives === "only-if-cached") return `${word.word} in spite of only-if-cached`;
  if (word.word !== "HIT") return undefined;
  // A second of grace: it may change between the decision and the stamping of the answer.
  const [age, ttl] = [Number(field(head, "age")), word.ttl ?? 0];
  if (directives === "max-age=1" && age > 2) return `Age ${age} for max-age=1`;
  if (directives === "min-fresh=1" && ttl < 0) return `ttl ${ttl} for min-fresh=1`;
  if (ttl < 0) return `a HIT with ttl ${ttl}`;
  return undefined;
}

function wrongAge({ word, head, sent, ledger, version }: Case): string | undefined {
  if (word.word !== "HIT" && word.word !== "STALE") return undefined;
  if (!/^\d+$/.test(field(head, "age"))) return `Age "${field(head, "age")}"`;
  const age = Number(field(head, "age"));
  const { lifetime, id } = sent.plan.object;
  if (word.ttl !== undefined && age + word.ttl !== lifetime)
    return `Age ${age} and ttl ${word.ttl} for a lifetime of ${lifetime}`;
  const superseded = ledger.supersededAt(id, version) ?? 0;
  const leastMs = sent.startMs - superseded;
  return leastMs > age * 1000 + TOLERANCE_MS
    ? `Age ${age}, but it is at least ${leastMs.toFixed(0)} ms old`
    : undefined;
}

function wrongNotModified({ head, sent, version, variant }: Case): string | undefined {
  if (head.status !== 304) return undefined;
  const { object } = sent.plan;
  if (sent.ifNoneMatch !== "") {
    const tag = entityTagOf(object, version, variant);
    return tag !== undefined && bare(sent.ifNoneMatch) === bare(tag)
      ? undefined
      : `304 with ${tag} to ${sent.ifNoneMatch}`;
  }
  if (sent.ifModifiedSince === "") return "304 without a condition";
  const modified = lastModifiedOf(object, version) ?? field(head, "date");
  if (Date.parse(modified) <= Date.parse(sent.ifModifiedSince)) return undefined;
  return `304 for what was modified ${modified}, to ${sent.ifModifiedSince}`;
}

function fromTheStoreThoughUnstorable({ word, sent, head }: Case): string | undefined {
  const isStored = word.isHit || word.collapsed || word.word === "STALE" || word.word === "VALIDATED";
  if (!isStored) return undefined;
  if (sent.plan.object.framing === "close") return `${word.word} of a close-delimited body`;
  // Of one that follows, only the end can be wrong: what it gets is still on its way.
  if (field(head, "x-digest-is-wrong") !== "" && !(word.collapsed && word.word === "MISS"))
    return `${word.word} of a body that is not what its Repr-Digest says`;
  return undefined;
}

function maxStale(directives: string): number {
  const [, seconds] = /^max-stale=(\d+)$/.exec(directives) ?? [];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds);
}

function bare(tag: string): string {
  return tag.replace(/^W\//, "");
}
