// Answers: whether `bun run rfc` finds what is wrong, and whether anything is.
// Owns: the claims about `tests/rfc-sections.ts` and `tests/rfc.ts`.
// Leaves out: whether the owners do what their sections say (`tests/rfc9111/`).
import { describe, expect, test } from "bun:test";
import { ownership, SECTIONS, type Source } from "./rfc-sections.ts";
import { reportLines, rfcSources } from "./rfc.ts";

/** A source in which each of these functions owns these sections. */
function source(file: string, functions: Record<string, string>): Source {
  const text = Object.entries(functions)
    .map(([name, owns]) => `/**\n * What it does.\n * @owns ${owns}\n */\nexport function ${name}() {}\n`)
    .join("\n");
  return { file, text };
}

const ALL = SECTIONS.map(([section]) => `§${section}`);
const whole = source("all.ts", { everything: ALL.join(" ") });

describe("the sections of RFC 9111", () => {
  test("each has one owner today", async () => {
    expect(ownership(await rfcSources()).faults).toEqual([]);
  });

  test("§3 to §5.4 are 44, without §5.2.4, which is IANA's", () => {
    expect(ALL).toHaveLength(44);
    expect(ALL).not.toContain("§5.2.4");
  });
});

describe("what is found in made-up sources", () => {
  test("nothing where each section has one owner", () => {
    expect(ownership([whole]).faults).toEqual([]);
  });

  test("a section without owner", () => {
    const gap = source("all.ts", { most: ALL.filter((section) => section !== "§4.2.3").join(" ") });
    expect(ownership([gap]).faults).toEqual(["§4.2.3: no owner"]);
  });

  test("a section with two owners, in one file or in two", () => {
    const faults = ["§4.1: 2 owners, all.ts:everything and b.ts:again"];
    expect(ownership([whole, source("b.ts", { again: "§4.1" })]).faults).toEqual(faults);
    const twice = source("all.ts", { everything: ALL.join(" "), again: "§4.1" });
    expect(ownership([twice]).faults).toEqual(["§4.1: 2 owners, all.ts:everything and all.ts:again"]);
  });

  test.each([
    ["§5.2.4", "§5.2.4"],
    ["§4.9", "§4.9"],
    ["§5.2.2.11", "§5.2.2.11"],
    ["RFC", "§RFC"],
    ["", "§?"],
  ])("an unknown section: @owns %s", (owns, section) => {
    const faults = [`${section}: unknown section, at b.ts:3`];
    expect(ownership([whole, source("b.ts", { odd: owns })]).faults).toEqual(faults);
  });

  test.each([
    ["a function that is not exported", "function hidden() {}\nexport function other() {}"],
    ["a constant", "export const TABLE = [];\nexport function other() {}"],
    ["a type", "export interface Facts {}\nexport function other() {}"],
    ["the end of the file", ""],
  ])("an @owns that is followed by %s", (_, code) => {
    const text = `/**\n * What it is.\n * @owns §4.1\n */\n${code}\n`;
    const faults = ["§4.1: no exported function follows, at b.ts:3"];
    expect(ownership([whole, { file: "b.ts", text }]).faults).toEqual(faults);
  });

  test("an async function owns too, and a docstring without @owns does not", () => {
    const text =
      "/** What it is. */\nexport function none() {}\n/** @owns §4.1 */\nexport async function one() {}\n";
    const { sections } = ownership([{ file: "b.ts", text }]);
    expect(sections.filter(({ owners }) => owners.length > 0)).toEqual([
      { section: "4.1", title: "Calculating Cache Keys with the Vary Header Field", owners: ["b.ts:one"] },
    ]);
  });
});

describe("what is printed", () => {
  test("a row a section, and a count", () => {
    const lines = reportLines(ownership([whole]));
    expect(lines).toHaveLength(46);
    expect(lines[0]).toMatch(/^§3 {9}Storing Responses in Caches {2,}all\.ts:everything$/);
    expect(lines.at(-1)).toBe("44 of 44 sections have one owner; 0 faults.");
  });

  test("a line for each fault", () => {
    const lines = reportLines(ownership([whole, source("b.ts", { again: "§4.1", odd: "§9" })]));
    expect(lines).toContain("§4.1: 2 owners, all.ts:everything and b.ts:again");
    expect(lines).toContain("§9: unknown section, at b.ts:9");
    expect(lines.at(-1)).toBe("43 of 44 sections have one owner; 2 faults.");
  });
});
