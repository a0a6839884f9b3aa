// Answers: whether a request is answered from the store, forwarded or refused as §4 says.
// Owns: the claims about `lib/rfc9111/reuse.ts`, case by case (§4, §5.2.1, RFC 8246, RFC 9211 §2.2).
// Leaves out: its laws (`reuse-laws.test.ts`) and what becomes of the origin's response (`outcome.test.ts`).
import { describe, expect, test } from "bun:test";
import type { StoredResponse } from "../../lib/message.ts";
import { decide, requestFacts, type Decision } from "../../lib/rfc9111/reuse.ts";
import { RULES, at, partial, request, storedResponse, type Particulars } from "./test-values.ts";

type Fields = Record<string, string>;

/** The decision in words: what is done, why, with which validators, and what covers a failure. */
function shown(decision: Decision): string {
  if (decision.kind === "refuse") return "refuse";
  if (decision.kind === "reuse") return decision.stale === undefined ? "reuse" : `reuse ${decision.stale}`;
  const { why, nominated, fallback, completing } = decision;
  const tags = nominated.map(({ validators }) => validators.etag ?? validators.lastModified).join(" ");
  return [
    why,
    ...(tags === "" ? [] : [`nominating ${tags}`]),
    ...(fallback === undefined ? [] : ["or stale"]),
    ...(completing === undefined ? [] : [`completing ${completing.first}-${completing.last ?? ""}`]),
  ].join(", ");
}

function decided(presented: Fields, stored: readonly StoredResponse[], seconds = 0, method = "GET"): string {
  return shown(decide(request(presented, method), stored, at(seconds), RULES));
}

function response(cacheControl: string, others: Fields = {}, particulars: Particulars = {}): StoredResponse {
  return storedResponse({
    fields: { etag: '"1"', "cache-control": cacheControl, ...others },
    ...particulars,
  });
}

const fresh = response("max-age=60");

describe("§4 reuse", () => {
  test.each([
    ["a fresh response is reused", "GET", [fresh], 59, "reuse"],
    ["it answers HEAD too", "HEAD", [fresh], 59, "reuse"],
    ["a stale one is validated", "GET", [fresh], 60, 'stale, nominating "1", or stale'],
    ["a stale one without validator is asked for anew", "GET", [storedResponse()], 60, "stale, or stale"],
    ["nothing is stored", "GET", [], 0, "uri-miss"],
    ["another method is forwarded", "POST", [fresh], 0, "method"],
    ["methods are case-sensitive", "get", [fresh], 0, "method"],
    ["OPTIONS is forwarded", "OPTIONS", [fresh], 0, "method"],
  ])("%s", (_, method, stored, seconds, decision) => {
    expect(decided({}, stored, seconds, method)).toBe(decision);
  });

  test("§5.2.2.4 no-cache is validated though it is fresh", () => {
    expect(decided({}, [response("max-age=60, no-cache")])).toStartWith('stale, nominating "1"');
  });

  test("§5.2.2.4 no-cache for some fields only is reused", () => {
    expect(decided({}, [response('max-age=60, no-cache="x-a"')])).toBe("reuse");
  });

  test("§5.2.2.2 must-revalidate says nothing about a fresh response", () => {
    expect(decided({}, [response("max-age=60, must-revalidate")])).toBe("reuse");
  });

  test("§4.3.2 If-Match and If-Unmodified-Since are for the origin", () => {
    expect(decided({ "if-match": '"1"' }, [fresh])).toBe("request");
    expect(decided({ "if-unmodified-since": "Fri, 15 Jan 2027 08:00:00 GMT" }, [fresh])).toBe("request");
  });

  test("§5.4 Pragma means nothing", () => {
    expect(decided({ pragma: "no-cache" }, [fresh])).toBe("reuse");
  });
});

