// Answers: whether the origin evaluates conditions as RFC 9110 §13 wants them evaluated.
// Owns: the claims about `lib/origin-conditions.ts`, one row a rule.
// Leaves out: the responses that follow (`origin-app.test.ts`).
import { describe, expect, test } from "bun:test";
import { judge, mayAnswerRange } from "../lib/origin-conditions.ts";
import { epochSeconds } from "../lib/rfc9111/time.ts";

const BEFORE = "Mon, 06 May 2024 07:08:08 GMT";
const THEN = "Mon, 06 May 2024 07:08:09 GMT";
const AFTER = "Mon, 06 May 2024 07:08:10 GMT";
const lastModified = epochSeconds(Date.parse(THEN));
const current = { etag: '"a"', lastModified, now: epochSeconds(Date.parse("2024-05-07T00:00:00Z")) };

type Fields = Record<string, string>;

describe("RFC 9110 §13.2.2 conditions in their order", () => {
  test.each<[claim: string, fields: Fields, verdict: ReturnType<typeof judge>]>([
    ["no condition", {}, "go on"],
    ["§13.1.2 the tag", { "If-None-Match": '"a"' }, "not modified"],
    ["§13.1.2 the tag, weak", { "If-None-Match": 'W/"a"' }, "not modified"],
    ["§13.1.2 the tag in a list", { "If-None-Match": '"x", W/"y",,"a"' }, "not modified"],
    ["§13.1.2 any", { "If-None-Match": " * " }, "not modified"],
    ["§13.1.2 another tag", { "If-None-Match": '"A"' }, "go on"],
    ["§13.1.2 a tag with a comma in it", { "If-None-Match": '"x, a", "y,a"' }, "go on"],
    ["§13.1.2 a tag without quotes", { "If-None-Match": "a" }, "go on"],
    ["§13.1.2 an empty field", { "If-None-Match": "" }, "go on"],
    ["§13.1.3 its date", { "If-Modified-Since": THEN }, "not modified"],
    ["§13.1.3 a later date", { "If-Modified-Since": AFTER }, "not modified"],
    ["§13.1.3 an earlier date", { "If-Modified-Since": BEFORE }, "go on"],
    ["§13.1.3 no date", { "If-Modified-Since": "2024-05-06T07:08:09Z" }, "go on"],
    ["§5.6.7 the date of RFC 850", { "If-Modified-Since": "Monday, 06-May-24 07:08:09 GMT" }, "not modified"],
    ["§5.6.7 the date of asctime", { "If-Modified-Since": "Mon May  6 07:08:09 2024" }, "not modified"],
    ["§13.1.3 the tag beats the date", { "If-None-Match": '"x"', "If-Modified-Since": AFTER }, "go on"],
    [
      "§13.1.3 the tag beats the date",
      { "If-None-Match": '"a"', "If-Modified-Since": BEFORE },
      "not modified",
    ],
    ["§13.1.1 the tag", { "If-Match": '"x", "a"' }, "go on"],
    ["§13.1.1 any", { "If-Match": "*" }, "go on"],
    ["§13.1.1 another tag", { "If-Match": '"x"' }, "failed"],
    ["§13.1.1 the tag, weak", { "If-Match": 'W/"a"' }, "failed"],
    ["§13.1.1 an empty field", { "If-Match": "" }, "failed"],
    ["§13.1.4 its date", { "If-Unmodified-Since": THEN }, "go on"],
    ["§13.1.4 an earlier date", { "If-Unmodified-Since": BEFORE }, "failed"],
    ["§13.1.4 no date", { "If-Unmodified-Since": "soon" }, "go on"],
    ["§13.1.4 the tag beats the date", { "If-Match": '"a"', "If-Unmodified-Since": BEFORE }, "go on"],
    ["§13.2.2 both kinds hold", { "If-Match": '"a"', "If-None-Match": '"a"' }, "not modified"],
    ["§13.2.2 the first fails", { "If-Unmodified-Since": BEFORE, "If-None-Match": '"a"' }, "failed"],
  ])("%s: %o → %s", (_claim, fields, verdict) => {
    expect(judge(new Headers(fields), current)).toBe(verdict);
  });
});

describe("RFC 9110 §13.1.5 If-Range", () => {
  test.each<[claim: string, fields: Fields, counts: boolean]>([
    ["no If-Range", {}, true],
    ["the tag", { "If-Range": '"a"' }, true],
    ["another tag", { "If-Range": '"b"' }, false],
    ["the tag, weak", { "If-Range": 'W/"a"' }, false],
    ["its date", { "If-Range": THEN }, true],
    ["an earlier date", { "If-Range": BEFORE }, false],
    ["a later date", { "If-Range": AFTER }, false],
    ["neither tag nor date", { "If-Range": "a" }, false],
    ["any", { "If-Range": "*" }, false],
  ])("%s: %o → Range counts: %p", (_claim, fields, counts) => {
    expect(mayAnswerRange(new Headers(fields), current)).toBe(counts);
  });

  test("§8.8.2.2 the date of a file that was modified in this very second is not strong", () => {
    const headers = new Headers({ "If-Range": THEN });
    expect(mayAnswerRange(headers, { ...current, now: lastModified })).toBe(false);
  });
});
