// Answers: did the machine belong to the benchmark while it measured?
// Owns: the processor time of all cores beside that of this process and its descendants (Linux; elsewhere unknown).
// Leaves out: what is done about a disturbed measurement (`speed.ts`).
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Processor time so far, in ticks of a hundredth of a second. */
export interface Ticks {
  /** Of all processes together, and what the hypervisor kept. */
  readonly all: number;
  /** Of this process, and of those that it started, also where they have ended. */
  readonly own: number;
}

const TICKS_PER_SECOND = 100;

/** The time so far; `undefined` where the kernel does not tell it in /proc. */
export function ticks(): Ticks | undefined {
  if (!existsSync("/proc/stat")) return undefined;
  const stats = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => statOf(pid));
  return { all: allTicks(readFileSync("/proc/stat", "utf8")), own: ownTicks(stats, process.pid) };
}

/** The share of one core that others had between two moments; 0 where it is not known. */
export function foreignShare(before: Ticks | undefined, after: Ticks | undefined, seconds: number): number {
  if (before === undefined || after === undefined) return 0;
  const foreign = after.all - before.all - (after.own - before.own);
  return Math.max(0, foreign / TICKS_PER_SECOND / seconds);
}

/** Of a process: its parent, and its time with that of its children that have ended and been waited for. */
export interface ProcessTime {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/** The time of a process and all its descendants. */
export function ownTicks(all: readonly ProcessTime[], root: number): number {
  const own = new Set([root]);
  for (let size = 0; size !== own.size;) {
    size = own.size;
    for (const { pid, parent } of all) if (own.has(parent)) own.add(pid);
  }
  return all.reduce((sum, one) => (own.has(one.pid) ? sum + one.ticks : sum), 0);
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

/** From `/proc/stat`: user, nice, system and stolen time; what an interrupt takes belongs to nobody. */
export function allTicks(stat: string): number {
  const [, user = 0, nice = 0, system = 0, , , , , stolen = 0] = (stat.split("\n")[0] ?? "")
    .split(/\s+/)
    .map(Number);
  return user + nice + system + stolen;
}

function statOf(pid: string): ProcessTime[] {
  try {
    return [processTime(readFileSync(`/proc/${pid}/stat`, "utf8"))];
  } catch {
    // It has ended meanwhile.
    return [];
  }
}