describe("§4.1 several stored responses", () => {
  const varied = (language: string, receivedAt: number, vary = "accept-language") =>
    response(
      "max-age=600",
      { vary, etag: `"${language}"` },
      { request: { "accept-language": language }, receivedAt },
    );
  const [german, french] = [varied("de", -20), varied("fr", -10)];
  const chosen = (presented: Fields, stored: readonly StoredResponse[]) => {
    const decision = decide(request(presented), stored, at(0), RULES);
    return decision.kind === "reuse" ? decision.stored : decision;
  };

  test("the one that the request selects is reused", () => {
    expect(chosen({ "accept-language": "de" }, [german, french])).toBe(german);
    expect(chosen({ "accept-language": "fr" }, [german, french])).toBe(french);
  });

  test("where none is, the request is forwarded with their strong entity-tags", () => {
    expect(decided({ "accept-language": "it" }, [german, french])).toBe('vary-miss, nominating "de" "fr"');
  });

  test("where none is and a range is asked for, it is forwarded without", () => {
    expect(decided({ "accept-language": "it", range: "bytes=0-1" }, [german, french])).toBe("vary-miss");
  });

  test("§4 of several that fit, the one with the latest Date is used", () => {
    const [older, newer] = [
      response("max-age=60", {}, { receivedAt: -20 }),
      response("max-age=60", {}, { receivedAt: -10 }),
    ];
    expect(chosen({}, [older, newer])).toBe(newer);
    expect(chosen({}, [newer, older])).toBe(newer);
  });

  test("§4 of several of the same Date, the one stored last is used", () => {
    const [first, last] = [response("max-age=60"), response("max-age=60")];
    expect(chosen({}, [first, last])).toBe(last);
  });

  test("one without Vary fits where no other does", () => {
    const unvaried = response("max-age=60", {}, { receivedAt: -5 });
    expect(chosen({ "accept-language": "it" }, [german, unvaried])).toBe(unvaried);
  });

  test("one without Vary does not hide a variant that fits, though it came later", () => {
    const unvaried = response("max-age=60", {}, { receivedAt: -5 });
    expect(chosen({ "accept-language": "de" }, [german, unvaried])).toBe(german);
  });
});

describe("§5.2.1 what a request asks for", () => {
  const swr = response("max-age=60, stale-while-revalidate=60");

  test.each<[string, string, StoredResponse, number, string]>([
    ["§5.2.1.1 max-age: young enough", "max-age=30", fresh, 30, "reuse"],
    ["§5.2.1.1 max-age: too old", "max-age=30", fresh, 31, 'request, nominating "1", or stale'],
    ["§5.2.1.1 max-age=0 in the second of its birth", "max-age=0", fresh, 0, "reuse"],
    ["§5.2.1.1 max-age: more than it is fresh", "max-age=100", fresh, 70, 'stale, nominating "1", or stale'],
    ["§5.2.1.2 max-stale: within", "max-stale=30", fresh, 90, "reuse max-stale"],
    ["§5.2.1.2 max-stale: without argument", "max-stale", fresh, 9000, "reuse max-stale"],
    ["§5.2.1.2 max-stale: not enough", "max-stale=30", fresh, 91, 'stale, nominating "1", or stale'],
    ["§5.2.1.2 max-stale: it is fresh", "max-stale=30", fresh, 30, "reuse"],
    [
      "§5.2.1.2 max-stale: max-age holds too",
      "max-stale=30, max-age=10",
      fresh,
      70,
      'stale, nominating "1", or stale',
    ],
    ["§5.2.1.3 min-fresh: long enough", "min-fresh=30", fresh, 30, "reuse"],
    ["§5.2.1.3 min-fresh: not long enough", "min-fresh=30", fresh, 31, 'request, nominating "1", or stale'],
    ["§5.2.1.3 min-fresh: not for a stale one", "min-fresh=0", swr, 70, 'stale, nominating "1", or stale'],
    ["§5.2.1.4 no-cache", "no-cache", fresh, 0, 'request, nominating "1", or stale'],
    [
      "§5.2.1.4 no-cache beats max-stale",
      "no-cache, max-stale",
      fresh,
      70,
      'stale, nominating "1", or stale',
    ],
    ["§5.2.1.5 no-store asks for no forwarding", "no-store", fresh, 0, "reuse"],
    ["§5.2.1.7 only-if-cached: stored", "only-if-cached", fresh, 0, "reuse"],
    ["§5.2.1.7 only-if-cached: stale", "only-if-cached", fresh, 60, "refuse"],
    ["§5.2.1.7 only-if-cached: stale but allowed", "only-if-cached, max-stale", fresh, 60, "reuse max-stale"],
    ["§5.2.1.7 only-if-cached: against no-cache", "only-if-cached, no-cache", fresh, 0, "refuse"],
    ["§5.2.3 an unknown directive", "nothing-to-see-here", fresh, 0, "reuse"],
    ["RFC 5861 §3 within stale-while-revalidate", "", swr, 100, "reuse while-revalidate"],
    ["RFC 5861 §3 behind it", "", swr, 121, 'stale, nominating "1", or stale'],
    [
      "§5.2.1.1 no stale response without max-stale",
      "max-age=200",
      swr,
      100,
      'stale, nominating "1", or stale',
    ],
    ["§5.2.1.1 too old, and stale", "max-age=90", swr, 100, 'stale, nominating "1", or stale'],
  ])("%s", (_, cacheControl, stored, seconds, decision) => {
    expect(decided({ "cache-control": cacheControl }, [stored], seconds)).toBe(decision);
  });

  test("§5.2.1.7 only-if-cached: nothing stored", () => {
    expect(decided({ "cache-control": "only-if-cached" }, [])).toBe("refuse");
  });

  test.each(["no-cache", "must-revalidate", "proxy-revalidate", "s-maxage=60"])(
    "§4.2.4 max-stale does not beat %s",
    (directive) => {
      const stored = response(`max-age=60, stale-while-revalidate=60, ${directive}`);
      expect(decided({ "cache-control": "max-stale" }, [stored], 61)).toStartWith("stale, nominating");
    },
  );
});

