// Answers: is an origin that fails left alone, and is it back in use soon after it is back?
// Owns: the claims about `lib/origins/breaker.ts`.
// Leaves out: what counts as a failure (`forward.test.ts`), the choice between origins (`pool.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Breaker, OPEN_MS, type Permit } from "../../lib/origins/breaker.ts";

interface Heard {
  readonly breaker: Breaker;
  readonly changes: string[];
}

function heard(limit: number): Heard {
  const changes: string[] = [];
  return { breaker: new Breaker(limit, (state, failures) => changes.push(`${state} ${failures}`)), changes };
}

function permitted(breaker: Breaker, nowMs: number): Permit {
  const permit = breaker.permit(nowMs);
  if (permit === undefined) throw new Error("no permit");
  return permit;
}

/** A breaker that has opened at 0 ms after two failures. */
function opened(): Heard {
  const both = heard(2);
  for (const _ of [1, 2]) permitted(both.breaker, 0).failed(0);
  both.changes.length = 0;
  return both;
}

describe("a closed breaker", () => {
  test("opens after that many failures in a row", () => {
    const { breaker, changes } = heard(3);
    for (const _ of [1, 2, 3]) permitted(breaker, 0).failed(0);
    expect([breaker.state, breaker.permit(0), changes]).toEqual(["open", undefined, ["open 3"]]);
  });

  test("counts failures at the same time once, unless each took more than a second", () => {
    for (const [tookMs, counted] of [
      [0, 1],
      [1000, 1],
      [1001, 9],
    ] as const) {
      const { breaker, changes } = heard(10);
      const together = Array.from({ length: 9 }, () => permitted(breaker, 0));
      for (const permit of together) permit.failed(tookMs);
      for (let more = counted; more < 10; more++) permitted(breaker, tookMs).failed(tookMs);
      expect([breaker.state, changes]).toEqual(["open", ["open 10"]]);
    }
  });

  test("does not count an exchange during which the origin has answered another one", () => {
    const { breaker, changes } = heard(1);
    const hanging = Array.from({ length: 50 }, () => permitted(breaker, 0));
    permitted(breaker, 500).succeeded();
    for (const permit of hanging) permit.failed(30_000);
    expect([breaker.state, changes]).toEqual(["closed", []]);
    permitted(breaker, 30_000).failed(30_000);
    expect(breaker.state).toBe("open");
  });

  test("counts anew after a success", () => {
    const { breaker, changes } = heard(2);
    for (const _ of [1, 2, 3]) {
      permitted(breaker, 0).failed(0);
      permitted(breaker, 0).succeeded();
    }
    expect([breaker.state, changes]).toEqual(["closed", []]);
  });

  test("does not count what was abandoned, neither way", () => {
    const { breaker } = heard(2);
    permitted(breaker, 0).failed(0);
    permitted(breaker, 0).abandoned();
    permitted(breaker, 0).failed(0);
    expect(breaker.state).toBe("open");
  });

  test("takes one outcome from each exchange, the first", () => {
    const { breaker } = heard(2);
    const permit = permitted(breaker, 0);
    for (const _ of [1, 2, 3]) permit.failed(0);
    expect(breaker.state).toBe("closed");
    permit.succeeded();
    permitted(breaker, 0).failed(0);
    expect(breaker.state).toBe("open");
  });

  test("with 0 never opens", () => {
    const { breaker, changes } = heard(0);
    for (let count = 0; count < 1000; count += 1) permitted(breaker, 0).failed(0);
    expect([breaker.state, breaker.permits(0), changes]).toEqual(["closed", true, []]);
  });
});

describe("an open breaker", () => {
  test("lets nobody through for half a second, then one", () => {
    const { breaker, changes } = opened();
    expect([breaker.permits(OPEN_MS - 1), breaker.permit(OPEN_MS - 1)]).toEqual([false, undefined]);
    expect(breaker.permits(OPEN_MS)).toBe(true);
    permitted(breaker, OPEN_MS);
    expect([breaker.permits(OPEN_MS), breaker.permit(OPEN_MS)]).toEqual([false, undefined]);
    expect([breaker.state, changes]).toEqual(["half-open", ["half-open 2"]]);
  });

  test("closes when the probe succeeds", () => {
    const { breaker, changes } = opened();
    permitted(breaker, OPEN_MS).succeeded();
    permitted(breaker, OPEN_MS).failed(OPEN_MS);
    expect([breaker.state, changes]).toEqual(["closed", ["half-open 2", "closed 0"]]);
  });

  test("opens for another half a second when the probe fails", () => {
    const { breaker, changes } = opened();
    permitted(breaker, OPEN_MS).failed(OPEN_MS + 100);
    expect([breaker.permits(2 * OPEN_MS + 99), breaker.permits(2 * OPEN_MS + 100)]).toEqual([false, true]);
    expect(changes).toEqual(["half-open 2", "open 3"]);
  });

  test("lets the next one probe at once when the probe is abandoned", () => {
    const { breaker, changes } = opened();
    permitted(breaker, OPEN_MS).abandoned();
    permitted(breaker, OPEN_MS).succeeded();
    expect([breaker.state, changes]).toEqual(["closed", ["half-open 2", "closed 0"]]);
  });

  test("is not prolonged by a clock that is set back", () => {
    const both = heard(1);
    permitted(both.breaker, 1e9).failed(1e9);
    expect([both.breaker.permits(1e9 + 1), both.breaker.permits(0)]).toEqual([false, true]);
  });
});

