// Answers: whether no byte is ever lost, mixed up or invented, however a body was cut.
// Owns: the laws of `lib/rfc9111/range.ts` over random bytes, cuts and ranges.
// Leaves out: single cases (`range.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { StoredBody } from "../../lib/message.ts";
import {
  combined,
  coverage,
  missingRange,
  parseContentRange,
  parseRange,
  partialBody,
  partsOf,
  slice,
  type RangeSpec,
} from "../../lib/rfc9111/range.ts";
import { fieldText, LONG_TEXTS, quickestMs, TOO_LONG_MS } from "./test-values.ts";

/** Random bytes, and random runs of them, which overlap, touch, or leave gaps, in random order. */
const cutBytes = fc
  .record({
    whole: fc.uint8Array({ minLength: 1, maxLength: 40, size: "max" }),
    cuts: fc.array(fc.tuple(fc.nat(39), fc.nat(39)), { minLength: 1, maxLength: 6, size: "max" }),
    knowsLength: fc.boolean(),
  })
  .map(({ whole, cuts, knowsLength }) => {
    const completeLength = knowsLength ? whole.length : undefined;
    const bodies = cuts.map(([one, other]): StoredBody => {
      const [first, last] = [one % whole.length, other % whole.length].sort((a, b) => a - b) as [
        number,
        number,
      ];
      return partialBody({ first, last, completeLength }, whole.slice(first, last + 1))!;
    });
    return { whole, bodies, completeLength };
  });

const rangeSpecs = fc.array(
  fc.oneof(
    fc.record({ suffix: fc.nat(50) }),
    fc.record({ first: fc.nat(50), last: fc.constant(undefined) }),
    fc.tuple(fc.nat(50), fc.nat(50)).map(([first, more]): RangeSpec => ({ first, last: first + more })),
  ),
  { minLength: 1, maxLength: 4 },
);

function allCombined(bodies: readonly StoredBody[]): StoredBody {
  return bodies.reduce((one, other) => combined(one, other)!);
}

/** Which positions any of the bodies has. */
function storedPositions(bodies: readonly StoredBody[]): Set<number> {
  const runs = bodies.flatMap((body) => partsOf(body));
  return new Set(runs.flatMap(({ first, bytes }) => Array.from(bytes, (_, at) => first + at)));
}

describe("§3.4 laws of combining", () => {
  test("the combined parts hold the bytes of the whole, all that were stored and no others", () => {
    fc.assert(
      fc.property(cutBytes, ({ whole, bodies }) => {
        const body = allCombined(bodies);
        for (const { first, bytes } of partsOf(body)) {
          expect(bytes).toEqual(whole.slice(first, first + bytes.length));
        }
        expect([...storedPositions([body])].sort()).toEqual([...storedPositions(bodies)].sort());
      }),
    );
  });

  test("parts are in order, not empty, and neither touch nor overlap", () => {
    fc.assert(
      fc.property(cutBytes, ({ bodies }) => {
        const parts = partsOf(allCombined(bodies));
        return parts.every(({ first, bytes }, index) => {
          const next = parts[index + 1];
          return bytes.length > 0 && (next === undefined || first + bytes.length < next.first);
        });
      }),
    );
  });

  test("a body is complete exactly where all its bytes are stored and their number is known", () => {
    fc.assert(
      fc.property(cutBytes, ({ whole, bodies, completeLength }) => {
        const hasAll = storedPositions(bodies).size === whole.length && completeLength !== undefined;
        expect(allCombined(bodies).kind).toBe(hasAll ? "complete" : "partial");
      }),
    );
  });

  test("the order does not matter", () => {
    fc.assert(
      fc.property(cutBytes, ({ bodies }) => {
        expect(allCombined(bodies)).toEqual(allCombined(bodies.toReversed()));
      }),
    );
  });

  test("what is combined is not changed in place", () => {
    fc.assert(
      fc.property(cutBytes, ({ bodies }) => {
        const before = structuredClone(bodies);
        allCombined(bodies);
        expect(bodies).toEqual(before);
      }),
    );
  });

  test("what is missing, once it comes, makes the body complete", () => {
    fc.assert(
      fc.property(cutBytes, ({ whole, bodies, completeLength }) => {
        const body = allCombined(bodies);
        const missing = missingRange(body);
        if (missing === undefined || completeLength === undefined) return;
        const last = missing.last ?? whole.length - 1;
        const rest = partialBody(
          { first: missing.first, last, completeLength },
          whole.slice(missing.first, last + 1),
        );
        expect(combined(body, rest!)).toEqual({ kind: "complete", bytes: new Uint8Array(whole) });
      }),
    );
  });
});

