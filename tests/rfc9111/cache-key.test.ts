// Answers: whether a stored response is reused only for requests that its Vary matches.
// Owns: the claims about `lib/rfc9111/cache-key.ts` (§4.1).
// Leaves out: which of several that match is used (`reuse.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  matchesSelecting,
  selectingFields,
  selectingValues,
  supersedes,
  type VaryComparison,
} from "../../lib/rfc9111/cache-key.ts";
import { fieldText, LONG_TEXTS, quickestMs, storedResponse, TOO_LONG_MS } from "./test-values.ts";

type Fields = Record<string, string>;

/** Whether a response that came for one request fits another one. */
function fits(
  vary: string,
  original: Fields,
  presented: Fields,
  comparison: VaryComparison = "meaning",
): boolean {
  const selecting = selectingFields(vary, new Headers(original), comparison);
  if (selecting === "*") return false;
  return matchesSelecting({ ...storedResponse(), selecting }, new Headers(presented), comparison);
}

describe("§4.1 the names in Vary", () => {
  test("without Vary nothing selects", () => {
    expect(selectingFields(null, new Headers(), "meaning")).toBeUndefined();
    expect(selectingFields(" , ", new Headers(), "meaning")).toBeUndefined();
  });

  test.each(["*", " * ", "Accept, *", "*, Accept", ", *"])("a member * fits no request: %j", (vary) => {
    expect(selectingFields(vary, new Headers(), "meaning")).toBe("*");
  });

  test("they are compared in any case and order, and once each", () => {
    const selecting = selectingFields("X-B, x-a, X-A", new Headers(), "meaning");
    expect(selecting).toMatchObject({ names: ["x-a", "x-b"] });
  });

  test("a name that no field can have does not throw", () => {
    expect(fits("a b, ä, \u0000, x-a", { "x-a": "1" }, { "x-a": "1" })).toBe(true);
    expect(fits("a b, ä, \u0000, x-a", { "x-a": "1" }, { "x-a": "2" })).toBe(false);
  });
});

describe("§4.1 the values of selecting fields", () => {
  test.each<[string, string, Fields, Fields, boolean]>([
    ["equal values match", "x-a", { "x-a": "1" }, { "x-a": "1" }, true],
    ["different values do not", "x-a", { "x-a": "1" }, { "x-a": "2" }, false],
    ["a field that is not named does not matter", "x-a", { "x-b": "1" }, { "x-b": "2" }, true],
    ["absent matches absent", "x-a", {}, {}, true],
    ["present does not match absent", "x-a", {}, { "x-a": "1" }, false],
    ["absent does not match present", "x-a", { "x-a": "1" }, {}, false],
    ["empty does not match absent", "x-a", { "x-a": "" }, {}, false],
    ["a dash does not match absent", "x-a", { "x-a": "-" }, {}, false],
    [
      "one of two that differs is enough",
      "x-a, x-b",
      { "x-a": "1", "x-b": "1" },
      { "x-a": "1", "x-b": "2" },
      false,
    ],
    ["values do not move between fields", "x-a, x-b", { "x-a": "1" }, { "x-b": "1" }, false],
    ["case of an unknown field matters", "x-a", { "x-a": "a" }, { "x-a": "A" }, false],
    ["order of an unknown list matters", "x-a", { "x-a": "a, b" }, { "x-a": "b, a" }, false],
    ["white space around a comma does not matter", "x-a", { "x-a": "a,b" }, { "x-a": "a ,\tb" }, true],
    ["white space in a quoted string matters", "x-a", { "x-a": '"a,b"' }, { "x-a": '"a, b"' }, false],
    [
      "order of Accept does not matter",
      "accept",
      { accept: "a/a, b/b;q=0.5" },
      { accept: "b/b;q=0.5,a/a" },
      true,
    ],
    ["weights of Accept matter", "accept", { accept: "a/a;q=0.5" }, { accept: "a/a;q=0.6" }, false],
    [
      "q=1 is no weight",
      "accept-encoding",
      { "accept-encoding": "gzip;q=1.0" },
      { "accept-encoding": "gzip" },
      true,
    ],
    [
      "codings in any case",
      "accept-encoding",
      { "accept-encoding": "GZIP" },
      { "accept-encoding": "gzip" },
      true,
    ],
    [
      "languages in any case",
      "accept-language",
      { "accept-language": "EN-gb" },
      { "accept-language": "en-GB" },
      true,
    ],
    [
      "q=0 is not absent",
      "accept-encoding",
      { "accept-encoding": "gzip, br;q=0" },
      { "accept-encoding": "gzip" },
      false,
    ],
    [
      "a comma in User-Agent separates nothing",
      "user-agent",
      { "user-agent": "a,b" },
      { "user-agent": "a, b" },
      false,
    ],
    ["cookies as they came", "cookie", { cookie: "a=1; b=2" }, { cookie: "b=2; a=1" }, false],
    ["a field named constructor", "constructor", { constructor: "a, b" }, { constructor: "b, a" }, false],
  ])("%s", (_, vary, original, presented, matches) => {
    expect(fits(vary, original, presented)).toBe(matches);
  });

  test("in exact comparison white space, weights and order count", () => {
    expect(fits("accept", { accept: "a,b" }, { accept: "a, b" }, "exact")).toBe(false);
    expect(fits("accept", { accept: "a, b" }, { accept: "a, b" }, "exact")).toBe(true);
  });

  test("a response without selecting fields fits every request", () => {
    expect(matchesSelecting(storedResponse(), new Headers({ accept: "a/a" }), "meaning")).toBe(true);
  });
});