describe("RFC 8246 §2 immutable", () => {
  const immutable = response("max-age=60, immutable");

  test.each([
    ["a reload does not ask again while it is fresh", "max-age=0", 30, "reuse"],
    ["a forced reload does", "no-cache", 30, 'request, nominating "1", or stale'],
    ["a reload asks once it is stale", "max-age=0", 60, 'stale, nominating "1", or stale'],
    ["it does not make a stale response fresh", "", 60, 'stale, nominating "1", or stale'],
    ["min-fresh holds", "min-fresh=40", 30, 'request, nominating "1", or stale'],
  ])("%s", (_, cacheControl, seconds, decision) => {
    expect(decided({ "cache-control": cacheControl }, [immutable], seconds)).toBe(decision);
  });
});

describe("§3.3, §3.4 partial responses", () => {
  const part = response("max-age=60", {}, { status: 206, body: partial(10, [0, "01234"]) });
  const island = response("max-age=60", {}, { status: 206, body: partial(10, [4, "4"]) });
  const dated = storedResponse({
    ...{ status: 206, body: partial(10, [0, "01234"]) },
    fields: { "cache-control": "max-age=60", "last-modified": "Fri, 01 Jan 2027 00:00:00 GMT" },
  });
  const weaklyTagged = storedResponse({
    ...{
      status: 206,
      body: partial(10, [0, "01234"]),
      fields: { "cache-control": "max-age=60", etag: 'W/"1"' },
    },
  });
  const untagged = storedResponse({ status: 206, body: partial(10, [0, "01234"]) });

  test.each<[string, Fields, StoredResponse, number, string]>([
    ["a range within it is reused", { range: "bytes=1-4" }, part, 0, "reuse"],
    ["a range behind the end too, as 416", { range: "bytes=10-" }, part, 0, "reuse"],
    ["a stale one is validated", { range: "bytes=1-4" }, part, 60, 'stale, nominating "1", or stale'],
    ["a range beyond it is forwarded", { range: "bytes=1-5" }, part, 0, "partial"],
    ["the whole is completed", {}, part, 0, "partial, completing 5-"],
    ["the whole is completed by its entity-tag when stale", {}, part, 60, "partial, completing 5-"],
    ["the whole is not completed when stale and without entity-tag", {}, untagged, 60, "partial"],
    ["the whole is not completed by a date: what comes could not be combined", {}, dated, 0, "partial"],
    ["the whole is not completed by a weak entity-tag", {}, weaklyTagged, 0, "partial"],
    ["the whole is asked for where both ends lack", {}, island, 0, "partial"],
    ["If-Range that holds", { range: "bytes=1-4", "if-range": '"1"' }, part, 0, "reuse"],
    [
      "If-Range that does not hold asks for the whole",
      { range: "bytes=1-4", "if-range": '"2"' },
      part,
      0,
      "partial",
    ],
    ["a range in other units asks for the whole", { range: "lines=1-4" }, part, 0, "partial, completing 5-"],
  ])("%s", (_, presented, stored, seconds, decision) => {
    expect(decided(presented, [stored], seconds)).toBe(decision);
  });

  test("HEAD is not answered from it, nor completes it", () => {
    expect(decided({}, [part], 0, "HEAD")).toBe("partial");
  });

  test("a complete response answers any range", () => {
    expect(decided({ range: "bytes=5-" }, [fresh])).toBe("reuse");
  });

  test("RFC 9110 §14.2 Range counts for GET only", () => {
    expect(requestFacts("GET", new Headers({ range: "bytes=0-1" })).ranges).toHaveLength(1);
    expect(requestFacts("HEAD", new Headers({ range: "bytes=0-1" })).ranges).toBeUndefined();
  });
});
