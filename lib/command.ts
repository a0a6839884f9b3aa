// Answers: how a process of Larder starts and ends: its arguments, `--help`, `--version`, and what a person typed wrong.
// Owns: exit codes (2: wrong option or config file, 1: cannot start), the one line that goes with each, signals.
// Leaves out: what the options mean (`option-tables.ts`), what is started (`cache.ts`, `origin.ts`, `start.ts`).
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import packageJson from "../package.json" with { type: "json" };
import { ConfigError } from "./errors.ts";
import { helpText, resolveOptions, type OptionTable, type Resolved } from "./options.ts";

/** What a command is called and what it may be told. */
export interface Command<T extends OptionTable> {
  readonly usage: string;
  readonly table: T;
}

/** Runs a command: resolves its options, starts it, and turns every failure into one line and an exit code. */
export async function run<T extends OptionTable>(
  command: Command<T>,
  start: (options: Resolved<T>) => void | Promise<void>,
): Promise<void> {
  const argv = process.argv.slice(2);
  if (argv.includes("--help")) return console.log(helpText(command.usage, command.table));
  if (argv.includes("--version")) return console.log(`larder ${packageJson.version}`);
  try {
    const file = await configFile(command.table, argv);
    await start(resolveOptions(command.table, { argv, env: process.env, file }));
  } catch (error) {
    console.error(`larder: ${oneLine(error)}`);
    process.exit(error instanceof ConfigError ? 2 : 1);
  }
}

/** Ends the process on SIGINT and SIGTERM: what is in flight may finish; a second signal ends it at once. */
export function endOnSignal(stop: () => Promise<void>): void {
  let isEnding = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (isEnding) process.exit(1);
      isEnding = true;
      void stop().then(() => process.exit(0));
    });
  }
}

/** The default export of the file that `--config` or `LARDER_CONFIG` names; `{}` where there is none. */
async function configFile(table: OptionTable, argv: readonly string[]): Promise<Record<string, unknown>> {
  if (!Object.hasOwn(table, "config")) return {};
  const { config } = resolveOptions(table, { argv, env: process.env, file: {} }) as {
    readonly config?: string;
  };
  if (config === undefined || config === "") return {};
  const exported = await import(pathToFileURL(resolve(config)).href).then(
    (module: { readonly default?: unknown }) => module.default,
    (error: unknown) => {
      throw new ConfigError("--config", config, `cannot be loaded: ${oneLine(error)}`);
    },
  );
  if (typeof exported === "object" && exported !== null) return exported as Record<string, unknown>;
  throw new ConfigError("--config", config, "expected a default export that is an object of options");
}

function oneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  const message = error.message.split("\n")[0] ?? "";
  return code === "EADDRINUSE" ? `${message} (choose another port as the first argument)` : message;
}
