// Answers: how many requests `fetch` has under way at a time.
// Owns: raising the cap of Bun, which is 256 for all origins together, so that one that hangs starves the others.
// Leaves out: the limit of each origin (`origins/places.ts`).
import { ownCommand } from "./own-command.ts";

const VARIABLE = "BUN_CONFIG_MAX_HTTP_REQUESTS";

/** The largest that Bun takes. */
const CAP = "65535";

/**
 * Bun reads the cap from the environment when the process starts, and not again: so the process starts once more, in
 * place, with the same pid. Returns where that is done already, where a person has set another cap, and where it cannot
 * be done; the cap is then what it was.
 */
export function raiseFetchCap(): void {
  if (process.versions.bun === undefined || process.env[VARIABLE] !== undefined) return;
  try {
    process.execve?.(process.execPath, ownCommand(), { ...process.env, [VARIABLE]: CAP });
  } catch {
    // Without it, it runs all the same.
  }
}
