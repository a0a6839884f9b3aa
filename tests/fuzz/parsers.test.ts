// Answers: does any text make a parser throw or run away?
// Owns: random texts, and 100 KB of adversarial ones, for every parser.
// Leaves out: which parsers (`parser-table.ts`), what may come out of them (`parser-laws.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { nearText, PARSERS } from "./parser-table.ts";

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
