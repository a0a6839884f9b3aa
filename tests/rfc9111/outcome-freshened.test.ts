// Answers: whether a 304 or a HEAD response makes of stored responses what §4.3.4 and §4.3.5 say.
// Owns: the claims about "freshen", "head" and "retry" in `lib/rfc9111/outcome.ts`.
// Leaves out: storing, passing on and covering failures (`outcome.test.ts`), which one is meant (`validation.test.ts`).
import { describe, expect, test } from "bun:test";
import type { StoredResponse } from "../../lib/message.ts";
import { matchesSelecting } from "../../lib/rfc9111/cache-key.ts";
import { outcome, type Exchange, type Outcome } from "../../lib/rfc9111/outcome.ts";
import { deltaSeconds } from "../../lib/rfc9111/time.ts";
import {
  answered,
  at,
  dateAt,
  exchange,
  forwarding,
  NOW,
  request,
  RULES,
  storedResponse,
  validating,
} from "./test-values.ts";

type Fields = Record<string, string>;

const CREDENTIALS = { authorization: "Basic eDp5" };
const stale = storedResponse({
  fields: { etag: '"1"', "cache-control": "max-age=60", "content-length": "10", "x-a": "1" },
  receivedAt: -100,
});

function freshened(update: Fields, old = stale, particulars: Partial<Exchange> = {}): Outcome {
  return outcome(
    validating(old, { received: answered(304, { etag: '"1"', ...update }), ...particulars }),
    RULES,
  );
}

function freshenedBy(update: Fields, old = stale): StoredResponse {
  const result = freshened(update, old);
  if (result.kind !== "freshen") throw new Error(`expected freshen, was ${result.kind}`);
  return result.by;
}

describe("§4.3.4 a 304 freshens the stored response", () => {
  test("it is the answer, and it stays stored", () => {
    expect(freshened({})).toMatchObject({ kind: "freshen", old: stale, keep: true });
  });

  test("§4.2.3 its age begins anew", () => {
    const by = freshenedBy({ "cache-control": "max-age=30" });
    expect([by.bornAt, by.staleAt, by.responseTime]).toEqual([NOW, at(30), NOW]);
  });

  test("§4.2.3 the Age of the 304 counts", () => {
    expect(freshenedBy({ age: "20" }).staleAt).toBe(at(40));
  });

  test("§3.2 a directive that does not come again still holds", () => {
    expect(freshenedBy({}).lifetime).toBe(deltaSeconds(60));
  });

  test("§3.2 header fields are replaced, but what belongs to the content is not", () => {
    const by = freshenedBy({ "x-a": "2", "content-length": "0" });
    expect([by.fields.get("x-a"), by.fields.get("content-length")]).toEqual(["2", "10"]);
  });

  test("body, status and key are the stored ones", () => {
    const by = freshenedBy({});
    expect([by.body, by.status, by.key]).toEqual([stale.body, 200, stale.key]);
  });

  test("what was stored is not changed in place", () => {
    freshened({ "x-a": "2" });
    expect(stale.fields.get("x-a")).toBe("1");
  });

  test("the client's request may be HEAD", () => {
    expect(freshened({}, stale, { request: request({}, "HEAD") })).toMatchObject({
      kind: "freshen",
      keep: true,
    });
  });

  test("a 304 about none of the nominated ones is asked again", () => {
    expect(freshened({ etag: '"2"' })).toEqual({ kind: "retry" });
  });

  test("a 304 to the client's own condition passes on", () => {
    const own = exchange({
      request: request({ "if-none-match": '"9"' }),
      received: answered(304, { etag: '"9"' }),
    });
    expect(outcome(own, RULES)).toMatchObject({ kind: "pass", reason: "answers-conditions" });
  });
});

describe.each(["GET", "HEAD"])(
  "§3 after a %s a freshened response that may not be stored is not kept",
  (method) => {
    test.each<[string, Fields, Fields]>([
      ["§5.2.2.5 the 304 says no-store", { "cache-control": "no-store" }, {}],
      ["§5.2.2.7 the 304 says private", { "cache-control": "private" }, {}],
      ["§4.1 the 304 says Vary: *", { vary: "*" }, {}],
      ["§5.2.1.5 the request says no-store", {}, { "cache-control": "no-store" }],
      ["§3.5 the request has Authorization", {}, CREDENTIALS],
    ])("%s", (_, update, presented) => {
      const result = freshened(update, stale, { request: request(presented, method) });
      expect(result.kind === "freshen" && result.keep).toBe(false);
    });

    test("§3.5 public allows it", () => {
      const presented = request(CREDENTIALS, method);
      const result = freshened({ "cache-control": "public, max-age=60" }, stale, { request: presented });
      expect(result.kind === "freshen" && result.keep).toBe(true);
    });
  },
);

