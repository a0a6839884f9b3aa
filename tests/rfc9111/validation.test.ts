// Answers: whether stored responses are validated, and freshened, as §4.3 says.
// Owns: the claims about `lib/rfc9111/validation.ts` (§4.3, §4.3.1, §4.3.3, §4.3.4, §4.3.5).
// Leaves out: the new stored response (`outcome-freshened.test.ts`), clients' preconditions (`preconditions.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  canBeValidated,
  freshenedBy,
  headVerdict,
  validationFields,
  validationResult,
  validatorsOf,
  variantsToOffer,
} from "../../lib/rfc9111/validation.ts";
import {
  dateAt,
  fieldText,
  LONG_TEXTS,
  partial,
  quickestMs,
  storedResponse,
  TOO_LONG_MS,
} from "./test-values.ts";

type Fields = Record<string, string>;

const MODIFIED = dateAt(-1000);
const one = storedResponse({ fields: { etag: '"1"' } });
const two = storedResponse({ fields: { etag: '"2"' } });
const weak = storedResponse({ fields: { etag: 'W/"1"' } });
const dated = storedResponse({ fields: { "last-modified": MODIFIED } });
const both = storedResponse({ fields: { etag: '"1"', "last-modified": MODIFIED } });
const bare = storedResponse();

describe("§4.3 what can be validated", () => {
  test.each([
    ["a response with ETag", one, true],
    ["with a weak ETag", weak, true],
    ["with Last-Modified", dated, true],
    ["not one without validator", bare, false],
  ])("%s", (_, stored, can) => {
    expect(canBeValidated(stored)).toBe(can);
  });

  test("RFC 9110 §8.8 validators are kept as they came", () => {
    expect(validatorsOf(new Headers({ etag: 'W/"1"', "last-modified": "yesterday" }))).toEqual({
      etag: 'W/"1"',
      lastModified: "yesterday",
    });
    expect(validatorsOf(new Headers())).toEqual({ etag: undefined, lastModified: undefined });
  });
});

describe("§4.3.1 the validation request", () => {
  test.each([
    ["has both validators of one response", [both], '"1"', MODIFIED],
    ["has a weak entity-tag as it came", [weak], 'W/"1"', undefined],
    ["has Last-Modified where there is no ETag", [dated], undefined, MODIFIED],
    ["has all entity-tags of several, and no date", [both, two], '"1", "2"', undefined],
    ["has the same entity-tag once", [one, both], '"1"', undefined],
    ["has none for a response without validator", [bare], undefined, undefined],
    ["has none for no response", [], undefined, undefined],
  ])("%s", (_, nominated, ifNoneMatch, ifModifiedSince) => {
    expect(validationFields(nominated)).toEqual({ ifNoneMatch, ifModifiedSince });
  });
});

describe("§4.3.1 variants that are offered when none fits", () => {
  const offered = (fields: Fields, accepted: Fields = {}, body = one.body) =>
    variantsToOffer([{ ...storedResponse({ fields }), body }], new Headers(accepted)).length === 1;

  test.each<[string, Fields, Fields, boolean]>([
    ["one with a strong entity-tag", { etag: '"1"' }, {}, true],
    ["not one with a weak entity-tag", { etag: 'W/"1"' }, {}, false],
    ["not one without quotes", { etag: "1" }, {}, false],
    ["not one without entity-tag", { "last-modified": MODIFIED }, {}, false],
    [
      "a coding that the client accepts",
      { etag: '"1"', "content-encoding": "gzip" },
      { "accept-encoding": "br, GZIP;q=0.5" },
      true,
    ],
    [
      "not a coding that it does not name",
      { etag: '"1"', "content-encoding": "gzip" },
      { "accept-encoding": "br" },
      false,
    ],
    ["not a coding where it names none", { etag: '"1"', "content-encoding": "gzip" }, {}, false],
    [
      "not a coding that it refuses",
      { etag: '"1"', "content-encoding": "gzip" },
      { "accept-encoding": "gzip;q=0" },
      false,
    ],
    ["not identity where it is refused", { etag: '"1"' }, { "accept-encoding": "gzip, identity;q=0" }, false],
  ])("%s", (_, fields, accepted, is) => {
    expect(offered(fields, accepted)).toBe(is);
  });

  test("not a partial one", () => {
    expect(offered({ etag: '"1"' }, {}, partial(10, [0, "0"]))).toBe(false);
  });

  test("no more than eight", () => {
    const many = Array.from({ length: 20 }, (_, at) => storedResponse({ fields: { etag: `"${at}"` } }));
    expect(variantsToOffer(many, new Headers())).toHaveLength(8);
  });
});

describe("§4.3.3 what a response to validation says", () => {
  test.each([
    [304, "not-modified"],
    [200, "full"],
    [206, "full"],
    [301, "full"],
    [404, "full"],
    [412, "full"],
    [500, "failed"],
    [502, "failed"],
    [503, "failed"],
    [504, "failed"],
  ] as const)("%i: %s", (status, result) => {
    expect(validationResult(status)).toBe(result);
  });
});

