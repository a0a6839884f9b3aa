// Answers: does any text make a parser throw, run away, or leave the range that it documents?
// Owns: random and adversarial texts for every parser of lib/rfc9111, for the door and the options.
// Leaves out: what the parsers make of sensible texts (`tests/rfc9111/`, `door.test.ts`, `options.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { refuse } from "../../lib/door.ts";
import { ConfigError } from "../../lib/errors.ts";
import { CACHE_OPTIONS } from "../../lib/option-tables.ts";
import { resolveOptions } from "../../lib/options.ts";
import { ageValue } from "../../lib/rfc9111/age.ts";
import { parseDirectives, requestDirectives, responseDirectives } from "../../lib/rfc9111/cache-control.ts";
import { selectingFields, selectingValues } from "../../lib/rfc9111/cache-key.ts";
import { untilExpires } from "../../lib/rfc9111/freshness.ts";
import { endToEndFields, storableFields } from "../../lib/rfc9111/header-fields.ts";
import { invalidatedUris } from "../../lib/rfc9111/invalidation.ts";
import { ifRangeHolds, isNotModified } from "../../lib/rfc9111/preconditions.ts";
import { coverage, parseContentRange, parseRange, resolveRange } from "../../lib/rfc9111/range.ts";
import {
  isToken,
  listMembers,
  parseEntityTags,
  trimmed,
  unquoted,
  weightedMembers,
} from "../../lib/rfc9111/syntax.ts";
import {
  formatHttpDate,
  MAX_DELTA,
  parseDeltaSeconds,
  parseHttpDate,
  type EpochSeconds,
} from "../../lib/rfc9111/time.ts";

const NOW = 1_700_000_000 as EpochSeconds;

/** Reads one field value, whatever its name. */
const field = (value: string): { get: (name: string) => string } => ({ get: () => value });
const only = (name: string, value: string): { get: (asked: string) => string | null } => ({
  get: (asked) => (asked === name ? value : null),
});
const facts = {
  status: 200,
  dateValue: NOW,
  validators: { etag: '"a"', lastModified: "Sat, 01 Jan 2022 00:00:00 GMT" },
};
const headers = (name: string, value: string): Headers => {
  try {
    return new Headers({ [name]: value });
  } catch {
    return new Headers();
  }
};
const knock = (value: string): Parameters<typeof refuse>[0] => ({
  method: value,
  url: `http://a/${value}`,
  fields: field(value) as unknown as Headers,
});

/** Every parser, as a function of one text. */
const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  listMembers,
  unquoted,
  trimmed,
  isToken,
  parseEntityTags,
  weightedMembers,
  parseDirectives,
  requestDirectives,
  "responseDirectives (RFC 9213 too)": (text) => responseDirectives(field(text)),
  "responseDirectives of Cache-Control": (text) => responseDirectives(only("cache-control", text)),
  parseDeltaSeconds,
  parseHttpDate: (text) => parseHttpDate(text, NOW),
  ageValue,
  untilExpires: (text) => untilExpires(text, NOW),
  parseRange,
  parseContentRange,
  selectingFields: (text) => selectingFields(text, field(text), "meaning"),
  selectingValues: (text) =>
    selectingValues(["accept", "accept-language", "accept-encoding", "x-odd"], field(text), "meaning"),
  isNotModified: (text) => isNotModified(only("if-none-match", text), facts, NOW),
  "isNotModified since": (text) => isNotModified(only("if-modified-since", text), facts, NOW),
  ifRangeHolds: (text) => ifRangeHolds(text, facts, NOW),
  endToEndFields: (text) => endToEndFields(headers("connection", text)),
  storableFields: (text) =>
    storableFields(headers("cache-control", text), responseDirectives(only("cache-control", text))),
  invalidatedUris: (text) =>
    invalidatedUris({
      method: "POST",
      uri: "http://a/b",
      status: 200,
      fields: field(text),
      originAuthority: "a",
    }),
  "refuse at the door": (text) => refuse(knock(text)),
  ...Object.fromEntries(
    Object.entries(CACHE_OPTIONS).map(([name, { kind }]) => [
      `option ${name}`,
      (text: string) => kind.parse(text),
    ]),
  ),
};

