// Answers: is nothing left of what an unsafe request made invalid, in the store and on its way there?
// Owns: the claims about `lib/invalidate.ts`.
// Leaves out: which URIs that are (`rfc9111/invalidation.test.ts`), through the engine (`proxy-invalidation.test.ts`).
import { describe, expect, test } from "bun:test";
import { Collapser, type Fill } from "../lib/collapse.ts";
import { Events, type CacheEvent } from "../lib/events.ts";
import { invalidate } from "../lib/invalidate.ts";
import { MemoryStore } from "../lib/store/memory.ts";
import { presented } from "./larder-under-test.ts";
import { answered } from "./rfc9111/test-values.ts";
import { headFor, store as put, textsFor } from "./store/contract.ts";

const URI = "http://larder.test/a";
const [OTHER, ELSEWHERE] = ["http://larder.test/b", "http://elsewhere.test/b"];

function places() {
  const store = new MemoryStore({ budgetBytes: 100_000, maxObjectBytes: 10_000 });
  for (const language of ["en", "de"]) put(store, headFor(URI, language), language);
  for (const uri of [OTHER, ELSEWHERE]) put(store, headFor(uri), "other");
  const [collapser, events] = [new Collapser(), new Events()];
  const by = collapser.open(URI, undefined);
  const rules = { originAuthorities: ["localhost:8000"] };
  const after = (method: string, status: number, fields: Record<string, string> = {}): Promise<void> =>
    invalidate({ store, collapser, events, rules }, presented(method, "/a"), answered(status, fields), by);
  const stored = async (): Promise<number[]> =>
    (await Promise.all([URI, OTHER, ELSEWHERE].map((uri) => textsFor(store, uri)))).map(
      ({ length }) => length,
    );
  return { collapser, events, by, after, stored };
}

describe("§4.4", () => {
  test.each([
    ["POST", 200, {}, [0, 1, 1]],
    ["DELETE", 204, {}, [0, 1, 1]],
    ["PUT", 301, { location: "/b" }, [0, 0, 1]],
    ["POST", 201, { "content-location": "/b" }, [0, 0, 1]],
    ["POST", 201, { location: ELSEWHERE }, [0, 1, 1]],
    ["POST", 500, { location: "/b" }, [2, 1, 1]],
    ["GET", 200, { location: "/b" }, [2, 1, 1]],
  ])("after %s with %i and %j there is left %j", async (method, status, fields, left) => {
    const { after, stored } = places();
    await after(method, status, fields as Record<string, string>);
    expect(await stored()).toEqual(left);
  });

  test("what is on its way there does not arrive any more, but for the request itself", async () => {
    const { collapser, by, after } = places();
    const fills = [
      collapser.open(URI, "key"),
      collapser.open(URI, undefined),
      collapser.open(OTHER, undefined),
    ];
    await after("POST", 200);
    expect([...fills, by].map((fill: Fill) => fill.isDiscarded)).toEqual([true, true, false, false]);
    expect(collapser.find("key")).toBeUndefined();
  });

  test("it is told, with how many were stored, and only where any were", async () => {
    const { events, after } = places();
    const heard: CacheEvent[] = [];
    events.on((event) => heard.push(event));
    for (let time = 0; time < 2; time++)
      await after("POST", 201, { location: "/b", "content-location": "/none" });
    expect(heard).toEqual([
      { kind: "invalidated", uri: URI, removed: 2 },
      { kind: "invalidated", uri: OTHER, removed: 1 },
    ]);
  });
});
