// Answers: who waits for whom, who is cut off, and where do readers that lag behind get the rest?
// Owns: the claims about `lib/fill-body.ts` where readers go at paces of their own: back-pressure, lag, the stored rest.
// Leaves out: what holds for any reader (`fill-body.test.ts`), all of it in random order (`fill-body-laws.test.ts`).
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { digestCheck } from "../lib/digest.ts";
import { READ_AHEAD_BYTES } from "../lib/fill-body.ts";
import { calm, filling, type Source } from "./hand-fed-body.ts";
import { asBlob, OneWrite, Pace, textFrom, twice } from "./lagging-readers.ts";

const CHUNK = 64 * 1024;
const LAG = 10 * CHUNK;
const LONG = 30 * CHUNK;

function feed(source: Source, from: number, to: number): void {
  for (let at = from; at < to; at += CHUNK) source.chunk(textFrom(at, Math.min(to, at + CHUNK)));
}

describe("back-pressure", () => {
  test("is that of the fastest reader: one that stalls does not hold up the others", async () => {
    const { source, body } = filling({ maxLagBytes: LAG });
    const [fast, slow] = [new Pace(body), new Pace(body)];
    body.release();
    feed(source, 0, LONG);
    await fast.upTo(5 * CHUNK);
    await calm();
    expect(source.pulled).toBeLessThanOrEqual(5 + READ_AHEAD_BYTES / CHUNK + 1);
    await slow.upTo(2 * CHUNK);
    await calm();
    expect(source.pulled).toBeLessThanOrEqual(5 + READ_AHEAD_BYTES / CHUNK + 1);
  });

  test("where all readers stall, nothing more is read and nobody is cut off", async () => {
    const { source, body } = filling({ maxLagBytes: LAG });
    const readers = [new Pace(body), new Pace(body)];
    body.release();
    feed(source, 0, LONG);
    source.end();
    await calm();
    expect(source.pulled).toBeLessThanOrEqual(READ_AHEAD_BYTES / CHUNK + 1);
    for (const text of await Promise.all(readers.map((reader) => reader.all())))
      expect(text).toBe(textFrom(0, LONG));
  });

  test("one that lags too far is waited for while the others have something to read", async () => {
    const { source, body } = filling({ maxLagBytes: LAG });
    const [fast, slow] = [new Pace(body), new Pace(body)];
    body.release();
    feed(source, 0, LONG);
    source.end();
    // So far that the next chunk could be read for its sake, if the slow one were not in the way.
    await fast.upTo(LAG - READ_AHEAD_BYTES + CHUNK);
    await calm();
    expect(source.pulled).toBeLessThanOrEqual(LAG / CHUNK + 1);
    await slow.upTo(LAG);
    expect((await Promise.all([fast.all(), slow.all()])).map((text) => text === textFrom(0, LONG))).toEqual([
      true,
      true,
    ]);
  });

  test("who waits for one that lags leaves it the time to read on", async () => {
    const { source, body } = filling({ maxLagBytes: LAG });
    const [fast, slow] = [new Pace(body), new Pace(body)];
    body.release();
    feed(source, 0, LONG);
    source.end();
    await slow.upTo(CHUNK);
    const all = fast.all();
    // As a socket does that is being written to: in a later turn of the event loop.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(await slow.all()).toBe(textFrom(0, LONG));
    expect(await all).toBe(textFrom(0, LONG));
  });

  test("none where it is stored: the source is read to its end, whoever reads", async () => {
    const store = new OneWrite();
    const { source, body } = filling({ writer: store, hold: store.hold });
    new Pace(body);
    body.release();
    feed(source, 0, LONG);
    source.end();
    expect(await body.ended).toMatchObject({ kind: "complete", lengthBytes: LONG });
  });
});

