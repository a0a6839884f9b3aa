// Answers: which parsers there are, and which texts they meet.
// Owns: every parser as a function of one text, and texts that come near to a grammar.
// Leaves out: claims (`parsers.test.ts`, `parser-laws.test.ts`).
import fc from "fast-check";
import { refuse } from "../../lib/door.ts";
import { CACHE_OPTIONS } from "../../lib/option-tables.ts";
import { ageValue } from "../../lib/rfc9111/age.ts";
import { parseDirectives, requestDirectives, responseDirectives } from "../../lib/rfc9111/cache-control.ts";
import { selectingFields, selectingValues } from "../../lib/rfc9111/cache-key.ts";
import { untilExpires } from "../../lib/rfc9111/freshness.ts";
import { endToEndFields, storableFields } from "../../lib/rfc9111/header-fields.ts";
import { invalidationTargets } from "../../lib/rfc9111/invalidation.ts";
import { ifRangeHolds, isNotModified } from "../../lib/rfc9111/preconditions.ts";
import { parseContentRange, parseRange } from "../../lib/rfc9111/range.ts";
import {
  isToken,
  listMembers,
  parseEntityTags,
  trimmed,
  unquoted,
  weightedMembers,
} from "../../lib/rfc9111/syntax.ts";
import { parseDeltaSeconds, parseHttpDate, type EpochSeconds } from "../../lib/rfc9111/time.ts";

/** A moment in 2023. */
export const NOW = 1_700_000_000 as EpochSeconds;

/** Reads one field value, whatever its name. */
export const field = (value: string): { get: (name: string) => string } => ({ get: () => value });
/** Reads one field; all others are absent. */
export const only = (name: string, value: string): { get: (asked: string) => string | null } => ({
  get: (asked) => (asked === name ? value : null),
});
const facts = {
  status: 200,
  dateValue: NOW,
  validators: { etag: '"a"', lastModified: "Sat, 01 Jan 2022 00:00:00 GMT" },
};
/** Fields with that one, or none where it cannot be. */
export const headers = (name: string, value: string): Headers => {
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
export const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
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
  invalidationTargets: (text) =>
    invalidationTargets({
      method: "POST",
      uri: "http://a/b",
      status: 200,
      fields: field(text),
      originAuthorities: ["a"],
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
/** Texts made of those and of random ones. */
export const nearText = fc
  .array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: "binary", maxLength: 4 })), { maxLength: 40 })
  .map((pieces) => pieces.join(""));
