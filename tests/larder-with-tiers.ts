// Answers: what is a Larder with something behind its memory?
// Owns: an engine with a scripted tier and a shelf for bodies of FROM bytes and more.
// Leaves out: both (`store/scripted-tier.ts`), claims (`proxy-tiers.test.ts`, `proxy-outside.test.ts`).
import { TieredStore } from "../lib/store/tiers.ts";
import { type Larder, type Particulars, withLarder } from "./larder-under-test.ts";
import { ScriptedTier, Shelf } from "./store/scripted-tier.ts";

/** Bodies from this on go outside of memory, in bytes. */
const FROM = 50_000;

/** A Larder, and what is behind its memory. */
export interface Behind {
  readonly larder: Larder;
  readonly tier: ScriptedTier;
  readonly shelf: Shelf;
}

/** A test with a Larder that has a tier and a shelf behind memory. */
export function withTier(body: (behind: Behind) => Promise<void>, particulars: Particulars = {}) {
  const [tier, shelf] = [new ScriptedTier(), new Shelf()];
  const storeOn: Particulars["storeOn"] = (memory, clockMs) =>
    new TieredStore({
      memory,
      outer: [tier],
      openOutside: shelf.open,
      outsideFromBytes: FROM,
      maxObjectBytes: 2 ** 24,
      clockMs,
    });
  const limits = { maxObject: FROM - 1, ...particulars, storeOn };
  return withLarder((larder) => body({ larder, tier, shelf }), limits);
}
