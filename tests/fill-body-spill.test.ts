// Answers: what holds for readers of a body whose bytes go where nobody can read them yet?
// Owns: the claims about `lib/fill-body.ts` with a writer whose `keepsBytes` is false, from the start or from some byte on.
// Leaves out: the writer (`store/spill.test.ts`), bodies that memory keeps (`fill-body.test.ts`, `fill-body-lag.test.ts`).
import { describe, expect, test } from "bun:test";
import { FillBody, READ_AHEAD_BYTES } from "../lib/fill-body.ts";
import type { Writer } from "../lib/store/store.ts";
import { calm, filling, type Source } from "./hand-fed-body.ts";
import { Pace, textFrom, twice } from "./lagging-readers.ts";
import { headFor } from "./store/contract.ts";
import { Shelf } from "./store/scripted-tier.ts";

const CHUNK = 64 * 1024;
const LONG = 30 * CHUNK;

/** A writer onto a shelf; `fromBytes` are kept before. */
function onShelf(shelf: Shelf, fromBytes = 0): Writer {
  const writer = shelf.open(headFor("http://larder.test/large"), undefined)!;
  let written = 0;
  return {
    ...writer,
    write(chunk) {
      written += chunk.length;
      return writer.write(chunk);
    },
    get keepsBytes() {
      return written < fromBytes;
    },
  };
}

function feed(source: Source, from = 0, to = LONG): void {
  for (let at = from; at < to; at += CHUNK) source.chunk(textFrom(at, Math.min(to, at + CHUNK)));
}

const commit = [`commit ${LONG}`];

describe("a body that goes outside of memory", () => {
  test.each([0, 10 * CHUNK])(
    "reaches its reader and the store, byte for byte, from byte %i on",
    async (from) => {
      const shelf = new Shelf();
      const { source, body } = filling({ writer: onShelf(shelf, from) });
      const reader = new Pace(body);
      body.release();
      feed(source);
      source.end();
      expect(await reader.all()).toBe(textFrom(0, LONG));
      expect(await body.ended).toMatchObject({ kind: "complete", stored: { body: { length: LONG } } });
      expect([shelf.done, body.isJoinable]).toEqual([commit, false]);
    },
  );

  test("is read no further ahead of its fastest reader than without a store", async () => {
    const { source, body } = filling({ writer: onShelf(new Shelf()) });
    const [fast, slow] = [new Pace(body), new Pace(body)];
    body.release();
    feed(source);
    await fast.upTo(5 * CHUNK);
    await calm();
    expect(source.pulled).toBeLessThanOrEqual(5 + READ_AHEAD_BYTES / CHUNK + 1);
    source.end();
    const texts = await Promise.all([fast.all(), slow.all()]);
    expect(texts.map((text) => text === textFrom(0, LONG))).toEqual([true, true]);
  });

  test("waits for the store too, whoever has read what", async () => {
    const shelf = new Shelf();
    shelf.isSlow = true;
    const { source, body } = filling({ writer: onShelf(shelf) });
    const reader = new Pace(body);
    body.release();
    feed(source, 0, 4 * CHUNK);
    for (let chunks = 1; chunks <= 4; chunks++) {
      await reader.upTo(chunks * CHUNK);
      await calm();
      expect(shelf.unwritten).toBe(CHUNK);
      shelf.writeOut();
    }
    source.end();
    await reader.all();
    expect(shelf.done).toEqual([`commit ${4 * CHUNK}`]);
  });

  test.each([0, 2 * CHUNK])("is stored though its only reader has left after %i bytes", async (read) => {
    const shelf = new Shelf();
    const { source, body } = filling({ writer: onShelf(shelf) });
    const reader = new Pace(body);
    body.release();
    feed(source);
    await reader.upTo(read);
    await calm();
    await reader.leave();
    source.end();
    expect(await body.ended).toMatchObject({ kind: "complete", lengthBytes: LONG });
    expect([shelf.done, source.cancelled]).toEqual([commit, false]);
  });

  test("is stored though nobody has ever read it: all had it already", async () => {
    const shelf = new Shelf();
    const { source, body } = filling({ writer: onShelf(shelf, 3 * CHUNK) });
    body.release();
    feed(source);
    source.end();
    await body.ended;
    expect(shelf.done).toEqual(commit);
  });

  test("and is read by nobody is read no faster than it can be written", async () => {
    const shelf = new Shelf();
    shelf.isSlow = true;
    const { source, body } = filling({ writer: onShelf(shelf) });
    body.release();
    feed(source);
    await calm();
    expect(shelf.unwritten).toBe(CHUNK);
    shelf.isSlow = false;
    shelf.writeOut();
    source.end();
    await body.ended;
    expect(shelf.done).toEqual(commit);
  });
});

