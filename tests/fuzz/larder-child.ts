// Answers: what the cache under fuzz says of itself while it runs.
// Owns: its process: command line, log read line by line, resident memory, its end by its own pid.
// Leaves out: what clients and the origin see of it (`oracle.ts`, `origin-oracle.ts`).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../larder-process.ts";

/** What is put between clients and origin. */
export interface CacheUnderFuzz {
  readonly url: URL;
  /** Resident memory in bytes; `undefined` where it is not a process of its own. */
  readonly memoryBytes: () => number | undefined;
  readonly stop: () => Promise<void>;
}

/** Told once where the process ends by itself, and once for each line of its log that says that it failed. */
export type OnTrouble = (kind: "exit" | "fault", detail: string) => void;

/** Starts `cache.ts` in front of that origin. @throws where it ends before it names its address. */
export async function startCache(
  originPort: number,
  further: readonly string[],
  onTrouble: OnTrouble,
): Promise<CacheUnderFuzz> {
  const ours = [
    "0",
    "--host",
    "127.0.0.1",
    "--origin",
    `http://127.0.0.1:${originPort}`,
    "--log",
    "json",
    "--memory",
    "16MB",
  ];
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("LARDER_"));
  const child = Bun.spawn([process.execPath, join(ROOT, "cache.ts"), ...ours, ...further], {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), BUN_OPTIONS: "--no-orphans" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const errors = child.stderr.text();
  const address = Promise.withResolvers<string>();
  let isStopping = false;
  void eachLine(child.stdout, (line) => {
    const [, url] = / at (http:\/\/\S+)/.exec(line) ?? [];
    if (url !== undefined && !line.startsWith("{")) address.resolve(url);
    const trouble = troubleIn(line);
    if (trouble !== undefined) onTrouble("fault", trouble);
  });
  void child.exited.then(async (code) => {
    const said = `${code ?? child.signalCode}: ${(await errors).slice(-2000)}`;
    address.reject(new Error(`cache.ts ended with ${said}`));
    if (!isStopping) onTrouble("exit", said);
  });
  const url = new URL(await address.promise);
  return {
    url,
    memoryBytes: () => residentBytes(child.pid),
    stop: async () => {
      isStopping = true;
      child.kill();
      const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await child.exited;
      clearTimeout(timer);
    },
  };
}

/** The line of a JSON log, where it says that Larder itself went wrong; else `undefined`. */
export function troubleIn(line: string): string | undefined {
  if (!line.startsWith("{")) return undefined;
  const { kind, status, report } = JSON.parse(line) as {
    readonly kind?: string;
    readonly status?: number;
    readonly report?: { readonly fwd?: string; readonly detail?: string; readonly word?: string };
  };
  return kind === "fault" || (status === 500 && report?.word === "ERROR") ? line : undefined;
}

function residentBytes(pid: number): number | undefined {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

async function eachLine(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
}