describe("RFC 9110 §14 laws of ranges", () => {
  test("every slice equals the slice of the whole, or is not given", () => {
    fc.assert(
      fc.property(cutBytes, fc.nat(45), fc.nat(45), ({ whole, bodies }, first, more) => {
        const range = { first, last: first + more };
        const found = slice(allCombined(bodies), range);
        const positions = storedPositions(bodies);
        const isStored = Array.from({ length: more + 1 }, (_, at) => first + at).every((at) =>
          positions.has(at),
        );
        expect(found).toEqual(isStored ? whole.slice(first, range.last + 1) : undefined);
      }),
    );
  });

  test("coverage gives only ranges whose bytes are stored, and those that were asked for", () => {
    fc.assert(
      fc.property(cutBytes, rangeSpecs, ({ whole, bodies }, specs) => {
        const found = coverage(allCombined(bodies), specs);
        if (found.kind !== "covered") return;
        const positions = storedPositions(bodies);
        for (const { first, last } of found.ranges) {
          expect(first).toBeLessThanOrEqual(last);
          for (let position = first; position <= last; position++) expect(positions).toContain(position);
        }
        const expected = specs.flatMap((spec) => askedFor(spec, whole.length) ?? []);
        expect(found.ranges.map(({ first, last }) => [first, last])).toEqual(expected);
      }),
    );
  });

  test("unsatisfiable is only what asks for no byte of the whole", () => {
    fc.assert(
      fc.property(cutBytes, rangeSpecs, ({ whole, bodies }, specs) => {
        const found = coverage(allCombined(bodies), specs);
        const asksForNone = specs.every((spec) => askedFor(spec, whole.length) === undefined);
        return found.kind !== "unsatisfiable" || asksForNone;
      }),
    );
  });

  test("what is written is read", () => {
    fc.assert(
      fc.property(rangeSpecs, (specs) => {
        const written = specs.map((spec) =>
          "suffix" in spec ? `-${spec.suffix}` : `${spec.first}-${spec.last ?? ""}`,
        );
        expect(parseRange(`bytes=${written.join(",")}`)).toEqual(specs);
      }),
    );
  });

  test("parsing never throws", () => {
    fc.assert(
      fc.property(fieldText, (text) => {
        for (const value of [text, `bytes=${text}`, `bytes ${text}`]) {
          parseRange(value);
          parseContentRange(value);
        }
      }),
    );
  });

  test.each(LONG_TEXTS)("16 KB of %s are parsed quickly", (_, text) => {
    const parse = () => [parseRange(text), parseRange(`bytes=${text}`), parseContentRange(`bytes ${text}`)];
    expect(quickestMs(parse)).toBeLessThan(TOO_LONG_MS);
  });
});

/** The positions that a range asks for of a body of that length, by the words of RFC 9110 §14.1.2. */
function askedFor(spec: RangeSpec, length: number): [[number, number]] | undefined {
  if ("suffix" in spec)
    return spec.suffix === 0 ? undefined : [[Math.max(0, length - spec.suffix), length - 1]];
  if (spec.first >= length) return undefined;
  return [[spec.first, Math.min(spec.last ?? length - 1, length - 1)]];
}
