// Answers: what a stored response costs beyond its own bytes, as their number grows.
// Owns: the counts, a process for each, and the arithmetic.
// Leaves out: the filling (`overhead-child.ts`), whether a budget is kept (`mixes.ts`).
import { join } from "node:path";

/** Memory of a process after a full garbage collection, in bytes. */
export interface State {
  readonly rssBytes: number;
  readonly heapBytes: number;
}

/** What a child says: `messageBytes` are head and body of all responses, `countedBytes` what the store counts. */
export interface Holding {
  readonly count: number;
  readonly messageBytes: number;
  readonly countedBytes: number;
  readonly before: State;
  readonly stored: State;
  /** When each has been answered once: what is worked out for a hit is there too. */
  readonly answered: State;
}

/** Bytes of one stored response beyond its own. */
export interface Overhead {
  readonly storedBytes: number;
  readonly answeredBytes: number;
  /** As the store counts it against its budget. */
  readonly countedBytes: number;
}

/** How many are stored, one process for each. */
export const COUNTS = [1_000, 10_000, 100_000, 1_000_000] as const;

/** A process that would need more is not started. */
const MOST_BYTES = 8 * 2 ** 30;

/** Fills a store in a process of its own; `undefined` where that would take too much, going by the last one. */
export async function holdingOf(count: number, last: Holding | undefined): Promise<Holding | undefined> {
  if (last !== undefined) {
    const perResponse = (last.answered.rssBytes - last.before.rssBytes) / last.count;
    if (perResponse * count > MOST_BYTES) return undefined;
  }
  const script = join(import.meta.dir, "overhead-child.ts");
  const child = Bun.spawn([process.execPath, script, String(count)], { stdout: "pipe", stderr: "inherit" });
  const text = await child.stdout.text();
  if ((await child.exited) !== 0) throw new Error(`memory: ${count} responses: exit code ${child.exitCode}`);
  return JSON.parse(text) as Holding;
}

/** What one response costs beyond its head and body. */
export function overheadOf({
  count,
  messageBytes,
  countedBytes,
  before,
  stored,
  answered,
}: Holding): Overhead {
  const beyond = (bytes: number): number => (bytes - messageBytes) / count;
  return {
    storedBytes: beyond(stored.rssBytes - before.rssBytes),
    answeredBytes: beyond(answered.rssBytes - before.rssBytes),
    countedBytes: beyond(countedBytes),
  };
}
