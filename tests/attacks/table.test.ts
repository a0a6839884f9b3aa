// Answers: does the README say what the tests of this folder show, row by row, and nothing else?
// Owns: the two-way comparison of the README's section "Attacks" with the tests.
// Leaves out: the attacks themselves (the other files of this folder).
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BELIEVED_FIELDS } from "../../lib/forwarded-fields.ts";
import { ROOT } from "../larder-process.ts";

const [, section = ""] =
  /\n## Attacks\n(.*?)\n## /s.exec(readFileSync(join(ROOT, "README.md"), "utf8")) ?? [];
const rows = [...section.matchAll(/^\| (.+?) +\| (.+?) +\| `([\w-]+)` +\|$/gm)].map(
  ([, attack = "", answer = "", file = ""]) => ({ attack, answer, file }),
);
const files = readdirSync(import.meta.dir).filter(
  (name) => name.endsWith(".test.ts") && name !== "table.test.ts",
);
const claims = files.flatMap((name) => {
  const source = readFileSync(join(import.meta.dir, name), "utf8");
  return claimsOf(source).map((attack) => ({ attack, file: name.replace(".test.ts", "") }));
});

/** The titles of `describe`; of concurrent ones, each with the first words of each of its tests. */
function claimsOf(source: string): string[] {
  const blocks = source.split(/^describe/m).slice(1);
  return blocks.flatMap((block) => {
    const [, concurrent, title = ""] = /^(\.concurrent)?\(\s*"([^"]+)"/.exec(block) ?? [];
    if (concurrent === undefined) return [title];
    return [...block.matchAll(/\btest\(\s*"([^":]+): /g)].map(([, words = ""]) => `${title}: ${words}`);
  });
}

describe("the README's table of attacks", () => {
  test("has rows", () => expect(rows.length).toBeGreaterThan(25));

  test.each(rows.map(({ attack, file }) => [attack, file]))("%s is in %s.test.ts", (attack, file) => {
    expect(existsSync(join(import.meta.dir, `${file}.test.ts`))).toBe(true);
    expect(claims).toContainEqual({ attack, file });
  });

  test.each(claims.map(({ attack, file }) => [attack, file]))(
    "has a row for %s of %s.test.ts",
    (attack, file) => {
      expect(rows.map((row) => [row.attack, row.file])).toContainEqual([attack, file]);
    },
  );

  test("names each field that does not leave, and no other", () => {
    const [, listed = ""] = /<!-- believed -->(.*?)<!-- \/believed -->/s.exec(section) ?? [];
    const names = [...listed.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
    expect(names).toEqual(BELIEVED_FIELDS.map(({ name }) => name));
  });
});
