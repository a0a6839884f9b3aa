// Answers: do all workers find the same owner, and is each the owner of its share?
// Owns: the claims about `lib/workers/owner.ts`.
// Leaves out: what an owner is asked (`cold-key.test.ts`).
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ownerOf } from "../../lib/workers/owner.ts";

test("an owner is a slot, and always the same", () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 256 }), (uri, count) => {
      const owner = ownerOf(uri, count);
      return Number.isInteger(owner) && owner >= 0 && owner < count && owner === ownerOf(uri, count);
    }),
  );
});

test.each([2, 3, 4, 8, 16, 64])(
  "of %d workers each has about its share of keys that are much alike",
  (count) => {
    const shares = Array.from({ length: count }, () => 0);
    const keys = count * 1000;
    for (let at = 0; at < keys; at++) {
      const owner = ownerOf(`http://example.com/img/${at}.png`, count);
      shares[owner] = (shares[owner] ?? 0) + 1;
    }
    expect(Math.min(...shares)).toBeGreaterThan(800);
    expect(Math.max(...shares)).toBeLessThan(1200);
  },
);
