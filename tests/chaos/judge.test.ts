// Answers: does the checker of the chaos runs find what it is there to find?
// Owns: planted lies: bytes on a socket that no honest cache sends, and the rule that each of them breaks.
// Leaves out: sending and judging them (`planted-answer.ts`), a run against Larder (`chaos.test.ts`).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { bytesOf, entityTagOf } from "./objects.ts";
import type { Ledger } from "./ledger.ts";
import { close, listen, NOW_MS, objectOf, violationsOf, type Lie } from "./planted-answer.ts";

const PLAIN = objectOf("plain");
const OTHER = objectOf("short");
const PRIVATE = objectOf("private");
const CHUNKED = objectOf("long");
const REVALIDATED = objectOf("revalidated");
const MUST = objectOf("must-revalidate");
const FLAVOURED = objectOf("flavoured");
const CLOSE = objectOf("close-delimited");

const BODY = bytesOf(PLAIN, 2, "");
const RANGE = { ranges: [{ share: 0, bytes: 100, form: "both" as const }] };

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** The origin was away until `ms` before the request. */
function away(ledger: Ledger, ms: number): void {
  ledger.fault("outage", NOW_MS - 5_000).untilMs = NOW_MS - ms;
}

const OPEN_BREAKER = { status: 502, cacheStatus: "larder; fwd=uri-miss; detail=breaker-open" };

const HONEST: readonly (readonly [claim: string, lie: Partial<Lie>])[] = [
  ["a miss", {}],
  ["a miss in chunks", { object: CHUNKED, framing: "chunked", body: bytesOf(CHUNKED, 2, "") }],
  ["a hit", { cacheStatus: "larder; hit; ttl=1", age: 1 }],
  [
    "a part",
    { plan: RANGE, status: 206, body: BODY.subarray(0, 100), fields: { "Content-Range": "bytes 0-99/1026" } },
  ],
  [
    "a break where the origin broke off",
    { announced: 2_000, past: (ledger) => void ledger.fault("close-in-body", NOW_MS) },
  ],
  [
    "504 where the origin is away",
    {
      status: 504,
      cacheStatus: "larder; fwd=uri-miss; detail=origin-timeout",
      past: (ledger) => void ledger.fault("outage", NOW_MS),
    },
  ],
  ["502 while a probe has not found out yet", { ...OPEN_BREAKER, past: (ledger) => away(ledger, 900) }],
  [
    "502 where the probe was answered with half a head",
    {
      ...OPEN_BREAKER,
      past(ledger) {
        away(ledger, 1_500);
        ledger.fault("half-head", NOW_MS - 900, { object: OTHER.id }).untilMs = NOW_MS - 800;
      },
    },
  ],
];

