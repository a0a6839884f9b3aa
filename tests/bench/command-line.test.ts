// Answers: is what is typed wrong told in one line, before anything is started?
// Owns: the claims about the arguments of `bun run bench`.
// Leaves out: what the parts do.
import { expect, test } from "bun:test";
import { runLarder } from "../larder-process.ts";
import { readBenchOptions, USAGE } from "./command-line.ts";
import { knowsWire } from "./contestants.ts";

test("without arguments: five rounds of a second, everything against everything", () => {
  expect(readBenchOptions([])).toEqual({
    command: "speed",
    rounds: 5,
    seconds: 1,
    only: [],
    wires: ["bun", "lane", "exact"],
    against: ["bare", "nginx", "varnish"],
    isHelp: false,
  });
});

test("a subcommand comes first, values with a space or =", () => {
  const options = readBenchOptions(["workers", "--rounds=3", "--seconds", "2", "--only", "1k,zipf"]);
  expect(options).toMatchObject({ command: "workers", rounds: 3, seconds: 2, only: ["1k", "zipf"] });
});

test("eviction has options of its own", () => {
  expect(readBenchOptions(["eviction", "--shares", "1,5"]).command).toBe("eviction");
});

test.each([
  [["sped"], "sped: expected one of speed, workers"],
  [["--round", "3"], "--round: expected --rounds"],
  [["--rounds", "0"], "--rounds 0: expected a whole number from 1 to 100"],
  [["--seconds", "1.5"], "--seconds 1.5: expected a whole number from 1 to 60"],
  [["--seconds"], "--seconds : expected a whole number"],
  [["--only", "1k,2k"], "--only 2k: expected one of 1k, keys"],
  [["--wires", "http3"], "--wires http3: expected one of bun, lane, exact"],
  [["--against", "squid"], "--against squid: expected one of bare, nginx, varnish"],
])("%j is told in a line", (args, line) => {
  expect(() => readBenchOptions(args)).toThrow(line);
});

test("on the command line it is one line and exit code 2; --help is 0", async () => {
  const wrong = await runLarder("tests/bench/run.ts", ["--only", "tea"]);
  expect([wrong.exitCode, wrong.stdout]).toEqual([2, ""]);
  expect(wrong.stderr).toMatch(/^bench: --only tea: [^\n]+\n$/);
  expect(await runLarder("tests/bench/run.ts", ["--help"])).toMatchObject({
    exitCode: 0,
    stdout: `${USAGE}\n`,
  });
});

test("a wire takes part where the help of Larder names it", () => {
  const help = "  --wire HOW   `bun` is fast, `exact` is on node:http [auto]\n  --workers N   `lane`\n";
  expect(["bun", "exact", "lane"].map((wire) => knowsWire(help, wire))).toEqual([true, true, false]);
});
