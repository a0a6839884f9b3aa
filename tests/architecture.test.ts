// Answers: is the house still built as DESIGN and STYLE have it?
// Owns: the guards of import direction, purity, sizes, form, top level and packages; each is shown to be able to fail.
// Leaves out: telling code from text (`source-scan.ts`), one owner per RFC section (`rfc.test.ts`).
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { ROOT } from "./larder-process.ts";
import { blanked, functionsIn } from "./source-scan.ts";

type Sources = Readonly<Record<string, string>>;

interface Edge {
  readonly from: string;
  /** A path from the top level, or the name of a package. */
  readonly to: string;
  readonly kind: "value" | "type";
  /** The text between `import` and `from`. */
  readonly names: string;
}

const ENTRIES = ["origin.ts", "cache.ts"];
const product = Object.fromEntries(
  [...ENTRIES, ...new Bun.Glob("lib/**/*.ts").scanSync(ROOT)].map((path) => [path, textOf(path)]),
);

/** All imports and re-exports of a file; those of nothing but types vanish before the code runs. */
function importsOf(path: string, source: string): Edge[] {
  const found = blanked(source).matchAll(
    /^(?:import|export)\s+(type\s)?((?:[^;"]*?\sfrom\s+)?)"|\bimport\(\s*"/gm,
  );
  return [...found].map((match) => {
    const start = match.index + match[0].length;
    const specifier = source.slice(start, source.indexOf('"', start));
    const names = match[2] ?? "";
    const isType = match[1] !== undefined || /^\{(?:\s*type\s[^,}]*,?)+\s*\}/.test(names);
    return { from: path, to: pathFrom(path, specifier), kind: isType ? "type" : "value", names };
  });
}

function pathFrom(importer: string, specifier: string): string {
  return specifier.startsWith(".") ? normalize(join(dirname(importer), specifier)) : specifier;
}

/** Who may import what: the first column says whose imports are meant, the second which of them are wrong. */
const DIRECTIONS: readonly (readonly [whose: RegExp, wrong: (edge: Edge) => boolean, rule: string])[] = [
  [/^/, ({ to }) => [...ENTRIES, "lib/start.ts"].includes(to), "nobody imports an entry"],
  [
    /^lib\/rfc9111\//,
    ({ to, kind }) =>
      !/^(?:lib\/rfc9111\/.*|structured-headers)$/.test(to) && !(to === "lib/message.ts" && kind === "type"),
    "rfc9111 imports itself, structured-headers and the types of message.ts",
  ],
  [
    /^lib\/store\//,
    ({ to }) => /^lib\/(?!store\/|rfc9111\/|message\.ts|errors\.ts)/.test(to),
    "store imports itself, rfc9111, message.ts and errors.ts",
  ],
  [
    /^(?!lib\/cache-serve\.ts)/,
    ({ to, from, kind }) =>
      to === "lib/proxy.ts" &&
      !(/^lib\/(?:(?:cache|exact)-app|workers\/desk)\.ts$/.test(from) && kind === "type"),
    "only cache-serve makes a proxy; the apps and the desk for other workers know its type",
  ],
  [
    /^(?!lib\/workers\/|lib\/start\.ts|cache\.ts)/,
    ({ to }) => to.startsWith("lib/workers/"),
    "only the entries know that there may be several processes",
  ],
  [
    /^(?!lib\/(?:wire\/|cache-app|exact-app|cache-serve|origin-serve|fleet|admin\/serve-admin|workers\/(?:worker|supervisor)\.ts))/,
    ({ to, kind }) => to.startsWith("lib/wire/") && kind === "value",
    "the engine knows no socket API: only apps and what starts them import wire",
  ],
  [
    /^(?!lib\/(?:cache-app|exact-app|admin\/admin-app|origin-[\w-]+)\.ts)/,
    ({ to, from, kind }) =>
      /^hono(?:\/|$)/.test(to) && !(from === "lib/wire/serve-bun.ts" && kind === "type"),
    "Hono is in the apps only",
  ],
  [
    /^(?!lib\/wire\/)/,
    ({ to, names }) =>
      /^(?:node:)?(?:net|tls|https?|http2|dgram)$|^@hono\/node-server|^undici/.test(to) &&
      !(to === "node:http" && names.trim() === "{ METHODS } from"),
    "sockets are in wire only",
  ],
  [
    /^lib\/shared\//,
    ({ to }) => /^lib\/(?!shared\/|store\/|rfc9111\/|message\.ts|origins\/breaker\.ts)/.test(to),
    "the shared tier imports itself, store, rfc9111, message.ts and the breaker",
  ],
  [
    /^/,
    ({ to, from }) => to === "ioredis" && from !== "lib/shared/connect.ts",
    "only shared/connect.ts knows ioredis",
  ],
  [
    /^/,
    ({ to, kind, names }) => to === "ioredis" && kind === "value" && names !== "",
    "ioredis is loaded where it is needed, by import()",
  ],
];

function misdirected(sources: Sources): string[] {
  const edges = Object.entries(sources).flatMap(([path, source]) => importsOf(path, source));
  return edges.flatMap((edge) =>
    DIRECTIONS.filter(([whose, wrong]) => whose.test(edge.from) && wrong(edge)).map(
      ([, , rule]) => `${edge.from} → ${edge.to}: ${rule}`,
    ),
  );
}

/**
 * Files that import each other in a circle. Values: none at all, since the order of loading would decide what works.
 * Types vanish, so a circle of them breaks nothing; it is allowed through message.ts only, whose nouns are made of what
 * rfc9111 reads, while rfc9111 reads the nouns. Anywhere else it would mean that two rooms cannot be told apart.
 */
function circles(sources: Sources): string[] {
  const edges = Object.entries(sources).flatMap(([path, source]) => importsOf(path, source));
  const withoutNouns = edges.filter(({ to, kind }) => kind === "value" || to !== "lib/message.ts");
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (trail.includes(path)) return [[...trail.slice(trail.indexOf(path)), path].join(" → ")];
    if (done.has(path)) return [];
    const found = withoutNouns
      .filter(({ from }) => from === path)
      .flatMap(({ to }) => visit(to, [...trail, path]));
    done.add(path);
    return found;
  };
  return Object.keys(sources).flatMap((path) => visit(path, []));
}

/** Text that code may not hold, where, and why not. */
const FORBIDDEN: readonly (readonly [where: RegExp, pattern: RegExp, rule: string])[] = [
  [/^(?!lib\/wire\/)/, /\bBun\.(?:serve|listen|connect|fetch)\b/, "sockets are in wire only"],
  [/^(?!lib\/wire\/)/, /(?<![\w.$#])fetch\s*\(|\bglobalThis\.fetch\b/, "sockets are in wire only"],
  [
    /^(?!lib\/(?:(?:origin-[\w-]+|fleet)\.ts|wire\/(?:serve-bun|serve-lane|lane-\w+|origin-pool|peer-bun|claim-port)\.ts|workers\/member\.ts|rfc9111\/|store\/disk-schema\.ts)|origin\.ts)/,
    /\bBun\.\w|\bimport\.meta\.(?:dir|file|path)\b/,
    "the cache runs on Node too",
  ],
  [/^/, /\bwithResolvers\b|\bURL\.parse\b/, "Node 20 does not have it"],
  [/^lib\/rfc9111\//, /\b(?:await|async)\b/, "pure: no waiting"],
  [/^lib\/rfc9111\//, /\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(|\bperformance\b/, "pure: no clock"],
  [/^lib\/rfc9111\//, /\bMath\.random\b|\bcrypto\b/, "pure: no chance"],
  [/^lib\/rfc9111\//, /\b(?:Bun|process|console|globalThis)\b|\bimport\.meta\b/, "pure: no machine"],
  [/^lib\/rfc9111\//, /\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/, "pure: no timers"],
  [/^/, /(?<!\.)\bany\b/, "no any"],
  [/^/, /\benum\s+\w/, "no enum"],
  [/^/, /[\w$)\]]!(?!=)/, "no non-null !"],
  [/^/, /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/, "named exports only"],
  [/^/, /^export\b[^;]*?\sfrom\s+"/m, "no barrels: what a file exports is in it"],
];

function forbiddenText(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([path, source]) => {
    const code = blanked(source);
    return FORBIDDEN.filter(([where, pattern]) => where.test(path) && pattern.test(code)).map(
      ([, , rule]) => `${path}: ${rule}`,
    );
  });
}

function tooLong(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([path, source]) => {
    const lines = source.trimEnd().split("\n").length;
    const functions = functionsIn(source).flatMap((one) => [
      ...(one.lines > 40 ? [`${path}:${one.line} is a function of ${one.lines} lines`] : []),
      ...(one.parameters > 4 ? [`${path}:${one.line} has ${one.parameters} parameters`] : []),
    ]);
    return lines > 300 ? [`${path} has ${lines} lines`, ...functions] : functions;
  });
}

const HEADER = /^(?:#!.*\n)?\/\/ Answers: .+\n\/\/ Owns: .+\n\/\/ Leaves out: .+\n(?!\/\/)/;
const BAD_NAMES = /^(?:utils?|helpers?|common|types|misc|shared|index)$/;

function outOfForm(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([path, source]) => {
    const name = path.split("/").at(-1)?.replace(/\.ts$/, "") ?? "";
    const undocumented = [...blanked(source).matchAll(/^export (?:async )?(?:abstract )?\w+ (\w+)/gm)].filter(
      ({ index }) => !/\/\*\*(?:[^*]|\*(?!\/))*\*\/\s*$/.test(source.slice(0, index)),
    );
    const bare = importsOf(path, source).filter(({ to }) => to.startsWith("lib/") && !to.endsWith(".ts"));
    return [
      ...(HEADER.test(source) ? [] : [`${path}: three lines: Answers, Owns, Leaves out`]),
      ...(/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name) ? [] : [`${path}: a file name is kebab-case`]),
      ...(BAD_NAMES.test(name) ? [`${path}: a file name says what it owns`] : []),
      ...undocumented.map(([, exported]) => `${path}: ${exported} has no docstring`),
      ...bare.map(({ to }) => `${path}: ${to} has no .ts`),
    ];
  });
}

const TOP_LEVEL =
  /^(?:package\.json|bunfig\.toml|tsconfig\.json|origin\.ts|cache\.ts|lib|media|tests|README\.md|bun\.lock|LICENSE|\..+)$/;

function strangersAtTopLevel(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => path.split("/")[0] ?? ""))].filter((name) => !TOP_LEVEL.test(name));
}

interface Packages {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function loosePackages({ dependencies, devDependencies }: Packages): string[] {
  const all = Object.entries({ ...dependencies, ...devDependencies });
  return all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)).map(([name]) => name);
}

function unexplainedPackages({ dependencies, devDependencies }: Packages, readme: string): string[] {
  return Object.keys({ ...dependencies, ...devDependencies }).filter(
    (name) => !readme.includes(`\`${name}\``),
  );
}

const packages = JSON.parse(textOf("package.json")) as Packages;
const readme = existsSync(join(ROOT, "README.md")) ? textOf("README.md") : "";

describe("the product", () => {
  test.each([
    ["imports point one way", misdirected],
    ["no two files import each other", circles],
    ["rfc9111 is pure, sockets are in wire, and nobody writes any, enum, ! or a barrel", forbiddenText],
    ["a file has at most 300 lines, a function 40 lines and 4 parameters", tooLong],
    ["a file says what it owns, in its name and its first lines, and documents its exports", outOfForm],
  ])("%s", (_, guard) => expect(guard(product)).toEqual([]));

  test("the top level holds what DESIGN lists and nothing else", () => {
    const listed = Bun.spawnSync(["git", "ls-files", "-z"], { cwd: ROOT }).stdout.toString().split("\0");
    expect(listed).toContain("cache.ts");
    expect(strangersAtTopLevel(listed.filter((path) => path !== ""))).toEqual([]);
  });

  test("a thread loads no package: on a clean clone Bun finds none for it", () => {
    const graph = new Set(["lib/store/disk-writer.ts"]);
    for (const path of graph)
      for (const { to, kind } of importsOf(path, product[path] ?? "")) if (kind === "value") graph.add(to);
    const outside = [...graph].filter((path) => !path.startsWith("lib/"));
    expect(outside.sort()).toEqual(["bun:sqlite", "node:fs", "node:worker_threads"]);
  });

  test("every package is pinned exactly", () => expect(loosePackages(packages)).toEqual([]));
  test("every package is named in the README", () =>
    expect(unexplainedPackages(packages, readme)).toEqual([]));

  test("the guards see the same imports of values as Bun's own parser", () => {
    const transpiler = new Bun.Transpiler({ loader: "ts" });
    for (const [path, source] of Object.entries(product)) {
      const seen = importsOf(path, source).filter(({ kind }) => kind === "value");
      const real = transpiler.scanImports(source.replace(/^#!.*/, ""));
      const names = new Set(real.map(({ path: to }) => pathFrom(path, to)));
      expect([path, ...new Set(seen.map(({ to }) => to))].sort()).toEqual([path, ...names].sort());
    }
  });

  test("the guards see every file and its functions", () => {
    expect(Object.keys(product).length).toBeGreaterThan(40);
    for (const [path, source] of Object.entries(product)) {
      const code = blanked(source);
      expect([path, code.length]).toEqual([path, source.length]);
      expect([path, code.split(/[([{]/).length]).toEqual([path, code.split(/[)\]}]/).length]);
      const named = code.match(/\bfunction\b/g)?.length ?? 0;
      expect(functionsIn(source).length).toBeGreaterThanOrEqual(named);
    }
  });
});

type Case = readonly [claim: string, guard: (sources: Sources) => string[], path: string, code: string];

const HEAD = "// Answers: a\n// Owns: b\n// Leaves out: c\n";
const WRONG: readonly Case[] = [
  ["an entry that is imported", misdirected, "lib/a.ts", 'import "../cache.ts";'],
  ["rfc9111 that knows a store", misdirected, "lib/rfc9111/a.ts", 'import type { A } from "../store/a.ts"'],
  ["rfc9111 that runs message.ts", misdirected, "lib/rfc9111/a.ts", 'import { a } from "../message.ts";'],
  ["a store that answers", misdirected, "lib/store/a.ts", 'import { a } from "../respond.ts";'],
  ["a second maker of proxies", misdirected, "lib/a.ts", 'import {\n  Proxy,\n} from "./proxy.ts";'],
  ["an app that makes a proxy", misdirected, "lib/cache-app.ts", 'import { Proxy } from "./proxy.ts";'],
  ["an engine that listens", misdirected, "lib/proxy.ts", 'import { a } from "./wire/serve-bun.ts";'],
  ["an engine with colleagues", misdirected, "lib/proxy.ts", 'import { a } from "./workers/owner.ts";'],
  ["a worker on a socket", misdirected, "lib/workers/desk.ts", 'import { a } from "../wire/peer-bun.ts";'],
  ["an engine with a router", misdirected, "lib/proxy.ts", 'import type { Hono } from "hono";'],
  ["a server in a lib file", misdirected, "lib/a.ts", 'import { METHODS, createServer } from "node:http";'],
  ["a socket by import()", misdirected, "lib/a.ts", 'const net = await import("node:net");'],
  ["a tier that answers", misdirected, "lib/shared/a.ts", 'import { a } from "../respond.ts";'],
  ["a second client of Redis", misdirected, "lib/shared/a.ts", 'import type { Redis } from "ioredis";'],
  ["a client of Redis for all", misdirected, "lib/shared/connect.ts", 'import { Redis } from "ioredis";'],
  ["what Node 20 lacks", forbiddenText, "lib/a.ts", "const a = Promise.withResolvers<void>();"],
  ["Bun.serve", forbiddenText, "lib/origin-app.ts", "Bun.serve({});"],
  ["fetch in a template", forbiddenText, "lib/a.ts", "const a = `${await fetch(b)}`;"],
  ["waiting in rfc9111", forbiddenText, "lib/rfc9111/a.ts", "for await (const a of b) c(a);"],
  ["a clock in rfc9111", forbiddenText, "lib/rfc9111/a.ts", "const now = new Date();"],
  ["chance in rfc9111", forbiddenText, "lib/rfc9111/a.ts", "const a = Math.random();"],
  ["Bun in rfc9111", forbiddenText, "lib/rfc9111/a.ts", "const a = Bun.hash(b);"],
  ["a timer in rfc9111", forbiddenText, "lib/rfc9111/a.ts", "setTimeout(a, 1);"],
  ["any", forbiddenText, "lib/a.ts", "const a = b as any;"],
  ["enum", forbiddenText, "lib/a.ts", "const enum A {}"],
  ["non-null", forbiddenText, "lib/a.ts", "const a = b[0]!;"],
  ["a default export", forbiddenText, "lib/a.ts", "export default a;"],
  ["a barrel", forbiddenText, "lib/a.ts", 'export * from "./b.ts";'],
  ["301 lines", tooLong, "lib/a.ts", "a();\n".repeat(301)],
  ["a long function", tooLong, "lib/a.ts", `function a(): { b: C } | D {${"\n".repeat(40)}}`],
  ["a long method", tooLong, "lib/a.ts", `class A { async #a<T>(b: T): Promise<T[]> {${"\n".repeat(40)}} }`],
  ["a long expression", tooLong, "lib/a.ts", `const a = (b: C) =>${"\n".repeat(41)}  b;`],
  ["five parameters", tooLong, "lib/a.ts", "const a = (b: [C, D], c = { d, e }, f: G<H, I>, j, k) => l;"],
  ["two lines at the top", outOfForm, "lib/a.ts", "// Answers: a\n// Owns: b\n"],
  ["camelCase", outOfForm, "lib/cacheApp.ts", HEAD],
  ["utils", outOfForm, "lib/utils.ts", HEAD],
  ["no docstring", outOfForm, "lib/a.ts", `${HEAD}/* Not one. */\nexport const a = 1;`],
  ["no .ts", outOfForm, "lib/a.ts", `${HEAD}import { b } from "./b";`],
];

describe("a guard finds", () => {
  test.each(WRONG)("%s", (_, guard, path, code) => expect(guard({ [path]: code })).toHaveLength(1));

  test("circles: of values anywhere, of types but through message.ts", () => {
    const pair = (there: string, back: string): Sources => ({ "lib/a.ts": there, "lib/message.ts": back });
    expect(circles(pair('import { b } from "./message.ts"', 'import { a } from "./a.ts"'))).not.toEqual([]);
    expect(circles(pair('import type { B } from "./message.ts"', 'import { a } from "./a.ts"'))).toEqual([]);
    expect(circles({ "lib/a.ts": 'import type { B } from "./a.ts";' })).toEqual(["lib/a.ts → lib/a.ts"]);
  });

  test("a stranger at the top level, a loose package, one without a reason", () => {
    expect(strangersAtTopLevel(["lib/a.ts", ".ci/run", "docs/a.md"])).toEqual(["docs"]);
    expect(loosePackages({ dependencies: { a: "^1.0.0" }, devDependencies: { b: "1.0.0" } })).toEqual(["a"]);
    expect(unexplainedPackages({ dependencies: { a: "1.0.0" } }, "not as a package")).toEqual(["a"]);
  });

  test("nothing in comments, strings, templates and regular expressions", () => {
    const text = 'const a = "await any!"; // enum A\nconst b = `Bun.serve ${c} any`, d = /["`{] any/ / 2;';
    expect([forbiddenText({ "lib/rfc9111/a.ts": text }), blanked(text).length]).toEqual([[], text.length]);
  });
});

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}
