// Answers: does the index of purges judge as the log itself would?
// Owns: places in the log, the decision where a node stands, the index and its bounds, the packed form: all without a server.
// Leaves out: the log in Redis (`purge.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { floorOf, placeIn } from "../../lib/shared/log-place.ts";
import type { LogState } from "../../lib/shared/nodes.ts";
import { pack, unpack, type Packed } from "../../lib/shared/packed.ts";
import { compareIds, parsePosition, positionText } from "../../lib/shared/position.ts";
import { PurgeIndex } from "../../lib/shared/purge-index.ts";
import { meets } from "../../lib/store/labels-of.ts";
import { EVERYTHING, prefixTarget, softly, tagTarget } from "../../lib/store/targets.ts";
import { freshHead } from "./redis-process.ts";

describe("a place in the log", () => {
  test("ids are two numbers, not text", () => {
    const sorted = [
      "0-0",
      "9-0",
      "10-0",
      "10-9",
      "10-10",
      "18446744073709551614-1",
      "18446744073709551615-1",
    ];
    expect(sorted.toReversed().sort(compareIds)).toEqual(sorted);
    expect(compareIds("5-18446744073709551615", "5-18446744073709551614")).toBeGreaterThan(0);
    expect(compareIds("nonsense", "0-1")).toBeLessThan(0);
  });

  test("comes back from text, nonsense does not", () => {
    expect(parsePosition(positionText({ id: "12-3", generation: "aB-_9" }))).toEqual({
      id: "12-3",
      generation: "aB-_9",
    });
    for (const text of ["", "12-3", "12@x", "12-3@", "12-3@a b", "x-1@a"])
      expect(parsePosition(text)).toBeUndefined();
  });

  const LOG: LogState = {
    generation: "g",
    firstId: "10-0",
    lastId: "20-0",
    isTrimmed: true,
    holdsPosition: false,
  };
  const ROWS: readonly (readonly [string, Partial<LogState>, string | undefined, string])[] = [
    ["nothing is stored yet", {}, undefined, "new"],
    ["its entry is there", { holdsPosition: true }, "15-0@g", "known"],
    ["it has read all", {}, "20-0@g", "known"],
    ["all of it is trimmed, and was read", { firstId: "" }, "20-0@g", "known"],
    ["nothing was ever trimmed", { isTrimmed: false }, "0-0@g", "known"],
    ["nothing was ever logged", { isTrimmed: false, firstId: "", lastId: "0-0" }, "0-0@g", "known"],
    ["its entry was trimmed", {}, "9-9@g", "the log was trimmed"],
    ["all of it is trimmed", { firstId: "" }, "15-0@g", "the log was trimmed"],
    ["it is another log", { holdsPosition: true }, "15-0@f", "another log"],
    ["it ends before", {}, "21-0@g", "the log was set back"],
    ["its entry is missing among others", {}, "15-0@g", "the log was set back"],
  ];
  test.each(ROWS)("%s", (_, log, own, expected) => {
    const place = placeIn({ ...LOG, ...log }, own === undefined ? undefined : parsePosition(own));
    const found: string = place.kind === "lost" ? place.why : place.kind;
    expect(found).toBe(expected);
  });

  test("purges may be missing before the first entry of a trimmed log", () => {
    expect(floorOf(LOG)).toBe("10-0");
    expect(floorOf({ ...LOG, isTrimmed: false })).toBe("0-0");
    expect(floorOf({ ...LOG, firstId: "" })).toBe("20-0");
  });
});

