// Answers: whether the origin reads a Range field as RFC 9110 §14.1 and §14.2 write it.
// Owns: the claims about `lib/origin-range.ts`, one row a form.
// Leaves out: the responses that follow (`origin-app.test.ts`).
import { describe, expect, test } from "bun:test";
import { selectRanges } from "../lib/origin-range.ts";

describe("RFC 9110 §14.2 a Range field against a file of 10 bytes", () => {
  test.each([
    ["bytes=0-0", "0-0"],
    ["bytes=0-9", "0-9"],
    ["bytes=5-", "5-9"],
    ["bytes=-1", "9-9"],
    ["bytes=-99", "0-9"],
    ["bytes=3-99999999999999999999999999", "3-9"],
    ["BYTES=1-2", "1-2"],
    ["bytes=0-0,9-9", "0-0 9-9"],
    ["bytes= 0-1 ,\t3-4 ", "0-1 3-4"],
    ["bytes=,0-1,,3-4,", "0-1 3-4"],
    ["bytes=0-4,5-9", "0-4 5-9"],
    ["bytes=0-1,50-", "0-1"],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=99999999999999999999999999-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=10-,-0", "unsatisfiable"],
    ["bytes=5-4", "whole"],
    ["bytes=0-1,5-4", "whole"],
    ["bytes=-", "whole"],
    ["bytes=", "whole"],
    ["bytes=,", "whole"],
    ["bytes=a-b", "whole"],
    ["bytes=1", "whole"],
    ["bytes=1 -2", "whole"],
    ["bytes=+1-2", "whole"],
    ["bytes=0-1;q=1", "whole"],
    ["bytes 0-1", "whole"],
    ["bytes=0-1, bytes=3-4", "whole"],
    ["lines=0-1", "whole"],
    ["", "whole"],
  ])("%s selects %s", (value, selected) => {
    expect(shown(value, 10)).toBe(selected);
  });

  test.each([
    ["bytes=0-5,5-9", "overlap"],
    ["bytes=5-9,0-1", "do not ascend"],
    ["bytes=0-1,-10", "overlap at the end"],
    [`bytes=${Array.from({ length: 17 }, () => "0-0").join(",")}`, "are too many"],
  ])("ranges that would multiply the work are not honoured: %s (%s)", (value) => {
    expect(shown(value, 10)).toBe("whole");
  });

  test("16 ranges are still honoured", () => {
    const value = `bytes=${Array.from({ length: 16 }, (_, at) => `${at * 2}-${at * 2}`).join(",")}`;
    expect(shown(value, 100).split(" ")).toHaveLength(16);
  });
});

describe("a Range field against an empty file", () => {
  test.each([
    ["bytes=0-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=-5", "whole"],
    ["bytes=-5,-6", "whole"],
  ])("%s selects %s", (value, selected) => {
    expect(shown(value, 0)).toBe(selected);
  });
});

function shown(value: string, size: number): string {
  const selected = selectRanges(value, size);
  if (selected.kind !== "ranges") return selected.kind;
  return selected.ranges.map(({ first, last }) => `${first}-${last}`).join(" ");
}
