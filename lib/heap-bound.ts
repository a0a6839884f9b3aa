// Answers: how much garbage may lie beside what is stored.
// Owns: telling the collector of JavaScriptCore how much memory there is: the budget, not the machine's.
// Leaves out: what is stored (`store/memory.ts`).
import { ownCommand } from "./own-command.ts";

/** Read by JavaScriptCore when the process starts: it collects the more often the closer its heap comes to this. */
const VARIABLE = "BUN_JSC_forceRAMSize";

/** Says that it was set here, and for which budget. */
const MARK = "LARDER_HEAP_BOUND";

/** What the process has besides what is stored. */
const RUNTIME_BYTES = 32 * 2 ** 20;

/** The share of the budget that is for what is stored; the rest is for garbage that waits for its collection. */
export const LIVE_SHARE = 0.8;

/**
 * Without this, the heap may double before it is collected, and a budget of 64 MB takes 400 MB. The process starts once
 * more, in place, with the same pid. Returns where that is done already, where a person has set another size, and where
 * it cannot be done. `budgetBytes` is that of this process.
 */
export function boundHeap(budgetBytes: number): void {
  const mark = String(Math.round(budgetBytes));
  const { [VARIABLE]: size, [MARK]: marked } = process.env;
  if (process.versions.bun === undefined || marked === mark) return;
  if (size !== undefined && marked === undefined) return;
  const sizes = { [VARIABLE]: String(Math.round(budgetBytes + RUNTIME_BYTES)), [MARK]: mark };
  try {
    process.execve?.(process.execPath, ownCommand(), { ...process.env, ...sizes });
  } catch {
    // Without it, it runs all the same.
  }
}
