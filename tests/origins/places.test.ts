// Answers: are there never more exchanges under way than places, and is no place ever lost?
// Owns: the claims about `lib/origins/places.ts`.
// Leaves out: who takes a place and when it is released (`forward.test.ts`).
import { describe, expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import { Places, type Place } from "../../lib/origins/places.ts";

const never = new AbortController().signal;

/** A place that has to be there at once. */
function taken(places: Places): Place {
  const place = places.take(never);
  if (place === "full" || place instanceof Promise) throw new Error("no place at once");
  return place;
}

/** A place that has to be waited for. */
function awaited(places: Places, signal = never): Promise<Place> {
  const place = places.take(signal);
  if (!(place instanceof Promise)) throw new Error("nothing to wait for");
  return place;
}

const counts = ({ pending, waiting }: Places): readonly number[] => [pending, waiting];

describe("places", () => {
  test("are given at once while there are some, then after a wait, then not at all", () => {
    const places = new Places(2, 1);
    taken(places);
    taken(places);
    void awaited(places);
    expect([places.take(never), ...counts(places)]).toEqual(["full", 2, 1]);
  });

  test("without a queue are given at once or not at all", () => {
    const places = new Places(1, 0);
    const place = taken(places);
    expect(places.take(never)).toBe("full");
    place.release();
    expect(counts(places)).toEqual([0, 0]);
    taken(places);
  });

  test("are without number at a limit of 0", () => {
    const places = new Places(0, 0);
    const all = Array.from({ length: 5000 }, () => taken(places));
    expect(places.pending).toBe(5000);
    for (const place of all) place.release();
    expect(places.pending).toBe(0);
  });

  test("are released once, however often it is said", async () => {
    const places = new Places(1, 2);
    const first = taken(places);
    const waiting = [awaited(places), awaited(places)];
    first.release();
    first.release();
    const second = await waiting[0]!;
    expect(counts(places)).toEqual([1, 1]);
    second.release();
    (await waiting[1]!).release();
    second.release();
    expect(counts(places)).toEqual([0, 0]);
  });

  test("go to who waits longest, before anybody who comes at that moment", async () => {
    const places = new Places(1, 3);
    const first = taken(places);
    const order: number[] = [];
    const waiting = [1, 2].map((number) =>
      awaited(places).then((place) => {
        order.push(number);
        return place;
      }),
    );
    first.release();
    const last = awaited(places);
    for (const one of waiting) (await one).release();
    await last;
    expect(order).toEqual([1, 2]);
  });
});

describe("who waits for a place and gives up", () => {
  test("leaves the queue to the next, and hears why", async () => {
    const places = new Places(1, 2);
    const first = taken(places);
    const gone = new AbortController();
    const given = awaited(places, gone.signal);
    const next = awaited(places);
    gone.abort("client is gone");
    expect(await given.catch((reason: unknown) => reason)).toBe("client is gone");
    expect(counts(places)).toEqual([1, 1]);
    first.release();
    (await next).release();
    expect(counts(places)).toEqual([0, 0]);
  });

  test("is not even let into the queue where it had given up before", async () => {
    const places = new Places(1, 2);
    taken(places);
    const given = awaited(places, AbortSignal.abort("too late"));
    expect(places.waiting).toBe(0);
    expect(await given.catch((reason: unknown) => reason)).toBe("too late");
  });

  test("in the moment in which it is handed a place, still has it and releases it", async () => {
    const places = new Places(1, 2);
    const first = taken(places);
    const gone = new AbortController();
    const given = awaited(places, gone.signal);
    first.release();
    gone.abort("too late to give up");
    (await given).release();
    expect(counts(places)).toEqual([0, 0]);
  });

  test("is let go by its signal, which may live longer than its wait", async () => {
    const places = new Places(1, 1);
    const first = taken(places);
    const { signal } = new AbortController();
    const listening = spyOn(signal, "addEventListener");
    const leaving = spyOn(signal, "removeEventListener");
    const given = awaited(places, signal);
    first.release();
    await given;
    expect(listening).toHaveBeenCalledTimes(1);
    expect(leaving.mock.calls[0]?.slice(0, 2)).toEqual(listening.mock.calls[0]!.slice(0, 2));
  });

  test("hears nothing of an abort after it has left", async () => {
    const places = new Places(1, 1);
    const first = taken(places);
    const gone = new AbortController();
    const given = awaited(places, gone.signal);
    first.release();
    const place = await given;
    gone.abort("much later");
    expect(counts(places)).toEqual([1, 0]);
    place.release();
    expect(counts(places)).toEqual([0, 0]);
  });
});

type Step = readonly [act: "take" | "release" | "abort", which: number];

interface Taker {
  readonly gone: AbortController;
  place: Place | undefined;
  isWaiting: boolean;
}

const steps = fc.array(
  fc.tuple(fc.constantFrom<Step[0]>("take", "take", "release", "abort"), fc.nat(20)) as fc.Arbitrary<Step>,
  { maxLength: 60 },
);

/** Somebody who takes a place, and writes down when it is given. */
function arrive(places: Places, granted: Taker[]): Taker | undefined {
  const taker: Taker = { gone: new AbortController(), place: undefined, isWaiting: false };
  const enter = (place: Place): void => {
    taker.place = place;
    taker.isWaiting = false;
    granted.push(taker);
  };
  const place = places.take(taker.gone.signal);
  if (place === "full") return undefined;
  taker.isWaiting = place instanceof Promise;
  if (place instanceof Promise)
    place.then(enter, () => {
      taker.isWaiting = false;
    });
  else enter(place);
  return taker;
}

describe("laws: whatever is taken, released and given up in whatever order", () => {
  test("places are never more than the limit, never idle while somebody waits, and never lost", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(4), fc.nat(4), steps, async (limit, queueLimit, acts) => {
        const places = new Places(limit, queueLimit);
        const granted: Taker[] = [];
        const takers: Taker[] = [];
        for (const [act, which] of acts) {
          const one = takers[which % Math.max(1, takers.length)];
          if (act === "take") takers.push(...[arrive(places, granted) ?? []].flat());
          else if (act === "release") one?.place?.release();
          else one?.gone.abort("gone");
          if (limit > 0) expect(places.pending).toBeLessThanOrEqual(limit);
          expect(places.waiting).toBeLessThanOrEqual(queueLimit);
          if (places.waiting > 0) expect(places.pending).toBe(limit);
          await Promise.resolve();
          expect(places.waiting).toBe(takers.filter(({ isWaiting }) => isWaiting).length);
        }
        // First come, first served: who was given a place stands in the order of arrival.
        expect(granted).toEqual(takers.filter((one) => granted.includes(one)));
        for (const _ of acts) {
          for (const { place } of takers) place?.release();
          await Promise.resolve();
        }
        expect(counts(places)).toEqual([0, 0]);
      }),
      { numRuns: 300 },
    );
  });
});
