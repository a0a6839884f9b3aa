// Answers: what does the process do that is killed?
// Owns: `bun child.ts FOLDER SEED FIRST_VERSION SIZE_BYTES`: puts, recalls and removals without end; on its output each
// removal before it is asked for and after it was acknowledged: `ask N VERSION TARGET`, `ack N`; and what it finds wrong.
// Leaves out: killing it (`torture.ts`), judging what it left behind (`judge.ts`).
import { writeSync } from "node:fs";
import { openDisk, type DiskTier } from "../../lib/store/disk.ts";
import { EVERYTHING, prefixTarget, softly, tagTarget } from "../../lib/store/targets.ts";
import { Dice } from "../chaos/dice.ts";
import { headOf, keyOf, KEYS, prefixOf, responseOf, tagOf, versionsOf } from "./content.ts";
import { wrongWith } from "./judge.ts";

const [folder = "", seed = "1", firstVersion = "1", sizeBytes = "0"] = process.argv.slice(2);
const dice = new Dice(Number(seed));
let version = Number(firstVersion);
let asks = 0;

/** At once: what is in the pipe outlives the process. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

async function recall(tier: DiskTier, number: number): Promise<void> {
  for (const found of await tier.recall(keyOf(number), () => true)) {
    const wrong = await wrongWith(found);
    if (wrong !== undefined && wrong !== "gone") say(`wrong ${keyOf(number)}: ${wrong}`);
    // Freshened as by a 304, whose head names a new version of the same content.
    if (found.body.kind !== "outside" || !dice.chance(0.5)) continue;
    const { content } = versionsOf(found);
    tier.put({ ...found, ...headOf(number, ++version, content), body: found.body });
  }
}

async function stream(tier: DiskTier, number: number): Promise<void> {
  const stored = responseOf(number, ++version);
  if (stored.body.kind !== "complete") return;
  const { bytes } = stored.body;
  const writer = tier.write(stored, dice.chance(0.5) ? bytes.length : undefined);
  for (let from = 0; from < bytes.length; from += 30_000) {
    await writer?.ready?.();
    if (writer?.write(bytes.subarray(from, from + 30_000)) === false) return;
  }
  if (dice.chance(0.2)) writer?.abort();
  else writer?.commit();
}

async function remove(tier: DiskTier, number: number): Promise<void> {
  const some = [keyOf(number), keyOf(number), tagTarget(tagOf(number)), prefixTarget(prefixOf(number % 5))];
  const hard = dice.chance(0.03) ? EVERYTHING : dice.pick(some);
  const target = dice.chance(0.3) ? softly(hard) : hard;
  const ask = ++asks;
  say(`ask ${ask} ${version} ${JSON.stringify(target)}`);
  await tier.remove(target);
  say(`ack ${ask}`);
}

const tier = await openDisk(folder, {
  sizeBytes: Number(sizeBytes),
  inMemoryBytes: 100_000,
  queueBytes: 8_000_000,
  warn: (line) => say(`warn ${line}`),
});
if (tier === undefined) process.exit(3);
say("ready");
for (;;) {
  const number = dice.between(0, KEYS - 1);
  const what = dice.between(0, 99);
  if (what < 60) tier.put(responseOf(number, ++version));
  else if (what < 85) await recall(tier, number);
  else if (what < 92) await stream(tier, number);
  else if (what < 94) tier.used(new Map([[keyOf(number), 3]]));
  else if (what < 97) void remove(tier, number);
  else if (what < 98) await remove(tier, number);
  else await new Promise((resolve) => setTimeout(resolve, dice.between(0, 29)));
}
