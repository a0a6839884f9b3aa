// Answers: who keeps a fill going, who is kept waiting by whom, and what does a slow reader cost?
// Owns: the claims about readers that leave at any byte, stall and lag, and about bodies too large or too open to store.
// Leaves out: origins that die meanwhile (`fill-break.test.ts`, `fill-resume.test.ts`).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Asked } from "../scripted-origin.ts";
import {
  atEvery,
  expectWhole,
  faultInWhole,
  FRESH,
  NO_STORE,
  numbered,
  Rig,
  until,
  TEST_LIMIT_MS,
} from "./rig.ts";
import { cacheStatusIn, type StreamClient } from "./stream-client.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const WHOLE = numbered(30);
const MB = 2 ** 20;
/** More than all sockets between origin and client hold, and the window of a reader on top. */
const HUGE = Buffer.alloc(40 * MB, numbered(10_007), "latin1");

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start(["--breaker", "0", "--max-object", "64KB", "--max-lag", "1MB"]);
});
afterAll(() => rig.stop());

/** Content in chunks of 64 KB, as fast as it is taken; how much has been. */
function flood(asked: Asked, bytes: Buffer): { readonly sent: () => number; readonly over: Promise<void> } {
  let sent = 0;
  const over = (async () => {
    for (; sent < bytes.length; sent += 65_536) await asked.chunk(bytes.subarray(sent, sent + 65_536));
    await asked.lastChunk();
  })();
  return { sent: () => sent, over };
}

/** Whether the origin sees its connection close, well before any deadline would close it. */
function isClosed(asked: Asked): Promise<boolean> {
  return Promise.race([asked.closed.then(() => true), Bun.sleep(4000).then(() => false)]);
}

/** Reads to the end without keeping it: the hash of what came, its length, and whether the end was clean. */
async function hashed(
  reader: StreamClient,
): Promise<readonly [hash: string, length: number, complete: boolean]> {
  const hash = new Bun.CryptoHasher("sha1");
  let length = 0;
  for (let piece = await reader.read(MB); piece !== ""; piece = await reader.read(MB)) {
    hash.update(Buffer.from(piece, "latin1"));
    length += piece.length;
  }
  return [hash.digest("hex"), length, (await reader.rest()).complete];
}

const HUGE_HASHED = [new Bun.CryptoHasher("sha1").update(HUGE).digest("hex"), HUGE.length, true] as const;

describe("a leader that vanishes", () => {
  test("at every byte: the follower gets all of it, it is stored, and the origin is asked once", async () => {
    const faultAt = async (offset: number): Promise<string | undefined> => {
      const target = `/leader/${offset}`;
      const leader = await rig.open(target);
      const asked = await rig.origin.asked(target);
      const follower = await rig.open(target);
      await asked.head({ fields: { ...FRESH, "Content-Length": String(WHOLE.length) } });
      await asked.send(WHOLE.slice(0, offset));
      if (offset > 0 && (await leader.read(offset)) !== WHOLE.slice(0, offset)) return "the leader read else";
      leader.leave();
      await asked.send(WHOLE.slice(offset));
      const fault = faultInWhole(await follower.rest(), WHOLE) ?? faultInWhole(await rig.get(target), WHOLE);
      return fault ?? (rig.origin.requests(target).length === 1 ? undefined : "asked again");
    };
    expect(await atEvery(0, WHOLE.length, faultAt)).toEqual([]);
  });

  test("at every byte, with nobody else there: what may be stored is stored all the same", async () => {
    const faultAt = async (offset: number): Promise<string | undefined> => {
      const target = `/alone/${offset}`;
      const leader = await rig.open(target);
      const asked = await rig.origin.asked(target);
      await asked.head({ fields: { ...FRESH, "Content-Length": String(WHOLE.length) } });
      await asked.send(WHOLE.slice(0, offset));
      if (offset > 0) await leader.read(offset);
      leader.leave();
      await leader.closed;
      await asked.send(WHOLE.slice(offset));
      const fault = faultInWhole(await rig.get(target), WHOLE);
      return fault ?? (rig.origin.requests(target).length === 1 ? undefined : "asked again");
    };
    expect(await atEvery(1, WHOLE.length, faultAt)).toEqual([]);
  });

  test("before there is a header section: a follower gets all of it from the same request", async () => {
    const leader = await rig.open("/early");
    const asked = await rig.origin.asked("/early");
    const follower = await rig.open("/early");
    leader.leave();
    await asked.reply({ fields: FRESH, body: WHOLE });
    expectWhole(await follower.rest(), WHOLE);
    expectWhole(await rig.get("/early"), WHOLE);
    expect(rig.origin.requests("/early").length).toBe(1);
  });
});

