// Answers: does each fill have one result, is it found while it may be followed, and is nothing left of it afterwards?
// Owns: the claims about `lib/collapse.ts` alone.
// Leaves out: who may follow whom (`proxy-collapse.test.ts`), bodies (`fill-body.test.ts`).
import { describe, expect, test } from "bun:test";
import { Collapser } from "../lib/collapse.ts";
import { FillBody } from "../lib/fill-body.ts";
import type { StoredHead } from "../lib/message.ts";
import { originOf } from "../lib/rfc9111/cache-groups.ts";
import type { EpochSeconds } from "../lib/rfc9111/time.ts";
import { EVERYTHING, prefixTarget, softly, tagTarget } from "../lib/store/targets.ts";

const URI = "http://larder.test/a";
const HEAD = { key: URI, fields: new Headers() as StoredHead["fields"] } as StoredHead;
const at = (seconds: number): EpochSeconds => seconds as EpochSeconds;

function endlessBody(): FillBody {
  return new FillBody({
    reader: new ReadableStream<Uint8Array>().getReader(),
    length: undefined,
    writer: undefined,
  });
}

describe("a fill", () => {
  test("is found by its key until it is closed", () => {
    const collapser = new Collapser();
    const fill = collapser.open(URI, "key");
    expect([collapser.find("key"), collapser.find("other")]).toEqual([fill, undefined]);
    collapser.close(fill, "key");
    expect([collapser.find("key"), collapser.inFlight]).toEqual([undefined, 0]);
  });

  test("without a key is counted, and not found", () => {
    const collapser = new Collapser();
    const fills = [collapser.open(URI, undefined), collapser.open(URI, undefined)];
    expect(collapser.inFlight).toBe(2);
    for (const fill of fills) collapser.close(fill, undefined);
    expect(collapser.inFlight).toBe(0);
  });

  test("has the first result that it is given", async () => {
    const collapser = new Collapser();
    const fill = collapser.open(URI, "key");
    fill.settle({ kind: "freshened" });
    fill.settle({ kind: "failed", error: "too late" });
    collapser.close(fill, "key");
    expect(await fill.result).toEqual({ kind: "freshened" });
  });

  test("that is closed without a result lets its followers go", async () => {
    const collapser = new Collapser();
    const fill = collapser.open(URI, "key");
    collapser.close(fill, "key");
    expect(await fill.result).toEqual({ kind: "unshared" });
  });

  test.each(["freshened", "unshared", "failed"] as const)("that is %s is not followed any more", (kind) => {
    const collapser = new Collapser();
    const fill = collapser.open(URI, "key");
    fill.settle(kind === "failed" ? { kind, error: "x" } : { kind });
    expect([collapser.find("key"), fill.isShared]).toEqual([undefined, false]);
  });

  test("that is shared is followed as long as its body can be read from the first byte", async () => {
    const collapser = new Collapser();
    const fill = collapser.open(URI, "key");
    const body = endlessBody();
    fill.settle({ kind: "shared", head: HEAD, body });
    fill.settle({ kind: "failed", error: "too late" });
    expect([collapser.find("key"), fill.isShared]).toEqual([fill, true]);
    body.release();
    await body.ended;
    expect(collapser.find("key")).toBeUndefined();
  });
});

