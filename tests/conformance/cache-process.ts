// Answers: where the cache under test listens, having started `cache.ts` in front of the scripted origin.
// Owns: the child process: its command line, the line that names its address, its end by its own pid.
// Leaves out: caches that run already (`--cache`, options.ts).
import { existsSync } from "node:fs";
import { join } from "node:path";
import { builtForNode } from "../node-build.ts";

export type CacheProcess = {
  readonly url: URL;
  /** The exit code where the cache has ended by itself, else `undefined`. */
  readonly endedWith: () => number | undefined;
  readonly stop: () => Promise<void>;
};

const START_LIMIT_MS = 15_000;
const STOP_LIMIT_MS = 3_000;

/** What is started, and with what. */
export type CacheCommand = {
  readonly root: string;
  /** Whether it is built for Node, and started with it. */
  readonly onNode?: boolean;
};

/**
 * Starts `cache.ts` of `root` on a free port, with further arguments of the command line after ours.
 * @throws Error where there is no cache.ts, or it names no address in time.
 */
export async function startCache(
  command: CacheCommand,
  originPort: number,
  further: readonly string[],
): Promise<CacheProcess> {
  const { root } = command;
  if (!existsSync(join(root, "cache.ts"))) throw new Error(`${join(root, "cache.ts")} does not exist`);
  const origin = `http://127.0.0.1:${originPort}`;
  const ours = ["0", "--origin", origin, "--host", "127.0.0.1", "--log", "off"];
  const start = command.onNode === true ? await builtForNode(root) : [process.execPath, "cache.ts"];
  const child = Bun.spawn([...start, ...ours, ...further], {
    cwd: root,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const stop = async (): Promise<void> => {
    child.kill();
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
    await child.exited;
    clearTimeout(timer);
  };
  const timer = setTimeout(() => child.kill(), START_LIMIT_MS);
  const announced = await announcedAddress(child.stdout);
  clearTimeout(timer);
  if (announced === undefined) {
    await stop();
    throw new Error(`cache.ts ended with ${child.exitCode ?? child.signalCode} before it named its address`);
  }
  return { url: new URL(announced), endedWith: () => child.exitCode ?? undefined, stop };
}

/** The address in the output's line ` at http://…`; what follows is read too, so that the pipe never fills. */
function announcedAddress(output: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of output) {
      if (address(text) !== undefined) continue;
      text += decoder.decode(chunk, { stream: true });
      if (address(text) !== undefined) resolve(address(text));
    }
    resolve(undefined);
  };
  void read();
  return promise;
}

const address = (text: string): string | undefined => /\bat (http:\/\/[^\s]+)\s/.exec(text)?.[1];
