// Answers: whether a response that has come is stored, passed on, or set aside for a stale one, as §3 to §4.3.3 say.
// Owns: the claims about "store", "pass", "stale" and completing in `lib/rfc9111/outcome.ts`, and about stored heads.
// Leaves out: 304 and HEAD (`outcome-freshened.test.ts`), the rules one by one (`storing.test.ts`, `stale.test.ts`).
import { describe, expect, test } from "bun:test";
import type { StoredHead, StoredResponse } from "../../lib/message.ts";
import { merged, outcome, storedHead, type Outcome } from "../../lib/rfc9111/outcome.ts";
import { deltaSeconds } from "../../lib/rfc9111/time.ts";
import {
  answered,
  at,
  complete,
  dateAt,
  exchange,
  forwarding,
  NOW,
  partial,
  received,
  request,
  RULES,
  storedResponse,
  URI,
  validating,
} from "./test-values.ts";

type Fields = Record<string, string>;

describe("§3 the head that is stored", () => {
  const headOf = (fields: Fields, presented: Fields = {}): StoredHead =>
    storedHead(exchange({ received: answered(200, fields), request: request(presented) }), RULES);

  test("knows when the response stops being fresh", () => {
    const head = headOf({ "cache-control": "max-age=60", age: "20" });
    expect(head).toMatchObject({
      key: URI,
      status: 200,
      lifetime: deltaSeconds(60),
      lifetimeSource: "max-age",
    });
    expect([head.bornAt, head.staleAt]).toEqual([at(-20), at(40)]);
  });

  test("§4.2.3 counts the delay of the response as age", () => {
    const slow = received({ requestTime: at(-5), responseTime: NOW });
    expect(storedHead(exchange({ received: slow }), RULES).staleAt).toBe(at(55));
  });

  test("§4.2.3 counts from Date where the origin's clock is behind", () => {
    expect(headOf({ date: dateAt(-30), "cache-control": "max-age=60" }).staleAt).toBe(at(30));
  });

  test("RFC 9110 §6.6.1 counts from its arrival where Date is missing or unreadable", () => {
    for (const date of ["", "never"]) {
      expect(headOf({ date, "cache-control": "max-age=60" })).toMatchObject({
        dateValue: NOW,
        staleAt: at(60),
      });
    }
  });

  test("§4.1 knows its selecting header fields", () => {
    expect(headOf({ vary: "x-a" }, { "x-a": "1" }).selecting).toMatchObject({ names: ["x-a"] });
    expect(headOf({}, { "x-a": "1" }).selecting).toBeUndefined();
  });

  test("§3.1 leaves out what may not be stored", () => {
    const head = headOf({ "cache-control": 'private="x-user"', "x-user": "Ada", age: "5", "x-a": "1" });
    expect([...head.fields].map(([name]) => name)).toEqual(["cache-control", "date", "x-a"]);
  });
});

describe("§3 store or pass on", () => {
  test("what may be stored is stored", () => {
    expect(outcome(exchange(), RULES)).toMatchObject({ kind: "store", head: { staleAt: at(60) } });
  });

  test("what may not be stored is passed on with the reason", () => {
    const secret = exchange({ received: answered(200, { "cache-control": "no-store" }) });
    expect(outcome(secret, RULES)).toEqual({ kind: "pass", reason: "no-store", outdated: [] });
  });

  test("RFC 9110 §9.3.3 a POST response about its own URI is stored under it", () => {
    const posted = exchange({
      request: request({}, "POST"),
      received: answered(200, { "cache-control": "max-age=60", "content-location": URI }),
    });
    expect(outcome(posted, RULES)).toMatchObject({ kind: "store", head: { key: URI } });
  });
});

