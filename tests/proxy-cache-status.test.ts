// Answers: does every answer say in Cache-Status, and every event in its words, what really happened?
// Owns: the claims about RFC 9211 and about `answered` events through the engine, one case a row.
// Leaves out: writing the field (`cache-status.test.ts`), the lines of the log (`log.test.ts`).
import { describe, expect, test } from "bun:test";
import { parseList } from "structured-headers";
import { type CacheStatus, type Larder, type Reply, withLarder } from "./larder-under-test.ts";
import type { FieldRecord } from "./scripted-origin.ts";

const TAG = { ETag: '"1"' };
const FRESH = { ...TAG, "Cache-Control": "max-age=60" };

interface Case {
  readonly what: string;
  /** What `/a` is stored with at first; absent where nothing is stored. */
  readonly stored?: FieldRecord;
  /** Seconds that pass then. */
  readonly age?: number;
  readonly ask: (larder: Larder) => Promise<Reply>;
  readonly origin?: { readonly status?: number; readonly fields?: FieldRecord; readonly body?: string };
  readonly word: string;
  readonly cacheStatus: CacheStatus;
}

const get =
  (fields: FieldRecord = {}) =>
  (larder: Larder): Promise<Reply> =>
    larder.get("/a", fields);
const send = (method: string) => (larder: Larder) => larder.ask(method, "/a");
const stale = { stored: FRESH, age: 70 } as const;

const CASES: readonly Case[] = [
  {
    ...{ what: "nothing is stored", ask: get(), origin: { fields: FRESH } },
    ...{ word: "MISS", cacheStatus: { fwd: "uri-miss", "fwd-status": 200, stored: true, ttl: 60 } },
  },
  {
    ...{ what: "a fresh response is stored", stored: FRESH, age: 20, ask: get() },
    ...{ word: "HIT", cacheStatus: { hit: true, ttl: 40 } },
  },
  {
    ...{
      what: "another variant is stored",
      stored: { ...FRESH, Vary: "X-Kind" },
      ask: get({ "X-Kind": "2" }),
    },
    origin: { fields: { ...FRESH, ETag: '"2"', Vary: "X-Kind" } },
    ...{ word: "MISS", cacheStatus: { fwd: "vary-miss", "fwd-status": 200, stored: true, ttl: 60 } },
  },
  {
    ...{ what: "a stale one is right still", ...stale, ask: get(), origin: { status: 304, fields: FRESH } },
    ...{ word: "VALIDATED", cacheStatus: { fwd: "stale", "fwd-status": 304, ttl: 60 } },
  },
  {
    ...{ what: "a stale one is not right any more", ...stale, ask: get(), origin: { fields: FRESH } },
    ...{ word: "MISS", cacheStatus: { fwd: "stale", "fwd-status": 200, stored: true, ttl: 60 } },
  },
  {
    ...{ what: "the client wants it validated", stored: FRESH, ask: get({ "Cache-Control": "no-cache" }) },
    origin: { status: 304, fields: FRESH },
    ...{ word: "VALIDATED", cacheStatus: { fwd: "request", "fwd-status": 304, ttl: 60 } },
  },
  {
    ...{ what: "the client takes a stale one", ...stale, ask: get({ "Cache-Control": "max-stale" }) },
    ...{ word: "STALE", cacheStatus: { hit: true, ttl: -10, detail: "max-stale" } },
  },
  {
    ...{ what: "a stale one covers a failing origin", age: 70, ask: get(), origin: { status: 503 } },
    stored: { ...TAG, "Cache-Control": "max-age=60, stale-if-error=60" },
    ...{ word: "STALE", cacheStatus: { fwd: "stale", "fwd-status": 503, ttl: -10, detail: "origin-failed" } },
  },
  {
    ...{ what: "it may not be stored", ask: get(), origin: { fields: { "Cache-Control": "private" } } },
    ...{ word: "MISS", cacheStatus: { fwd: "uri-miss", "fwd-status": 200, detail: "private" } },
  },
  {
    ...{
      what: "the client forbids storing",
      ask: get({ "Cache-Control": "no-store" }),
      origin: { fields: FRESH },
    },
    ...{ word: "MISS", cacheStatus: { fwd: "uri-miss", "fwd-status": 200, detail: "request-no-store" } },
  },
  {
    ...{ what: "it is an error without freshness", ask: get(), origin: { status: 500 } },
    ...{ word: "MISS", cacheStatus: { fwd: "uri-miss", "fwd-status": 500, detail: "no-freshness" } },
  },
  {
    ...{ what: "the method is unsafe", ask: send("POST"), origin: { status: 201 } },
    ...{ word: "PASS", cacheStatus: { fwd: "method", "fwd-status": 201 } },
  },
  {
    ...{ what: "the method is safe and not for caches", ask: send("OPTIONS"), origin: {} },
    ...{ word: "PASS", cacheStatus: { fwd: "method", "fwd-status": 200 } },
  },
  {
    ...{ what: "it is a HEAD and nothing is stored", ask: send("HEAD"), origin: { fields: FRESH } },
    ...{ word: "MISS", cacheStatus: { fwd: "uri-miss", "fwd-status": 200, detail: "head" } },
  },
  {
    ...{ what: "only-if-cached, and nothing is stored", ask: get({ "Cache-Control": "only-if-cached" }) },
    ...{ word: "REFUSED", cacheStatus: { detail: "only-if-cached" } },
  },
];

