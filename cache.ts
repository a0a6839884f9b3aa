#!/usr/bin/env bun
// Answers: `bun cache.ts [port] …`: the cache server.
// Owns: the command; all it does is to start and to say where.
// Leaves out: everything else (`lib/cache-serve.ts`).
import { cachedOrigins } from "./lib/cache-serve.ts";
import { endOnSignal, run } from "./lib/command.ts";
import { CACHE_OPTIONS } from "./lib/option-tables.ts";
import { raiseFetchCap } from "./lib/fetch-cap.ts";
import { boundHeap } from "./lib/heap-bound.ts";
import { workerRole } from "./lib/workers/messages.ts";
import { serveOnCores } from "./lib/workers/on-cores.ts";
import { work } from "./lib/workers/worker.ts";

raiseFetchCap();
await run({ usage: "bun cache.ts [PORT] [OPTION VALUE …]", table: CACHE_OPTIONS }, async (options) => {
  const role = workerRole();
  if (role !== undefined) return work(role, options);
  if (options.workers === 1) boundHeap(options.memory);
  const cache = await serveOnCores(options);
  endOnSignal(cache.stop);
  console.log(`Larder caches ${cachedOrigins(options)} at ${cache.url}`);
  if (cache.adminUrl !== undefined) console.log(`Its admin is at ${cache.adminUrl}`);
});
