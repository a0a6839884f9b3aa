// Answers: `bun run fleet [N]`: several nodes and what they share, on this machine, to try it.
// Owns: a Redis or Valkey of its own, an origin, N caches in front of it, and ending all of them.
// Leaves out: what nodes have in common (`shared/`), a cache (`cache.ts`), the origin (`origin.ts`).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endOnSignal } from "./command.ts";
import { claimPort } from "./wire/claim-port.ts";

const USAGE =
  "bun run fleet [N]   starts N nodes (1 to 16, 3 if not said), an origin and a Redis; Ctrl-C ends all";

/** Of the first node; each next one is ten further, its admin is one above. */
const FIRST_PORT = 8001;

type Child = Bun.Subprocess<"ignore", "inherit" | "ignore", "inherit">;

/** All that has been started, the last one first. */
const children: Child[] = [];
let isEnding = false;
const folder = mkdtempSync(join(tmpdir(), "larder-fleet-"));

if (process.argv.includes("--help")) console.log(USAGE);
else await main(process.argv[2] ?? "3");

async function main(count: string): Promise<void> {
  if (!/^\d{1,2}$/.test(count) || Number(count) < 1 || Number(count) > 16) return fail(USAGE, 2);
  const server = ["valkey-server", "redis-server"]
    .map((name) => Bun.which(name))
    .find((path) => path !== null);
  if (server === undefined) return fail("neither valkey-server nor redis-server is installed", 1);
  endOnSignal(end);
  const sharedPort = await freePort();
  start(
    [server, "--port", String(sharedPort), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
    "ignore",
  );
  const shared = `redis://127.0.0.1:${sharedPort}`;
  const originPort = await freePort();
  start(bun("origin.ts", String(originPort), "--host", "127.0.0.1"));
  const origin = `http://127.0.0.1:${originPort}`;
  for (let at = 0; at < Number(count); at++) {
    const port = FIRST_PORT + 10 * at;
    const where = [String(port), "--host", "127.0.0.1", "--admin", String(port + 1)];
    start(bun("cache.ts", ...where, "--origin", origin, "--shared", shared));
  }
  console.log(`
${count} nodes share ${shared}, in front of ${origin}. Ask one, then another: the origin is asked once.
  curl -i -H 'Host: larder' http://127.0.0.1:${FIRST_PORT}/
  curl -i -H 'Host: larder' http://127.0.0.1:${FIRST_PORT + 10}/
Purge on one, and it is gone on all:
  curl -H 'Content-Type: application/json' -d '{"url":"http://larder/"}' http://127.0.0.1:${FIRST_PORT + 1}/api/purge
`);
  await Promise.race(children.map(({ exited }) => exited));
  if (isEnding) return;
  await end();
  fail("one of them has ended, so all have", 1);
}

function bun(entry: string, ...args: readonly string[]): readonly string[] {
  return [process.execPath, join(import.meta.dir, "..", entry), ...args];
}

function start(command: readonly string[], stdout: "inherit" | "ignore" = "inherit"): void {
  children.unshift(Bun.spawn([...command], { stdin: "ignore", stdout, stderr: "inherit" }));
}

async function end(): Promise<void> {
  isEnding = true;
  for (const child of children) {
    child.kill();
    await child.exited;
  }
  rmSync(folder, { recursive: true, force: true });
}

function fail(line: string, code: number): void {
  console.error(line === USAGE ? line : `fleet: ${line}`);
  process.exitCode = code;
}

async function freePort(): Promise<number> {
  const { port, release } = await claimPort("127.0.0.1", 0);
  release();
  return port;
}