const LIES: readonly (readonly [claim: string, rule: string, lie: Partial<Lie>])[] = [
  ["the first byte is wrong", "bytes", { body: flipped(BODY, 0) }],
  ["the last byte is wrong", "bytes", { body: flipped(BODY, BODY.length - 1) }],
  [
    "two versions are mixed",
    "bytes",
    { body: Buffer.concat([BODY.subarray(0, 500), bytesOf(PLAIN, 1, "").subarray(500), Buffer.alloc(13)]) },
  ],
  ["the body is another version's", "bytes", { body: bytesOf(PLAIN, 1, "") }],
  ["the body is another object's", "bytes", { body: bytesOf(OTHER, 2, "") }],
  ["bytes are shifted by one", "bytes", { body: Buffer.concat([Buffer.alloc(1), BODY.subarray(0, -1)]) }],
  ["a truncated body ends clean, by Content-Length", "clean-end", { body: BODY.subarray(0, 700) }],
  [
    "a truncated body ends clean, by its last chunk",
    "clean-end",
    { object: CHUNKED, framing: "chunked", body: bytesOf(CHUNKED, 2, "").subarray(0, 700) },
  ],
  ["an empty body ends clean", "clean-end", { body: BODY.subarray(0, 0) }],
  ["a body breaks off without reason", "broken", { announced: 2_000 }],
  [
    "a hit breaks off",
    "broken",
    {
      announced: 2_000,
      cacheStatus: "larder; hit; ttl=1",
      age: 1,
      past: (ledger) => void ledger.fault("outage", NOW_MS),
    },
  ],
  [
    "chunks have no last one and the connection ends",
    "broken",
    { object: CHUNKED, framing: "chunked-open", body: bytesOf(CHUNKED, 2, "") },
  ],
  ["the body has no framing", "framing", { framing: "none" }],
  ["there is more than Content-Length says", "framing", { announced: 1_000 }],
  ["the object is another one", "identity", { fields: { "X-Object": OTHER.id } }],
  ["there never was such a version", "identity", { fields: { "X-Version": "9" } }],
  ["the ETag is another version's", "identity", { fields: { ETag: entityTagOf(PLAIN, 1, "") ?? "" } }],
  [
    "the variant is another one",
    "identity",
    { object: FLAVOURED, variant: "sour", plan: { selecting: "sweet" }, framing: "chunked" },
  ],
  [
    "a hit is stale beyond what is allowed",
    "stale",
    { version: 1, cacheStatus: "larder; hit; ttl=1", age: 1 },
  ],
  [
    "a miss brings what is no longer current",
    "stale",
    { version: 1, past: (ledger) => ledger.bump(PLAIN.id, NOW_MS - 1), body: bytesOf(PLAIN, 1, "") },
  ],
  [
    "stale-while-revalidate goes too far",
    "stale",
    { object: REVALIDATED, version: 1, cacheStatus: "larder; hit; ttl=-2; detail=while-revalidate", age: 3 },
  ],
  [
    "must-revalidate is served stale",
    "stale-permission",
    {
      object: MUST,
      cacheStatus: "larder; fwd=stale; ttl=-1; detail=origin-timeout",
      age: 2,
      past: (ledger) => void ledger.fault("outage", NOW_MS),
    },
  ],
  [
    "stale is served while the origin is well",
    "stale-permission",
    { cacheStatus: "larder; fwd=stale; ttl=-1; detail=origin-timeout", age: 3 },
  ],
  [
    "stale-while-revalidate without permission",
    "stale-permission",
    { cacheStatus: "larder; hit; ttl=-1; detail=while-revalidate", age: 3 },
  ],
  ["Age is too low", "age", { version: 1, cacheStatus: "larder; hit; ttl=2", age: 0 }],
  ["a hit has no Age", "age", { cacheStatus: "larder; hit; ttl=2" }],
  [
    "what an unsafe request has replaced is served",
    "purged",
    {
      version: 1,
      cacheStatus: "larder; hit; ttl=2",
      age: 0,
      past: (ledger) => ledger.promise(PLAIN.id, 2, NOW_MS - 1),
    },
  ],
  ["a private response goes to another client", "personal", { object: PRIVATE, variant: "for-c8.r1" }],
  [
    "a private response is a hit",
    "personal",
    { object: PRIVATE, variant: "for-c1.r1", cacheStatus: "larder; hit; ttl=0", age: 0 },
  ],
  [
    "a close-delimited body is a hit",
    "never-stored",
    { object: CLOSE, cacheStatus: "larder; hit; ttl=2", age: 0 },
  ],
  [
    "what belies its Repr-Digest is a hit",
    "never-stored",
    { cacheStatus: "larder; hit; ttl=2", age: 0, fields: { "X-Digest-Is-Wrong": "yes" } },
  ],
  ["304 without a condition", "not-modified", { status: 304, framing: "none", body: Buffer.alloc(0) }],
  [
    "304 for another validator than the one sent",
    "not-modified",
    {
      status: 304,
      framing: "none",
      body: Buffer.alloc(0),
      plan: { condition: "tag" },
      known: { version: 1, variant: "", length: 1_013 },
    },
  ],
  [
    "a part of other bytes than those asked for",
    "content-range",
    {
      plan: RANGE,
      status: 206,
      body: BODY.subarray(1, 101),
      fields: { "Content-Range": "bytes 1-100/1026" },
    },
  ],
  [
    "a part of a whole of another length",
    "content-range",
    { plan: RANGE, status: 206, body: BODY.subarray(0, 100), fields: { "Content-Range": "bytes 0-99/1025" } },
  ],
  [
    "bytes from elsewhere in a part",
    "bytes",
    { plan: RANGE, status: 206, body: BODY.subarray(1, 101), fields: { "Content-Range": "bytes 0-99/1026" } },
  ],
  [
    "502 while the origin is well",
    "unexplained-error",
    { status: 502, cacheStatus: "larder; fwd=uri-miss; detail=origin-unreachable" },
  ],
  [
    "the breaker is open though no probe has failed since",
    "unexplained-error",
    { ...OPEN_BREAKER, past: (ledger) => away(ledger, 1_500) },
  ],
  [
    "the breaker is open though the origin never was away",
    "unexplained-error",
    {
      ...OPEN_BREAKER,
      past: (ledger) =>
        void (ledger.fault("half-head", NOW_MS - 900, { object: OTHER.id }).untilMs = NOW_MS - 800),
    },
  ],
  ["500 of Larder's own", "status", { status: 500, cacheStatus: "larder; fwd=uri-miss; detail=fault" }],
  [
    "the origin's error for another client",
    "shared-error",
    { status: 503, fields: { "X-Error-For": "c8.r1" }, body: Buffer.from("503 for c8.r1") },
  ],
  ["404 for what is there", "status", { status: 404 }],
  [
    "no-cache is answered from the store",
    "request-directives",
    { plan: { directives: "no-cache" }, cacheStatus: "larder; hit; ttl=2", age: 0 },
  ],
  [
    "max-age is answered with what is older",
    "request-directives",
    {
      object: CHUNKED,
      framing: "chunked",
      plan: { directives: "max-age=1" },
      cacheStatus: "larder; hit; ttl=0",
      age: 3,
    },
  ],
  [
    "a hit is no longer fresh by its own ttl",
    "request-directives",
    { cacheStatus: "larder; hit; ttl=-1", age: 3 },
  ],
  ["only-if-cached goes to the origin", "request-directives", { plan: { directives: "only-if-cached" } }],
  ["Cache-Status is missing", "cache-status", { cacheStatus: "another; hit" }],
];

beforeAll(listen);
afterAll(close);

describe("the checker has nothing against", () => {
  test.each(HONEST)("%s", async (_, lie) =>
    expect(await violationsOf({ object: PLAIN, ...lie })).toEqual([]),
  );
});

describe("the checker finds that", () => {
  test.each(LIES)("%s (%s)", async (_, rule, lie) => {
    const violations = await violationsOf({ object: PLAIN, ...lie });
    expect(violations.map((violation) => violation.rule)).toContain(rule);
    expect(violations[0]).toMatchObject({ seed: 7, requestId: "c1.r1", object: (lie.object ?? PLAIN).id });
  });

  test("bytes are wrong, and names the first that differs, and whose they are", async () => {
    const mixed = Buffer.concat([
      BODY.subarray(0, 512),
      bytesOf(PLAIN, 1, "").subarray(512),
      Buffer.alloc(13),
    ]);
    const [violation] = await violationsOf({ object: PLAIN, body: mixed });
    expect(violation?.detail).toMatch(/byte 51\d is \d+, expected \d+ .*version 1, not 2$/);
  });
});
