// Answers: is all as it was, when everybody has gone?
// Owns: what must be given back after a run: fills, bytes, sockets, memory, the process itself.
// Leaves out: single exchanges (`judge.ts`), the process (`larder-process.ts`).
import type { Problem } from "./judgement.ts";
import type { Condition, LarderProcess } from "./larder-process.ts";

/** How long it may take to become so. */
const LIMIT_MS = 10_000;
const EXIT_LIMIT_MS = 5_000;

/**
 * Bytes of RSS on top of baseline and budget. The allocator keeps pages of what was in flight at the peak (of hundreds
 * of responses a few are of several MB) and hands them back late and in part: with 400 clients for a minute less than
 * half of this was seen. A leak does not stop here: that minute has more than 100 000 requests.
 */
export const SLACK_BYTES = 64 * 2 ** 20;

/** What is not as it should be once the origin is away, too; polls until all is, for ten seconds at most. */
export function judgeAftermath(larder: LarderProcess, baseline: Condition): Promise<Problem[]> {
  return settled(async () => leftOver(await larder.condition(), larder.sockets(), baseline));
}

/** While the origin is still there: nobody waits for it any more, so it must not be made to go on sending. */
export function judgeOriginUse(origin: { readonly underWay: number }): Promise<Problem[]> {
  return settled(async () => {
    const { underWay } = origin;
    const detail = `${underWay} responses of the origin are neither read nor cancelled, though all clients have gone`;
    return underWay === 0 ? [] : [{ rule: "origin-kept-busy", detail }];
  });
}

/** What `judge` finds when it finds nothing, or in the end. */
async function settled(judge: () => Promise<Problem[]>): Promise<Problem[]> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const problems = await judge();
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

/** What a Larder without clients and origin should not have; `baseline` is how it was before the run. */
export function leftOver(
  { stats, rssBytes }: Condition,
  sockets: readonly string[],
  baseline: Condition,
): Problem[] {
  const { store, fillsInFlight } = stats;
  const most = baseline.rssBytes + store.budgetBytes + SLACK_BYTES;
  const rows: [rule: string, isWrong: boolean, detail: string][] = [
    ["fills-left", fillsInFlight !== 0, `${fillsInFlight} fills in flight`],
    ["held-left", store.heldBytes !== 0, `${store.heldBytes} bytes held for readers`],
    [
      "places-left",
      stats.origins.some(({ pending, waiting }) => pending + waiting > 0),
      `exchanges under way: ${JSON.stringify(stats.origins)}`,
    ],
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
