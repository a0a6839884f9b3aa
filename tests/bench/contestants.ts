// Answers: which servers take part in the benchmark.
// Owns: Larder on each of its wires, the bare handler, and which of all is started.
// Leaves out: nginx and Varnish (`nginx.ts`, `varnish.ts`), processes (`pinned-process.ts`), the load (`wrk-run.ts`).
import { join } from "node:path";
import { STORE_SIZE, type Contestant, type Place } from "./contestant.ts";
import { startNginx } from "./nginx.ts";
import { ROOT, startBun, type Served } from "./pinned-process.ts";
import { startVarnish } from "./varnish.ts";

/** The wires of Larder, in the order of the table. */
export const WIRES = ["bun", "lane", "exact"] as const;

/** What Larder is compared with, in the order of the table. */
export const RIVALS = ["bare", "nginx", "varnish"] as const;

type Start = (place: Place) => Promise<Contestant>;

const STARTS: Readonly<Record<(typeof RIVALS)[number], Start>> = {
  bare,
  nginx: startNginx,
  varnish: (place) => startVarnish(place),
};
const PROGRAMS: Readonly<Record<string, string>> = { nginx: "nginx", varnish: "varnishd" };

/** Of these names, those that can take part here; why each of the others cannot goes to `tell`. */
export function present(names: readonly string[], tell: (line: string) => void): readonly string[] {
  const help = helpOfLarder();
  return names.filter((name) => {
    const isWire = WIRES.some((wire) => wire === name);
    const program = PROGRAMS[name];
    if (isWire && !knowsWire(help, name)) tell(`${name}: this Larder has no such wire`);
    else if (program !== undefined && Bun.which(program) === null) tell(`${name}: not installed`);
    else return true;
    return false;
  });
}

/** Whether `cache.ts --help` names this wire. */
export function knowsWire(help: string, wire: string): boolean {
  return /^.*--wire .*$/m.exec(help)?.[0].includes(`\`${wire}\``) ?? false;
}

/** What `cache.ts --help` prints. */
export function helpOfLarder(): string {
  return Bun.spawnSync([process.execPath, "cache.ts", "--help"], { cwd: ROOT }).stdout.toString();
}

/** Starts all of these, in front of the same origin. @throws where one cannot be started; none is left then. */
export async function startAll(names: readonly string[], place: Place): Promise<Contestant[]> {
  const started: Contestant[] = [];
  try {
    for (const name of names) {
      const rival = RIVALS.find((one) => one === name);
      started.push(await (rival === undefined ? larder(name, place) : STARTS[rival](place)));
    }
    return started;
  } catch (error) {
    for (const { stop } of started) await stop();
    throw error;
  }
}

/** The origin of all, on this core. */
export function startOrigin(core: string): Promise<Served> {
  return startBun([join(import.meta.dir, "bench-origin.ts")], core);
}

/** As the README says it is run: Cache-Status on, log off since there is no terminal. */
async function larder(wire: string, { originUrl, core, workers }: Place): Promise<Contestant> {
  const args = ["cache.ts", "0", "--origin", originUrl, "--host", "127.0.0.1", "--memory", STORE_SIZE.larder];
  const many = workers === 1 ? [] : ["--workers", String(workers)];
  const served = await startBun([...args, "--wire", wire, ...many], core);
  return { name: wire, version: `Larder --wire ${wire}, Bun ${Bun.version}`, ...served };
}

async function bare({ originUrl, core }: Place): Promise<Contestant> {
  const served = await startBun([join(import.meta.dir, "bare-server.ts"), originUrl], core);
  return { name: "bare", version: `Bun.serve and a Map, Bun ${Bun.version}`, ...served };
}