describe("who lags behind", () => {
  test("goes on alone where the bytes can be had twice", async () => {
    const shelf = new Shelf();
    const { source, body, alone } = twice(LONG, { writer: onShelf(shelf), maxLagBytes: 10 * CHUNK });
    const [fast, slow] = [new Pace(body), new Pace(body)];
    body.release();
    feed(source);
    source.end();
    await slow.upTo(CHUNK);
    expect(await fast.all()).toBe(textFrom(0, LONG));
    expect(await slow.all()).toBe(textFrom(0, LONG));
    expect([alone.askedFor, shelf.done]).toEqual([[CHUNK], commit]);
  });

  test("breaks off where they cannot, and what is stored is whole", async () => {
    const shelf = new Shelf();
    const { source, body } = filling({ writer: onShelf(shelf), maxLagBytes: 10 * CHUNK });
    const [fast, slow] = [new Pace(body), new Pace(body)];
    body.release();
    feed(source);
    source.end();
    expect(await fast.all()).toBe(textFrom(0, LONG));
    await expect(slow.all()).rejects.toMatchObject({ code: "origin-incomplete" });
    expect(shelf.done).toEqual(commit);
  });
});

describe("who comes later", () => {
  const young = { joinBytes: 3 * CHUNK };

  test("reads from the first byte while none is freed", async () => {
    const { source, body } = filling({ writer: onShelf(new Shelf(), 8 * CHUNK), ...young });
    const first = new Pace(body);
    body.release();
    feed(source, 0, 7 * CHUNK);
    await first.upTo(7 * CHUNK);
    expect(body.isJoinable).toBe(true);
    const late = new Pace(body);
    feed(source, 7 * CHUNK, LONG);
    source.end();
    const texts = await Promise.all([first.all(), late.all()]);
    expect(texts.map((text) => text === textFrom(0, LONG))).toEqual([true, true]);
  });

  test("comes too late when what has gone outside has been read by all", async () => {
    const { source, body } = filling({ writer: onShelf(new Shelf(), 4 * CHUNK), ...young });
    const first = new Pace(body);
    body.release();
    feed(source, 0, 7 * CHUNK);
    await first.upTo(7 * CHUNK);
    expect([body.isJoinable, body.whole()]).toEqual([false, undefined]);
    source.end();
    await first.all();
  });
});

describe("a break", () => {
  test("of the body leaves nothing outside, and nobody sees a clean end", async () => {
    const shelf = new Shelf();
    const { source, body } = filling({ writer: onShelf(shelf) });
    const reader = new Pace(body);
    body.release();
    feed(source, 0, CHUNK);
    await reader.upTo(CHUNK);
    source.fail(new Error("gone"));
    await expect(reader.all()).rejects.toThrow("gone");
    expect([(await body.ended).kind, shelf.done]).toEqual(["broken", ["abort"]]);
  });

  test("of the store leaves readers every byte", async () => {
    const shelf = new Shelf();
    shelf.room = 5 * CHUNK;
    const { source, body } = filling({ writer: onShelf(shelf) });
    const reader = new Pace(body);
    body.release();
    feed(source);
    source.end();
    expect(await reader.all()).toBe(textFrom(0, LONG));
    expect([await body.ended, shelf.done]).toEqual([
      { kind: "complete", lengthBytes: LONG, stored: undefined },
      [],
    ]);
  });

  test("by a purge leaves readers every byte; with none the rest is not asked for", async () => {
    const shelf = new Shelf();
    shelf.isSlow = true;
    const make = (): { source: Source; body: FillBody } => filling({ writer: onShelf(shelf) });
    const [read, unread] = [make(), make()];
    const reader = new Pace(read.body);
    for (const { source, body } of [read, unread]) {
      body.release();
      feed(source);
      source.end();
    }
    await calm();
    for (const { body } of [read, unread]) body.discard();
    // However it ends, who waits to write more is told.
    shelf.writeOut();
    expect(await reader.all()).toBe(textFrom(0, LONG));
    expect([(await unread.body.ended).kind, unread.source.cancelled]).toEqual(["broken", true]);
    expect(shelf.done).toEqual(["abort", "abort"]);
  });
});
