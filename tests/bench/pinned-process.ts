// Answers: how a server of the benchmark is started and ended.
// Owns: processes pinned to cores, where they listen, their folders, and their end by their own pid, also where it is early.
// Leaves out: which servers (`contestants.ts`).
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A server that answers. */
export interface Served {
  readonly url: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** The repository. */
export const ROOT = join(import.meta.dir, "../..");

const running = new Set<Bun.Subprocess>();
const folders = new Set<string>();
const KILL_AFTER_MS = 5000;

/** Ends all that was started here, and removes its folders, when the benchmark itself is told to end. */
export function endWithThis(): void {
  const endAll = async (): Promise<never> => {
    await Promise.all([...running].map(end));
    for (const folder of folders) removeFolder(folder);
    process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void endAll());
}

/** A folder for a while, on a file system in memory where the machine has one. */
export function makeFolder(name: string): string {
  const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const folder = mkdtempSync(join(parent, `larder-bench-${name}-`));
  folders.add(folder);
  return folder;
}

/** Removes such a folder with all that is in it. */
export function removeFolder(folder: string): void {
  folders.delete(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** Starts a script of Bun that says `at http://…`. @throws where it ends before it does. */
export async function startBun(args: readonly string[], core: string): Promise<Served> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("LARDER_"));
  const child = Bun.spawn(["taskset", "-c", core, process.execPath, ...args], {
    cwd: ROOT,
    env: Object.fromEntries(inherited),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  running.add(child);
  let said = "";
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    const url = /\bat (http:\S+)\s/.exec(said)?.[1];
    if (url !== undefined) return { url, pid: child.pid, stop: () => end(child) };
  }
  running.delete(child);
  throw new Error(`${args.join(" ")} ended before it listened`);
}

/** Starts any command that will listen on `port` of loopback. @throws where it does not within 10 s. */
export async function startListening(
  command: readonly string[],
  port: number,
  core: string,
): Promise<Served> {
  const child = Bun.spawn(["taskset", "-c", core, ...command], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  running.add(child);
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt++) {
    const isUp = await fetch(`${url}/1k`)
      .then((response) => response.ok)
      .catch(() => false);
    if (isUp) return { url, pid: child.pid, stop: () => end(child) };
    await Bun.sleep(50);
  }
  await end(child);
  throw new Error(`${command[0]} does not answer`);
}

/** A port of loopback that was free just now. */
export async function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const address = probe.address();
    probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
  });
  return promise;
}

async function end(child: Bun.Subprocess): Promise<void> {
  running.delete(child);
  child.kill();
  const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  await child.exited;
  clearTimeout(timer);
}