describe("§4.3.3 a full response to a validation request", () => {
  const old = storedResponse({ fields: { etag: '"1"', "cache-control": "max-age=60" }, receivedAt: -100 });
  const full = (status: number, fields: Fields, particulars = {}) =>
    outcome(validating(old, { received: answered(status, fields), ...particulars }), RULES);

  test("is stored", () => {
    expect(full(200, { etag: '"2"', "cache-control": "max-age=60" })).toMatchObject({ kind: "store" });
  });

  test("that may not be stored shows that the nominated one is outdated", () => {
    const result = full(200, { "cache-control": "no-store" });
    expect(result).toEqual({ kind: "pass", reason: "no-store", outdated: [old] });
  });

  test("that is an error of the origin shows nothing", () => {
    expect(full(501, {})).toMatchObject({ kind: "pass", outdated: [] });
  });

  test("§4.1 for another variant shows nothing about those that were offered", () => {
    const german = storedResponse({
      fields: { etag: '"de"', vary: "accept-language" },
      request: { "accept-language": "de" },
    });
    const missed = exchange({
      request: request({ "accept-language": "it" }),
      forwarding: forwarding({ why: "vary-miss", nominated: [german] }),
      stored: [german],
      received: answered(200, { "cache-control": "private", etag: '"it"' }),
    });
    expect(outcome(missed, RULES)).toEqual({ kind: "pass", reason: "private", outdated: [] });
  });
});

describe("§4.2.4 a failing origin is covered by a stale response", () => {
  const failing = (status: number, cacheControl = "max-age=60", receivedAt = -100) => {
    const stale = storedResponse({ fields: { etag: '"1"', "cache-control": cacheControl }, receivedAt });
    return { stale, result: outcome(validating(stale, { received: answered(status) }), RULES) };
  };

  test.each([500, 502, 503, 504])("RFC 5861 §4 on %i", (status) => {
    const { stale, result } = failing(status);
    expect(result).toEqual({ kind: "stale", stored: stale });
  });

  test.each([501, 505, 404, 403, 200])("not on %i", (status) => {
    expect(failing(status).result.kind).not.toBe("stale");
  });

  test.each(["no-cache", "must-revalidate", "proxy-revalidate", "s-maxage=60"])(
    "not against %s",
    (directive) => {
      expect(failing(503, `max-age=60, stale-if-error=600, ${directive}`).result.kind).toBe("pass");
    },
  );

  test.each([
    ["within stale-if-error", "max-age=60, stale-if-error=600", -600, "stale"],
    ["not behind it", "max-age=60, stale-if-error=10", -100, "pass"],
    ["within the operator's allowance", "max-age=60", -359, "stale"],
    ["not behind it", "max-age=60", -361, "pass"],
  ])("%s: %s", (_, cacheControl, receivedAt, kind) => {
    expect(failing(503, cacheControl, receivedAt).result.kind).toBe(kind as Outcome["kind"]);
  });

  test("not where nothing is stored", () => {
    expect(outcome(exchange({ received: answered(503) }), RULES).kind).toBe("pass");
  });
});

