// Answers: whether ranges are read, looked up and put together as RFC 9110 §14 and §3.3, §3.4 say.
// Owns: the claims about `lib/rfc9111/range.ts`, case by case.
// Leaves out: its laws (`range-laws.test.ts`), If-Range (`preconditions.test.ts`).
import { describe, expect, test } from "bun:test";
import type { StoredBody } from "../../lib/message.ts";
import {
  combined,
  completeLengthOf,
  coverage,
  missingRange,
  parseContentRange,
  parseRange,
  partialBody,
  slice,
} from "../../lib/rfc9111/range.ts";
import { bytesOf, complete, partial } from "./test-values.ts";

const DIGITS = complete("0123456789");

function covered(body: StoredBody, range: string): string {
  const found = coverage(body, parseRange(range)!);
  if (found.kind !== "covered") return found.kind;
  return found.ranges.map((one) => new TextDecoder().decode(slice(body, one) as Uint8Array)).join(" ");
}

describe("RFC 9110 §14.1.2, §14.2 Range", () => {
  test.each([
    ["bytes=0-4", [{ first: 0, last: 4 }]],
    ["bytes=5-", [{ first: 5, last: undefined }]],
    ["bytes=-3", [{ suffix: 3 }]],
    ["bytes=0-0, 2-3,-1", [{ first: 0, last: 0 }, { first: 2, last: 3 }, { suffix: 1 }]],
    [
      "bytes= 0-0 ,,\t2-3",
      [
        { first: 0, last: 0 },
        { first: 2, last: 3 },
      ],
    ],
    ["Bytes=0-4", [{ first: 0, last: 4 }]],
  ])("%j is read", (value, specs) => {
    expect(parseRange(value)).toEqual(specs);
  });

  test.each([
    "bytes=",
    "bytes=,",
    "bytes=-",
    "bytes=a-b",
    "bytes=5-4",
    "bytes=0-1,5-4",
    "bytes=1",
    "bytes 0-1",
  ])("%j is not valid and ignored", (value) => {
    expect(parseRange(value)).toBeUndefined();
  });

  test.each([
    "lines=0-1",
    "bytes=0 - 1",
    "bytes=0-1;x",
    "bytes=+0-1",
    "bytes=0x0-1",
    "",
    "bytes=0-1, bytes=2-3",
  ])("%j is not valid or not in bytes and ignored", (value) => {
    expect(parseRange(value)).toBeUndefined();
  });

  test("without a Range field there are no ranges", () => {
    expect(parseRange(null)).toBeUndefined();
  });
});

describe("RFC 9110 §14.4 Content-Range", () => {
  test.each([
    ["bytes 0-4/10", { first: 0, last: 4, completeLength: 10 }],
    ["bytes 9-9/10", { first: 9, last: 9, completeLength: 10 }],
    ["bytes 0-4/*", { first: 0, last: 4, completeLength: undefined }],
    ["BYTES 0-4/10", { first: 0, last: 4, completeLength: 10 }],
  ])("%j is read", (value, range) => {
    expect(parseContentRange(value)).toEqual(range);
  });

  test.each([
    "bytes */10",
    "bytes 4-0/10",
    "bytes 0-10/10",
    "bytes 0-4",
    "bytes=0-4/10",
    "lines 0-4/10",
    "",
    "0-4/10",
  ])("%j is invalid or no range", (value) => {
    expect(parseContentRange(value)).toBeUndefined();
  });

  test("without the field there is no range", () => {
    expect(parseContentRange(null)).toBeUndefined();
  });
});

describe("RFC 9110 §14.1.2 ranges of a complete body of ten bytes", () => {
  test.each([
    ["bytes=0-0", "0"],
    ["bytes=0-9", "0123456789"],
    ["bytes=5-", "56789"],
    ["bytes=5-100", "56789"],
    ["bytes=-3", "789"],
    ["bytes=-100", "0123456789"],
    ["bytes=0-1,8-", "01 89"],
    ["bytes=8-,0-1", "89 01"],
    ["bytes=0-1,50-", "01"],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=10-,-0", "unsatisfiable"],
    ["bytes=0-5,4-9", "ignored"],
    ["bytes=0-,0-", "ignored"],
  ])("%s selects %s", (range, bytes) => {
    expect(covered(DIGITS, range)).toBe(bytes);
  });

  test("§14.2 more than 16 ranges are ignored", () => {
    const ranges = Array.from({ length: 17 }, (_, first) => `${first * 2}-${first * 2}`).join(",");
    expect(covered(complete("0".repeat(100)), `bytes=${ranges}`)).toBe("ignored");
  });

  test("§14.1.2 a suffix of an empty body is satisfiable, and there is nothing to send a part of", () => {
    expect(covered(complete(""), "bytes=-5")).toBe("ignored");
    expect(covered(complete(""), "bytes=0-")).toBe("unsatisfiable");
  });
});

