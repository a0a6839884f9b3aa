// Answers: is a stale response validated by one request at a time, and left alone for a while when that fails?
// Owns: the claims about `lib/background.ts`, with a validation that the test plays.
// Leaves out: the pauses (`back-off.test.ts`), the same through the engine (`proxy-stale.test.ts`).
import { describe, expect, test } from "bun:test";
import { BackOff } from "../lib/back-off.ts";
import { Background } from "../lib/background.ts";
import type { Report } from "../lib/cache-status.ts";
import { Collapser } from "../lib/collapse.ts";
import { Events, type CacheEvent } from "../lib/events.ts";
import type { Answer, AnswerBody } from "../lib/message.ts";
import { Visit } from "../lib/visit.ts";
import { calm } from "./hand-fed-body.ts";
import { presented } from "./larder-under-test.ts";

const KEY = "fill key";

function validating() {
  const clock = { nowMs: 1_800_000_000_000 };
  const heard: CacheEvent[] = [];
  const events = new Events();
  events.on((event) => heard.push(event));
  const collapser = new Collapser();
  const parts = { collapser, backOff: new BackOff(), events, clockMs: () => clock.nowMs };
  const background = new Background(parts);
  let asked = 0;
  /** Validates; the origin's answer is reported in that word. Whether it was asked at all. */
  const validate = async (word: Report["word"], body: AnswerBody = null): Promise<boolean> => {
    const before = asked;
    const visit = new Visit(presented("GET", "/a"), { events: new Events(), clockMs: parts.clockMs });
    background.validate(visit, KEY, async (): Promise<Answer> => {
      asked++;
      return visit.done({ status: 200, fields: new Headers(), body }, { word });
    });
    await calm();
    return asked > before;
  };
  return { clock, heard, collapser, validate };
}

describe("RFC 5861 §3 a validation in the background", () => {
  test("asks the origin, and again as often as it succeeds", async () => {
    const { heard, validate } = validating();
    for (const word of ["VALIDATED", "MISS", "PASS", "VALIDATED"] as const)
      expect(await validate(word)).toBe(true);
    expect(heard).toEqual([]);
  });

  test("does not ask while that is being done already", async () => {
    const { collapser, validate } = validating();
    const fill = collapser.open("http://larder.test/a", KEY);
    expect(await validate("VALIDATED")).toBe(false);
    collapser.close(fill, KEY);
    expect(await validate("VALIDATED")).toBe(true);
  });

  test.each(["ERROR", "STALE"] as const)(
    "that ends with %s is told, and not tried again at once",
    async (word) => {
      const { clock, heard, validate } = validating();
      for (const [at, retryMs] of [1000, 2000, 4000].entries()) {
        expect(await validate(word)).toBe(true);
        const told = {
          kind: "revalidation-failed",
          uri: "http://larder.test/a",
          failures: at + 1,
          retryMs,
        } as const;
        expect(heard.at(-1)).toEqual(told);
        clock.nowMs += retryMs - 1;
        expect(await validate(word)).toBe(false);
        clock.nowMs++;
      }
      expect(heard).toHaveLength(3);
    },
  );

  test("that succeeds ends the row of failures", async () => {
    const { clock, heard, validate } = validating();
    for (const word of ["ERROR", "ERROR", "VALIDATED", "ERROR"] as const) {
      clock.nowMs += 10_000;
      expect(await validate(word)).toBe(true);
    }
    expect(heard).toMatchObject([{ failures: 1 }, { failures: 2 }, { failures: 1 }]);
  });

  test("whose body nobody reads ends it", async () => {
    let isCancelled = false;
    const { validate } = validating();
    await validate("MISS", new ReadableStream({ cancel: () => void (isCancelled = true) }));
    expect(isCancelled).toBe(true);
  });
});
