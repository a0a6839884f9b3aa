// Answers: `bun run bench micro`: where do the nanoseconds of a hit go?
// Owns: the origin behind the engine, and the table.
// Leaves out: which functions (`../engine-adapter.ts`), how they are timed (`stopwatch.ts`).
import { join } from "node:path";
import { subjects } from "../engine-adapter.ts";
import { startBun } from "../pinned-process.ts";
import { markdown } from "../table.ts";
import { CAREFUL, timed } from "./stopwatch.ts";

const KEYS = 10_000;

/** Times each function of a hit alone, on core 0. */
export async function micro(): Promise<boolean> {
  if (Bun.which("taskset") !== null) Bun.spawnSync(["taskset", "-a", "-p", "-c", "0", String(process.pid)]);
  const origin = await startBun([join(import.meta.dir, "../bench-origin.ts")], "1");
  try {
    const targets = Array.from({ length: KEYS }, (_, key) => `/keys/${key}`);
    const rows = (await subjects(origin.url, targets)).map(({ name, call }) => {
      const { medianNs, minNs, maxNs } = timed(call, CAREFUL);
      return [name, medianNs.toFixed(0), `${minNs.toFixed(0)}–${maxNs.toFixed(0)}`];
    });
    console.log(`Nanoseconds a call, median of ${CAREFUL.batches} batches, Bun ${Bun.version}\n`);
    console.log(markdown([["", "ns", "lowest–highest"], ...rows]));
    return true;
  } finally {
    await origin.stop();
  }
}
