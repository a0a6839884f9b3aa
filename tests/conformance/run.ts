// Answers: `bun run conformance`: does this cache behave as RFC 9111 and its companions say?
// Owns: one run from options to exit code (0: all required and optimal cases passed, 1: not, 2: could not run).
// Leaves out: the cases' meaning: origin-answer.ts, case-run.ts, judge.ts, in the order of a request.
import { type CacheProcess, startCache } from "./cache-process.ts";
import { type CaseRun, runCase } from "./case-run.ts";
import { type Case, loadCases, needsInterimResponses } from "./cases.ts";
import { judge, type Outcome, type Result, settleDependencies } from "./judge.ts";
import { type Options, readOptions, root } from "./options.ts";
import { reportJson, reportText, total } from "./report.ts";
import { ScriptedOrigin } from "./scripted-origin.ts";
import { trafficText } from "./traffic.ts";

try {
  process.exitCode = await main(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error(`conformance: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}

async function main(options: Options): Promise<number> {
  const all = loadCases(options.casesFile);
  if (all === undefined) {
    console.log("conformance: skipped, ../shared/conformance is absent");
    return 0;
  }
  const cases = select(all, options);
  const origin = await ScriptedOrigin.start(options.running?.originPort ?? 0);
  try {
    const cache = options.running === undefined ? await start(origin, options) : undefined;
    try {
      const results = await runAll(cases, cache?.url ?? options.running?.cache, { origin, options });
      const ended = cache?.endedWith();
      if (ended !== undefined) console.error(`conformance: the cache ended with ${ended} during the run`);
      console.log(options.json ? reportJson(results) : reportText(results));
      return total(results).failed > 0 || ended !== undefined ? 1 : 0;
    } finally {
      await cache?.stop();
    }
  } finally {
    origin.stop();
  }
}

function start(origin: ScriptedOrigin, options: Options): Promise<CacheProcess> {
  return startCache({ root, onNode: options.onNode }, origin.port, options.cacheArguments);
}

function select(all: readonly Case[], options: Options): readonly Case[] {
  const unknown = options.only.find((id) => !all.some((each) => each.id === id));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there is no such case`);
  const cases = all
    .filter((each) => options.only.length === 0 || options.only.includes(each.id))
    .filter((each) => options.suite === undefined || each.suite === options.suite);
  if (cases.length === 0)
    throw new Error(`no case: suites are ${[...new Set(all.map((each) => each.suite))].join(", ")}`);
  return cases;
}

type Place = { readonly origin: ScriptedOrigin; readonly options: Options };

/** Cases run side by side, the requests of each in sequence; results keep the order of the file. */
async function runAll(
  cases: readonly Case[],
  cache: URL | undefined,
  { origin, options }: Place,
): Promise<readonly Result[]> {
  if (cache === undefined) throw new Error("no cache to run against");
  const outcomes = new Map<string, Outcome>();
  const queue = cases.values();
  const worker = async (): Promise<void> => {
    for (const testCase of queue) {
      if (needsInterimResponses(testCase) && !options.interimResponses) {
        const reason = "1xx responses do not pass Bun.serve and fetch (BUN wire)";
        outcomes.set(testCase.id, { kind: "skipped", reason });
        continue;
      }
      const run = await runCase(testCase, cache, origin);
      if (options.only.length > 0 && !options.json) printTraffic(run);
      outcomes.set(testCase.id, judge(run));
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  const unheard: Outcome = { kind: "skipped", reason: "was not run" };
  return settleDependencies(
    cases.map((testCase) => ({ testCase, outcome: outcomes.get(testCase.id) ?? unheard })),
  );
}

function printTraffic(run: CaseRun): void {
  console.log(`${trafficText(run)}\n`);
}
