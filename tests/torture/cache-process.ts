// Answers: where the cache is that a run kills or cuts off.
// Owns: the process, what it says of its addresses and its troubles, its end.
// Leaves out: what it is asked (`visitors.ts`, `partition.ts`).
import { join } from "node:path";
import { ROOT } from "../larder-process.ts";

/** A cache in a process of its own. */
export interface CacheProcess {
  readonly url: string;
  readonly adminUrl: string;
  /** GET, or POST where there is a body. */
  readonly admin: (path: string, body?: object) => Promise<Response>;
  /** By SIGKILL. */
  readonly kill: () => Promise<void>;
}

/** Starts it on free ports; `complain` takes each line that it writes to stderr. @throws where it does not listen. */
export async function startCache(
  options: readonly string[],
  complain: (line: string) => void = () => {},
): Promise<CacheProcess> {
  const child = Bun.spawn(
    [process.execPath, join(ROOT, "cache.ts"), "0", "--host", "127.0.0.1", "--admin", "0", ...options],
    { stdin: "ignore", stdout: "pipe", stderr: "pipe", env: { ...process.env, BUN_OPTIONS: "--no-orphans" } },
  );
  void eachLine(child.stderr, complain);
  const { promise, resolve, reject } = Promise.withResolvers<{ url: string; adminUrl: string }>();
  let url = "";
  void eachLine(child.stdout, (line) => {
    url ||= / at (http:\S+)/.exec(line)?.[1] ?? "";
    const adminUrl = /admin is at (http:\S+)/.exec(line)?.[1];
    if (adminUrl !== undefined) resolve({ url, adminUrl });
  });
  void child.exited.then((code) => reject(new Error(`the cache ended with ${code} at its start`)));
  const where = await promise;
  return {
    ...where,
    admin(path, body) {
      const post = {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      };
      const signal = AbortSignal.timeout(10_000);
      return fetch(where.adminUrl + path, body === undefined ? { signal } : { ...post, signal });
    },
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function eachLine(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + Buffer.from(chunk).toString()).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) if (line !== "") take(line);
  }
}
