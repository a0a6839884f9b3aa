// Answers: what are the options of a run, given flag, environment and file?
// Owns: the claims about `lib/options.ts`: order of weight, what is refused and in which words, what is printed.
// Leaves out: what a value means (`option-values.test.ts`), which options there are (`option-tables.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ConfigError } from "../lib/errors.ts";
import { CACHE_OPTIONS, ORIGIN_OPTIONS, START_OPTIONS } from "../lib/option-tables.ts";
import { bytes, oneOf, optionalText, port, text } from "../lib/option-values.ts";
import {
  environmentOf,
  flagOf,
  helpText,
  markdownTable,
  resolveOptions,
  type OptionSources,
  type OptionTable,
} from "../lib/options.ts";

const TABLE = {
  port: { kind: port, fallback: "80", value: "PORT", meaning: "where it listens" },
  maxObject: { kind: bytes, fallback: "1KB", value: "SIZE", meaning: "the largest" },
  name: { kind: optionalText, fallback: "", value: "NAME", meaning: "what it is called" },
  how: { kind: oneOf("a", "b"), fallback: "a", value: "HOW", meaning: "one way or the other" },
} as const;

/** For each option: a flag, an environment and a file value, each unlike its neighbour, and what all four mean. */
const SAMPLES: Readonly<Record<string, readonly [string, string, unknown, readonly unknown[]]>> = {
  port: ["1", "2", 3, [1, 2, 3]],
  originPort: ["1", "2", 3, [1, 2, 3]],
  origin: [
    "http://a",
    "https://b:1",
    ["/c=http://c", "http://d"],
    [
      [{ prefix: "/", origin: "http://a" }],
      [{ prefix: "/", origin: "https://b:1" }],
      [
        { prefix: "/c", origin: "http://c" },
        { prefix: "/", origin: "http://d" },
      ],
    ],
  ],
  disk: ["a", "b/c", "", ["a", "b/c", ""]],
  diskSize: ["16MB", "2GB", 2 ** 25, [2 ** 24, 2 ** 31, 2 ** 25]],
  shared: ["redis://a", "rediss://b:1", "", ["redis://a", "rediss://b:1", ""]],
  sharedMaxObject: ["1KB", "2MB", 3, [1024, 2 ** 21, 3]],
  sharedCutoff: ["1s", "2ms", 3, [1000, 2, 3000]],
  admin: ["1", "off", "auto", [1, "off", "auto"]],
  adminHost: ["a", "b", "c", ["a", "b", "c"]],
  adminToken: ["a", "b", "", ["a", "b", ""]],
  balance: [
    "least-pending",
    "round-robin",
    "least-pending",
    ["least-pending", "round-robin", "least-pending"],
  ],
  healthCheck: ["/a", "/b?c", "", ["/a", "/b?c", ""]],
  healthInterval: ["1s", "200ms", 3, [1000, 200, 3000]],
  originLimit: ["1", "2", 0, [1, 2, 0]],
  originQueue: ["1", "2", 0, [1, 2, 0]],
  breaker: ["1", "2", 0, [1, 2, 0]],
  connectTimeout: ["1s", "2ms", 0, [1000, 2, 0]],
  firstByteTimeout: ["1", "2m", 3, [1000, 120_000, 3000]],
  betweenBytesTimeout: ["1s", "2ms", 0, [1000, 2, 0]],
  totalTimeout: ["1s", "2ms", 3, [1000, 2, 3000]],
  staleWhileRevalidate: ["1s", "2h", "3d", [1, 7200, 259_200]],
  maxLag: ["1KB", "2MB", 3, [1024, 2 ** 21, 3]],
  closeDelimited: ["store", "pass", "store", ["store", "pass", "store"]],
  purgeFrom: [
    "none",
    "10.0.0.0/8",
    ["::1", "192.0.2.7"],
    [
      [],
      [{ address: "10.0.0.0", prefix: 8 }],
      [
        { address: "::1", prefix: 128 },
        { address: "192.0.2.7", prefix: 32 },
      ],
    ],
  ],
  wire: ["bun", "exact", "lane", ["bun", "exact", "lane"]],
  maxConnections: ["1", "2", 0, [1, 2, 0]],
  workers: ["3", "2", 4, [3, 2, 4]],
  drainTimeout: ["1s", "2ms", 0, [1000, 2, 0]],
  host: ["a", "b", "c", ["a", "b", "c"]],
  root: ["a", "b", "c", ["a", "b", "c"]],
  config: ["a", "b", "c", ["a", "b", "c"]],
  memory: ["1MB", "2", 3, [2 ** 20, 2, 3]],
  maxObject: ["1KB", "2GB", "3", [1024, 2 ** 31, 3]],
  originHost: ["a:1", "b", "", ["a:1", "b", ""]],
  staleIfError: ["1s", "2h", "3d", [1, 7200, 259_200]],
  heuristicShare: ["1%", "0.2", 0.3, [0.01, 0.2, 0.3]],
  heuristicMax: ["1s", "2s", "3s", [1, 2, 3]],
  vary: ["exact", "meaning", "exact", ["exact", "meaning", "exact"]],
  uncollapse: ["1s", "2s", 0, [1, 2, 0]],
  log: ["off", "json", "off", ["off", "json", "off"]],
  maxAge: ["1s", "auto", 3, [1, "auto", 3]],
};

