// Answers: how this process is started once more.
// Owns: the difference between a script that Bun runs and a single binary, which brings its script along.
// Leaves out: who starts it and why (`fetch-cap.ts`, `workers/supervisor.ts`).

/** The command line of this process, Bun's own flags included. */
export function ownCommand(): readonly [path: string, ...args: string[]] {
  const [, script = "", ...args] = process.argv;
  const own = script.startsWith("/$bunfs/") ? [] : [...process.execArgv, script];
  return [process.execPath, ...own, ...args];
}
