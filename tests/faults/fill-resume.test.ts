// Answers: does a reader notice that the origin died, where the rest can be had with a Range request?
// Owns: the claims about resumed fills (RFC 9110 §13.1.5, §14.2): at every byte, several times, stored or not.
// Leaves out: resumptions that are answered with something else (`fill-resume-refused.test.ts`).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { dying, type Framing, RESUMABLE } from "./dying-origin.ts";
import { atEvery, expectWhole, faultInWhole, numbered, Rig, until, TEST_LIMIT_MS } from "./rig.ts";
import { cacheStatusIn } from "./stream-client.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const WHOLE = numbered(40);
const LARGE = numbered(300_000);
const FRAMINGS: readonly Framing[] = ["length", "chunks"];

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start(["--breaker", "0", "--max-object", "64KB"]);
});
afterAll(() => rig.stop());

/** What is wrong with the requests for the rest: each has to ask for what has not come, of the same version. */
function faultInRanges(target: string): string | undefined {
  const [, ...resuming] = rig.origin.requests(target);
  const odd = resuming.find(
    (asked) => asked.get("if-range") !== '"v1"' || !/^bytes=\d+-/.test(asked.get("range") ?? ""),
  );
  return odd === undefined ? undefined : `range ${odd.get("range")}, if-range ${odd.get("if-range")}`;
}

/** Asked again, it comes from the store. */
async function faultInStored(target: string, whole: string): Promise<string | undefined> {
  const before = rig.origin.requests(target).length;
  const fault = faultInWhole(await rig.get(target), whole);
  if (fault !== undefined) return `from the store: ${fault}`;
  return rig.origin.requests(target).length === before ? undefined : "not stored";
}

describe.each(FRAMINGS)("framed by %s", (framing) => {
  test("dying at every byte: leader and follower get all of it, and it is stored", async () => {
    const faultAt = async (offset: number): Promise<string | undefined> => {
      const target = `/once/${framing}/${offset}`;
      rig.origin.on(target, dying({ whole: WHOLE, deaths: [offset], framing }));
      const replies = await Promise.all([1, 2, 3].map(() => rig.get(target)));
      const fault = replies.map((got) => faultInWhole(got, WHOLE)).find((one) => one !== undefined);
      const count = rig.origin.requests(target).length;
      if (fault !== undefined) return fault;
      if (count !== 2) return `asked ${count} times`;
      // Before the first byte of content there is nothing to resume: a retry is as good.
      return (offset === 0 ? undefined : faultInRanges(target)) ?? faultInStored(target, WHOLE);
    };
    expect(await atEvery(0, WHOLE.length, faultAt)).toEqual([]);
  });

  test("dying at every byte under the eyes of the readers: each gets the rest from where it is", async () => {
    const faultAt = async (offset: number): Promise<string | undefined> => {
      const target = `/eyes/${framing}/${offset}`;
      const leader = await rig.open(target);
      const asked = await rig.origin.asked(target);
      const length = framing === "length" ? { "Content-Length": String(WHOLE.length) } : {};
      await asked.head({ fields: { ...RESUMABLE, ...length } });
      await (framing === "length" ? asked.send(WHOLE.slice(0, offset)) : asked.chunk(WHOLE.slice(0, offset)));
      const readers = [leader, await rig.open(target)];
      for (const reader of readers) {
        const read = await reader.read(offset);
        if (read !== WHOLE.slice(0, offset)) return `read ${read} first`;
      }
      rig.origin.on(target, dying({ whole: WHOLE, deaths: [], framing }));
      asked.breakOff();
      // One that comes now gets it from the first byte on.
      const late = rig.get(target);
      for (const reader of readers) {
        const { text, complete } = await reader.rest();
        if (!complete || text !== WHOLE.slice(offset)) return `${complete ? "whole" : "cut"}: ${text}`;
      }
      const range = rig.origin.requests(target)[1]?.get("range") ?? "";
      if (!range.startsWith(`bytes=${offset}-`)) return `asked for ${range}`;
      return faultInWhole(await late, WHOLE) ?? faultInRanges(target) ?? faultInStored(target, WHOLE);
    };
    expect(await atEvery(1, WHOLE.length, faultAt)).toEqual([]);
  });

  test("dying three times, every distance apart: whole, and stored", async () => {
    const faultAt = async (step: number): Promise<string | undefined> => {
      const target = `/thrice/${framing}/${step}`;
      rig.origin.on(target, dying({ whole: WHOLE, deaths: [step, 2 * step, 3 * step], framing }));
      const fault = faultInWhole(await rig.get(target), WHOLE) ?? faultInRanges(target);
      const count = rig.origin.requests(target).length;
      if (fault !== undefined) return fault;
      return count === 4 ? faultInStored(target, WHOLE) : `asked ${count} times`;
    };
    expect(await atEvery(1, 13, faultAt)).toEqual([]);
  });

  test.each([1, 16_384, 65_535, 65_536, 65_537, 131_072, 299_999])(
    "a body too large to be stored, dying at byte %i and again before its end: whole",
    async (offset) => {
      const target = `/large/${framing}/${offset}`;
      rig.origin.on(target, dying({ whole: LARGE, deaths: [offset, 299_999], framing }));
      expectWhole(await rig.get(target), LARGE);
      expect(faultInRanges(target)).toBeUndefined();
      expect(rig.origin.requests(target).length).toBe(3);
      // Nothing of it was stored.
      expectWhole(await rig.get(target), LARGE);
      expect(rig.origin.requests(target).length).toBe(4);
    },
  );
});

