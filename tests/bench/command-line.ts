// Answers: what `bun run bench` is told on the command line.
// Owns: its subcommands and options, their defaults, and one line for each mistake.
// Leaves out: what they do (`run.ts` and the files that it names).
import { RIVALS, WIRES } from "./contestants.ts";
import { SCENARIOS } from "./scenarios.ts";

/** What is to be done. */
export interface BenchOptions {
  readonly command: (typeof COMMANDS)[number];
  readonly rounds: number;
  readonly seconds: number;
  readonly only: readonly string[];
  readonly wires: readonly string[];
  readonly against: readonly string[];
  readonly isHelp: boolean;
}

/** The parts of the benchmark; `speed` is the one that goes without saying. */
export const COMMANDS = ["speed", "workers", "memory", "tiers", "micro", "eviction", "conformance"] as const;

const IDS = SCENARIOS.map(({ id }) => id);

/** For `--help`. */
export const USAGE = `bun run bench [SUBCOMMAND] [OPTION VALUE …]

  (none), speed      requests a second, p50 and p99 of each contestant, and how they compare
  workers            two workers of Larder beside two of nginx, both cores shared with the load
  memory             what a stored object costs as their number grows, and whether the budget is kept
  tiers              what disk and shared tier cost and give; purges; a restart with a million objects
  micro              nanoseconds of single functions
  eviction           hit ratios over traces; --trace FILE, --shares 1,5, --synthetic, --cost
  conformance        the conformance cases through nginx and Varnish too

  --rounds N         interleaved rounds, 1–100 [5]
  --seconds N        of each measurement, 1–60 [1]
  --only NAME[,…]    scenarios: ${IDS.join(", ")}
  --wires NAME[,…]   of Larder [${WIRES.join(",")}, those that it has]
  --against NAME[,…] [${RIVALS.join(",")}, those that are installed]`;

/** Reads the arguments. @throws Error with one line that says what is wrong. */
export function readBenchOptions(args: readonly string[]): BenchOptions {
  const isNamed = args[0] !== undefined && !args[0].startsWith("-");
  const name = isNamed ? args[0] : "speed";
  const command = COMMANDS.find((one) => one === name);
  if (command === undefined) throw new Error(`${name}: expected one of ${COMMANDS.join(", ")}`);
  const given = new Map<string, string>();
  // It has options of its own, and reads them itself.
  const rest = command === "eviction" ? [] : isNamed ? args.slice(1) : args;
  for (let at = 0; at < rest.length; at++) {
    const [option = "", inline] = (rest[at] ?? "").split(/=(.*)/s);
    if (option === "--help") given.set(option, "");
    else if (!VALUED.includes(option)) throw new Error(`${option}: expected ${VALUED.join(", ")} or --help`);
    else given.set(option, inline ?? rest[++at] ?? "");
  }
  return {
    command,
    rounds: wholeNumber(given, "--rounds", 5, 100),
    seconds: wholeNumber(given, "--seconds", 1, 60),
    only: namesFrom(given, "--only", IDS) ?? [],
    wires: namesFrom(given, "--wires", WIRES) ?? WIRES,
    against: namesFrom(given, "--against", RIVALS) ?? RIVALS,
    isHelp: given.has("--help"),
  };
}

const VALUED = ["--rounds", "--seconds", "--only", "--wires", "--against"];

function wholeNumber(
  given: ReadonlyMap<string, string>,
  option: string,
  fallback: number,
  most: number,
): number {
  const text = given.get(option);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new Error(`${option} ${text}: expected a whole number from 1 to ${most}`);
}

function namesFrom(
  given: ReadonlyMap<string, string>,
  option: string,
  known: readonly string[],
): readonly string[] | undefined {
  const names = given.get(option)?.split(",");
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${option} ${unknown}: expected one of ${known.join(", ")}`);
  return names;
}
