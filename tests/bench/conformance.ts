// Answers: `bun run bench conformance`: how many cases of `bun run conformance` pass through nginx and Varnish?
// Owns: each of them in front of the port that the cases' origin takes, and the lines side by side.
// Leaves out: the cases (`tests/conformance/`).
import type { Contestant } from "./contestant.ts";
import type { BenchOptions } from "./command-line.ts";
import { present } from "./contestants.ts";
import { startNginx } from "./nginx.ts";
import { endWithThis, freePort, ROOT } from "./pinned-process.ts";
import { startVarnish } from "./varnish.ts";

/** Runs the cases through Larder and through each that is installed; the figures are theirs, so it never fails. */
export async function conformance({ against }: BenchOptions): Promise<boolean> {
  endWithThis();
  console.log(`larder: ${await lastLine([])}`);
  const names = present(
    against.filter((name) => name !== "bare"),
    (line) => console.log(line),
  );
  for (const name of names) {
    const port = await freePort();
    const contestant = await startedOn(name, port);
    try {
      const running = ["--cache", contestant.url, "--origin-port", String(port)];
      console.log(`${contestant.version}: ${await lastLine([...running, "--concurrency", "20"])}`);
    } finally {
      await contestant.stop();
    }
  }
  return true;
}

/** Without this Varnish keeps for two minutes what does not say how long, and most cases build on that not being so. */
const NO_DEFAULTS = ["-t", "0", "-p", "default_grace=0"];

/** The servers are started against an origin that answers, and keep to its port when the cases' origin has taken it. */
async function startedOn(name: string, port: number): Promise<Contestant> {
  const stand = Bun.serve({
    port,
    hostname: "127.0.0.1",
    reusePort: false,
    fetch: () => new Response("ready", { headers: { "cache-control": "no-store" } }),
  });
  const place = { originUrl: `http://127.0.0.1:${port}`, core: "0,1", workers: 1 };
  try {
    return await (name === "nginx" ? startNginx(place) : startVarnish(place, NO_DEFAULTS));
  } finally {
    await stand.stop(true);
  }
}

async function lastLine(args: readonly string[]): Promise<string> {
  const command = [process.execPath, "tests/conformance/run.ts", ...args];
  const child = Bun.spawn(command, { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  const [report, complaints] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return (report.trim() === "" ? complaints : report).trim().split("\n").at(-1) ?? "";
}
