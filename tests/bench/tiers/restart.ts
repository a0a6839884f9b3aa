// Answers: how soon after its start does a cache answer from a disk with a million objects?
// Owns: such a disk, made by the tier itself; the time from the start of the process to its first hits.
// Leaves out: the tier (`lib/store/disk.ts`).
import { dirname, join, resolve } from "node:path";
import type { StoredHead, StoredResponse } from "../../../lib/message.ts";
import { openDisk } from "../../../lib/store/disk.ts";
import { storedResponse } from "../../rfc9111/test-values.ts";
import { BENCH_HOST } from "../bodies.ts";
import { freePort, makeFolder, removeFolder, ROOT } from "../pinned-process.ts";
import { median } from "../statistics.ts";
import type { Tell, TierPlan } from "./rig.ts";

const OBJECTS = 1_000_000;

/** Prints it, from source and as a single binary; beside it the same without a disk. */
export async function restart({ rounds }: TierPlan, tell: Tell): Promise<void> {
  const folder = resolve(makeFolder("restart"));
  const binary = join(makeFolder("binary"), "larder");
  try {
    build(binary);
    await fill(folder, tell);
    for (const [name, command] of [
      ["from source", [process.execPath, "cache.ts"]],
      ["as a binary", [binary]],
    ] as const) {
      const without = await starts(command, [], rounds);
      const withIt = await starts(command, ["--disk", folder], rounds);
      tell(
        `${name}, with ${OBJECTS} objects of 1 KB on disk: listening ${ms(withIt.listening)} after its start (${ms(without.listening)} without a disk), the first hit ${ms(withIt.first)} later (${ms(without.first)} for a miss that finds no origin, without a disk); 100 hits later memory has ${withIt.promoted} of them`,
      );
    }
  } finally {
    removeFolder(folder);
    removeFolder(dirname(binary));
  }
}

function ms(values: readonly number[]): string {
  return `${median(values).toFixed(1)} ms`;
}

function build(outfile: string): void {
  const entries = ["cache.ts", "lib/store/disk-writer.ts"];
  const how = ["--compile", "--bytecode", "--format=esm"];
  const built = Bun.spawnSync([process.execPath, "build", ...how, ...entries, "--outfile", outfile], {
    cwd: ROOT,
  });
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
}

interface Starts {
  /** Milliseconds from the start of the process, and from then on. */
  readonly listening: number[];
  readonly first: number[];
  promoted: number;
}

/** Nobody is behind it: what is answered well comes from the disk. */
async function starts(command: readonly string[], disk: readonly string[], rounds: number): Promise<Starts> {
  const found: Starts = { listening: [], first: [], promoted: 0 };
  for (let round = 0; round < rounds; round++) {
    const admin = `http://127.0.0.1:${await freePort()}`;
    const where = [
      "0",
      "--host",
      "127.0.0.1",
      "--admin",
      new URL(admin).port,
      "--origin",
      "http://127.0.0.1:9",
    ];
    const startMs = performance.now();
    const child = Bun.spawn([...command, ...where, ...disk], {
      cwd: ROOT,
      stdout: "pipe",
      stderr: "inherit",
    });
    const url = await urlFrom(child.stdout);
    const upMs = performance.now();
    for (let at = 0; at < 100; at++) {
      const isHit = await asks(`${url}/${(at * 7919) % OBJECTS}`);
      if (isHit !== disk.length > 0) throw new Error(isHit ? "a hit without a disk" : "no hit");
      if (at === 0) found.first.push(performance.now() - upMs);
      if (!isHit) break;
    }
    found.listening.push(upMs - startMs);
    const { store } = (await (await fetch(`${admin}/api/stats`)).json()) as { store: { responses: number } };
    found.promoted = store.responses;
    child.kill();
    await child.exited;
  }
  return found;
}

async function urlFrom(stdout: ReadableStream<Uint8Array>): Promise<string> {
  let said = "";
  for await (const chunk of stdout) {
    said += Buffer.from(chunk).toString();
    const url = /\bat (http:\S+)\s/.exec(said)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error("it ended before it listened");
}

async function asks(url: string): Promise<boolean> {
  const response = await fetch(url, { headers: { Host: BENCH_HOST } });
  const { length } = await response.text();
  return /; hit/.test(response.headers.get("cache-status") ?? "") && length === 1024;
}

async function fill(folder: string, tell: Tell): Promise<void> {
  const disk = await openDisk(folder, { sizeBytes: 8 * 2 ** 30, warn: tell });
  if (disk === undefined) throw new Error("no disk");
  const { body: _, ...head } = storedResponse({
    fields: { "cache-control": "max-age=86400", "content-type": "text/plain" },
  });
  const now = Math.floor(Date.now() / 1000);
  const fresh = {
    ...head,
    bornAt: now,
    responseTime: now,
    dateValue: now,
    staleAt: now + 86_400,
  } as unknown as StoredHead;
  const bytes = new Uint8Array(1024).fill(120);
  for (let at = 0; at < OBJECTS; at++) {
    const stored: StoredResponse = {
      ...fresh,
      key: `http://${BENCH_HOST}/${at}`,
      body: { kind: "complete", bytes },
      sizeBytes: 0,
    };
    disk.put(stored);
    while (at % 500 === 0 && disk.stats().queued > 5000) await Bun.sleep(5);
  }
  await disk.close();
  const { responses, skipped } = disk.stats();
  if (skipped > 0) throw new Error(`${skipped} were left out of ${responses}`);
}