describe("a probe that says nothing", () => {
  test("keeps the next one back for half a second, not for ever", () => {
    const { breaker } = opened();
    permitted(breaker, OPEN_MS);
    expect([breaker.permits(2 * OPEN_MS - 1), breaker.permits(2 * OPEN_MS)]).toEqual([false, true]);
    permitted(breaker, 2 * OPEN_MS).succeeded();
    expect(breaker.state).toBe("closed");
  });

  test("and then fails, leaves the verdict to the one that is under way", () => {
    const { breaker } = opened();
    const lost = permitted(breaker, OPEN_MS);
    const probe = permitted(breaker, 2 * OPEN_MS);
    lost.failed(2 * OPEN_MS + 1);
    expect([breaker.state, breaker.permits(2 * OPEN_MS + 1)]).toEqual(["half-open", false]);
    probe.failed(2 * OPEN_MS + 2);
    expect(breaker.state).toBe("open");
  });

  test("and then succeeds, closes: the origin is slow, not away", () => {
    const { breaker } = opened();
    const slow = permitted(breaker, OPEN_MS);
    const probe = permitted(breaker, 2 * OPEN_MS);
    slow.succeeded();
    for (const _ of [1, 2]) probe.failed(2 * OPEN_MS);
    permitted(breaker, 2 * OPEN_MS).failed(2 * OPEN_MS);
    expect(breaker.state).toBe("closed");
  });
});

describe("an exchange that began before the breaker opened", () => {
  test.each(["succeeded", "failed", "abandoned"] as const)("and has %s since, changes nothing", (outcome) => {
    const { breaker, changes } = heard(2);
    const late = [1, 2, 3].map(() => permitted(breaker, 0));
    for (const _ of [1, 2]) permitted(breaker, 0).failed(0);
    late[0]?.[outcome](400);
    expect([breaker.state, breaker.permits(OPEN_MS)]).toEqual(["open", true]);
    const probe = permitted(breaker, OPEN_MS);
    late[1]?.[outcome](OPEN_MS);
    expect([breaker.state, breaker.permits(OPEN_MS)]).toEqual(["half-open", false]);
    probe.succeeded();
    late[2]?.[outcome](OPEN_MS);
    permitted(breaker, OPEN_MS).failed(OPEN_MS);
    expect(changes).toEqual(["open 2", "half-open 2", "closed 0"]);
  });
});

type Step =
  | { readonly act: "wait"; readonly ms: number }
  | { readonly act: "permit" }
  | { readonly act: keyof Permit; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ act: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: OPEN_MS }) }),
  fc.record({ act: fc.constant("permit" as const) }),
  fc.record({
    act: fc.constantFrom<keyof Permit>("succeeded", "failed", "failed", "abandoned"),
    which: fc.nat(20),
  }),
);

/** Which state may follow which. */
const NEXT: ReadonlyMap<string, readonly string[]> = new Map([
  ["closed", ["open"]],
  ["open", ["half-open"]],
  ["half-open", ["open", "closed"]],
]);

describe("laws: whatever succeeds, fails and is abandoned in whatever order", () => {
  test("two probes are never under way within half a second, and nobody is kept back for longer", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 80 }), (limit, steps) => {
        const { breaker, changes } = heard(limit);
        const permits: Permit[] = [];
        /** The probes that are under way, by when they left. */
        const probes = new Map<Permit, number>();
        let nowMs = 0;
        for (const one of steps) {
          if (one.act === "wait") nowMs += one.ms;
          else if (one.act === "permit") {
            const wasClosed = breaker.state === "closed";
            const isExpected = breaker.permits(nowMs);
            const permit = breaker.permit(nowMs);
            expect(permit !== undefined).toBe(isExpected);
            if (permit === undefined) continue;
            permits.push(permit);
            if (wasClosed) continue;
            for (const leftMs of probes.values()) expect(nowMs - leftMs).toBeGreaterThanOrEqual(OPEN_MS);
            probes.set(permit, nowMs);
          } else {
            const permit = permits[one.which % Math.max(1, permits.length)];
            permit?.[one.act](nowMs);
            if (permit !== undefined) probes.delete(permit);
          }
          if (breaker.state === "closed") probes.clear();
          expect(breaker.permits(nowMs + OPEN_MS)).toBe(true);
        }
        const states = ["closed", ...changes.map((change) => change.split(" ")[0] ?? "")];
        for (const [index, state] of states.slice(1).entries()) {
          expect(NEXT.get(states[index] ?? "")).toContain(state);
        }
      }),
      { numRuns: 500 },
    );
  });
});
