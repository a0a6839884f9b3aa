// Answers: is the collector told the budget of its process, and a person's own setting left alone?
// Owns: the claims about `lib/heap-bound.ts`, as the environment of a real process shows them.
// Leaves out: what comes of it (`memory-budget.test.ts`), workers (`workers/`).
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ANYWHERE, startLarder } from "./larder-process.ts";

const VARIABLE = "BUN_JSC_forceRAMSize";

test.each([
  ["the budget and what the runtime has", {}, String(80 * 2 ** 20)],
  ["what a person has set", { [VARIABLE]: "123456789" }, "123456789"],
])("a process of --memory 48MB is told %s", async (_, env, told) => {
  const larder = await startLarder("cache.ts", [...ANYWHERE, "--memory", "48MB"], { env });
  try {
    expect(variableOf(larder.pid)).toBe(told);
  } finally {
    await larder.stop();
  }
});

/** As the process was started last, which it is more than once. */
function variableOf(pid: number): string | undefined {
  const lines = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  return lines.find((line) => line.startsWith(`${VARIABLE}=`))?.slice(VARIABLE.length + 1);
}
