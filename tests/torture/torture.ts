// Answers: does the disk tier keep its word when its process is killed, over and over, or the disk is full?
// Owns: starting a process, killing it at a moment that nobody has chosen, looking at what is there then.
// Leaves out: the command line (`run.ts`), what the process does (`child.ts`), what is right (`judge.ts`).
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDisk } from "../../lib/store/disk.ts";
import { Dice } from "../chaos/dice.ts";
import { Ledger } from "./judge.ts";

/** How the disk comes to be full: not at all, a small file system, or files that may not grow. */
export type Full = "no" | "tmpfs" | "limit";

export interface TortureOptions {
  readonly kills: number;
  /** The end in milliseconds since 1970, whatever has been reached. */
  readonly untilMs: number;
  readonly seed: number;
  readonly full: Full;
  readonly say: (line: string) => void;
}

export interface TortureResult {
  readonly kills: number;
  readonly clean: number;
  readonly acknowledged: number;
  readonly found: number;
  readonly wrong: readonly string[];
}

const SIZE_BYTES = 2 ** 25;
/** Of a file system, or of a file, where the disk is to be full; in KB. */
const FULL_KB = 5_120;
/** A process lives no longer; where the disk is full, what happens then takes longer. */
const LONGEST_MS = { no: 700, tmpfs: 1600, limit: 1600 } as const;

/** Whether a small file system can be mounted here. */
export function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "larder-mount-"));
  const did = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]).exitCode === 0;
  if (did) Bun.spawnSync(["umount", folder]);
  rmSync(folder, { recursive: true });
  return did;
}

/** Kills processes until there are enough, or the time is over. */
export async function torture(options: TortureOptions): Promise<TortureResult> {
  const root = mkdtempSync(join(tmpdir(), "larder-torture-"));
  const folder = join(root, "disk");
  mkdirSync(folder);
  if (options.full === "tmpfs")
    Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${FULL_KB}k`, "tmpfs", folder]);
  try {
    return await killed(folder, options);
  } finally {
    if (options.full === "tmpfs") Bun.spawnSync(["umount", folder]);
    rmSync(root, { recursive: true });
  }
}

async function killed(
  folder: string,
  { kills, untilMs, seed, full, say }: TortureOptions,
): Promise<TortureResult> {
  const dice = new Dice(seed);
  const ledger = new Ledger();
  const wrong: string[] = [];
  let [clean, done, found] = [0, 0, 0];
  while (done < kills && Date.now() < untilMs) {
    const round = ++done;
    const command = [
      process.execPath,
      join(import.meta.dir, "child.ts"),
      folder,
      `${dice.between(1, 1e9)}`,
      `${round * 1e7}`,
      `${SIZE_BYTES}`,
    ];
    const child = Bun.spawn(
      full === "limit" ? ["bash", "-c", `ulimit -f ${FULL_KB}; exec "$@"`, "-", ...command] : command,
      {
        stdout: "pipe",
        stderr: "inherit",
      },
    );
    const problems = await heard(child, dice.between(0, LONGEST_MS[full]), ledger, say);
    const tier = await openDisk(folder, { sizeBytes: SIZE_BYTES, inMemoryBytes: 100_000, warn: say });
    if (tier === undefined) problems.push("it does not open");
    else {
      const judged = await ledger.judge(tier);
      problems.push(...judged.wrong);
      found += judged.found;
      await tier.close();
    }
    if (problems.length === 0) clean++;
    for (const problem of problems.slice(0, 5)) say(`kill ${round}: ${problem}`);
    wrong.push(...problems);
  }
  return { kills: done, clean, acknowledged: ledger.acknowledged, found, wrong };
}

/** Lets a process run, kills it, and hears all that it has said. */
async function heard(
  child: Bun.Subprocess<"ignore", "pipe", "inherit">,
  afterMs: number,
  ledger: Ledger,
  say: (line: string) => void,
): Promise<string[]> {
  const problems: string[] = [];
  let [rest, isReady, isKilled] = ["", false, false];
  const kill = (): void => {
    isKilled = true;
    child.kill("SIGKILL");
  };
  const late = setTimeout(kill, 20_000);
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const problem = ledger.take(line);
      if (problem !== undefined) problems.push(problem);
      if (line.startsWith("warn ")) say(line);
      if (line === "ready") isReady = setTimeout(kill, afterMs) !== undefined;
    }
  }
  await child.exited;
  clearTimeout(late);
  ledger.forgetAsked();
  if (!isReady) problems.push("the process was never ready");
  else if (!isKilled) problems.push(`the process ended by itself (${child.exitCode ?? child.signalCode})`);
  return problems;
}