describe("the index of purges", () => {
  const HEADS = ["a", "ab", "b"].flatMap((name) => [
    freshHead(`http://larder.test/${name}`),
    freshHead(`http://larder.test/${name}`, undefined, {
      "surrogate-key": `t${name} all`,
      "cache-groups": '"g"',
    }),
  ]);
  const TARGETS = [
    EVERYTHING,
    prefixTarget("http://larder.test/a"),
    prefixTarget("http://larder.test/b"),
    ...["ta", "tab", "all"].map(tagTarget),
    "http://larder.test\ng",
    ...HEADS.map(({ key }) => key),
  ];

  test("says what going through all entries would say", () => {
    const target = fc.constantFrom(...TARGETS, ...TARGETS.map(softly));
    const entries = fc.array(fc.array(target, { minLength: 1, maxLength: 3 }), { maxLength: 12 });
    fc.assert(
      fc.property(entries, fc.nat({ max: 13 }), fc.constantFrom(...HEADS), (log, asOf, head) => {
        const index = new PurgeIndex();
        for (const [at, targets] of log.entries()) index.add(targets, `${at + 1}-0`);
        const later = log
          .slice(asOf)
          .flat()
          .filter((each) => meets(each, head));
        const isGone = later.some((each) => softly(each) !== each);
        const expected = isGone ? "gone" : later.length > 0 ? "soft" : "fine";
        expect(index.judge(head, `${asOf}-0`)).toBe(expected);
      }),
    );
  });

  test("what it has no room for is validated, in the order of the log", () => {
    const index = new PurgeIndex();
    const [head] = HEADS;
    index.add([head!.key], "5-0");
    for (let at = 0; at < 60_000; at++) index.add([`http://larder.test/other/${at}`], `${at + 10}-0`);
    expect(index.judge(head!, "4-0")).toBe("soft");
    expect(index.judge(head!, "10008-0")).toBe("soft");
    expect(index.judge(head!, "10009-0")).toBe("fine");
  });

  test("what is not in the log yet is in force, however new a response is", () => {
    const index = new PurgeIndex();
    const [head, tagged] = HEADS;
    const hard = index.addUnlogged([tagTarget("ta")]);
    index.addUnlogged([softly(head!.key)]);
    expect([index.judge(head!, "99-0"), index.judge(tagged!, "99-0")]).toEqual(["soft", "gone"]);
    expect(index.due).toEqual([]);
    index.notLogged(hard);
    expect(index.due).toEqual(hard);
    index.logged(hard, "100-0");
    expect([index.due, index.judge(tagged!, "99-0"), index.judge(tagged!, "100-0")]).toEqual([
      [],
      "gone",
      "soft",
    ]);
  });

  test("too many that cannot be logged become one of everything, softly", () => {
    const index = new PurgeIndex();
    index.addUnlogged(Array.from({ length: 1001 }, (_, at) => tagTarget(`x${at}`)));
    expect(index.due.map(({ target }) => target)).toEqual([softly(EVERYTHING)]);
    expect(HEADS.map((head) => index.judge(head, "99-0"))).toEqual(HEADS.map(() => "soft"));
  });
});

describe("a packed variant", () => {
  const KEY = "http://larder.test/é";
  const packed: Packed = {
    fence: 1_800_000_000_000_000,
    asOf: { id: "12-3", generation: "g" },
    head: freshHead(KEY, "en"),
    length: 256,
    body: Uint8Array.from({ length: 256 }, (_, at) => at),
  };

  test("comes back, with its body or its body's id", () => {
    for (const body of [packed.body, "a".repeat(22)]) {
      const found = unpack(KEY, pack({ ...packed, body }));
      expect(found).toMatchObject({ fence: packed.fence, asOf: packed.asOf, length: 256, body });
      expect(found?.head.selecting).toEqual(packed.head.selecting);
    }
  });

  test("is of one key only", () => expect(unpack(`${KEY}x`, pack(packed))).toBeUndefined());

  test("cut or altered anywhere it is none, or another one, and nothing breaks", () => {
    const bytes = pack(packed);
    for (let at = 0; at < bytes.length; at++) expect(unpack(KEY, bytes.subarray(0, at))).toBeUndefined();
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 257 }), fc.nat({ max: 255 }), (at, value) => {
        const altered = Buffer.from(bytes);
        altered[at] = value;
        void unpack(KEY, altered);
      }),
    );
  });
});
