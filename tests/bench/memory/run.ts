// Answers: `bun run bench memory`: what does a stored object cost, and is the budget an honest one?
// Owns: the two tables; false where the budget is not kept.
// Leaves out: the measuring (`overhead.ts`, `mixes.ts`).
import { markdown } from "../table.ts";
import { ALLOWED_SHARE, fill, MIXES, shareOf, type Filled, type Mix } from "./mixes.ts";
import { COUNTS, holdingOf, overheadOf, type Holding } from "./overhead.ts";

const BUDGET_BYTES = 64 * 2 ** 20;

/** Measures both. */
export async function memory(): Promise<boolean> {
  console.log(
    "Bytes of one stored response beyond its head (nine fields) and body (100 B), by resident memory\n",
  );
  console.log(await overheadTable());
  console.log(`\nResident memory of a real process with --memory ${megabytes(BUDGET_BYTES)}MB, in MB\n`);
  const filled: (readonly [Mix, Filled])[] = [];
  for (const mix of MIXES) filled.push([mix, await fill(mix, BUDGET_BYTES)]);
  console.log(budgetTable(filled));
  return filled.every(([, one]) => shareOf(one, BUDGET_BYTES) <= ALLOWED_SHARE);
}

async function overheadTable(): Promise<string> {
  const rows: string[][] = [];
  let last: Holding | undefined;
  for (const count of COUNTS) {
    const holding = await holdingOf(count, last);
    rows.push([count.toLocaleString("en"), ...(holding === undefined ? TOO_MUCH : overheadCells(holding))]);
    last = holding ?? last;
  }
  return markdown([
    ["objects", "stored", "answered once", "as the store counts", "head and body", "RSS, MB"],
    ...rows,
  ]);
}

const TOO_MUCH = ["would take more than 8 GB", "", "", "", ""];

function overheadCells(holding: Holding): string[] {
  const { storedBytes, answeredBytes, countedBytes } = overheadOf(holding);
  const bytes = [storedBytes, answeredBytes, countedBytes, holding.messageBytes / holding.count];
  return [...bytes.map((value) => value.toFixed(0)), megabytes(holding.answered.rssBytes)];
}

function budgetTable(filled: readonly (readonly [Mix, Filled])[]): string {
  const rows = filled.map(([{ name }, one]) => {
    const share = shareOf(one, BUDGET_BYTES);
    const sizes = [one.bareBytes, one.busyBytes, one.settledBytes].map(megabytes);
    const verdict = share <= ALLOWED_SHARE ? "holds" : "does not hold";
    return [name, String(one.requests), ...sizes, share.toFixed(2), verdict];
  });
  const head = [
    "",
    "requests",
    "bare",
    "most under load",
    "after",
    "(after − bare) / budget",
    `≤ ${ALLOWED_SHARE}`,
  ];
  return markdown([head, ...rows]);
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