describe("§3.3 ranges of a partial body", () => {
  const ends = partial(10, [0, "012"], [7, "789"]);
  const unknown = partial(undefined, [2, "234"]);

  test.each([
    ["bytes=0-2", "012"],
    ["bytes=1-1", "1"],
    ["bytes=-3", "789"],
    ["bytes=8-", "89"],
    ["bytes=8-100", "89"],
    ["bytes=0-0,9-9", "0 9"],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=0-3", "uncovered"],
    ["bytes=2-7", "uncovered"],
    ["bytes=-4", "uncovered"],
    ["bytes=0-", "uncovered"],
    ["bytes=0-0,3-3", "uncovered"],
    ["bytes=0-1,1-2", "uncovered"],
  ])("%s selects %s", (range, bytes) => {
    expect(covered(ends, range)).toBe(bytes);
  });

  test.each([
    ["bytes=2-4", "234"],
    ["bytes=3-3", "3"],
    ["bytes=2-5", "uncovered"],
    ["bytes=1-2", "uncovered"],
    ["bytes=2-", "uncovered"],
    ["bytes=-1", "uncovered"],
    ["bytes=99-100", "uncovered"],
    ["bytes=2-2,4-4", "uncovered"],
  ])("of unknown length, %s selects %s", (range, bytes) => {
    expect(covered(unknown, range)).toBe(bytes);
  });
});

describe("§3.3 the body to store for a 206", () => {
  const body = (contentRange: string, text: string) =>
    partialBody(parseContentRange(contentRange)!, bytesOf(text));

  test("is a part of the representation", () => {
    expect(body("bytes 2-4/10", "234")).toEqual(partial(10, [2, "234"]));
    expect(body("bytes 2-4/*", "234")).toEqual(partial(undefined, [2, "234"]));
  });

  test("is complete where the range is all of it", () => {
    expect(body("bytes 0-9/10", "0123456789")).toEqual(DIGITS);
  });

  test("ends the representation where the last range is shorter than promised", () => {
    expect(completeLengthOf(body("bytes 4-9/10", "45678")!)).toBe(9);
  });

  test.each([
    ["longer than promised", "bytes 2-4/10", "2345"],
    ["empty", "bytes 2-4/10", ""],
    ["shorter than promised, where more should follow", "bytes 2-4/10", "23"],
    ["shorter than promised, where nobody knows", "bytes 2-4/*", "23"],
  ])("is unusable where the content is %s", (_, contentRange, text) => {
    expect(body(contentRange, text)).toBeUndefined();
  });
});

describe("§3.4 combining partial bodies", () => {
  test.each([
    ["two halves are complete", partial(4, [0, "01"]), partial(4, [2, "23"]), complete("0123")],
    ["in any order", partial(4, [2, "23"]), partial(4, [0, "01"]), complete("0123")],
    ["overlapping ones too", partial(4, [0, "012"]), partial(4, [1, "123"]), complete("0123")],
    ["one within the other", partial(9, [0, "0123"]), partial(9, [1, "12"]), partial(9, [0, "0123"])],
    ["touching ones are one part", partial(9, [2, "23"]), partial(9, [4, "45"]), partial(9, [2, "2345"])],
    ["a gap stays", partial(9, [0, "0"]), partial(9, [2, "2"]), partial(9, [0, "0"], [2, "2"])],
    ["a gap is filled", partial(3, [0, "0"], [2, "2"]), partial(3, [1, "1"]), complete("012")],
    ["a length that one knows is known", partial(2, [1, "1"]), partial(undefined, [0, "0"]), complete("01")],
    [
      "unknown lengths stay unknown",
      partial(undefined, [0, "0"]),
      partial(undefined, [1, "1"]),
      partial(undefined, [0, "01"]),
    ],
    ["with a complete one it is complete", complete("0123"), partial(4, [1, "12"]), complete("0123")],
  ])("%s", (_, one, other, result) => {
    expect(combined(one, other)).toEqual(result);
  });

  test.each([
    ["lengths", partial(9, [0, "0"]), partial(8, [1, "1"])],
    ["a length and a complete body", complete("0123"), partial(8, [1, "1"])],
    ["a length and bytes behind it", partial(2, [0, "0"]), partial(undefined, [4, "4"])],
    ["a complete body and bytes behind it", complete("01"), partial(undefined, [2, "2"])],
  ])("%s that contradict each other combine to nothing", (_, one, other) => {
    expect(combined(one, other)).toBeUndefined();
  });
});

describe("§3.4 what a partial body lacks", () => {
  test.each([
    ["nothing of a complete body", DIGITS, undefined],
    ["its end", partial(10, [0, "012"]), { first: 3, last: undefined }],
    ["its end, of unknown length", partial(undefined, [0, "012"]), { first: 3, last: undefined }],
    ["its start", partial(10, [7, "789"]), { first: 0, last: 6 }],
    ["its middle", partial(10, [0, "012"], [7, "789"]), { first: 3, last: 6 }],
    ["its middle, with an island", partial(10, [0, "0"], [4, "4"], [9, "9"]), { first: 1, last: 8 }],
    ["all but an island, so all", partial(10, [4, "4"]), undefined],
  ])("%s", (_, body, range) => {
    expect(missingRange(body)).toEqual(range);
  });
});