describe("RFC 9211 §2 where", () => {
  test.each(CASES.map((one) => [one.what, one] as const))("%s", async (_, one) =>
    withLarder(async (larder) => {
      if (one.stored !== undefined) {
        larder.origin.script({ fields: one.stored, body: "soup" });
        await larder.get("/a");
        await larder.until(() => larder.answered.length === 1, "stored and told");
      }
      const before = larder.answered.length;
      larder.pass(one.age ?? 0);
      larder.origin.requests.length = 0;
      larder.origin.script(one.origin ?? ((asked) => asked.breakOff()));
      const reply = await one.ask(larder);
      expect(reply.cacheStatus).toEqual(one.cacheStatus);
      await larder.until(() => larder.answered.length > before, "told");
      const told = larder.answered.slice(before).map(({ report, status }) => ({ word: report.word, status }));
      expect(told as unknown[]).toEqual([{ word: one.word, status: reply.status }]);
      expect(larder.origin.requests.length).toBe(one.origin === undefined ? 0 : 1);
    })(),
  );

  test(
    "another cache is between: Larder's member stands behind those that were there, on a hit as well",
    withLarder(async (larder) => {
      larder.origin.script({
        fields: { ...FRESH, "Cache-Status": ["Inner; hit; ttl=5", '"Odd, one"; fwd=miss'] },
      });
      for (const expected of [
        "larder; fwd=uri-miss; fwd-status=200; stored; ttl=60",
        "larder; hit; ttl=60",
      ]) {
        const field = (await larder.get("/a")).fields.get("cache-status");
        expect(field).toBe(`Inner; hit; ttl=5, "Odd, one"; fwd=miss, ${expected}`);
        expect(parseList(field ?? "").length).toBe(3);
      }
    }),
  );

  test(
    "another cache is between: a second hit of another second does not add a second member",
    withLarder(async (larder) => {
      larder.origin.script({ fields: { ...FRESH, "Cache-Status": "Inner; hit" } });
      await larder.get("/a");
      for (const ttl of [60, 55, 50]) {
        expect((await larder.get("/a")).fields.get("cache-status")).toBe(
          `Inner; hit, larder; hit; ttl=${ttl}`,
        );
        larder.pass(5);
      }
    }),
  );

  test(
    "a failing origin's page has it as well",
    withLarder(async (larder) => {
      larder.origin.script((asked) => asked.breakOff());
      const reply = await larder.get("/a");
      expect([reply.status, reply.cacheStatus]).toEqual([
        502,
        { fwd: "uri-miss", detail: "origin-unreachable" },
      ]);
      expect(larder.answered.map(({ report }) => report.word)).toEqual(["ERROR"]);
    }),
  );
});

describe("events", () => {
  test(
    "one for each request, with method, URI, status, age and what became of the storing",
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH, body: "soup" });
      await larder.get("/a");
      larder.pass(3);
      await larder.get("/a", { "If-None-Match": '"1"' });
      await larder.until(() => larder.answered.length === 2, "both told");
      const common = { kind: "answered", method: "GET", uri: "http://larder.test/a", background: false };
      expect(larder.events).toEqual([
        {
          ...{ ...common, kind: "answered", background: false, durationMs: 0, status: 200 },
          report: { word: "MISS", fwd: "uri-miss", fwdStatus: 200, stored: true, ttl: 60 },
          storage: { kind: "stored", bytes: 4, freshSeconds: 60 },
        },
        {
          ...{ ...common, kind: "answered", background: false, durationMs: 0, status: 304 },
          report: { word: "HIT", ttl: 57 },
          ageSeconds: 3,
        },
      ]);
    }),
  );

  test(
    "the storing is told at its end, not before",
    withLarder(async (larder) => {
      const opening = larder.open("GET", "/a");
      const asked = await larder.origin.asked();
      await asked.head({ fields: FRESH });
      await asked.chunk("so");
      const opened = await opening;
      expect(await opened.read()).toBe("so");
      expect(larder.events).toEqual([]);
      await asked.chunk("up");
      await asked.lastChunk();
      expect(Buffer.from(await opened.rest()).toString()).toBe("up");
      await larder.until(() => larder.events.length === 1, "told");
      expect(larder.answered[0]?.storage).toEqual({ kind: "stored", bytes: 4, freshSeconds: 60 });
    }),
  );

  test(
    "followers have theirs at once, and the leader's tells the storing",
    withLarder(async (larder) => {
      const replies = [1, 2, 3].map(() => larder.get("/a"));
      await (await larder.origin.asked()).reply({ fields: FRESH, body: "soup" });
      await Promise.all(replies);
      await larder.until(() => larder.answered.length === 3, "told");
      const seen = larder.answered.map(({ report, storage }) => [report.collapsed ?? false, storage?.kind]);
      expect(seen.sort()).toEqual([
        [false, "stored"],
        [true, undefined],
        [true, undefined],
      ]);
    }),
  );

  test(
    "durations are the clock's",
    withLarder(async (larder) => {
      const replying = larder.get("/a");
      const asked = await larder.origin.asked();
      larder.pass(2);
      await asked.reply({ fields: FRESH });
      await replying;
      await larder.until(() => larder.answered.length === 1, "told");
      expect(larder.answered[0]?.durationMs).toBe(2000);
    }),
  );
});
