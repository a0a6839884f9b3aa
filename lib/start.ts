// Answers: `bun start`: the demonstration of the main job: origin and cache together.
// Owns: the command; both run in this process, and their log lines say whose they are.
// Leaves out: everything else (`cache-serve.ts`, `origin-serve.ts`).
import { endOnSignal, run } from "./command.ts";
import { START_OPTIONS } from "./option-tables.ts";
import { serveOrigin } from "./origin-serve.ts";
import { raiseFetchCap } from "./fetch-cap.ts";
import { boundHeap } from "./heap-bound.ts";
import { workerRole } from "./workers/messages.ts";
import { serveOnCores } from "./workers/on-cores.ts";
import { work } from "./workers/worker.ts";

raiseFetchCap();
await run({ usage: "bun start [PORT] [OPTION VALUE …]", table: START_OPTIONS }, async (options) => {
  const role = workerRole();
  if (role !== undefined) return work(role, options);
  if (options.workers === 1) boundHeap(options.memory);
  const { host, root, log, originPort } = options;
  const origin = serveOrigin({ port: originPort, host, root, log, maxAge: "auto" }, writer("origin", log));
  const cache = await serveOnCores(
    { ...options, origin: [{ prefix: "/", origin: origin.url }] },
    writer("cache", log),
  );
  endOnSignal(async () => {
    await Promise.all([cache.stop(), origin.stop()]);
  });
  if (log === "json") return;
  console.log(`Larder's origin serves ${root} at ${origin.url}
Larder caches ${origin.url} at ${cache.url}
${cache.adminUrl === undefined ? "" : `Its admin is at ${cache.adminUrl}\n`}
Try it twice, and see who answers:  curl -i ${cache.url}/
Or open ${cache.url}/ in a browser. Each request is one line below; Ctrl-C ends both.
`);
});

function writer(who: string, log: string): (line: string) => void {
  if (log === "json") return (line) => console.log(`{"server":"${who}",${line.slice(1)}`);
  return (line) => console.log(`${who.padEnd(6)} ${line}`);
}
