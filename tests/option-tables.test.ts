// Answers: are the options those of DESIGN, and does the README say the same?
// Owns: the claims about `lib/option-tables.ts`: defaults, names, and the README's tables, which are printed from it.
// Leaves out: how they are resolved (`options.test.ts`).
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CACHE_OPTIONS, ORIGIN_OPTIONS, START_OPTIONS } from "../lib/option-tables.ts";
import { environmentOf, flagOf, markdownTable, resolveOptions, type OptionTable } from "../lib/options.ts";
import { ROOT } from "./larder-process.ts";

const NOTHING = { argv: [], env: {}, file: {} };

test("DESIGN's defaults of the cache", () => {
  expect(resolveOptions(CACHE_OPTIONS, NOTHING)).toMatchObject({
    ...{ port: 8001, host: "0.0.0.0", originHost: "", config: "" },
    origin: [{ prefix: "/", origin: "http://localhost:8000" }],
    ...{ memory: 256 * 2 ** 20, maxObject: 64 * 2 ** 20, log: "auto" },
  });
});

test("RFC defaults: 10 % and a day of heuristic freshness, comparison by meaning", () => {
  expect(resolveOptions(CACHE_OPTIONS, NOTHING)).toMatchObject({
    ...{ heuristicShare: 0.1, heuristicMax: 86_400, vary: "meaning" },
  });
});

test("DESIGN's defaults of the origin, and of both together", () => {
  const origin = { port: 8000, root: "media", host: "0.0.0.0", maxAge: "auto", log: "auto" } as const;
  expect(resolveOptions(ORIGIN_OPTIONS, NOTHING)).toEqual(origin);
  const { port: originPort, root } = origin;
  expect(resolveOptions(START_OPTIONS, NOTHING)).toMatchObject({
    port: 8001,
    originPort,
    root,
    log: "pretty",
  });
});

describe.each<[string, OptionTable]>([
  ["cache", CACHE_OPTIONS],
  ["origin", ORIGIN_OPTIONS],
  ["start", START_OPTIONS],
])("%s", (_, table) => {
  test.each(Object.entries(table))("%s says what it means, and its default can be read", (name, row) => {
    expect(row.kind.parse(row.fallback)).toBeDefined();
    expect(row.meaning).toMatch(/^\S[^|\n]*[^\s.]$/);
    expect(row.value).toMatch(/^[A-Z]+$/);
    expect(name).toMatch(/^[a-z]+(?:[A-Z][a-z]+)*$/);
  });

  test("no two options share a flag or an environment variable", () => {
    const names = Object.keys(table);
    expect(new Set(names.map(flagOf)).size).toBe(names.length);
    expect(new Set(names.map(environmentOf)).size).toBe(names.length);
  });
});

test("a name in camelCase is a flag in kebab-case and a variable in capitals", () => {
  expect([flagOf("maxObject"), flagOf("log")]).toEqual(["--max-object", "--log"]);
  expect([environmentOf("maxObject"), environmentOf("log")]).toEqual(["LARDER_MAX_OBJECT", "LARDER_LOG"]);
});

test.each<[string, OptionTable]>([
  ["cache", CACHE_OPTIONS],
  ["origin", ORIGIN_OPTIONS],
])("the README's table of options:%s is the one that is printed from the table", (name, table) => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const between = new RegExp(`<!-- options:${name} -->([^]*?)<!-- /options -->`).exec(readme)?.[1];
  expect(cellsOf(between ?? "the markers are missing")).toEqual(cellsOf(markdownTable(table)));
});

/** What is in the cells, however wide `bun fmt` makes them. */
function cellsOf(table: string): string[][] {
  const rows = table.split("\n").filter((line) => line.trim() !== "");
  return rows.map((row) => row.split("|").map((cell) => cell.trim().replace(/^-+$/, "---")));
}