describe("a reader that falls too far behind", () => {
  test("goes on alone from where it was, where the bytes can be had twice", async () => {
    const { source, body, alone } = twice(LONG, { maxLagBytes: LAG });
    const [fast, slow] = [new Pace(body), new Pace(body)];
    body.release();
    feed(source, 0, LONG);
    source.end();
    await slow.upTo(CHUNK);
    expect(await fast.all()).toBe(textFrom(0, LONG));
    expect(alone.askedFor).toEqual([]);
    expect(await slow.all()).toBe(textFrom(0, LONG));
    expect(alone.askedFor).toEqual([CHUNK]);
  });

  test("goes on alone also when the others have left, and the source has been told", async () => {
    const { source, body, alone } = twice(LONG, { maxLagBytes: LAG });
    const [fast, slow] = [new Pace(body), new Pace(body)];
    body.release();
    feed(source, 0, LONG);
    await fast.upTo(LONG);
    const waiting = fast.next();
    await calm();
    await fast.leave();
    await waiting.catch(() => {});
    expect((await body.ended).kind).toBe("broken");
    expect(await slow.all()).toBe(textFrom(0, LONG));
    expect(alone.askedFor).toEqual([0]);
  });

  test("and leaves while it goes on alone ends its own connection", async () => {
    const { source, body, alone } = twice(LONG, { maxLagBytes: LAG });
    const [fast, slow] = [new Pace(body), new Pace(body)];
    body.release();
    feed(source, 0, LONG);
    source.end();
    await fast.all();
    await slow.next();
    expect(alone).toEqual({ askedFor: [0], cancelled: 0 });
    await slow.leave();
    expect(alone.cancelled).toBe(1);
  });

  test("breaks off where the bytes cannot be had twice", async () => {
    const { source, body } = filling({ maxLagBytes: LAG });
    const [fast, slow] = [new Pace(body), new Pace(body)];
    body.release();
    feed(source, 0, LONG);
    source.end();
    await fast.all();
    await expect(slow.all()).rejects.toMatchObject({ code: "origin-incomplete" });
  });
});

describe("who comes later", () => {
  test("reads from the first byte while the body is young, though nothing is stored", async () => {
    const { source, body } = filling({ joinBytes: 3 * CHUNK });
    const first = new Pace(body);
    body.release();
    feed(source, 0, 3 * CHUNK);
    await first.upTo(3 * CHUNK);
    expect(body.isJoinable).toBe(true);
    const late = new Pace(body);
    feed(source, 3 * CHUNK, LONG);
    source.end();
    const texts = await Promise.all([first.all(), late.all()]);
    expect(texts.map((text) => text === textFrom(0, LONG))).toEqual([true, true]);
  });

  test("comes too late when more has come, and been read by all", async () => {
    const { source, body } = filling({ joinBytes: 3 * CHUNK });
    const first = new Pace(body);
    body.release();
    feed(source, 0, 4 * CHUNK);
    await first.upTo(4 * CHUNK);
    expect([body.isJoinable, body.whole()]).toEqual([false, undefined]);
  });
});

const KINDS = [
  ["a Blob", asBlob],
  ["bytes", (bytes: Uint8Array<ArrayBuffer>) => ({ kind: "complete", bytes }) as const],
] as const;

