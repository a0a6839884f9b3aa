// Answers: does the disk tier keep its word when its process is killed, or the disk is full?
// Owns: a few kills of the torture run; that its judge can find something wrong.
// Leaves out: many kills (`bun run torture`), everything that a process can see of itself (`disk.test.ts`).
import { expect, test } from "bun:test";
import type { StoredResponse } from "../../lib/message.ts";
import { softly } from "../../lib/store/targets.ts";
import type { OuterTier } from "../../lib/store/store.ts";
import { keyOf, responseOf } from "../torture/content.ts";
import { Ledger } from "../torture/judge.ts";
import { canMount, torture, type Full } from "../torture/torture.ts";

const MODES: readonly (readonly [what: string, full: Full])[] = [
  ["is killed in the midst of writing", "no"],
  ["cannot make its files any longer, and is killed", "limit"],
  ["has a small file system that is full, and is killed", "tmpfs"],
];

test.each(MODES.filter(([, full]) => full !== "tmpfs" || canMount()))(
  "disk: a process that %s leaves whole bodies, and nothing that was removed",
  async (_, full) => {
    const lines: string[] = [];
    const said = (line: string): void => void lines.push(line);
    const result = await torture({ kills: 4, untilMs: Date.now() + 60_000, seed: 9112, full, say: said });
    expect(result.wrong).toEqual([]);
    expect([result.clean, result.kills]).toEqual([4, 4]);
    expect(result.acknowledged).toBeGreaterThan(0);
  },
  60_000,
);

test("the judge finds wrong bytes, and what was removed, softly or not", async () => {
  const right = responseOf(1, 10);
  const stored = async (found: StoredResponse, ...said: string[]): Promise<readonly string[]> => {
    const ledger = new Ledger();
    for (const line of said) ledger.take(line);
    const tier = { recall: (key: string) => (key === found.key ? [found] : []) };
    return (await ledger.judge(tier as unknown as OuterTier)).wrong;
  };
  const asked = (version: number, target: string): string => `ask 1 ${version} ${JSON.stringify(target)}`;
  expect(await stored(right)).toEqual([]);
  expect(await stored({ ...right, body: responseOf(1, 11).body })).toEqual([
    expect.stringMatching("bytes are not"),
  ]);
  expect(await stored(right, asked(10, keyOf(1)))).toEqual([]);
  expect(await stored(right, asked(9, keyOf(1)), "ack 1")).toEqual([]);
  expect(await stored(right, asked(10, keyOf(1)), "ack 1")).toEqual([
    expect.stringMatching("is found after"),
  ]);
  expect(await stored(right, asked(10, softly(keyOf(1))), "ack 1")).toEqual([expect.stringMatching("soft")]);
  expect(await stored({ ...right, isPurged: true }, asked(10, softly(keyOf(1))), "ack 1")).toEqual([]);
});
