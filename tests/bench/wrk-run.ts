// Answers: how many requests a second a contestant answers, and how late: half of them, and the slowest hundredth.
// Owns: the call of the load generator, and the reading of its line of figures.
// Leaves out: which requests (`scenarios.ts`), whether the answers are right (`verify.ts`).
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BENCH_HOST } from "./bodies.ts";
import { makeFolder, removeFolder } from "./pinned-process.ts";
import type { BenchRequest, Scenario } from "./scenarios.ts";

/** One measurement. */
export interface Sample {
  readonly requests: number;
  readonly perSecond: number;
  /** Of all answers, head and body. */
  readonly bytes: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Where the load comes from: `core` as taskset has it, `threads` of wrk. */
export interface LoadPlace {
  readonly core: string;
  readonly threads: number;
}

/** A load that can be put on any contestant. */
export interface Load {
  readonly run: (url: string, seconds: number) => Promise<Sample>;
  readonly discard: () => void;
}

const FIGURES = /^figures ((?:\w+=-?\d+ ?)+)$/m;
const FAULTS = ["connect", "read", "write", "status", "timeout"] as const;

let runs = 0;

/** Writes the requests of a scenario down for the load generator. */
export function loadFor(scenario: Scenario, place: LoadPlace): Load {
  const folder = makeFolder("load");
  const requests = scenario.requests();
  const [first] = requests;
  const file = join(folder, "requests");
  writeFileSync(file, requests.map(framed).join(""));
  const isSame = requests.length === 1 && scenario.missShare !== 0.1;
  return {
    async run(url, seconds) {
      if (first?.method === "HEAD") return measured(headCommand(url, first, seconds), place);
      const fields = isSame ? { Host: BENCH_HOST, ...first?.fields } : {};
      const options = Object.entries(fields).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
      const { connections, missShare } = scenario;
      const wrk = ["wrk", `-t${place.threads}`, `-c${connections}`, `-d${seconds}s`, ...options];
      const target = url + (isSame ? first?.target : "/");
      const script = ["-s", join(import.meta.dir, "wrk.lua"), target];
      const list = ["--", file, missShare === 0.1 ? "10" : "0", `/mixed/${process.pid}-${++runs}-`];
      return measured([...wrk, ...script, ...(isSame ? [] : list)], place, isSame);
    },
    discard: () => removeFolder(folder),
  };
}

/** Reads the line of figures. @throws where there is none, or it tells of errors. */
export function sampleFrom(report: string): Sample {
  const line = FIGURES.exec(report)?.[1];
  if (line === undefined) throw new Error(`no figures in:\n${report}`);
  const figures = new Map(
    line
      .trim()
      .split(" ")
      .map((pair) => pair.split("=") as [string, string]),
  );
  const figure = (name: string): number => Number(figures.get(name));
  const faults = FAULTS.filter((name) => figure(name) !== 0).map((name) => `${name} ${figure(name)}`);
  if (faults.length > 0) throw new Error(`errors: ${faults.join(", ")}\n${report}`);
  const requests = figure("requests");
  if (!(requests > 0)) throw new Error(`nothing was answered:\n${report}`);
  return {
    requests,
    perSecond: requests / (figure("us") / 1e6),
    bytes: figure("bytes"),
    p50Ms: figure("p50") / 1000,
    p99Ms: figure("p99") / 1000,
  };
}

/** wrk takes a Content-Length for a promise, also in an answer to HEAD, and waits for ever. */
function headCommand(url: string, { target }: BenchRequest, seconds: number): readonly string[] {
  return [process.execPath, join(import.meta.dir, "head-load.ts"), url, target, String(seconds)];
}

async function measured(command: readonly string[], place: LoadPlace, isSame = false): Promise<Sample> {
  const child = Bun.spawn(["taskset", "-c", place.core, ...command], {
    env: { ...process.env, BENCH_REQUESTS: isSame ? "same" : "listed" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [report, complaints] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return sampleFrom(report + complaints);
}

function framed({ method, target, fields }: BenchRequest): string {
  const lines = Object.entries({ Host: BENCH_HOST, ...fields }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const text = `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return `${text.length}\n${text}`;
}