const TABLES: readonly (readonly [string, OptionTable])[] = [
  ["cache.ts", CACHE_OPTIONS],
  ["origin.ts", ORIGIN_OPTIONS],
  ["bun start", START_OPTIONS],
];
const rows = TABLES.flatMap(([command, table]) =>
  Object.keys(table).map((name) => [command, name, table] as const),
);

describe("flag beats environment beats file beats default", () => {
  test.each(rows)("%s: %s", (_, name, table) => {
    const [flag, environment, file, meanings] = SAMPLES[name] ?? ["", "", "", []];
    const resolved = (sources: Partial<OptionSources>): unknown => resolve(table, sources)[name];
    const argv = name === "port" ? [flag] : [flagOf(name), flag];
    const env = { [environmentOf(name)]: environment };
    const inFile = name === "config" ? {} : { [name]: file };
    expect(resolved({ argv, env, file: inFile })).toEqual(meanings[0]);
    expect(resolved({ env, file: inFile })).toEqual(meanings[1]);
    if (name === "config")
      expect(() => resolved({ file: { config: "x" } })).toThrow("one file cannot name another");
    else expect(resolved({ file: inFile })).toEqual(meanings[2]);
    expect(resolved({})).toEqual(table[name]!.kind.parse(table[name]!.fallback));
  });
});

const CIRCULAR: { self?: unknown } = {};
CIRCULAR.self = CIRCULAR;

test("a wrong value of --shared or --admin-token is not shown", () => {
  const kinds = Object.entries(CACHE_OPTIONS).filter(([, { kind }]) => "isSecret" in kind && kind.isSecret);
  expect(kinds.map(([name]) => name).sort()).toEqual(["adminToken", "shared"]);
});

describe("a value that cannot be read", () => {
  const BAD = "\u0000 no such value";
  const refusing = rows.filter(([, name, table]) => table[name]!.kind.parse(BAD) === undefined);

  test("is possible for every option but those that take any text", () => {
    const takeAny = rows.filter((row) => !refusing.includes(row)).map(([, name]) => name);
    expect([...new Set(takeAny)].sort()).toEqual(["adminHost", "config", "host", "root"]);
  });

  test.each(refusing)("%s: %s is named with its place and with what would be right", (_, name, table) => {
    const places = [
      [
        name === "port" ? "port" : flagOf(name),
        { argv: name === "port" ? [BAD] : [`${flagOf(name)}=${BAD}`] },
      ],
      [environmentOf(name), { env: { [environmentOf(name)]: BAD } }],
      [`config file: ${name}`, { file: { [name]: BAD } }],
    ] as const;
    const { expected, isSecret } = table[name]!.kind;
    // What may hold a password is not shown to whoever reads the log.
    const [value, shown] = isSecret === true ? ["", ""] : [BAD, ' "\\u0000 no such value"'];
    for (const [option, sources] of places) {
      const error = refused(table, sources);
      expect(error).toMatchObject({ option, value, expected });
      expect(error.message).toBe(`${option}${shown}: ${expected}`);
    }
  });

  test("in a place of less weight does not matter", () => {
    expect(resolve(TABLE, { argv: ["--how", "b"], env: { LARDER_HOW: "?" }, file: { how: "?" } }).how).toBe(
      "b",
    );
  });

  test.each([
    ["an object", {}],
    ["a list", ["a"]],
    ["null", null],
    ["a function", () => "a"],
    ["an object that is no text", Object.create(null)],
    ["a number that JSON does not know", 5n],
    ["an object that holds itself", CIRCULAR],
  ])("config file: %s is no value, for no option", (_, value) => {
    expect(refused(TABLE, { file: { name: value } }).option).toBe("config file: name");
    expect(refused(CACHE_OPTIONS, { file: { host: value } }).option).toBe("config file: host");
  });
});

