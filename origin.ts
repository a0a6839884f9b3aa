// Answers: what `bun origin.ts` starts.
// Owns: the one line at the start, and the end on SIGINT and SIGTERM.
// Leaves out: the server (`lib/origin-serve.ts`), its options (`lib/option-tables.ts`), exit codes (`lib/command.ts`).
import { run } from "./lib/command.ts";
import { ORIGIN_OPTIONS } from "./lib/option-tables.ts";
import { serveOrigin } from "./lib/origin-serve.ts";

await run({ usage: "bun origin.ts [PORT] [OPTIONS]", table: ORIGIN_OPTIONS }, (options) => {
  const origin = serveOrigin(options);
  console.log(`Larder's origin serves ${options.root} at ${origin.url}`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void origin.stop().then(() => process.exit(0)));
  }
});
