// Answers: what the options of this run are, from flag, environment and file, in that order of weight.
// Owns: the shape of an option table, its resolution, and its printing (help text, README table).
// Leaves out: which options there are (`option-tables.ts`) and what a value means (`option-values.ts`).
import { parseArgs } from "node:util";
import { ConfigError } from "./errors.ts";

/** How the text of a value is read; `parse` returns `undefined` for what it cannot read and never throws. */
export interface OptionKind<T> {
  readonly expected: string;
  /** Whether the value may hold a password: a wrong one is not shown. */
  readonly isSecret?: boolean;
  readonly parse: (text: string) => T | undefined;
}

/** One row of an option table. `fallback` is written as a user would write it. */
export interface OptionRow<T = unknown> {
  readonly kind: OptionKind<T>;
  readonly fallback: string;
  /** What is printed in place of the value, such as `PORT`. */
  readonly value: string;
  readonly meaning: string;
  /** It may be given several times, or as an array in a file; the values come joined by commas. */
  readonly many?: boolean;
}

/** Option name in camelCase → row. The row named `port` is the positional argument. */
export type OptionTable = Readonly<Record<string, OptionRow>>;

/** The resolved options: every one is there, none is optional, nothing changes any more. */
export type Resolved<T extends OptionTable> = Readonly<{
  [K in keyof T]: T[K] extends OptionRow<infer V> ? V : never;
}>;

/** Where values come from, the heaviest first. */
export interface OptionSources {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: Readonly<Record<string, unknown>>;
}

/**
 * Resolves a table: flag beats environment (`LARDER_MAX_OBJECT`) beats file (`maxObject`) beats fallback.
 * @throws ConfigError for an unknown option, a value that cannot be read, or more than one port.
 */
export function resolveOptions<T extends OptionTable>(table: T, sources: OptionSources): Resolved<T> {
  const flags = flagValues(table, sources.argv);
  for (const name of Object.keys(sources.file)) {
    if (!Object.hasOwn(table, name))
      throw new ConfigError(`config file: ${name}`, "", "there is no such option");
    if (name === "config") throw new ConfigError("config file: config", "", "one file cannot name another");
  }
  const resolved: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(table)) {
    const [where, value] = heaviest(name, row, { flag: flags[name], sources });
    const parsed = row.kind.parse(value);
    if (parsed === undefined)
      throw new ConfigError(where, row.kind.isSecret === true ? "" : value, row.kind.expected);
    resolved[name] = parsed;
  }
  return Object.freeze(resolved) as Resolved<T>;
}

/** `maxObject` → `--max-object`. */
export function flagOf(name: string): string {
  return `--${kebab(name)}`;
}

/** `maxObject` → `LARDER_MAX_OBJECT`. */
export function environmentOf(name: string): string {
  return `LARDER_${kebab(name).replaceAll("-", "_").toUpperCase()}`;
}

/** The text of `--help`: one line an option. */
export function helpText(command: string, table: OptionTable): string {
  const rows = Object.entries(table).map(([name, row]) => ({ left: usageOf(name, row), row }));
  const width = Math.max(...rows.map(({ left }) => left.length));
  const lines = rows.map(({ left, row }) => {
    const fallback = row.fallback === "" ? "" : ` [${row.fallback}]`;
    return `  ${left.padEnd(width)}  ${row.meaning}${fallback}`;
  });
  return `${command}\n\n${lines.join("\n")}\n`;
}

/** The same table in Markdown, as it stands in the README. */
export function markdownTable(table: OptionTable): string {
  const rows = Object.entries(table).map(([name, row]) => {
    const fallback = row.fallback === "" ? "" : `\`${row.fallback}\``;
    return `| \`${usageOf(name, row)}\` | ${row.meaning} | ${fallback} | \`${environmentOf(name)}\` |`;
  });
  return ["| option | meaning | default | environment |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function usageOf(name: string, row: OptionRow): string {
  return name === "port" ? `[${row.value}]` : `${flagOf(name)} ${row.value}`;
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function heaviest(
  name: string,
  row: OptionRow,
  from: { readonly flag: string | undefined; readonly sources: OptionSources },
): readonly [where: string, value: string] {
  if (from.flag !== undefined) return [name === "port" ? "port" : flagOf(name), from.flag];
  const fromEnvironment = from.sources.env[environmentOf(name)];
  if (fromEnvironment !== undefined) return [environmentOf(name), fromEnvironment];
  const fromFile = from.sources.file[name];
  if (fromFile !== undefined) return [`config file: ${name}`, textOf(name, fromFile, row.many)];
  return [flagOf(name), row.fallback];
}

function textOf(name: string, value: unknown, many = false): string {
  if (many && Array.isArray(value)) return value.map((one) => textOf(name, one)).join(",");
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw new ConfigError(`config file: ${name}`, typeof value, "expected a text or a number");
}

function flagValues(table: OptionTable, argv: readonly string[]): Readonly<Record<string, string>> {
  const names = new Map(Object.keys(table).map((name) => [kebab(name), name]));
  names.delete("port");
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries([...names.keys()].map((flag) => [flag, { type: "string" as const }])),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values: Record<string, string> = {};
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    const isPositional = token.kind === "positional";
    const name = isPositional ? positionalOf(table) : names.get(token.name);
    const where = isPositional ? "port" : token.rawName;
    if (name === undefined) {
      throw new ConfigError(isPositional ? token.value : where, "", "there is no such option; see --help");
    }
    // `--memory --log off`: a flag is not the value of the one before it.
    if (token.value === undefined || (!isPositional && !token.inlineValue && token.value.startsWith("--"))) {
      throw new ConfigError(where, "", "expected a value after it");
    }
    const earlier = Object.hasOwn(values, name) ? values[name] : undefined;
    if (earlier !== undefined && table[name]?.many !== true) {
      throw new ConfigError(where, token.value, "was given twice");
    }
    values[name] = earlier === undefined ? token.value : `${earlier},${token.value}`;
  }
  return values;
}

function positionalOf(table: OptionTable): string | undefined {
  return Object.hasOwn(table, "port") ? "port" : undefined;
}
