// Answers: does the checker of the chaos runs find what it is there to find?
// Owns: planted lies: bytes on a socket that no honest cache sends, and the rule that each of them breaks.
// Leaves out: a run against Larder (`chaos.test.ts`).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { exchange, requestFor, type Known } from "./exchange.ts";
import { Judge } from "./judge.ts";
import type { Violation } from "./judgement.ts";
import { Ledger } from "./ledger.ts";
import { bytesOf, catalogue, entityTagOf, fieldsOf, type ChaosObject } from "./objects.ts";
import type { RequestPlan } from "./request-plan.ts";
import { Tally } from "./tally.ts";

const objects = catalogue(7);

function objectOf(kind: string): ChaosObject {
  const found = objects.find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`there is no ${kind}`);
  return { ...found, baseBytes: 1_000, growthBytes: 13 };
}

const PLAIN = objectOf("plain");
const OTHER = objectOf("short");
const PRIVATE = objectOf("private");
const CHUNKED = objectOf("long");
const REVALIDATED = objectOf("revalidated");
const MUST = objectOf("must-revalidate");
const FLAVOURED = objectOf("flavoured");
const CLOSE = objectOf("close-delimited");

/** Versions: 0 until 1 s, 1 until 11 s, 2 from then on; the request begins at 20 s. */
const NOW_MS = 20_000;

/** One answer of a cache that lies, or does not. */
interface Lie {
  readonly object?: ChaosObject;
  readonly version?: number;
  readonly variant?: string;
  readonly status?: number;
  readonly cacheStatus?: string;
  readonly age?: number;
  /** Fields that come instead, or on top. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly framing?: "length" | "chunked" | "chunked-open" | "none";
  /** Bytes that Content-Length announces where it is not the real number. */
  readonly announced?: number;
  readonly plan?: Partial<RequestPlan>;
  readonly known?: Known;
  /** What the origin did before. */
  readonly past?: (ledger: Ledger) => void;
}

const LIVE = "larder; fwd=uri-miss; fwd-status=200; stored; ttl=2";
const BODY = bytesOf(PLAIN, 2, "");
const RANGE = { ranges: [{ share: 0, bytes: 100, form: "both" as const }] };

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

const HONEST: readonly (readonly [claim: string, lie: Lie])[] = [
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
];

const LIES: readonly (readonly [claim: string, rule: string, lie: Lie])[] = [
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

let answer: Buffer = Buffer.alloc(0);
const server = createServer((socket: Socket) => {
  socket.on("error", () => {});
  socket.once("data", () => socket.end(answer));
});

beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
afterAll(() => new Promise<void>((resolve) => void server.close(() => resolve())));

/** What the checker says of that answer. */
async function violationsOf(lie: Lie): Promise<readonly Violation[]> {
  const object = lie.object ?? PLAIN;
  const ledger = new Ledger(objects, 0);
  for (const { id } of objects) for (const atMs of [1_000, 11_000]) ledger.bump(id, atMs);
  lie.past?.(ledger);
  answer = bytesOnTheWire(object, lie);
  const tally = new Tally();
  const sent = requestFor(planFor(object, lie.plan), lie.known, NOW_MS);
  const judge = new Judge({ seed: 7, ledger, tally, nowMs: () => NOW_MS }, sent);
  const socket = connect({
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    allowHalfOpen: true,
  });
  socket.on("error", () => {});
  judge.end(await exchange(socket, sent, judge, true));
  socket.destroy();
  return tally.violations;
}

function planFor(object: ChaosObject, plan: Partial<RequestPlan> = {}): RequestPlan {
  return {
    id: "c1.r1",
    object,
    method: "GET",
    selecting: "",
    condition: "none",
    directives: "",
    ranges: [],
    withIfRange: false,
    reading: "swift",
    leavesAfter: undefined,
    halfCloses: false,
    uploadBytes: 0,
    uploadsInChunks: false,
    ...plan,
  };
}

function bytesOnTheWire(object: ChaosObject, lie: Lie): Buffer {
  const { version = 2, variant = object.vary === "" ? "" : "plain", status = 200, framing = "length" } = lie;
  const body = lie.body ?? bytesOf(object, version, variant);
  const isPage = status >= 500;
  const fields = new Map(isPage ? [] : fieldsOf(object, version, variant));
  fields.set("Cache-Status", lie.cacheStatus ?? LIVE);
  if (lie.age !== undefined) fields.set("Age", String(lie.age));
  for (const [name, value] of Object.entries(lie.fields ?? {})) fields.set(name, value);
  if (framing === "length") fields.set("Content-Length", String(lie.announced ?? body.length));
  if (framing.startsWith("chunked")) fields.set("Transfer-Encoding", "chunked");
  const lines = [...fields].map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`HTTP/1.1 ${status} x\r\n${lines.join("")}\r\n`);
  if (!framing.startsWith("chunked")) return Buffer.concat([head, body]);
  const chunk = [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")];
  return Buffer.concat([head, ...chunk, Buffer.from(framing === "chunked" ? "0\r\n\r\n" : "")]);
}

describe("the checker has nothing against", () => {
  test.each(HONEST)("%s", async (_, lie) => expect(await violationsOf(lie)).toEqual([]));
});

describe("the checker finds that", () => {
  test.each(LIES)("%s (%s)", async (_, rule, lie) => {
    const violations = await violationsOf(lie);
    expect(violations.map((violation) => violation.rule)).toContain(rule);
    expect(violations[0]).toMatchObject({ seed: 7, requestId: "c1.r1", object: (lie.object ?? PLAIN).id });
  });

  test("bytes are wrong, and names the first that differs, and whose they are", async () => {
    const mixed = Buffer.concat([
      BODY.subarray(0, 512),
      bytesOf(PLAIN, 1, "").subarray(512),
      Buffer.alloc(13),
    ]);
    const [violation] = await violationsOf({ body: mixed });
    expect(violation?.detail).toMatch(/byte 51\d is \d+, expected \d+ .*version 1, not 2$/);
  });
});
