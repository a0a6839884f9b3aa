// Answers: who had the processor while something was measured: a contestant, or others that do not belong here?
// Owns: the processor time of a process with its descendants, and of all but these (Linux; elsewhere unknown).
// Leaves out: what is done about a disturbed measurement (`speed.ts`).
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Of a process: its parent, and its time with that of its children that have ended, in ticks. */
export interface ProcessTime {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

const TICKS_PER_SECOND = 100;

/** Processor time so far, in ticks of a hundredth of a second. */
export interface Ticks {
  /** Of all that do not descend from this process, and what the hypervisor kept. */
  readonly others: number;
  /** Of a contestant and its descendants. */
  readonly contestant: number;
}

/** The time so far of the contestant with this pid, and of others; `undefined` where there is no /proc to tell. */
export function ticksOf(contestantPid: number): Ticks | undefined {
  if (!existsSync("/proc/stat")) return undefined;
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => timeOf(pid));
  const stolen = stolenTicks(readFileSync("/proc/stat", "utf8"));
  return {
    others: sumOf(all) - ticksOfTree(all, process.pid) + stolen,
    contestant: ticksOfTree(all, contestantPid),
  };
}

/**
 * The share of one core that others had between two moments; 0 where it is not known. Nice ones count too: they run while
 * a server waits for its load, and it waits for the end of their slice.
 */
export function foreignShare(before: Ticks | undefined, after: Ticks | undefined, seconds: number): number {
  if (before === undefined || after === undefined) return 0;
  // Below 0 where a process ended that nobody waited for: its time is in no sum any more.
  return Math.max(0, (after.others - before.others) / TICKS_PER_SECOND / seconds);
}

/** Microseconds of processor time that a contestant took for each of its requests; NaN where it is not known. */
export function costUs(before: Ticks | undefined, after: Ticks | undefined, requests: number): number {
  if (before === undefined || after === undefined) return Number.NaN;
  return (1e6 * (after.contestant - before.contestant)) / TICKS_PER_SECOND / requests;
}

/** The time of a process and all that descend from it. */
export function ticksOfTree(all: readonly ProcessTime[], root: number): number {
  const tree = new Set([root]);
  for (let size = 0; size !== tree.size;) {
    size = tree.size;
    for (const { pid, parent } of all) if (tree.has(parent)) tree.add(pid);
  }
  return sumOf(all.filter(({ pid }) => tree.has(pid)));
}

/** From a line of `/proc/PID/stat`; the name in it may hold spaces and brackets. */
export function processTime(stat: string): ProcessTime {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const times = fields.slice(11, 15).map(Number);
  return {
    pid: Number.parseInt(stat, 10),
    parent: Number(fields[1]),
    ticks: times.reduce((sum, time) => sum + time, 0),
  };
}

/** From `/proc/stat`: what the hypervisor kept. */
export function stolenTicks(stat: string): number {
  return Number(/^cpu +(?:\d+ +){7}(\d+)/.exec(stat)?.[1] ?? 0);
}

function sumOf(all: readonly ProcessTime[]): number {
  return all.reduce((sum, { ticks }) => sum + ticks, 0);
}

function timeOf(pid: string): ProcessTime[] {
  try {
    return [processTime(readFileSync(`/proc/${pid}/stat`, "utf8"))];
  } catch {
    // It has ended meanwhile.
    return [];
  }
}
