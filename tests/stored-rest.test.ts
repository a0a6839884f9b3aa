// Answers: does a reader that lags behind get the right bytes from what is stored, and from the copy when that leaves?
// Owns: the claims about `lib/stored-rest.ts`.
// Leaves out: the readers (`fill-body.test.ts`), what leaves the store (`store/budget.ts`).
import { describe, expect, test } from "bun:test";
import type { StoredBody } from "../lib/message.ts";
import { StoredRest } from "../lib/stored-rest.ts";
import { bytesOf, complete, partial, storedResponse } from "./rfc9111/test-values.ts";

const TEXT = "0123456789";

/** The rest of a body that is TEXT and begins at `first` of what is stored, held by a store that the test plays. */
function resting(body: StoredBody, first = 0, leftFrom = 0) {
  const held = { releases: 0, leave: (): void => {} };
  const hold = (_: unknown, onEvicted: () => void): (() => void) => {
    held.leave = onEvicted;
    return () => void held.releases++;
  };
  const source = { stored: storedResponse({ body }), first, length: TEXT.length, hold };
  return { held, rest: new StoredRest(source, () => leftFrom) };
}

const read = async (rest: StoredRest, at: number, maxBytes: number): Promise<string | undefined> => {
  const bytes = await rest.read(at, maxBytes);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
};

const BODIES: readonly (readonly [string, StoredBody, number])[] = [
  ["bytes", complete(TEXT), 0],
  ["a Blob", { kind: "blob", blob: new Blob([bytesOf(TEXT)]) }, 0],
  ["a part", partial(20, [5, TEXT]), 5],
  ["a part that begins earlier than the body did", partial(20, [3, `xy${TEXT}zz`]), 5],
];

describe.each(BODIES)("from %s", (_, body, first) => {
  test("any bytes can be read, no more than asked for, and none behind the end", async () => {
    const { rest } = resting(body, first);
    for (let at = 0; at < TEXT.length; at++) {
      for (const most of [1, 3, 100]) expect(await read(rest, at, most)).toBe(TEXT.slice(at, at + most));
    }
    expect([await read(rest, TEXT.length, 5), rest.from]).toEqual([undefined, 0]);
  });

  test("when it leaves the store, what is still needed can be read on", async () => {
    const { rest, held } = resting(body, first, 4);
    expect(await read(rest, 0, 4)).toBe("0123");
    held.leave();
    expect(rest.from).toBe(4);
    for (let at = 4; at < TEXT.length; at++) {
      for (const most of [1, 3, 100]) expect(await read(rest, at, most)).toBe(TEXT.slice(at, at + most));
    }
    expect(await read(rest, TEXT.length, 1)).toBeUndefined();
  });

  test("when it leaves and nothing is needed, nothing is kept", async () => {
    const { rest, held } = resting(body, first, TEXT.length);
    held.leave();
    expect([rest.from, await read(rest, TEXT.length, 5)]).toEqual([TEXT.length, undefined]);
  });

  test("a read under way while it leaves is answered with its bytes", async () => {
    const { rest, held } = resting(body, first, 2);
    const reading = read(rest, 2, 3);
    held.leave();
    expect(await reading).toBe("234");
  });
});

test("it is held from the beginning until it is released", () => {
  const { rest, held } = resting(complete(TEXT));
  expect(held.releases).toBe(0);
  rest.release();
  expect(held.releases).toBe(1);
});
