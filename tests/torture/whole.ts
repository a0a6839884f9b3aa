// Answers: does a Larder with a disk keep its promises while it is killed again and again?
// Owns: the process under test and its end by SIGKILL, its restarts, what is counted between them.
// Leaves out: what it is asked and whether the answers are right (`visitors.ts`, `world.ts`).
import { startCache } from "./cache-process.ts";
import { Dice } from "../chaos/dice.ts";
import { ask, purge, repeatedly, type Seen, type Target, type Visitor } from "./visitors.ts";
import { World } from "./world.ts";

/** What a run is. */
export interface WholeRun {
  readonly seed: number;
  readonly kills: number;
  /** The end in milliseconds since 1970, whatever has been reached. */
  readonly untilMs: number;
  /** The folder of the disk tier. */
  readonly folder: string;
  /** Further options of the cache. */
  readonly options?: readonly string[];
}

/** What came of it. */
export interface WholeResult extends Seen {
  readonly kills: number;
  readonly cleanKills: number;
  /** Of the first answers after each restart, those that came from the disk. */
  readonly hitsAfterRestart: number;
  /** Lines that the cache wrote to stderr, each once. */
  readonly complaints: readonly string[];
}

const CLIENTS = 12;

/** Between a start and the next kill, in milliseconds. */
const LIFE_MS = [150, 1200] as const;

/** Runs it. Rejects where the cache does not come up again. */
export async function runWhole({
  seed,
  kills,
  untilMs,
  folder,
  options = [],
}: WholeRun): Promise<WholeResult> {
  const world = new World();
  const seen: Seen = { answers: 0, hits: 0, purges: 0, broken: 0, wrong: [] };
  let target: Target | undefined;
  let isOver = false;
  const complaints = new Set<string>();
  const visitor = (number: number): Visitor => {
    const dice = new Dice(seed, number);
    return { world, target: () => target, seen, dice, isOver: () => isOver };
  };
  const clients = Array.from({ length: CLIENTS }, (_, at) => repeatedly(visitor(at), ask));
  const purgers = [0, 1].map((at) => repeatedly(visitor(CLIENTS + at), purge));
  const dice = new Dice(seed);
  let [killed, cleanKills, hitsAfterRestart] = [0, 0, 0];
  try {
    for (; killed <= kills && Date.now() < untilMs; killed++) {
      const before = { hits: seen.hits, wrong: seen.wrong.length };
      const tiers = ["--disk", folder, "--memory", "16MB"];
      const larder = await startCache(["--origin", world.url, ...tiers, ...options], (line) =>
        complaints.add(line),
      );
      target = larder;
      await Bun.sleep(LIFE_MS[0] + dice.next() * (LIFE_MS[1] - LIFE_MS[0]));
      target = undefined;
      if (killed > 0 && seen.hits > before.hits) hitsAfterRestart += seen.hits - before.hits;
      if (seen.wrong.length === before.wrong && killed > 0) cleanKills++;
      await larder.kill();
    }
  } finally {
    isOver = true;
    await Promise.allSettled([...clients, ...purgers]);
    await world.stop();
  }
  return { ...seen, kills: killed - 1, cleanKills, hitsAfterRestart, complaints: [...complaints] };
}