describe.each(KINDS)("when it is stored, as %s,", (_, bodyOf) => {
  /** Stored, while `slow` has read two chunks and `other` six. */
  async function stored() {
    const store = new OneWrite(bodyOf);
    const made = twice(LONG, { writer: store, hold: store.hold, maxLagBytes: LAG });
    const [slow, other] = [new Pace(made.body), new Pace(made.body)];
    made.body.release();
    feed(made.source, 0, LONG);
    made.source.end();
    await Promise.all([slow.upTo(2 * CHUNK), other.upTo(6 * CHUNK)]);
    await made.body.ended;
    return { ...made, store, slow, other };
  }

  test("slow readers read on from there; it is held for them, and let go when the last is through", async () => {
    const { store, slow, other, body } = await stored();
    expect([store.holds, store.releases, body.whole()]).toEqual([1, 0, undefined]);
    expect(await other.all()).toBe(textFrom(0, LONG));
    expect(store.releases).toBe(0);
    expect(await slow.all()).toBe(textFrom(0, LONG));
    expect([store.holds, store.releases]).toEqual([1, 1]);
  });

  test("it is let go when the last has left", async () => {
    const { store, slow, other } = await stored();
    await slow.leave();
    expect(store.releases).toBe(0);
    await other.leave();
    expect([store.holds, store.releases]).toEqual([1, 1]);
  });

  test("one that comes now reads it from the first byte too", async () => {
    const { store, body, slow, other } = await stored();
    expect(body.isJoinable).toBe(true);
    const late = new Pace(body);
    await Promise.all([slow.leave(), other.leave()]);
    expect(store.releases).toBe(0);
    expect(await late.all()).toBe(textFrom(0, LONG));
    expect(store.releases).toBe(1);
  });

  test("and has to leave, who is near the end has the rest, and who is far from it goes on alone", async () => {
    const { store, slow, other, alone, body } = await stored();
    await other.upTo(LONG - LAG + CHUNK);
    store.leave();
    expect(body.isJoinable).toBe(false);
    expect(await other.all()).toBe(textFrom(0, LONG));
    expect(alone.askedFor).toEqual([]);
    expect(await slow.all()).toBe(textFrom(0, LONG));
    expect(alone.askedFor).toHaveLength(1);
  });

  test("and has to leave while a reader is at it, no byte is lost or doubled", async () => {
    const { store, slow, other } = await stored();
    const reading = [slow.all(), other.all()];
    store.leave();
    for (const text of await Promise.all(reading)) expect(text).toBe(textFrom(0, LONG));
  });
});

test("what is small is kept as it came, and nothing is held for it", async () => {
  const store = new OneWrite();
  const { source, body } = filling({ writer: store, hold: store.hold });
  const slow = new Pace(body);
  body.release();
  feed(source, 0, READ_AHEAD_BYTES);
  source.end();
  await body.ended;
  expect([store.holds, body.whole()?.length, body.isJoinable]).toEqual([0, READ_AHEAD_BYTES, true]);
  expect(await slow.all()).toBe(textFrom(0, READ_AHEAD_BYTES));
});

test("§3.3 a part is read on from its place in what is stored", async () => {
  const first = 7 * CHUNK + 3;
  const whole = new TextEncoder().encode(textFrom(0, LONG));
  const store = new OneWrite(() => ({ kind: "blob", blob: new Blob([whole]) }));
  const { source, body } = filling({ writer: store, hold: store.hold, first });
  const slow = new Pace(body);
  body.release();
  for (let at = first; at < LONG; at += CHUNK) source.chunk(textFrom(at, Math.min(LONG, at + CHUNK)));
  source.end();
  await body.ended;
  expect(store.holds).toBe(1);
  expect(await slow.all()).toBe(textFrom(first, LONG));
});

describe("RFC 9530 a body that is not what its digest says", () => {
  const digestOf = (text: string) => {
    const value = createHash("sha256").update(text).digest("base64");
    return digestCheck(new Headers({ "repr-digest": `sha-256=:${value}:` }), "content");
  };

  test("is broken at its end: nobody sees a clean one, and nothing is stored", async () => {
    const store = new OneWrite();
    const { source, body } = filling({ writer: store, hold: store.hold, digest: digestOf("another") });
    const [fast, slow] = [new Pace(body), new Pace(body)];
    body.release();
    feed(source, 0, LONG);
    const reading = fast.all();
    source.end();
    expect(await body.ended).toMatchObject({
      kind: "broken",
      error: { code: "origin-corrupt", status: 502 },
    });
    await expect(reading).rejects.toMatchObject({ code: "origin-corrupt" });
    await expect(slow.all()).rejects.toMatchObject({ code: "origin-corrupt" });
    expect([store.stored, store.aborts, store.holds, body.isJoinable]).toEqual([undefined, 1, 0, false]);
  });

  test("is stored where it is", async () => {
    const store = new OneWrite();
    const { source, body } = filling({ writer: store, digest: digestOf(textFrom(0, LONG)) });
    feed(source, 0, LONG);
    source.end();
    expect(await body.ended).toEqual({ kind: "complete", lengthBytes: LONG, stored: store.stored! });
  });
});
