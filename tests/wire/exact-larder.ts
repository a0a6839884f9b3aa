// Answers: how a test gets a Larder on the exact wire in its own process.
// Owns: engine, app and server, put together as `cache-serve.ts` does it.
// Leaves out: claims about it (`exact-claims.ts` and its neighbours).
import { cacheEngine } from "../../lib/cache-serve.ts";
import { exactApp } from "../../lib/exact-app.ts";
import { CACHE_OPTIONS } from "../../lib/option-tables.ts";
import { resolveOptions } from "../../lib/options.ts";
import type { Listening, Running } from "../../lib/wire/serve-bun.ts";
import { serveNode, type NodeLimits } from "../../lib/wire/serve-node.ts";

/** What is particular about it: times and limits. */
export interface ExactParticulars extends Partial<Listening> {
  readonly limits?: NodeLimits;
}

/** A Larder in front of that origin, on a free port. */
export function exactLarder(
  originUrl: string,
  { limits, ...listening }: ExactParticulars = {},
): Promise<Running> {
  const argv = ["--wire", "exact", "--origin", originUrl];
  const engine = cacheEngine(resolveOptions(CACHE_OPTIONS, { argv, env: {}, file: {} }));
  return serveNode(exactApp(engine), { port: 0, host: "127.0.0.1", ...listening }, limits);
}
