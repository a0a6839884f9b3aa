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
  const bound = boundedHeap(budgetBytes);
  if (process.versions.bun === undefined || bound[MARK] === undefined || bound[MARK] === process.env[MARK])
    return;
  try {
    process.execve?.(process.execPath, ownCommand(), { ...process.env, ...bound });
  } catch {
    // Without it, it runs all the same.
  }
}

/** The same for a process that is to be started: what its environment has besides. Empty where a person has decided. */
export function boundedHeap(budgetBytes: number): Readonly<Record<string, string>> {
  const { [VARIABLE]: size, [MARK]: mark } = process.env;
  if (size !== undefined && mark === undefined) return {};
  const bytes = Math.round(budgetBytes);
  return { [VARIABLE]: String(bytes + RUNTIME_BYTES), [MARK]: String(bytes) };
}