describe("§4.3.4 which stored response a 304 freshens", () => {
  const older = storedResponse({ fields: { etag: '"1"' }, receivedAt: -50 });
  const newer = storedResponse({ fields: { etag: 'W/"1"' }, receivedAt: -10 });

  test.each([
    ["the one with the same strong entity-tag", { etag: '"2"' }, [one, two], two],
    ["none where the strong entity-tag is another's", { etag: '"3"' }, [one], undefined],
    [
      "none where the strong entity-tag is another's, whatever the date",
      { etag: '"3"', "last-modified": MODIFIED },
      [both],
      undefined,
    ],
    ["none where the strong entity-tag is new", { etag: '"3"' }, [dated], undefined],
    ["none by a strong entity-tag where the stored one is weak", { etag: '"1"' }, [weak], undefined],
    ["the one with the same weak entity-tag", { etag: 'W/"1"' }, [two, weak], weak],
    ["the one whose strong entity-tag a weak one corresponds to", { etag: 'W/"1"' }, [one, two], one],
    ["the most recent that a weak entity-tag corresponds to", { etag: 'W/"1"' }, [newer, older], newer],
    ["the most recent, in any order", { etag: 'W/"1"' }, [older, newer], newer],
    ["none where the weak entity-tag is another's", { etag: 'W/"3"' }, [weak], undefined],
    ["the one with the same Last-Modified", { "last-modified": MODIFIED }, [dated], dated],
    ["none where Last-Modified is another's", { "last-modified": dateAt(-999) }, [dated], undefined],
    ["the only one, where neither has a validator", {}, [bare], bare],
    ["none of several, where the 304 has no validator", {}, [one, two], undefined],
    ["none where none was nominated", { etag: '"1"' }, [], undefined],
  ])("%s", (_, update: Fields, nominated, freshened) => {
    expect(freshenedBy(new Headers(update), nominated)).toBe(freshened);
  });

  test("Deviation: the only nominated one also where just the 304 has no validator", () => {
    expect(freshenedBy(new Headers(), [both])).toBe(both);
  });
});

describe("§4.3.5 what a HEAD response makes of a stored response of ten bytes", () => {
  test.each<[string, Fields, "update" | "invalidate"]>([
    [
      "same validators and length",
      { etag: '"1"', "last-modified": MODIFIED, "content-length": "10" },
      "update",
    ],
    ["no validators and no length", {}, "update"],
    ["same length only", { "content-length": "10" }, "update"],
    ["another entity-tag", { etag: '"2"', "last-modified": MODIFIED, "content-length": "10" }, "invalidate"],
    ["another Last-Modified", { etag: '"1"', "last-modified": dateAt(-999) }, "invalidate"],
    ["another length", { etag: '"1"', "content-length": "11" }, "invalidate"],
  ])("%s", (_, update, verdict) => {
    expect(headVerdict(new Headers(update), both)).toBe(verdict);
  });

  test("a validator that the stored response lacks does not match", () => {
    expect(headVerdict(new Headers({ etag: '"1"' }), bare)).toBe("invalidate");
  });

  test("the length of a partial response is that of the whole", () => {
    const part = storedResponse({ body: partial(20, [0, "0123"]) });
    expect(headVerdict(new Headers({ "content-length": "20" }), part)).toBe("update");
    expect(headVerdict(new Headers({ "content-length": "4" }), part)).toBe("invalidate");
    const unknown = storedResponse({ body: partial(undefined, [0, "0123"]) });
    expect(headVerdict(new Headers({ "content-length": "20" }), unknown)).toBe("update");
  });
});

describe("laws of validation", () => {
  test("§4.3.4 what is freshened was nominated, and no other's strong entity-tag freshens it", () => {
    const tags = fc.constantFrom('"1"', '"2"', 'W/"1"', 'W/"2"', "1");
    fc.assert(
      fc.property(fc.array(tags, { maxLength: 4 }), tags, (stored, etag) => {
        const nominated = stored.map((tag) => storedResponse({ fields: { etag: tag } }));
        const freshened = freshenedBy(new Headers({ etag }), nominated);
        if (freshened === undefined) return;
        expect(nominated).toContain(freshened);
        if (!etag.startsWith("W/")) expect(freshened.validators.etag).toBe(etag);
      }),
    );
  });

  test("nothing that an origin or a client sends makes it throw", () => {
    fc.assert(
      fc.property(fieldText, fieldText, (update, tag) => {
        const stored = { ...one, validators: { etag: tag, lastModified: tag } };
        freshenedBy({ get: () => update }, [stored, one]);
        headVerdict({ get: () => update }, stored);
        variantsToOffer([one, stored], { get: () => update });
        validationFields([stored, one]);
      }),
    );
  });

  test.each(LONG_TEXTS)("16 KB of %s are compared quickly", (_, text) => {
    const compare = () => [
      freshenedBy({ get: () => text }, [one, two]),
      variantsToOffer([one], { get: () => text }),
    ];
    expect(quickestMs(compare)).toBeLessThan(TOO_LONG_MS);
  });
});