describe("the last reader of a body that is not stored ends the request at the origin by leaving", () => {
  test.concurrent.each([0, 1, 15, 29])("after %i bytes", async (offset) => {
    const target = `/last/${offset}`;
    const reader = await rig.open(target);
    const asked = await rig.origin.asked(target);
    await asked.head({ fields: { ...NO_STORE, "Content-Length": String(WHOLE.length) } });
    await asked.send(WHOLE.slice(0, offset));
    if (offset > 0) expect(await reader.read(offset)).toBe(WHOLE.slice(0, offset));
    reader.leave();
    expect(await isClosed(asked)).toBe(true);
  });

  test.concurrent("and not before: the other one reads on, to the last byte", async () => {
    const leader = await rig.open("/two");
    const asked = await rig.origin.asked("/two");
    await asked.head({ fields: FRESH });
    await asked.chunk(WHOLE);
    const readers = [leader, await rig.open("/two")];
    for (const reader of readers) expect(await reader.read(WHOLE.length)).toBe(WHOLE);
    const large = numbered(100_000);
    await asked.chunk(large);
    for (const reader of readers) expect(await reader.read(large.length)).toBe(large);
    leader.leave();
    await asked.chunk(WHOLE);
    expect(await readers[1]?.read(WHOLE.length)).toBe(WHOLE);
    readers[1]?.leave();
    expect(await isClosed(asked)).toBe(true);
  });
});

describe("a body that outgrows --max-object", () => {
  const large = numbered(200_000);

  test.concurrent.each([
    ["announced", { ...FRESH, "Content-Length": String(large.length) }],
    ["of unknown length", FRESH],
  ])("%s: whole for leader and follower, not stored", async (how, fields) => {
    const target = `/large/${how.length}`;
    rig.origin.on(target, async (asked) => {
      await asked.head({ fields });
      if (how === "announced") return asked.send(large);
      for (let at = 0; at < large.length; at += 7000) await asked.chunk(large.slice(at, at + 7000));
      return asked.lastChunk();
    });
    for (const got of await Promise.all([1, 2, 3].map(() => rig.get(target)))) expectWhole(got, large);
    const before = rig.origin.requests(target).length;
    expectWhole(await rig.get(target), large);
    expect(rig.origin.requests(target).length).toBe(before + 1);
  });

  test.concurrent.each([65_535, 65_536, 65_537])(
    "of %i bytes: stored up to the limit, and not beyond",
    async (length) => {
      const body = numbered(length);
      const target = `/limit/${length}`;
      rig.origin.on(target, async (asked) => {
        await asked.head({ fields: FRESH });
        await asked.chunk(body);
        await asked.lastChunk();
      });
      expectWhole(await rig.get(target), body);
      const again = await rig.get(target);
      expectWhole(again, body);
      // What comes with the body (header fields, bookkeeping) may count too: just below, either is right.
      if (length > 65_536) expect(cacheStatusIn(again)).not.toHaveProperty("hit");
    },
  );
});

describe("readers at their own pace", () => {
  test("one that stalls holds up the origin, memory is bounded, and it gets every byte in the end", async () => {
    const reader = await rig.open("/stalled");
    const asked = await rig.origin.asked("/stalled");
    await asked.head({ fields: NO_STORE });
    const { sent, over } = flood(asked, HUGE);
    expect((await reader.read(1)).length).toBe(1);
    let before = -1;
    await until(async () => {
      if (sent() === before) return true;
      before = sent();
      await Bun.sleep(300);
      return false;
    }, "held up");
    expect(sent()).toBeLessThan(HUGE.length);
    const rest = (await reader.rest()).text;
    await over;
    expect(rest.length).toBe(HUGE.length - 1);
    expect(Bun.hash(Buffer.from(rest, "latin1"))).toBe(Bun.hash(HUGE.subarray(1)));
  }, 20_000);

  test("one that lags more than --max-lag behind is cut off; the other gets every byte, and the origin is not held up", async () => {
    const leader = await rig.open("/lag");
    const asked = await rig.origin.asked("/lag");
    await asked.head({ fields: FRESH });
    await asked.chunk(HUGE.subarray(0, 1));
    const slow = await rig.open("/lag");
    expect(await slow.read(1)).toBe("0");
    const { over } = flood(asked, HUGE.subarray(1));
    expect(await hashed(leader)).toEqual(HUGE_HASHED);
    await over;
    const { text, complete } = await slow.rest();
    expect([complete, text.length < HUGE.length - 1]).toEqual([false, true]);
    expect(HUGE.subarray(1, 1 + text.length).equals(Buffer.from(text, "latin1"))).toBe(true);
    expect(rig.origin.requests("/lag").length).toBe(1);
  }, 20_000);
});
