// Answers: how many requests a second a contestant answers, and how late the slowest hundredth is.
// Owns: the call of wrk on core 1, and the check that both sides really do the same.
// Leaves out: which requests (`scenarios.ts`).
import type { Contestant } from "./contestants.ts";
import { BODIES, type Scenario } from "./scenarios.ts";

/** One measurement. */
export interface Sample {
  readonly perSecond: number;
  readonly p99Ms: number;
}

/** Loads one contestant for some seconds. @throws where wrk reports errors or other statuses than asked for. */
export async function measure(contestant: Contestant, scenario: Scenario, seconds: number): Promise<Sample> {
  const fields = Object.entries(scenario.fields).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const args = ["-t1", "-c64", `-d${seconds}s`, "--latency", ...fields, contestant.url + scenario.path];
  const child = Bun.spawn(["taskset", "-c", "1", "wrk", ...args], { stdout: "pipe", stderr: "inherit" });
  const report = await new Response(child.stdout).text();
  if (
    /Socket errors|Non-2xx/.test(report.replace(/Socket errors: connect 0, read 0, write 0, timeout 0/, ""))
  ) {
    if (scenario.status === 200) throw new Error(`${contestant.name}, ${scenario.name}:\n${report}`);
  }
  const [, amount, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(report) ?? [];
  const factor = unit === "us" ? 0.001 : unit === "s" ? 1000 : 1;
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(report)?.[1]), p99Ms: Number(amount) * factor };
}

/** That a contestant answers a scenario with the right status and bytes, and hits from its store. @throws if not. */
export async function verify(contestant: Contestant, scenario: Scenario): Promise<void> {
  const url = contestant.url + scenario.path;
  await (await fetch(url)).bytes();
  const response = await fetch(url, { headers: scenario.fields });
  const bytes = await response.bytes();
  const expected = scenario.status === 304 ? new Uint8Array() : BODIES.get(scenario.path);
  if (response.status !== scenario.status || expected === undefined || !Buffer.from(bytes).equals(expected)) {
    throw new Error(`${contestant.name} does not answer ${scenario.name} rightly: ${response.status}`);
  }
  const marks = ["age", "x-cache", "cache-status", "x-varnish"].map(
    (name) => response.headers.get(name) ?? "",
  );
  const isHit = /\bhit\b/i.test(marks.join(" ")) || /^\d+ \d+$/.test(marks[3] ?? "");
  if (isHit !== scenario.isHit) throw new Error(`${contestant.name}, ${scenario.name}: ${marks.join(" | ")}`);
}
