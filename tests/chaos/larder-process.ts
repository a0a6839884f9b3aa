// Answers: where the Larder of a run listens, how it is, and how it ends.
// Owns: the child process: its options, IPC, its sockets as the kernel counts them, its end by its own pid.
// Leaves out: what runs in it (`larder-child.ts`), what is asked of it (`client.ts`), what is too much (`aftermath.ts`).
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { EngineStats } from "../../lib/cache-serve.ts";

/** How the child is, just after a full garbage collection. */
export interface Condition {
  readonly stats: EngineStats;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly heapObjects: number;
}

/** A Larder in a process of its own. */
export interface LarderProcess {
  readonly port: number;
  /** @throws where it does not answer within 10 s. */
  readonly condition: () => Promise<Condition>;
  /** Its TCP sockets, listeners left out, such as `01 → 127.0.0.1:8000`. */
  readonly sockets: () => string[];
  /** SIGTERM; its exit code, or `undefined` where it had to be killed after `limitMs`. */
  readonly stop: (limitMs: number) => Promise<number | undefined>;
}

const LIMIT_MS = 10_000;

/** Starts it with these options on a free port. @throws where it names no address within 10 s. */
export async function startLarder(options: readonly string[]): Promise<LarderProcess> {
  let next = Promise.withResolvers<unknown>();
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "larder-child.ts"), "0", "--host", "127.0.0.1", ...options],
    {
      ipc: (message) => next.resolve(message),
      onExit: () => next.reject(new Error("the child has ended")),
      serialization: "json",
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      // Fetch has a cap on requests of its own, below the number of clients.
      env: { ...process.env, BUN_OPTIONS: "--no-orphans", BUN_CONFIG_MAX_HTTP_REQUESTS: "65535" },
    },
  );
  next.promise.catch(() => {});
  const { url } = (await within(next.promise, "it named no address")) as { readonly url: string };
  return {
    port: Number(new URL(url).port),
    async condition() {
      next = Promise.withResolvers();
      next.promise.catch(() => {});
      child.send("condition");
      return (await within(next.promise, "it did not say how it is")) as Condition;
    },
    sockets: () => socketsOf(child.pid),
    async stop(limitMs) {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
      await child.exited;
      clearTimeout(timer);
      return child.exitCode ?? undefined;
    },
  };
}

async function within<T>(promise: Promise<T>, complaint: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${complaint} within ${LIMIT_MS / 1000} s`)),
    LIMIT_MS,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const LISTENS = "0A";

/** The file descriptors of the process that are sockets, looked up in the kernel's tables of TCP. */
function socketsOf(pid: number): string[] {
  const own = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)));
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state !== LISTENS && own.has(`socket:[${inode}]`))
      .map(([, local = "", remote = "", state]) => `${state} ${address(local)} → ${address(remote)}`),
  );
}

/** "" where it was closed between the listing and now. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function address(hex: string): string {
  return `:${Number.parseInt(hex.split(":")[1] ?? "", 16)}`;
}
