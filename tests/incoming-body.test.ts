// Answers: are the bytes of a response the right ones, and is its end told once, however its connection breaks?
// Owns: the claims about `lib/incoming-body.ts`, with connections that the test plays.
// Leaves out: asking for the rest (`resumption.test.ts`), the same over sockets (`proxy-broken.test.ts`).
import { describe, expect, test } from "bun:test";
import { OriginError } from "../lib/errors.ts";
import { IncomingBody, type Incoming, type Rest } from "../lib/incoming-body.ts";
import type { ByteReader } from "../lib/message.ts";
import { calm } from "./hand-fed-body.ts";
import { bytesOf } from "./rfc9111/test-values.ts";

/** What one connection brings: bytes, then its end, a break, or silence. */
interface Connection {
  readonly bytes: string;
  readonly then: "end" | "break" | "silence";
  /** Bytes a chunk. */
  readonly chunk?: number;
}

/** A reader of that connection; `cancelled` tells whether it was ended. */
class Played implements ByteReader {
  cancelled = 0;
  #at = 0;
  readonly #connection: Connection;
  readonly #over = Promise.withResolvers<{ done: true }>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }> {
    const { bytes, then, chunk = 2 } = this.#connection;
    if (this.cancelled > 0) return { done: true };
    const value = bytesOf(bytes.slice(this.#at, this.#at + chunk));
    this.#at += value.length;
    if (value.length > 0) return { done: false, value };
    if (then === "break") throw new Error("the connection broke");
    return then === "end" ? { done: true } : this.#over.promise;
  }

  async cancel(): Promise<void> {
    this.cancelled++;
    this.#over.resolve({ done: true });
  }
}

const WHOLE = "0123456789";

/** A body from those connections; every further one answers a question for the rest. */
function coming(first: Connection, particulars: Partial<Incoming> = {}) {
  const controller = new AbortController();
  const ends: boolean[] = [];
  const asked: number[] = [];
  const readers = [new Played(first)];
  const rests: (Connection | "failed" | "other")[] = [];
  const resume = async (at: number): Promise<Rest | undefined> => {
    asked.push(at);
    const rest = rests.shift();
    if (rest === undefined || rest === "other") return undefined;
    if (rest === "failed") throw new OriginError("origin-unreachable", "no");
    const reader = new Played(rest);
    readers.push(reader);
    return { reader, wholeLength: WHOLE.length };
  };
  const parts = { betweenBytesMs: 0, signal: controller.signal, resume };
  const alone = async (at: number): Promise<ByteReader | undefined> => {
    const rest = await resume(at);
    const { reader, wholeLength } = rest ?? {};
    if (reader === undefined || wholeLength === undefined) return undefined;
    return new IncomingBody({ ...parts, reader, onEnd: () => {} }, { at, wholeLength });
  };
  const body = new IncomingBody({
    ...{ ...parts, reader: readers[0]!, alone },
    onEnd: (isComplete) => void ends.push(isComplete),
    ...particulars,
  });
  return { body, controller, ends, asked, readers, rests };
}

/** All that is left of it; rejects where it breaks off. */
async function textOf(body: ByteReader): Promise<string> {
  let text = "";
  for (let next = await body.read(); !next.done; next = await body.read())
    text += new TextDecoder().decode(next.value);
  return text;
}

const broken = (bytes: string): Connection => ({ bytes, then: "break" });
const ending = (bytes: string): Connection => ({ bytes, then: "end" });

describe("a body whose connection holds", () => {
  test("is its bytes, and its end is told once", async () => {
    const { body, ends, asked } = coming(ending(WHOLE));
    expect(await textOf(body)).toBe(WHOLE);
    await body.cancel();
    expect([ends, asked]).toEqual([[true], []]);
  });

  test("that nobody wants any more is ended", async () => {
    const { body, ends, readers } = coming(ending(WHOLE));
    await body.read();
    await body.cancel("enough");
    await body.cancel("enough");
    expect([ends, readers[0]!.cancelled > 0]).toEqual([[false], true]);
  });
});

describe("a body whose connection breaks", () => {
  test.each(Array.from({ length: WHOLE.length }, (_, at) => at))(
    "after %i bytes goes on there",
    async (at) => {
      const { body, ends, asked, readers, rests } = coming(broken(WHOLE.slice(0, at)));
      rests.push(ending(WHOLE.slice(at)));
      expect(await textOf(body)).toBe(WHOLE);
      expect([asked, ends, readers[0]!.cancelled > 0]).toEqual([[at], [true], true]);
    },
  );

  test("after every two bytes goes on each time: with each byte the tries start anew", async () => {
    const { body, asked, rests } = coming(broken("01"));
    rests.push(broken("23"), broken("45"), broken("67"), ending("89"));
    expect(await textOf(body)).toBe(WHOLE);
    expect(asked).toEqual([2, 4, 6, 8]);
  });

  test("is tried three times with pauses while the origin cannot be reached, and then breaks off", async () => {
    const { body, ends, asked, rests } = coming(broken("0123"));
    rests.push("failed", "failed", "failed", ending("456789"));
    const startMs = performance.now();
    await expect(textOf(body)).rejects.toThrow("the connection broke");
    expect([asked, ends]).toEqual([[4, 4, 4], [false]]);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(1240);
  });

  test("goes on where the third try is the first that works", async () => {
    const { body, ends, asked, rests } = coming(broken("0123"));
    rests.push("failed", "failed", ending("456789"));
    expect(await textOf(body)).toBe(WHOLE);
    expect([asked, ends]).toEqual([[4, 4, 4], [true]]);
  });

  test("is not tried for ever by connections that bring nothing", async () => {
    const { body, ends, asked, rests } = coming(broken("0123"));
    rests.push(broken(""), broken(""), broken(""), ending("456789"));
    await expect(textOf(body)).rejects.toThrow("the connection broke");
    expect([asked, ends]).toEqual([[4, 4, 4], [false]]);
  });

  test("breaks off at once where the origin has something else by now", async () => {
    const { body, ends, asked, rests } = coming(broken("0123"));
    rests.push("other", ending("456789"));
    await expect(textOf(body)).rejects.toThrow("the connection broke");
    expect([asked, ends]).toEqual([[4], [false]]);
  });

  test("breaks off where the rest cannot be asked for", async () => {
    const { body, ends } = coming(broken("0123"), { resume: undefined });
    await expect(textOf(body)).rejects.toThrow("the connection broke");
    expect(ends).toEqual([false]);
  });
});

describe("a rest in chunks, which says nothing of its length,", () => {
  test("that ends too early is asked for again from there", async () => {
    const { body, asked, rests } = coming(broken("0123"));
    rests.push(ending("45"), ending("6789"));
    expect(await textOf(body)).toBe(WHOLE);
    expect(asked).toEqual([4, 6]);
  });

  test("that ends too early for good is no clean end", async () => {
    const { body, ends, rests } = coming(broken("0123"));
    rests.push(ending("45"), "other");
    await expect(textOf(body)).rejects.toMatchObject({ code: "origin-incomplete" });
    expect(ends).toEqual([false]);
  });

  test("that is too long is no clean end, and none of its excess is passed on", async () => {
    const { body, ends, rests } = coming(broken("0123"));
    rests.push(ending("456789abc"), "other");
    let text = "";
    const reading = (async () => {
      for (;;) text += new TextDecoder().decode((await body.read()).value);
    })();
    await expect(reading).rejects.toMatchObject({ code: "origin-incomplete" });
    expect([WHOLE.startsWith(text), ends]).toEqual([true, [false]]);
  });
});

describe("silence", () => {
  test("ends a body when no byte comes in time, and is not gone on after", async () => {
    const { body, ends, asked, readers } = coming({ bytes: "0123", then: "silence" }, { betweenBytesMs: 15 });
    await expect(textOf(body)).rejects.toMatchObject({
      ...{ code: "origin-timeout", message: "the body stopped for 0.015 s" },
    });
    expect([ends, asked, readers[0]!.cancelled > 0]).toEqual([[false], [], true]);
  });

  test("ends a rest alike", async () => {
    const { body, ends, rests } = coming(broken("0123"), { betweenBytesMs: 15 });
    rests.push({ bytes: "45", then: "silence" });
    await expect(textOf(body)).rejects.toMatchObject({ code: "origin-timeout" });
    expect(ends).toEqual([false]);
  });

  test("does not count while nobody reads", async () => {
    const { body } = coming(ending(WHOLE), { betweenBytesMs: 10 });
    await body.read();
    await Bun.sleep(30);
    expect(await textOf(body)).toBe(WHOLE.slice(2));
  });
});

describe("the time for the whole", () => {
  const over = new OriginError("origin-timeout", "not all of the response within 1 s");

  test("ends a body with its own reason, and is not gone on after", async () => {
    const { body, controller, ends, asked } = coming(broken("0123"));
    await body.read();
    controller.abort(over);
    await expect(textOf(body)).rejects.toBe(over);
    expect([ends, asked]).toEqual([[false], []]);
  });

  test("ends it in a pause between two tries", async () => {
    const { body, controller, ends, asked, rests } = coming(broken("0123"));
    rests.push("failed", ending("456789"));
    const reading = textOf(body);
    while (asked.length === 0) await calm();
    controller.abort(over);
    await expect(reading).rejects.toBe(over);
    expect([ends, asked]).toEqual([[false], [4]]);
  });
});

describe("leaving", () => {
  test("while the rest is asked for ends the new connection too", async () => {
    const gate = Promise.withResolvers<void>();
    const rest = new Played(ending("456789"));
    let hasAsked = false;
    const resume = async (): Promise<Rest> => {
      hasAsked = true;
      await gate.promise;
      return { reader: rest, wholeLength: WHOLE.length };
    };
    const { body, ends } = coming(broken("0123"), { resume });
    const reading = textOf(body).catch(() => "broken off");
    while (!hasAsked) await calm();
    await body.cancel().catch(() => {});
    gate.resolve();
    expect(await reading).toBe("broken off");
    expect([ends, rest.cancelled]).toEqual([[false], 1]);
  });

  test("in a pause between two tries ends the trying", async () => {
    const { body, ends, asked, rests } = coming(broken("0123"));
    rests.push("failed", ending("456789"));
    const reading = textOf(body).catch(() => "broken off");
    while (asked.length === 0) await calm();
    await body.cancel().catch(() => {});
    expect(await reading).toBe("broken off");
    expect([ends, asked]).toEqual([[false], [4]]);
  });
});

describe("the same bytes a second time", () => {
  test.each([0, 4, 9])("from %i on, while the first reading goes on", async (at) => {
    const { body, ends, asked, rests } = coming(ending(WHOLE));
    rests.push(ending(WHOLE.slice(at)));
    await body.read();
    const alone = await body.from!(at);
    expect([await textOf(alone!), ends, asked]).toEqual([WHOLE.slice(at), [], [at]]);
    expect(await textOf(body)).toBe(WHOLE.slice(2));
    expect(ends).toEqual([true]);
  });

  test("go on after a break of their own", async () => {
    const { body, ends, asked, rests } = coming(ending(WHOLE));
    rests.push(broken("56"), ending("789"));
    expect(await textOf((await body.from!(5))!)).toBe("56789");
    expect([asked, ends]).toEqual([[5, 7], []]);
  });

  test("that end too early are no clean end", async () => {
    const { body, rests } = coming(ending(WHOLE));
    rests.push(ending("56"), "other");
    await expect(textOf((await body.from!(5))!)).rejects.toMatchObject({ code: "origin-incomplete" });
  });

  test("cannot be had where the origin has something else, or cannot be asked", async () => {
    const { body, rests } = coming(ending(WHOLE));
    rests.push("other");
    expect(await body.from!(5)).toBeUndefined();
    expect(await coming(ending(WHOLE), { alone: undefined }).body.from?.(5)).toBeUndefined();
  });
});