describe("§3.4 completing a partial response", () => {
  const half = storedResponse({
    status: 206,
    fields: { etag: '"1"', "cache-control": "max-age=60, must-revalidate", "content-type": "text/plain" },
    body: partial(10, [0, "01234"]),
    receivedAt: -10,
  });
  const rest = { etag: '"1"', "cache-control": "max-age=60", "content-range": "bytes 5-9/10" };
  const completed = (status: number, fields: Fields, stored: StoredResponse = half) =>
    outcome(
      exchange({
        forwarding: forwarding({ why: "partial", completing: { stored, first: 5, last: undefined } }),
        stored: [stored],
        received: answered(status, fields),
        request: request({ range: "bytes=5-" }),
      }),
      RULES,
    );
  const headOf = (result: Outcome): StoredHead => {
    if (result.kind !== "store") throw new Error(`expected store, was ${result.kind}`);
    return result.head;
  };

  test("the rest makes it a complete 200", () => {
    const result = completed(206, rest);
    expect(result).toMatchObject({ kind: "store", completes: half, head: { status: 200 } });
    expect(headOf(result).fields.get("content-length")).toBe("10");
    expect(headOf(result).fields.has("content-range")).toBe(false);
  });

  test("§3.2 header fields that do not come again stay", () => {
    expect(headOf(completed(206, rest)).fields.get("content-type")).toBe("text/plain");
  });

  test("§3.2 directives that do not come again still hold", () => {
    const { "cache-control": _, ...silent } = rest;
    const head = headOf(completed(206, silent));
    expect(head.directives).toMatchObject({ maxAge: deltaSeconds(60), mustRevalidate: true });
    expect(head.staleAt).toBe(at(60));
  });

  test.each<[string, number, Fields]>([
    ["another strong entity-tag", 206, { ...rest, etag: '"2"' }],
    ["a weak entity-tag", 206, { ...rest, etag: 'W/"1"' }],
    ["no entity-tag", 206, { "cache-control": "max-age=60", "content-range": "bytes 5-9/10" }],
    ["another range", 206, { ...rest, "content-range": "bytes 6-9/10" }],
    ["less than was asked for", 206, { ...rest, "content-range": "bytes 5-8/10" }],
    ["another length", 206, { ...rest, "content-range": "bytes 5-10/11" }],
    ["an unknown length", 206, { ...rest, "content-range": "bytes 5-9/*" }],
    ["several ranges", 206, { etag: '"1"', "content-type": "multipart/byteranges; boundary=a" }],
    ["no-store", 206, { ...rest, "cache-control": "no-store" }],
    ["an unsatisfiable range", 416, { "content-range": "bytes */4" }],
  ])("%s: the whole is asked for", (_, status, fields) => {
    expect(completed(status, fields)).toEqual({ kind: "retry" });
  });

  test("weak entity-tags never combine, even the same", () => {
    const weak = storedResponse({ status: 206, fields: { etag: 'W/"1"' }, body: partial(10, [0, "01234"]) });
    expect(completed(206, { ...rest, etag: 'W/"1"' }, weak)).toEqual({ kind: "retry" });
  });

  test("a 200 takes its place", () => {
    const result = completed(200, { etag: '"2"', "cache-control": "max-age=60" });
    expect(result).toMatchObject({ kind: "store", head: { status: 200 } });
    expect(result).not.toHaveProperty("completes");
  });
});

describe("§3.4 merging a part with what is stored", () => {
  const stored = (etag: string, particulars = {}) =>
    storedResponse({ status: 206, fields: { etag }, body: partial(10, [0, "01234"]), ...particulars });
  const part = partial(10, [5, "56789"]);
  const mergedBody = (etag: string, others: readonly StoredResponse[]) =>
    merged(storedResponse({ status: 206, fields: { etag } }), part, others).body;

  test.each([
    ["the same strong entity-tag", '"1"', [stored('"1"')], complete("0123456789")],
    ["another entity-tag", '"1"', [stored('"2"')], part],
    ["weak entity-tags", 'W/"1"', [stored('W/"1"')], part],
    ["nothing stored", '"1"', [], part],
    ["a stored error with the same entity-tag", '"1"', [stored('"1"', { status: 404 })], part],
    ["a stored part of another length", '"1"', [stored('"1"', { body: partial(11, [0, "01234"]) })], part],
  ])("%s", (_, etag, others, body) => {
    expect(mergedBody(etag, others)).toEqual(body);
  });

  test("§3.4 the header fields of both, the new ones first", () => {
    const old = stored('"1"', { fields: { etag: '"1"', "content-type": "text/plain", "x-a": "old" } });
    const { head } = merged(storedResponse({ status: 206, fields: { etag: '"1"', "x-a": "new" } }), part, [
      old,
    ]);
    expect(head.fields.get("content-type")).toBe("text/plain");
    expect(head.fields.get("x-a")).toBe("new");
  });

  test("§3.4 what the stored response forbids is forbidden still, where the new part is silent", () => {
    const old = stored('"1"', { fields: { etag: '"1"', "cache-control": "max-age=60, must-revalidate" } });
    const { head } = merged(storedResponse({ status: 206, fields: { etag: '"1"' } }), part, [old]);
    expect(head.directives.mustRevalidate).toBe(true);
  });

  test("§4.1 another variant does not mix, though its entity-tag is the same", () => {
    const other = stored('"1"', { fields: { etag: '"1"', vary: "x-a" }, request: { "x-a": "1" } });
    expect(mergedBody('"1"', [other])).toEqual(part);
  });
});