describe("the command line", () => {
  test("may be asked for a text that is not empty", () => {
    const table = { name: { ...TABLE.name, kind: text } };
    expect(refused(table, { argv: ["--name="] }).expected).toBe(text.expected);
  });

  test.each([
    [["--max-object", "2KB"], 80],
    [["--max-object=2KB"], 80],
    [["81", "--max-object", "2KB"], 81],
    [["--max-object=2KB", "81"], 81],
    [["--max-object", "2KB", "--", "81"], 81],
  ])("%p", (argv, port) => {
    expect(resolve(TABLE, { argv })).toMatchObject({ maxObject: 2048, port });
  });

  test("an empty value is a value", () => {
    expect(resolve(TABLE, { argv: ["--name="], env: { LARDER_NAME: "n" } }).name).toBe("");
    expect(refused(TABLE, { argv: ["--max-object="] })).toMatchObject({ option: "--max-object", value: "" });
  });

  test.each([
    ["an unknown option", ["--nothing", "1"], "--nothing", /no such option/],
    ["an unknown option with =", ["--nothing=1"], "--nothing", /no such option/],
    ["a name in camelCase", ["--maxObject", "1"], "--maxObject", /no such option/],
    ["a short option", ["-p", "1"], "-p", /no such option/],
    ["the port as an option", ["--port", "1"], "--port", /no such option/],
    ["a negation", ["--no-name"], "--no-name", /no such option/],
    ["a property of every object", ["--constructor", "1"], "--constructor", /no such option/],
    ["a prototype", ["--__proto__", "1"], "--__proto__", /no such option/],
    ["an option without a value", ["--name"], "--name", /expected a value/],
    ["an option given twice", ["--name", "a", "--name=b"], "--name", /twice/],
    ["an option given twice, the same", ["--how", "a", "--how", "a"], "--how", /twice/],
    ["two ports", ["80", "81"], "port", /twice|one port|more than one/],
    ["a negative port", ["-1"], "-1", /no such option/],
    ["a port that is none", ["eighty"], "port", /from 0 to 65535/],
  ])("%s is refused, and named", (_, argv, option, expected) => {
    const error = refused(TABLE, { argv });
    expect(error.option).toBe(option);
    expect(error.message).toMatch(expected);
  });

  test("without a port in the table, nothing may stand by itself", () => {
    expect(refused({ name: TABLE.name }, { argv: ["80"] }).message).toMatch(/no such option/);
  });

  test("any command line gives options or a ConfigError of one line", () => {
    const word = fc.oneof(
      fc.constantFrom("--name", "--how", "a", "--", "-", "--max-object=1", "80"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5, size: "max" }), (argv) => {
        try {
          expect(Object.keys(resolve(TABLE, { argv }))).toEqual(Object.keys(TABLE));
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("the config file", () => {
  test("may leave an option undefined, and may give a number where a text is read", () => {
    expect(resolve(TABLE, { file: { name: undefined, maxObject: 7, port: 0 } })).toMatchObject({
      ...{ name: "", maxObject: 7, port: 0 },
    });
  });

  test.each(["maxobject", "max-object", "--max-object", "constructor", "nothing"])(
    "an unknown option is named: %s",
    (name) => {
      const error = refused(TABLE, { file: { [name]: "1" } });
      expect(error.option).toBe(`config file: ${name}`);
      expect(error.message).toMatch(/no such option/);
    },
  );
});

test("the resolved options are complete and frozen", () => {
  const options = resolve(CACHE_OPTIONS, {});
  expect(Object.keys(options)).toEqual(Object.keys(CACHE_OPTIONS));
  expect(Object.values(options)).not.toContain(undefined);
  expect(Object.isFrozen(options)).toBe(true);
});

test("what is not Larder's in the environment does not matter", () => {
  expect(resolve(TABLE, { env: { NAME: "x", LARDER_NOTHING: "y", PORT: "1", name: "z" } }).name).toBe("");
});

describe("what is printed", () => {
  test("--help has a line for each option with its meaning and default", () => {
    expect(helpText("bun x.ts [PORT]", TABLE)).toBe(`bun x.ts [PORT]

  [PORT]             where it listens [80]
  --max-object SIZE  the largest [1KB]
  --name NAME        what it is called
  --how HOW          one way or the other [a]
`);
  });

  test("the README's table has a row for each option", () => {
    expect(markdownTable(TABLE)).toBe(
      [
        "| option | meaning | default | environment |",
        "| --- | --- | --- | --- |",
        "| `[PORT]` | where it listens | `80` | `LARDER_PORT` |",
        "| `--max-object SIZE` | the largest | `1KB` | `LARDER_MAX_OBJECT` |",
        "| `--name NAME` | what it is called |  | `LARDER_NAME` |",
        "| `--how HOW` | one way or the other | `a` | `LARDER_HOW` |",
      ].join("\n"),
    );
  });
});

function resolve<T extends OptionTable>(table: T, sources: Partial<OptionSources>) {
  return resolveOptions(table, { argv: [], env: {}, file: {}, ...sources });
}

function refused(table: OptionTable, sources: Partial<OptionSources>): ConfigError {
  let options: unknown;
  try {
    options = resolve(table, sources);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error(`accepted as ${JSON.stringify(options)}`);
}
