// Answers: `bun tests/chaos/larder-child.ts OPTION VALUE …`: a Larder that can be asked how it is.
// Owns: the engine and its wire in a process of their own, and the answers over IPC.
// Leaves out: who asks (`larder-process.ts`); the command that users run (`../../cache.ts`).
import { heapStats } from "bun:jsc";
import { cacheApp } from "../../lib/cache-app.ts";
import { cacheEngine } from "../../lib/cache-serve.ts";
import { endOnSignal } from "../../lib/command.ts";
import type { CacheOptions } from "../../lib/option-tables.ts";
import { CACHE_OPTIONS } from "../../lib/option-tables.ts";
import { resolveOptions } from "../../lib/options.ts";
import { serveBun, type App, type Running } from "../../lib/wire/serve-bun.ts";
import type { Condition } from "./larder-process.ts";

const options = resolveOptions(CACHE_OPTIONS, { argv: process.argv.slice(2), env: {}, file: {} });
const engine = cacheEngine(options);
const running = await serve(cacheApp(engine.proxy, engine.events), options);

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

/** The exact wire is looked for when it is asked for: a tree without it serves through Bun all the same. */
async function serve(app: App, chosen: CacheOptions): Promise<Running> {
  if (chosen.wire !== "exact") return serveBun(app, chosen);
  const wire = "../../lib/wire/serve-node.ts";
  const { serveNode } = (await import(wire)) as {
    readonly serveNode: (app: App, listening: CacheOptions) => Running | Promise<Running>;
  };
  return serveNode(app, chosen);
}