describe("§4.4 an invalidation", () => {
  test("discards the fills of its URI, found or not, save the one that invalidates", () => {
    const collapser = new Collapser();
    const [found, hidden, other] = [
      collapser.open(URI, "key"),
      collapser.open(URI, undefined),
      collapser.open(`${URI}/b`, "b"),
    ];
    const by = collapser.open(URI, undefined);
    collapser.invalidate(URI, by);
    expect([found, hidden, other, by].map(({ isDiscarded }) => isDiscarded)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([collapser.find("key"), collapser.find("b")]).toEqual([undefined, other]);
  });

  const LABELLED = { ...HEAD, fields: new Headers({ "cache-groups": '"g"', xkey: "t" }) };
  const [GROUP, TAG] = [`${originOf(HEAD.key)}\ng`, tagTarget("t")];

  test.each([GROUP, TAG])("by a label lets go on, and decides when the head is known: %j", (label) => {
    const collapser = new Collapser();
    const [meant, other, by] = [1, 2, 3].map(() => collapser.open(URI, undefined));
    for (const target of [label, softly(label)]) collapser.invalidate(target, by);
    expect([meant, other, by].map((fill) => fill!.isDiscarded)).toEqual([false, false, false]);
    expect([meant!.mayStore(LABELLED), meant!.isDiscarded]).toEqual([false, true]);
    expect([other!.mayStore(HEAD), by!.mayStore(LABELLED)]).toEqual([true, true]);
  });

  test.each([GROUP, TAG])("by a label discards the body under way that has it: %j", (label) => {
    const collapser = new Collapser();
    const [meant, other] = [LABELLED, HEAD].map((head) => {
      const fill = collapser.open(URI, undefined);
      fill.settle({ kind: "shared", head, body: endlessBody() });
      return fill;
    });
    collapser.invalidate(`${label}x`);
    expect([meant!.isDiscarded, other!.isDiscarded]).toEqual([false, false]);
    collapser.invalidate(label);
    expect([meant!.isDiscarded, other!.isDiscarded]).toEqual([true, false]);
  });

  test.each([
    [prefixTarget(URI), [true, true, false]],
    [prefixTarget(`${URI}/`), [false, true, false]],
    [softly(prefixTarget(`${URI}/b`)), [false, true, false]],
    [EVERYTHING, [true, true, true]],
    [softly(EVERYTHING), [true, true, true]],
  ])("by %j discards at once", (target, discarded) => {
    const collapser = new Collapser();
    const fills = [URI, `${URI}/b`, "http://other.test/"].map((uri) => collapser.open(uri, undefined));
    const by = collapser.open(URI, undefined);
    collapser.invalidate(target, by);
    expect(fills.map(({ isDiscarded }) => isDiscarded)).toEqual(discarded);
    expect(by.isDiscarded).toBe(false);
  });

  test("a new fill takes the key of a discarded one, and keeps it when that one is closed", () => {
    const collapser = new Collapser();
    const old = collapser.open(URI, "key");
    collapser.invalidate(URI, collapser.open(URI, undefined));
    const fresh = collapser.open(URI, "key");
    collapser.close(old, "key");
    expect(collapser.find("key")).toBe(fresh);
  });

  test("discards the body that is under way", async () => {
    const collapser = new Collapser();
    const fill = collapser.open(URI, "key");
    const body = endlessBody();
    fill.settle({ kind: "shared", head: HEAD, body });
    body.release();
    fill.discard();
    expect((await body.ended).kind).toBe("broken");
  });
});

describe("keys that are not collapsed", () => {
  test("are remembered until the moment that was named", () => {
    const collapser = new Collapser();
    collapser.markUncollapsible(URI, at(10));
    expect([collapser.isUncollapsible(URI, at(9)), collapser.isUncollapsible("other", at(9))]).toEqual([
      true,
      false,
    ]);
    expect([collapser.isUncollapsible(URI, at(10)), collapser.isUncollapsible(URI, at(9))]).toEqual([
      false,
      false,
    ]);
  });

  test("are forgotten, the oldest first, above 10 000", () => {
    const collapser = new Collapser();
    for (let each = 0; each < 10_000; each++) collapser.markUncollapsible(`key ${each}`, at(10));
    collapser.markUncollapsible("key 0", at(20));
    collapser.markUncollapsible("one more", at(10));
    const known = ["key 0", "key 1", "key 2", "one more"].map((key) => collapser.isUncollapsible(key, at(5)));
    expect(known).toEqual([true, false, true, true]);
  });
});