describe("§7.3 a cookie in a 304", () => {
  test("is for the client that asked: the stored response stays as it was", () => {
    const result = freshened({ "set-cookie": "s=alice" });
    expect(result).toMatchObject({ kind: "freshen", old: stale, keep: false, outdated: [] });
  });

  test("is taken in where the 304 itself says that it may be stored (§3.2)", () => {
    const result = freshened({ "set-cookie": "s=all", "cache-control": "max-age=5" });
    expect(result).toMatchObject({ kind: "freshen", keep: true });
  });
});

describe("§3.1 fields that may not be stored do not come in by a 304", () => {
  test.each(["private", "no-cache"])("a field that the stored %s names", (directive) => {
    const old = storedResponse({
      fields: { etag: '"1"', "cache-control": `max-age=60, ${directive}="x-user"` },
      receivedAt: -100,
    });
    expect(freshenedBy({ "x-user": "Ada" }, old).fields.get("x-user")).toBeNull();
  });

  test.each(["private", "no-cache"])("a stored field that the 304's %s names does not stay", (directive) => {
    const by = freshenedBy({ "cache-control": `max-age=60, ${directive}="x-a"` });
    expect(by.fields.get("x-a")).toBeNull();
  });

  test("a field meant for a proxy", () => {
    expect(freshenedBy({ "proxy-authenticate": "Basic" }).fields.get("proxy-authenticate")).toBeNull();
  });
});

describe("§4.3.5 a 200 to HEAD", () => {
  const head = (update: Fields, stored: readonly StoredResponse[], presented: Fields = {}) => {
    const result = outcome(
      exchange({
        request: request(presented, "HEAD"),
        forwarding: forwarding({ why: "stale" }),
        stored,
        received: answered(200, update),
      }),
      RULES,
    );
    if (result.kind !== "head") throw new Error(`expected head, was ${result.kind}`);
    return result.replacements;
  };

  test("updates the stored response that it is the same as", () => {
    const [replacement] = head({ etag: '"1"', "content-length": "10", "cache-control": "max-age=30" }, [
      stale,
    ]);
    expect(replacement).toMatchObject({ old: stale, by: { staleAt: at(30), body: stale.body } });
  });

  test("removes the stored response that it is not the same as", () => {
    expect(head({ etag: '"2"' }, [stale])).toEqual([{ old: stale, by: undefined }]);
    expect(head({ "content-length": "11" }, [stale])).toEqual([{ old: stale, by: undefined }]);
  });

  test("touches only what the request could have been answered with", () => {
    const varied = storedResponse({ fields: { vary: "x-b", etag: '"1"' }, request: { "x-b": "1" } });
    expect(head({ etag: '"2"' }, [varied], { "x-b": "2" })).toEqual([]);
    expect(head({ etag: '"2"' }, [varied], { "x-b": "1" })).toHaveLength(1);
  });

  test("does not keep a stored response of another status fresh", () => {
    const missing = storedResponse({ status: 404, receivedAt: -100 });
    expect(head({ "cache-control": "max-age=600" }, [missing])).toEqual([{ old: missing, by: undefined }]);
  });

  test.each<[string, Fields, Fields]>([
    ["§5.2.2.5 it says no-store", { "cache-control": "no-store" }, {}],
    ["§5.2.2.7 it says private", { "cache-control": "private, max-age=60" }, {}],
    ["§5.2.1.5 the request says no-store", { "x-a": "2" }, { "cache-control": "no-store" }],
    ["§3.5 the request has Authorization", { "x-a": "2" }, CREDENTIALS],
    [
      "Set-Cookie comes without permission to store",
      { "cache-control": "must-revalidate", "set-cookie": "a=1" },
      {},
    ],
  ])("leaves nothing of itself in the store where %s", (_, update, presented) => {
    const replacements = head({ etag: '"1"', ...update }, [stale], presented);
    expect(replacements.filter(({ by }) => by !== undefined)).toEqual([]);
  });

  test("§4.1 with Vary: * it leaves no response that fits every request", () => {
    const [replacement] = head({ etag: '"1"', vary: "*" }, [stale]);
    const by = replacement?.by;
    expect(by !== undefined && matchesSelecting(by, new Headers(), "meaning")).toBe(false);
  });

  test("any other status says nothing about stored responses", () => {
    const failed = exchange({
      request: request({}, "HEAD"),
      stored: [stale],
      received: answered(404, { date: dateAt(0) }),
    });
    expect(outcome(failed, RULES)).toEqual({ kind: "pass", reason: "method", outdated: [] });
  });
});
