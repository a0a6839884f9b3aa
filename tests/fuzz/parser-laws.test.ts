// Answers: does what a parser returns stay in the range that it documents, whatever the text?
// Owns: laws of lib/rfc9111 and of the options over random texts.
// Leaves out: throwing and running away (`parsers.test.ts`), what sensible texts mean (`tests/rfc9111/`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ConfigError } from "../../lib/errors.ts";
import { CACHE_OPTIONS } from "../../lib/option-tables.ts";
import { resolveOptions } from "../../lib/options.ts";
import { ageValue } from "../../lib/rfc9111/age.ts";
import { responseDirectives } from "../../lib/rfc9111/cache-control.ts";
import { endToEndFields } from "../../lib/rfc9111/header-fields.ts";
import { invalidationTargets } from "../../lib/rfc9111/invalidation.ts";
import { coverage, parseContentRange, parseRange, resolveRange } from "../../lib/rfc9111/range.ts";
import { isToken, listMembers, trimmed, weightedMembers } from "../../lib/rfc9111/syntax.ts";
import {
  formatHttpDate,
  MAX_DELTA,
  parseDeltaSeconds,
  parseHttpDate,
  type EpochSeconds,
} from "../../lib/rfc9111/time.ts";

import { field, headers, NOW, nearText, only } from "./parser-table.ts";

const law = (claim: string, holds: (text: string) => void): void =>
  test(claim, () => fc.assert(fc.property(nearText, holds), { numRuns: 3000 }));

describe("what comes out stays in its range:", () => {
  law("§1.2.2 a span is whole, from 0 to 2^31", (text) => {
    const directives = responseDirectives(only("cache-control", text));
    const spans = [
      directives.maxAge,
      directives.sMaxage,
      directives.staleIfError,
      parseDeltaSeconds(text),
      ageValue(text),
    ];
    for (const span of spans.filter((one) => one !== undefined)) {
      expect(Number.isInteger(span) && span >= 0 && span <= MAX_DELTA).toBe(true);
    }
  });
  law("§5.2 a field name that a directive names is a token in lower case", (text) => {
    const { private: names } = responseDirectives(only("cache-control", `private="${text}"`));
    if (typeof names !== "boolean") {
      expect(names.length > 0 && names.every((name) => isToken(name) && name === name.toLowerCase())).toBe(
        true,
      );
    }
  });
  law("RFC 9110 §5.6.1 a member is neither empty nor with white space around it", (text) => {
    for (const member of listMembers(text)) expect([member === "", trimmed(member)]).toEqual([false, member]);
  });
  law("RFC 9110 §12.4.2 a weight is from 0 to 1000", (text) => {
    for (const { weight } of weightedMembers(text)) expect(weight >= 0 && weight <= 1000).toBe(true);
  });
  law("RFC 9110 §14.1.2 a range lies within the representation", (text) => {
    for (const spec of parseRange(`bytes=${text}`) ?? []) {
      const range = resolveRange(spec, 100);
      if (range !== undefined)
        expect(0 <= range.first && range.first <= range.last && range.last < 100).toBe(true);
    }
  });
  law("RFC 9110 §14.2 what a stored body covers are ranges of its bytes", (text) => {
    const covered = coverage(
      { kind: "complete", bytes: new Uint8Array(50) },
      parseRange(`bytes=${text}`) ?? [],
    );
    if (covered.kind !== "covered") return;
    expect(covered.ranges.every(({ first, last }) => first >= 0 && first <= last && last < 50)).toBe(true);
    expect(covered.ranges.length).toBeLessThanOrEqual(16);
  });
  law("RFC 9110 §14.4 a Content-Range ends where it begins or later, and within its length", (text) => {
    const range = parseContentRange(`bytes ${text}`);
    if (range !== undefined)
      expect(range.first <= range.last && range.last < (range.completeLength ?? 1e15)).toBe(true);
  });
  law("§4.4 only URIs and groups of the same origin are invalidated", (text) => {
    const uris = invalidationTargets({
      method: "POST",
      uri: "http://a/b",
      status: 200,
      fields: field(text),
      originAuthorities: ["a"],
    });
    expect(uris.every((uri) => /^http:\/\/a[/\n]/.test(uri))).toBe(true);
  });
});

describe("done twice it is what it is done once:", () => {
  law("trimmed", (text) => expect(trimmed(trimmed(text))).toBe(trimmed(text)));
  law("the fields that pass on (RFC 9110 §7.6.1)", (text) => {
    const once = endToEndFields(headers("connection", text));
    expect([...endToEndFields(once)]).toEqual([...once]);
  });
  law("an HTTP-date read and written (RFC 9110 §5.6.7)", (text) => {
    const moment = parseHttpDate(text, NOW);
    if (moment !== undefined) expect(parseHttpDate(formatHttpDate(moment), NOW)).toBe(moment);
  });
});

test("any moment that can be written as an HTTP-date is read as the same", () => {
  const moments = fc.integer({ min: -62_167_219_200, max: 253_402_300_799 });
  fc.assert(
    fc.property(moments, (moment) => {
      expect(parseHttpDate(formatHttpDate(moment as EpochSeconds), NOW)).toBe(moment as EpochSeconds);
    }),
    { numRuns: 3000 },
  );
});

test("a command line is resolved, or refused with a ConfigError, whatever it holds", () => {
  const flags = Object.keys(CACHE_OPTIONS).map(
    (name) => `--${name.replaceAll(/[A-Z]/g, (one) => `-${one.toLowerCase()}`)}`,
  );
  const word = fc.oneof(
    nearText,
    fc.constantFrom(...flags, "8001", "--", "-x", "10s", "1MB", "--no-memory", "--__proto__"),
  );
  const sources = fc.record({
    argv: fc.array(word, { maxLength: 6 }),
    env: fc.dictionary(fc.constantFrom("LARDER_MEMORY", "LARDER_PORT", "LARDER_VARY", "X"), nearText),
    file: fc.dictionary(fc.constantFrom("memory", "origin", "port", "nothing"), fc.anything()),
  });
  fc.assert(
    fc.property(sources, (given) => {
      try {
        expect(Object.keys(resolveOptions(CACHE_OPTIONS, given)).length).toBe(
          Object.keys(CACHE_OPTIONS).length,
        );
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
      }
    }),
    { numRuns: 3000 },
  );
});
