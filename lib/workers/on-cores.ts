// Answers: whether the cache is one process or several.
// Owns: the choice, and what several need that one does not.
// Leaves out: one process (`../cache-serve.ts`), several (`supervisor.ts`).
import { checkAdmin, serveAdmin } from "../admin/serve-admin.ts";
import { NOTICE_MS, serveCache } from "../cache-serve.ts";
import { ConfigError } from "../errors.ts";
import { boundedHeap } from "../heap-bound.ts";
import type { WriteLine } from "../log.ts";
import type { CacheOptions } from "../option-tables.ts";
import { ownCommand } from "../own-command.ts";
import { wireFor } from "../wire-for.ts";
import type { Running } from "../wire/serve-bun.ts";
import { supervise, type Supervisor } from "./supervisor.ts";

/** The cache as it runs. */
export interface Cache extends Running {
  /** Where the admin is, if it is. */
  readonly adminUrl: string | undefined;
}

const warn = (line: string): void => console.error(`larder: ${line}`);

/** Longer than workers need to cut off what has not ended in time. */
const SLACK_MS = 2000;

/**
 * Starts the cache, in as many processes as the options say; log lines go to `writeLine`.
 * Rejects where the port is taken, the wire cannot be had here, or several processes cannot.
 */
export async function serveOnCores(
  options: CacheOptions,
  writeLine: WriteLine = console.log,
): Promise<Cache> {
  checkAdmin(options);
  const cache = await (options.workers === 1 ? serveCache : serveWorkers)(options, writeLine);
  const admin = await serveAdmin(options, cache, warn).catch((error: unknown) =>
    cache.stop().then(() => Promise.reject(error)),
  );
  const stop = async (): Promise<void> => {
    await Promise.all([cache.stop(), admin?.stop()]);
  };
  return { url: cache.url, adminUrl: admin?.url, stop };
}

async function serveWorkers(options: CacheOptions, writeLine: WriteLine): Promise<Supervisor> {
  const { workers: count, host, port, origin, drainTimeout } = options;
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
  const environment = boundedHeap(options.memory / count);
  const worker = { command: ownCommand(), environment, role };
  return supervise({ ...worker, count, host, port, endMs, writeLine, warn });
}
