// Answers: did the machine belong to the benchmark while it measured?
// Owns: the processor time of all processes but this one and its descendants (Linux; elsewhere unknown).
// Leaves out: what is done about a disturbed measurement (`speed.ts`).
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Of a process: its parent, its niceness, and its time with that of its children that have ended, in ticks. */
export interface ProcessTime {
  readonly pid: number;
  readonly parent: number;
  readonly nice: number;
  readonly ticks: number;
}

const TICKS_PER_SECOND = 100;

/** Who is as nice as this takes what nobody else wants, and disturbs no one. */
const HARMLESS_FROM = 10;

/** The time of others so far, in ticks of a hundredth of a second; `undefined` where there is no /proc to tell. */
export function foreignTicks(): number | undefined {
  if (!existsSync("/proc/stat")) return undefined;
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => timeOf(pid));
  return ticksOfOthers(all, process.pid) + stolenTicks(readFileSync("/proc/stat", "utf8"));
}

/** The share of one core that others had between two moments; 0 where it is not known. */
export function foreignShare(before: number | undefined, after: number | undefined, seconds: number): number {
  if (before === undefined || after === undefined) return 0;
  // Below 0 where a process ended that nobody waited for: its time is in no sum any more.
  return Math.max(0, (after - before) / TICKS_PER_SECOND / seconds);
}

/** The time of all processes that neither are `root`, nor descend from it, nor stand back for others. */
export function ticksOfOthers(all: readonly ProcessTime[], root: number): number {
  const own = new Set([root]);
  for (let size = 0; size !== own.size;) {
    size = own.size;
    for (const { pid, parent } of all) if (own.has(parent)) own.add(pid);
  }
  const others = all.filter(({ pid, nice }) => !own.has(pid) && nice < HARMLESS_FROM);
  return others.reduce((sum, { ticks }) => sum + ticks, 0);
}

/** From a line of `/proc/PID/stat`; the name in it may hold spaces and brackets. */
export function processTime(stat: string): ProcessTime {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const times = fields.slice(11, 15).map(Number);
  return {
    pid: Number.parseInt(stat, 10),
    parent: Number(fields[1]),
    nice: Number(fields[16]),
    ticks: times.reduce((sum, time) => sum + time, 0),
  };
}

/** From `/proc/stat`: what the hypervisor kept. */
export function stolenTicks(stat: string): number {
  return Number(/^cpu +(?:\d+ +){7}(\d+)/.exec(stat)?.[1] ?? 0);
}

function timeOf(pid: string): ProcessTime[] {
  try {
    return [processTime(readFileSync(`/proc/${pid}/stat`, "utf8"))];
  } catch {
    // It has ended meanwhile.
    return [];
  }
}
