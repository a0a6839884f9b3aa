// Answers: how a test gets a real process of Larder, and where that listens.
// Owns: its command line, an environment without LARDER_*, the line that names its address, its end by its own pid.
// Leaves out: what is asked of it (the tests), and `bun start` (`start.test.ts`).
import { join } from "node:path";

/** The repository, where `cache.ts` and `origin.ts` are. */
export const ROOT = join(import.meta.dir, "..");

/** Any free port, on loopback only. */
export const ANYWHERE = ["0", "--host", "127.0.0.1"] as const;

/** Where a process runs. */
export interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How a process ended by itself, with all that it had to say. */
export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that has named its address. */
export interface LarderProcess {
  /** Such as `http://127.0.0.1:34567`. */
  readonly url: string;
  readonly pid: number;
  /** The first line on stdout, from its start on, that matches. @throws where the process ends without one. */
  readonly line: (pattern: RegExp) => Promise<string>;
  /** Ends it; its exit code. Nothing happens where it has ended already. */
  readonly stop: (signal?: "SIGTERM" | "SIGINT") => Promise<number>;
}

const LIMIT_MS = 15_000;

/** Starts `cache.ts`, `origin.ts` or a binary. @throws where it ends, or takes 15 s, before it names an address. */
export async function startLarder(
  entry: string,
  args: readonly string[],
  surroundings: Surroundings = {},
): Promise<LarderProcess> {
  const child = spawn(entry, args, surroundings);
  const stderr = child.stderr.text();
  const output = new Lines(child.stdout);
  const stop = async (signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<number> => {
    child.kill(signal);
    return endOf(child);
  };
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  try {
    const [, url = ""] = / at (http:\/\/\S+)/.exec(await output.first(/ at http:\/\/\S+/)) ?? [];
    return { url, pid: child.pid, line: (pattern) => output.first(pattern), stop };
  } catch (error) {
    throw new Error(`${entry} named no address: ${await stderr}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a command line that is to end by itself; one that does not is ended after 15 s, with -1. */
export async function runLarder(
  entry: string,
  args: readonly string[],
  surroundings: Surroundings = {},
): Promise<Ended> {
  const child = spawn(entry, args, surroundings);
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    endOf(child),
  ]);
  return { exitCode, stdout, stderr };
}

type Child = Bun.Subprocess<"ignore", "pipe", "pipe">;

function spawn(entry: string, args: readonly string[], { cwd = ROOT, env = {} }: Surroundings): Child {
  const command = entry.endsWith(".ts") ? [process.execPath, join(ROOT, entry)] : [entry];
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:LARDER_|NO_COLOR$)/.test(name));
  return Bun.spawn([...command, ...args], {
    cwd,
    // A test that fails before it stops its process must not leave it behind: it ends with the test run. The admin
    // would be at the same port for all.
    env: { ...Object.fromEntries(inherited), BUN_OPTIONS: "--no-orphans", LARDER_ADMIN: "off", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function endOf(child: Child): Promise<number> {
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  await child.exited;
  clearTimeout(timer);
  return child.exitCode ?? -1;
}

/** Lines that come, kept from the first one on. */
class Lines {
  readonly #lines: string[] = [];
  #ended = false;
  #news = Promise.withResolvers<void>();

  constructor(stream: ReadableStream<Uint8Array>) {
    void this.#read(stream);
  }

  async first(pattern: RegExp): Promise<string> {
    for (let at = 0; ; at++) {
      while (at >= this.#lines.length && !this.#ended) await this.#news.promise;
      const line = this.#lines[at];
      if (line === undefined) throw new Error(`no line ${pattern} in:\n${this.#lines.join("\n")}`);
      if (pattern.test(line)) return line;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      this.#lines.push(...parts);
      this.#tell();
    }
    this.#ended = true;
    this.#tell();
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }
}