/** Pieces that grammars are made of, so that random texts come near to being right. */
const PIECES = [
  ...[
    "a",
    "max-age",
    "=",
    ",",
    ";",
    '"',
    "\\",
    " ",
    "\t",
    "0",
    "9",
    "-",
    "*",
    "W/",
    "bytes=",
    "bytes ",
    "/",
    "q=",
  ],
  ...[
    "0.5",
    "private",
    "no-cache",
    "Sat, 01 Jan 2022 00:00:00 GMT",
    ":",
    "[",
    "]",
    "%",
    "http://",
    "é",
    "\0",
    "\r\n",
    "kb",
  ],
  ...["99999999999999999999", "1e9", "__proto__", "constructor", "toString", "?", "#", "(", ")", "@", "."],
];
const nearText = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: "binary", maxLength: 4 })), { maxLength: 40 })
  .map((pieces) => pieces.join(""));

describe("no text makes it throw:", () => {
  test.each(Object.entries(PARSERS))("%s", (_, parse) => {
    fc.assert(
      fc.property(nearText, (text) => void parse(text)),
      { numRuns: 1500 },
    );
  });
});

/** Repetitions at which patterns with two ways to match the same text run away. */
const REPEATED = [
  ...[
    '"',
    "\\",
    '\\"',
    ",",
    ", ",
    " ,",
    " ",
    "\t",
    ";",
    "; ",
    "=",
    "a",
    "a=",
    "a,",
    'a="',
    '"a",',
    "0",
    "0-",
    "0-,",
    "-",
    "W/",
  ],
  ...[
    'W/"',
    '"",',
    "a;q=0",
    "a;",
    "q=1;",
    "é",
    "/",
    "(",
    "[",
    "[::",
    "%",
    ".",
    ":",
    "..",
    "1.",
    "\0",
    "\x80",
    "bytes=",
    "@",
  ],
];
const OPENINGS = ["", "bytes=", '"', "private=", "/", "http://", "max-age=", "W/"];
const ENDINGS = ["", "!", '"', "\n", "\\"];

/** Steps that doubling the length may cost: 2 is linear, 4 quadratic; noise of a busy machine lies between. */
const SPLIT_LINEAR = 100_000;

function fastest(parse: (text: string) => unknown, text: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 3; turn++) {
    const started = performance.now();
    parse(text);
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

/** What any reader of every character costs, on this machine, now. */
function linear(text: string): number {
  return fastest(
    (one) =>
      one
        .split("")
        .map((letter) => letter.charCodeAt(0))
        .join(),
    text,
  );
}

describe("100 KB of one thing again and again costs no more than 60 linear passes:", () => {
  test.each(Object.entries(PARSERS))(
    "%s",
    (_, parse) => {
      const slow: string[] = [];
      for (const unit of REPEATED) {
        const opening = OPENINGS[unit.length % OPENINGS.length] ?? "";
        for (const [front, back] of [
          ["", "!"],
          [opening, ENDINGS[unit.charCodeAt(0) % ENDINGS.length] ?? ""],
          ["bytes=", ""],
        ] as const) {
          const text =
            front + unit.repeat(Math.ceil(SPLIT_LINEAR / unit.length)).slice(0, SPLIT_LINEAR) + back;
          const started = performance.now();
          parse(text);
          const once = performance.now() - started;
          // Only what looks slow is measured with care.
          if (once > 20 && fastest(parse, text) > 60 * linear(text)) {
            slow.push(
              `${JSON.stringify(front)} ${JSON.stringify(unit)} ${JSON.stringify(back)}: ${once.toFixed(0)} ms`,
            );
          }
        }
      }
      expect(slow).toEqual([]);
    },
    120_000,
  );
});

test("the measure of time tells a pattern that runs away", () => {
  const text = `${" ".repeat(SPLIT_LINEAR)}!`;
  expect(fastest((one) => /^( *)*,?$| +$/.test(one), text)).toBeGreaterThan(60 * linear(text));
}, 120_000);

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
      { kind: "complete", bytes: new ArrayBuffer(50) },
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
  law("§4.4 only URIs of the same origin are invalidated", (text) => {
    const uris = invalidatedUris({
      method: "POST",
      uri: "http://a/b",
      status: 200,
      fields: field(text),
      originAuthority: "a",
    });
    expect(uris.every((uri) => uri.startsWith("http://a/"))).toBe(true);
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
