// Answers: `bun tests/chaos/larder-child.ts OPTION VALUE …`: a Larder that can be asked how it is.
// Owns: the engine and its wire in a process of their own, and the answers over IPC.
// Leaves out: who asks (`larder-process.ts`); the command that users run (`../../cache.ts`).
import { heapStats } from "bun:jsc";
import { cacheEngine, serveEngine } from "../../lib/cache-serve.ts";
import { endOnSignal } from "../../lib/command.ts";
import { CACHE_OPTIONS } from "../../lib/option-tables.ts";
import { resolveOptions } from "../../lib/options.ts";
import type { Condition } from "./larder-process.ts";

const options = resolveOptions(CACHE_OPTIONS, { argv: process.argv.slice(2), env: {}, file: {} });
const engine = cacheEngine(options);
const running = await serveEngine(engine, options);

process.on("message", () => process.send?.(condition()));
// The run that started it is gone: there is nobody left to end it.
process.on("disconnect", () => process.exit(1));
endOnSignal(running.stop);
process.send?.({ url: running.url });

function condition(): Condition {
  Bun.gc(true);
  const { heapSize, objectCount } = heapStats();
  const { rss } = process.memoryUsage();
  return { stats: engine.stats(), rssBytes: rss, heapBytes: heapSize, heapObjects: objectCount };
}