describe("RFC 9110 §12.5.4 a response in the language that is preferred to all others", () => {
  const german = storedResponse({
    fields: { "cache-control": "max-age=60", vary: "accept-language, x-a", "content-language": "de" },
    request: { "accept-language": "de, en;q=0.5", "x-a": "1" },
  });

  test.each<[string, Fields, boolean]>([
    ["fits", { "accept-language": "fr;q=0.5, de", "x-a": "1" }, true],
    ["fits in any case", { "accept-language": "DE", "x-a": "1" }, true],
    ["does not fit where another is preferred", { "accept-language": "fr, de;q=0.5", "x-a": "1" }, false],
    ["does not fit where another is liked as much", { "accept-language": "fr, de", "x-a": "1" }, false],
    ["does not fit where it is refused", { "accept-language": "de;q=0", "x-a": "1" }, false],
    ["does not fit a wider range", { "accept-language": "*", "x-a": "1" }, false],
    ["does not fit a narrower range", { "accept-language": "de-AT", "x-a": "1" }, false],
    ["does not fit without a preference", { "x-a": "1" }, false],
    ["does not fit where another selecting field differs", { "accept-language": "de", "x-a": "2" }, false],
  ])("%s", (_, presented, matches) => {
    expect(matchesSelecting(german, new Headers(presented), "meaning")).toBe(matches);
  });

  test("does not fit in exact comparison", () => {
    expect(matchesSelecting(german, new Headers({ "accept-language": "de", "x-a": "1" }), "exact")).toBe(
      false,
    );
  });
});

describe("§4.1 what takes the place of a stored response", () => {
  const varied = (vary: string, fields: Fields) =>
    storedResponse({ fields: vary === "" ? {} : { vary }, request: fields });
  const stored = varied("x-a", { "x-a": "1" });

  test.each([
    ["one that was selected alike", varied("X-A", { "x-a": "1", "x-b": "2" }), true],
    ["not one of another variant", varied("x-a", { "x-a": "2" }), false],
    ["not one where the field was absent", varied("x-a", {}), false],
    ["not one that was selected by another field", varied("x-b", { "x-b": "1" }), false],
    ["not one that was selected by more fields", varied("x-a, x-b", { "x-a": "1" }), false],
    [
      "not one without Vary: where it was forgotten, the variants are right (last paragraph)",
      varied("", {}),
      false,
    ],
  ])("%s", (_, newer, takes) => {
    expect(supersedes(newer, stored)).toBe(takes);
  });

  test("one without Vary takes the place of one without Vary, and of no other", () => {
    expect(supersedes(varied("", {}), varied("", {}))).toBe(true);
    expect(supersedes(stored, varied("", {}))).toBe(false);
  });
});

describe("laws of selecting", () => {
  const NAMES = ["x-a", "x-b", "cookie", "user-agent"];
  const requests = fc
    .dictionary(fc.constantFrom(...NAMES), fc.constantFrom("1", "2", "a b"))
    .map((fields): Fields => ({ ...fields }));
  const varies = fc.subarray(NAMES, { minLength: 1 });
  const comparisons = fc.constantFrom<VaryComparison>("meaning", "exact");
  const anyNames = fc.constantFrom(
    "x-a",
    "accept",
    "accept-language",
    "accept-encoding",
    "cookie",
    "constructor",
  );
  const texts = fieldText.map((text) => text.replaceAll(/[\0\r\n]/g, "").trim());

  test("§4.1 a response fits exactly where all fields that Vary names are equal", () => {
    fc.assert(
      fc.property(varies, requests, requests, comparisons, (names, original, presented, comparison) => {
        const equal = names.every((name) => original[name] === presented[name]);
        return fits(names.join(", "), original, presented, comparison) === equal;
      }),
    );
  });

  test("§4.1 equal values match, whatever they are", () => {
    fc.assert(
      fc.property(anyNames, texts, comparisons, (name, value, comparison) => {
        return fits(name, { [name]: value }, { [name]: value }, comparison);
      }),
    );
  });

  test("§4.1 different single values never match", () => {
    const single = fc.stringMatching(/^[!#-+\--\[\]-~]([ !#-+\--\[\]-~]{0,8}[!#-+\--\[\]-~])?$/);
    fc.assert(
      fc.property(single, single, comparisons, (one, other, comparison) => {
        return one === other || !fits("x-a", { "x-a": one }, { "x-a": other }, comparison);
      }),
    );
  });

  test("§4.1 exact comparison is reflexive and symmetric", () => {
    fc.assert(
      fc.property(anyNames, texts, texts, (name, one, other) => {
        const [a, b] = [{ [name]: one }, { [name]: other }];
        expect(fits(name, a, a, "exact")).toBe(true);
        expect(fits(name, a, b, "exact")).toBe(fits(name, b, a, "exact"));
        expect(fits(name, a, b, "exact")).toBe(one === other);
      }),
    );
  });

  test("§4.1 no Vary and no value makes it throw", () => {
    fc.assert(
      fc.property(fieldText, fieldText, comparisons, (vary, value, comparison) => {
        const selecting = selectingFields(vary, { get: () => value }, comparison);
        if (selecting === undefined || selecting === "*") return;
        selectingFields(vary, new Headers(), comparison);
        selectingValues(selecting.names, { get: () => value }, comparison);
      }),
    );
  });

  test.each(LONG_TEXTS)("16 KB of %s are compared quickly", (_, text) => {
    const request = { get: () => text };
    const compare = () => [
      selectingFields(text, new Headers(), "meaning"),
      selectingFields("accept, x-a", request, "meaning"),
    ];
    expect(quickestMs(compare)).toBeLessThan(TOO_LONG_MS);
  });
});
