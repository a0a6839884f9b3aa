// Answers: whether the cache is one process or several.
// Owns: the choice, and what several need that one does not.
// Leaves out: one process (`../cache-serve.ts`), several (`supervisor.ts`).
import { NOTICE_MS, serveCache, wireFor } from "../cache-serve.ts";
import { ConfigError } from "../errors.ts";
import { boundedHeap } from "../heap-bound.ts";
import type { WriteLine } from "../log.ts";
import type { CacheOptions } from "../option-tables.ts";
import { ownCommand } from "../own-command.ts";
import type { Running } from "../wire/serve-bun.ts";
import { supervise } from "./supervisor.ts";

/** Longer than workers need to cut off what has not ended in time. */
const SLACK_MS = 2000;

/**
 * Starts the cache, in as many processes as the options say; log lines go to `writeLine`.
 * Rejects where the port is taken, the wire cannot be had here, or several processes cannot.
 */
export async function serveOnCores(
  options: CacheOptions,
  writeLine: WriteLine = console.log,
): Promise<Running> {
  const { workers: count, host, port, origin, drainTimeout } = options;
  if (count === 1) return serveCache(options, writeLine);
  if (process.versions.bun === undefined) throw new ConfigError("--workers", String(count), "needs Bun");
  if (wireFor(options) === "exact") {
    throw new ConfigError(
      "--workers",
      String(count),
      "--wire exact is one process: node:http shares no port on Bun",
    );
  }
  const endMs = drainTimeout + NOTICE_MS + SLACK_MS;
  const role = { isTerminal: process.stdout.isTTY, origin };
  const warn = (line: string): void => console.error(`larder: ${line}`);
  const environment = boundedHeap(options.memory / count);
  const worker = { command: ownCommand(), environment, role };
  return supervise({ ...worker, count, host, port, endMs, writeLine, warn });
}
