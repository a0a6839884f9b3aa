// Answers: is the budget of the memory tier an honest one, as the operating system sees it?
// Owns: the claim about a real process, for each mix of objects.
// Leaves out: the mixes and how they are asked for (`bench/memory/mixes.ts`), what the store counts (`store/budget.ts`).
import { expect, test } from "bun:test";
import { ALLOWED_SHARE, fill, MIXES, shareOf } from "./bench/memory/mixes.ts";

const BUDGET_BYTES = 64 * 2 ** 20;

test.each(MIXES.map((mix) => [mix.name, mix] as const))(
  "--memory: %s, far beyond the budget, take no more than a quarter on top of it",
  async (_, mix) => {
    expect(shareOf(await fill(mix, BUDGET_BYTES), BUDGET_BYTES)).toBeLessThan(ALLOWED_SHARE);
  },
  60_000,
);
