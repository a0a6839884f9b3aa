// Answers: what the command line asks for.
// Owns: the options of `bun run conformance`, their defaults, and one line for each mistake.
// Leaves out: the options of the cache; everything after `--` is passed on to it.
import { existsSync } from "node:fs";
import { join } from "node:path";

export type Options = {
  /** The file of cases; default `../shared/conformance/cases.json` beside the repository. */
  readonly casesFile: string;
  /** A cache that runs already, with the port of 127.0.0.1 that it takes for its origin. */
  readonly running: { readonly cache: URL; readonly originPort: number } | undefined;
  /** Only these cases, with their traffic printed; empty: all. */
  readonly only: readonly string[];
  /** Only the cases of this suite. */
  readonly suite: string | undefined;
  readonly json: boolean;
  /** True where the cache's wire carries 1xx responses. */
  readonly interimResponses: boolean;
  /** How many cases run at the same time, 1–1000, default 60. */
  readonly concurrency: number;
  /** Whether the cache is built for Node, and started with it. */
  readonly onNode: boolean;
  /** Further arguments of the cache. */
  readonly cacheArguments: readonly string[];
};

export const root = join(import.meta.dir, "..", "..");

const usage =
  "--cases FILE, --only ID[,ID], --suite ID, --json, --wire NAME, --node, --concurrency N, --cache URL --origin-port N, -- CACHE ARGUMENTS";

type Given = Map<string, string>;
const valued = ["--cases", "--only", "--suite", "--wire", "--concurrency", "--cache", "--origin-port"];

/** Reads the arguments. @throws Error with one line that says what is wrong. */
export function readOptions(args: readonly string[]): Options {
  const divider = args.indexOf("--");
  const own = divider < 0 ? args : args.slice(0, divider);
  const passedOn = divider < 0 ? [] : args.slice(divider).filter((each) => each !== "--");
  const { given, json, onNode } = readOwn(own);
  const running = readRunning(given);
  if (running !== undefined && passedOn.length > 0) {
    throw new Error("arguments after -- are for a cache that is started here, not with --cache");
  }
  const casesFile = given.get("--cases");
  if (casesFile !== undefined && !existsSync(casesFile))
    throw new Error(`--cases ${casesFile}: no such file`);
  const ownWire = given.get("--wire");
  const wire = ownWire ?? wireOf(passedOn) ?? (running !== undefined ? "unknown" : onNode ? "exact" : "lane");
  return {
    casesFile: casesFile ?? join(root, "..", "shared", "conformance", "cases.json"),
    running,
    only: given.get("--only")?.split(",") ?? [],
    suite: given.get("--suite"),
    json,
    onNode,
    interimResponses: !["bun", "lane"].includes(wire),
    concurrency: readNumber(given, "--concurrency", 1000) ?? 60,
    cacheArguments: ownWire === undefined ? passedOn : ["--wire", ownWire, ...passedOn],
  };
}

function readOwn(args: readonly string[]): { given: Given; json: boolean; onNode: boolean } {
  const given: Given = new Map();
  let json = false;
  let onNode = false;
  for (let index = 0; index < args.length; index += 1) {
    const [name = "", inline] = (args[index] ?? "").split(/=(.*)/s);
    if (name === "--json") {
      json = true;
      continue;
    }
    if (name === "--node") {
      onNode = true;
      continue;
    }
    if (!valued.includes(name)) throw new Error(`${name} is not an option; options: ${usage}`);
    if (inline === undefined) index += 1;
    const value = inline ?? args[index];
    if (value === undefined) throw new Error(`${name} needs a value; options: ${usage}`);
    given.set(name, value);
  }
  return { given, json, onNode };
}

function readRunning(given: Given): Options["running"] {
  const cache = given.get("--cache");
  const originPort = readNumber(given, "--origin-port", 65_535);
  if (cache === undefined && originPort === undefined) return undefined;
  if (cache === undefined || originPort === undefined || !/^http:\/\//.test(cache) || !URL.canParse(cache)) {
    throw new Error("--cache URL and --origin-port N belong together, with a URL that starts with http://");
  }
  return { cache: new URL(cache), originPort };
}

function readNumber(given: Given, name: string, max: number): number | undefined {
  const text = given.get(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new Error(`${name} ${text}: expected a whole number from 1 to ${max}`);
}

function wireOf(args: readonly string[]): string | undefined {
  const index = args.findIndex((each) => each === "--wire" || each.startsWith("--wire="));
  const found = args[index];
  return found === "--wire" ? args[index + 1] : found?.slice("--wire=".length);
}
