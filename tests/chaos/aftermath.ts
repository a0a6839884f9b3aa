// Answers: is all as it was, when everybody has gone?
// Owns: what must be given back after a run: fills, bytes, sockets, memory, the process itself.
// Leaves out: single exchanges (`judge.ts`), the process (`larder-process.ts`).
import type { Problem } from "./judgement.ts";
import type { Condition, LarderProcess } from "./larder-process.ts";

/** How long it may take to become so. */
const LIMIT_MS = 10_000;
const EXIT_LIMIT_MS = 5_000;

/**
 * Bytes of RSS on top of baseline and budget. The allocator keeps pages of what was in flight at the peak (hundreds of
 * responses with up to 4 MB of lag each) and hands them back late and in part; what leaks with each request does not
 * stop here: a run of a minute makes tens of thousands of them.
 */
export const SLACK_BYTES = 128 * 2 ** 20;

/** What is not as it should be; polls until all is, for ten seconds at most. */
export async function judgeAftermath(larder: LarderProcess, baseline: Condition): Promise<Problem[]> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const problems = left(await larder.condition(), larder.sockets(), baseline);
    if (problems.length === 0 || performance.now() > deadline) return problems;
    await Bun.sleep(200);
  }
}

/** SIGTERM to a Larder with nothing to do: it ends with 0, and soon. */
export async function judgeExit(larder: LarderProcess): Promise<Problem[]> {
  const code = await larder.stop(EXIT_LIMIT_MS);
  if (code === 0) return [];
  const how = code === undefined ? `was still there after ${EXIT_LIMIT_MS / 1000} s` : `ended with ${code}`;
  return [{ rule: "exit", detail: `after SIGTERM it ${how}` }];
}

function left({ stats, rssBytes }: Condition, sockets: readonly string[], baseline: Condition): Problem[] {
  const { store, fillsInFlight } = stats;
  const most = baseline.rssBytes + store.budgetBytes + SLACK_BYTES;
  const rows: [rule: string, isWrong: boolean, detail: string][] = [
    ["fills-left", fillsInFlight !== 0, `${fillsInFlight} fills in flight`],
    ["pending-left", store.pendingBytes !== 0, `${store.pendingBytes} pending bytes`],
    [
      "over-budget",
      store.storedBytes > store.budgetBytes,
      `${store.storedBytes} of ${store.budgetBytes} bytes stored`,
    ],
    ["sockets-left", sockets.length > 0, `${sockets.length} sockets: ${sockets.slice(0, 5).join(", ")}`],
    ["memory", rssBytes > most, `RSS ${megabytes(rssBytes)}, at most ${megabytes(most)}`],
  ];
  return rows.filter(([, isWrong]) => isWrong).map(([rule, , detail]) => ({ rule, detail }));
}

/** Such as `31.5 MB`. */
export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`;
}
