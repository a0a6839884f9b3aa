// Answers: how the origin is put together and started.
// Owns: options → folder, app, socket.
// Leaves out: what it answers (`origin-app.ts`), the socket (`wire/serve-bun.ts`), signals (`command.ts`).
import { realpathSync, statSync } from "node:fs";
import { ConfigError } from "./errors.ts";
import type { OriginOptions } from "./option-tables.ts";
import { originApp } from "./origin-app.ts";
import { logLines } from "./origin-log.ts";
import { serveBun, type Running } from "./wire/serve-bun.ts";

/**
 * Serves a folder.
 * @throws ConfigError when the root is no folder; the error of `Bun.serve` when the port is taken.
 */
export function serveOrigin(options: OriginOptions, writeLine?: (line: string) => void): Running {
  const root = realFolder(options.root);
  return serveBun(
    originApp({ root, maxAge: options.maxAge, log: logLines(options.log, writeLine) }),
    options,
  );
}

function realFolder(root: string): string {
  try {
    const real = realpathSync(root);
    if (statSync(real).isDirectory()) return real;
  } catch {
    // Not there or not readable: the same answer as for a file.
  }
  throw new ConfigError("--root", root, "expected a folder that exists");
}
