// Answers: may more than 256 requests be under way, so that an origin that hangs does not starve the others?
// Owns: the claims about `lib/fetch-cap.ts`, in processes of their own, from source and as a single binary.
// Leaves out: the limit of each origin (`origins/places.test.ts`), what else a binary does (`binaries.test.ts`).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./larder-process.ts";

const VARIABLE = "BUN_CONFIG_MAX_HTTP_REQUESTS";
/** More than Bun's own cap. */
const HANGING = 300;

const folder = mkdtempSync(join(tmpdir(), "larder fetch cap "));
const script = join(folder, "asks.ts");
const binary = join(folder, "asks");

/** Tells what it was started with, then asks one origin that hangs, again and again, and then one that answers. */
const SCRIPT = `
import { raiseFetchCap } from ${JSON.stringify(join(ROOT, "lib/fetch-cap.ts"))};
console.log("starts " + process.pid);
raiseFetchCap();
const [hanging, answering, ...args] = process.argv.slice(2);
const cap = process.env.${VARIABLE};
console.log(JSON.stringify({ pid: process.pid, cap, args, flags: process.execArgv }));
if (hanging !== "") {
  for (let at = 0; at < ${HANGING}; at++) fetch(hanging + "/" + at).catch(() => {});
  process.stdin.once("data", async () => {
    const answer = fetch(answering, { signal: AbortSignal.timeout(Number(args[0])) });
    console.log(await answer.then((response) => response.text(), (error) => error.name));
    process.exit(0);
  });
}
`;

let hanging: Server;
let answering: Server;
/** Requests that the hanging origin has got. */
let hung = 0;

beforeAll(async () => {
  writeFileSync(script, SCRIPT);
  const built = Bun.spawnSync([process.execPath, "build", "--compile", script, "--outfile", binary]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
  hanging = createServer((socket) => {
    socket.on("error", () => {}).on("data", () => void hung++);
  });
  answering = createServer((socket) => {
    const answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\ntea";
    socket.on("error", () => {}).on("data", () => void socket.end(answer));
  });
  for (const server of [hanging, answering])
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  for (const server of [hanging, answering]) server.close();
  rmSync(folder, { recursive: true });
});

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it listens nowhere");
  return `http://127.0.0.1:${address.port}`;
}

type Child = Bun.Subprocess<"pipe", "pipe", "ignore">;

function start(command: readonly string[], cap?: string): Child {
  const { [VARIABLE]: _, BUN_OPTIONS: __, ...env } = process.env;
  return Bun.spawn([...command], {
    env: { ...env, ...(cap !== undefined && { [VARIABLE]: cap }) },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
}

/** Its lines, once it has ended: how often it was started, what it was started with, what it got. */
async function linesOf(child: Child): Promise<string[]> {
  const text = await child.stdout.text();
  await child.exited;
  return text.trimEnd().split("\n");
}

/** What it was started with, and how often. */
async function begun(command: readonly string[], cap?: string) {
  const child = start(command, cap);
  const lines = await linesOf(child);
  const starts = lines.slice(0, -1);
  expect(new Set(starts)).toEqual(new Set([`starts ${child.pid}`]));
  const told = JSON.parse(lines.at(-1) ?? "") as {
    pid: number;
    cap?: string;
    args: string[];
    flags: string[];
  };
  return { ...told, starts: starts.length, isSame: told.pid === child.pid };
}

/** What the origin that answers says while the other one has got `asked` requests and hangs. */
async function whileHanging(asked: number, waitsMs: number, cap?: string): Promise<string | undefined> {
  hung = 0;
  const child = start([process.execPath, script, urlOf(hanging), urlOf(answering), `${waitsMs}`], cap);
  while (hung < asked && child.exitCode === null) await Bun.sleep(5);
  child.stdin.write("now\n");
  await child.stdin.end();
  const lines = await linesOf(child);
  expect(hung).toBe(asked);
  return lines.at(-1);
}

const COMMANDS = [
  ["from source", [process.execPath, script]],
  ["as a binary", [binary]],
] as const;
const ODD = ["two words", "", "--flag=a b", "'quoted'", '"', "$HOME", "*", "täglich", "line\nbreak", "\\"];

describe.each(COMMANDS)("%s", (_, command) => {
  test("the process starts once more, in place, with the largest cap and all its arguments", async () => {
    expect(await begun([...command, "", "", ...ODD])).toMatchObject({
      ...{ starts: 2, isSame: true, cap: "65535", args: ODD },
    });
  });

  test.each(["20", "65535", "0", ""])("a cap that a person has set stays: %p", async (cap) => {
    expect(await begun([...command, "", "", "a b"], cap)).toMatchObject({ starts: 1, cap, args: ["a b"] });
  });
});

test("flags of Bun itself are kept", async () => {
  const { flags, args, starts } = await begun([process.execPath, "--smol", script, "", "", "--smol", "a b"]);
  expect([flags, args, starts]).toEqual([["--smol"], ["--smol", "a b"], 2]);
});

test("an origin that hangs with 300 requests does not starve another one", async () => {
  expect(await whileHanging(HANGING, 15_000)).toBe("tea");
});

test("with the cap that a person has set, it does", async () => {
  expect(await whileHanging(20, 300, "20")).toBe("TimeoutError");
});