describe("a resumed fill", () => {
  test("with a reader that stalls through it: whole for that one too", async () => {
    rig.origin.on("/stalled", dying({ whole: LARGE, deaths: [100_000, 200_000] }));
    const stalled = await rig.open("/stalled");
    await until(() => rig.origin.requests("/stalled").length === 3, "resumed twice");
    expectWhole(await stalled.rest(), LARGE);
  });

  test("over encoded bytes: the same bytes, and still encoded", async () => {
    const gzip = Buffer.from(Bun.gzipSync(WHOLE)).toString("latin1");
    const fields = { ...RESUMABLE, "Content-Encoding": "gzip" };
    for (const offset of [1, 9, gzip.length - 1]) {
      rig.origin.on(`/gzip/${offset}`, dying({ whole: gzip, deaths: [offset], fields }));
      for (const _ of ["filled", "stored"]) {
        const got = await rig.get(`/gzip/${offset}`, { fields: { "Accept-Encoding": "gzip" } });
        expectWhole(got, gzip);
      }
      expect(rig.origin.requests(`/gzip/${offset}`).length).toBe(2);
    }
  });

  test("asks for the rest with the fields of the request that it resumes", async () => {
    rig.origin.on("/fields", dying({ whole: WHOLE, deaths: [20] }));
    expectWhole(await rig.get("/fields", { fields: { "Accept-Language": "en", "X-Own": "1" } }), WHOLE);
    const [first, second] = rig.origin.requests("/fields");
    for (const name of ["host", "accept-language", "x-own"]) expect(second?.get(name)).toBe(first?.get(name));
  });

  test("is told in the log, with the byte where it went on", async () => {
    const reader = await rig.open("/told");
    const asked = await rig.origin.asked("/told");
    await asked.head({ fields: { ...RESUMABLE, "Content-Length": String(WHOLE.length) } });
    await asked.send(WHOLE.slice(0, 17));
    // What nobody has read when the connection ends may be lost with it, and is then asked for again.
    expect(await reader.read(17)).toBe(WHOLE.slice(0, 17));
    rig.origin.on("/told", dying({ whole: WHOLE, deaths: [] }));
    asked.breakOff();
    expect(await reader.rest()).toMatchObject({ text: WHOLE.slice(17), complete: true });
    expect(await rig.logged("resumed", { uri: rig.uri("/told") })).toMatchObject({ at: 17 });
  });

  test("is a miss like any other in Cache-Status, and the next one a hit", async () => {
    rig.origin.on("/status", dying({ whole: WHOLE, deaths: [3] }));
    const got = await rig.get("/status");
    expect(cacheStatusIn(got)).toMatchObject({ fwd: "uri-miss", "fwd-status": 200, stored: true });
    expect(cacheStatusIn(await rig.get("/status"))).toMatchObject({ hit: true });
  });
});
