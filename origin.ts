#!/usr/bin/env bun
// Answers: `bun origin.ts [port] …`: the main server, a folder of files.
// Owns: the command; all it does is to start and to say where.
// Leaves out: everything else (`lib/origin-serve.ts`).
import { endOnSignal, run } from "./lib/command.ts";
import { ORIGIN_OPTIONS } from "./lib/option-tables.ts";
import { serveOrigin } from "./lib/origin-serve.ts";

await run({ usage: "bun origin.ts [PORT] [OPTION VALUE …]", table: ORIGIN_OPTIONS }, (options) => {
  const origin = serveOrigin(options);
  endOnSignal(origin.stop);
  console.log(`Larder's origin serves ${options.root} at ${origin.url}`);
});
