// Answers: do the origins of a pool take turns, and is one that cannot take a request passed over?
// Owns: the claims about `lib/origins/pool.ts`.
// Leaves out: which pool it is (`routes.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Origin } from "../../lib/origins/origin.ts";
import { Pool, type Balance } from "../../lib/origins/pool.ts";
import { originOf } from "./scripted-routes.ts";

const never = new AbortController().signal;

function poolOf(hosts: string, balance: Balance = "round-robin"): Record<string, Origin> & { pool: Pool } {
  const origins = [...hosts].map(originOf);
  const named = Object.fromEntries(origins.map((origin) => [origin.url.slice(-1), origin]));
  return { ...named, pool: new Pool("/", origins, balance) } as Record<string, Origin> & { pool: Pool };
}

/** The hosts that are picked, one letter each; `-` where there is none. */
function picks(pool: Pool, count: number, nowMs = 0, except?: ReadonlySet<Origin>): string {
  return Array.from({ length: count }, () => pool.pick(nowMs, except)?.url.slice(-1) ?? "-").join("");
}

/** Opens its breaker at 0 ms. */
function breakOff(origin: Origin | undefined): void {
  for (const _ of [1, 2]) origin?.breaker.permit(0)?.failed(0);
}

function busy(origin: Origin | undefined, exchanges: number): void {
  for (let count = 0; count < exchanges; count += 1) void origin?.places.take(never);
}

describe("round-robin", () => {
  test("asks each in turn, however busy", () => {
    const { pool, a } = poolOf("abc");
    busy(a, 9);
    expect(picks(pool, 7)).toBe("abcabca");
  });

  test("leaves no gap where one is passed over", () => {
    const { pool, a } = poolOf("abc");
    breakOff(a);
    expect(picks(pool, 6)).toBe("bcbcbc");
  });
});

describe("least-pending", () => {
  test("asks the one with the fewest requests before it", () => {
    const { pool, a, b, c } = poolOf("abc", "least-pending");
    busy(a, 2);
    busy(b, 1);
    busy(c, 3);
    expect(picks(pool, 3)).toBe("bbb");
  });

  test("takes turns among equals", () => {
    const { pool, b } = poolOf("abc", "least-pending");
    expect(picks(pool, 6)).toBe("abcabc");
    busy(b, 1);
    expect(picks(pool, 4)).toBe("acac");
  });
});

describe.each<Balance>(["round-robin", "least-pending"])("with %s", (balance) => {
  test("an unhealthy origin is passed over until it is healthy", () => {
    const { pool, b } = poolOf("abc", balance);
    if (b) b.isHealthy = false;
    expect(picks(pool, 4)).toBe("acac");
    if (b) b.isHealthy = true;
    expect(picks(pool, 3)).toBe("abc");
  });

  test("all are asked where all are unhealthy: the check is believed less than the requests", () => {
    const { pool } = poolOf("abc", balance);
    for (const origin of pool.origins) origin.isHealthy = false;
    expect(picks(pool, 6)).toBe("abcabc");
    breakOff(pool.origins[0]);
    expect(picks(pool, 4)).toBe("bcbc");
  });

  test("an unhealthy origin does not stand in for healthy ones whose breakers are open", () => {
    const { pool, a, b } = poolOf("ab", balance);
    if (b) b.isHealthy = false;
    breakOff(a);
    expect(picks(pool, 2)).toBe("--");
  });

  test("nobody is asked where all breakers are open; after half a second one may probe", () => {
    const { pool, a, b } = poolOf("ab", balance);
    breakOff(a);
    breakOff(b);
    expect([picks(pool, 2, 499), picks(pool, 2, 500)]).toEqual(["--", "ab"]);
    a?.breaker.permit(500);
    expect(picks(pool, 2, 500)).toBe("bb");
  });

  test("a second attempt goes to another one, or nowhere", () => {
    const { pool, a, b } = poolOf("ab", balance);
    expect(picks(pool, 2, 0, new Set([a!]))).toBe("bb");
    expect(picks(pool, 2, 0, new Set([a!, b!]))).toBe("--");
  });

  test("one alone is always asked, but for its breaker", () => {
    const { pool, a } = poolOf("a", balance);
    if (a) a.isHealthy = false;
    expect(picks(pool, 2)).toBe("aa");
    breakOff(a);
    expect(picks(pool, 2)).toBe("--");
  });

  test("law: over a whole number of turns, equal origins that are fit are asked equally often", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.nat(31),
        fc.integer({ min: 1, max: 4 }),
        (size, ill, turns) => {
          const { pool } = poolOf("abcde".slice(0, size), balance);
          for (const [index, origin] of pool.origins.entries()) origin.isHealthy = (ill & (1 << index)) === 0;
          const well = pool.origins.filter(({ isHealthy }) => isHealthy);
          const fit = well.length > 0 ? well : pool.origins;
          const picked = picks(pool, turns * fit.length);
          for (const { url } of fit) expect(picked.split(url.slice(-1)).length - 1).toBe(turns);
        },
      ),
    );
  });
});
