// Answers: does a group that an origin makes invalid leave nothing of it behind, and everything else?
// Owns: the claims about RFC 9875 through the engine, with fills and validations in flight.
// Leaves out: what the fields say (`rfc9111/cache-groups.test.ts`), other workers (`workers/invalidation.test.ts`).
import { describe, expect, test } from "bun:test";
import { expectReused, type Larder, withLarder } from "./larder-under-test.ts";
import type { FieldRecord } from "./scripted-origin.ts";

const FRESH = { "Cache-Control": "max-age=60", ETag: '"1"' };
const of = (groups: string): FieldRecord => ({ ...FRESH, "Cache-Groups": groups });

async function stock(larder: Larder, groups: Readonly<Record<string, string>>): Promise<void> {
  for (const [target, field] of Object.entries(groups)) {
    larder.origin.script({ fields: of(field), body: "old" });
    await larder.get(target);
  }
  larder.origin.script(undefined);
}

/** A request to `/change`, whose response names groups. */
async function change(
  larder: Larder,
  groups: string,
  how: { method?: string; status?: number } = {},
): Promise<void> {
  const { method = "POST", status = 200 } = how;
  const changing = larder.ask(method, "/change", {}, method === "POST" ? "x" : undefined);
  await (await larder.origin.asked()).reply({ status, fields: { "Cache-Group-Invalidation": groups } });
  expect((await changing).status).toBe(status);
}

const stored = (larder: Larder, ...targets: string[]): boolean[] =>
  targets.map((target) => larder.store.lookup(`http://larder.test${target}`).length > 0);

describe("RFC 9875 §3 Cache-Group-Invalidation", () => {
  test(
    "takes all that shares a group that it names, and nothing else",
    withLarder(async (larder) => {
      await stock(larder, { "/a": '"x"', "/b": '"y", "x"', "/c": '"y"', "/d": "x", "/e": '"X"' });
      await change(larder, '"x", "unknown"');
      expect(stored(larder, "/a", "/b", "/c", "/d", "/e")).toEqual([false, false, true, true, true]);
      const origin = "http://larder.test";
      expect(larder.events).toContainEqual({ kind: "invalidated", uri: origin, group: "x", removed: 2 });
      await change(larder, '"y"');
      expect(stored(larder, "/c")).toEqual([false]);
    }),
  );

  test.each([
    ["a safe request", { method: "GET" }],
    ["an error", { status: 500 }],
  ])("is not heard in the response to %s", async (_, how) =>
    withLarder(async (larder) => {
      await stock(larder, { "/a": '"x"' });
      await change(larder, '"x"', how);
      expectReused(await larder.get("/a"));
    })(),
  );

  test(
    "keeps what is on its way from being stored, if it turns out to be of the group; who waits gets it",
    withLarder(async (larder) => {
      const waiting = [larder.get("/in"), larder.get("/out"), larder.get("/begun")];
      const asked = new Map<string, Awaited<ReturnType<typeof larder.origin.asked>>>();
      for (let at = 0; at < 3; at++) {
        const one = await larder.origin.asked();
        asked.set(one.target, one);
      }
      // The head of one is there already, its body is not.
      await asked.get("/begun")?.head({ fields: of('"x"') });
      await asked.get("/begun")?.chunk("old");
      await larder.until(() => larder.store.stats().pendingBytes > 0, "one of them is being stored");
      await change(larder, '"x"');
      await asked.get("/begun")?.chunk("old");
      await asked.get("/begun")?.lastChunk();
      await asked.get("/in")?.reply({ fields: of('"x"'), body: "old" });
      await asked.get("/out")?.reply({ fields: of('"y"'), body: "old" });
      expect((await Promise.all(waiting)).map(({ text }) => text)).toEqual(["old", "old", "oldold"]);
      await larder.until(() => larder.collapser.inFlight === 0, "all are through");
      expect(stored(larder, "/in", "/out", "/begun")).toEqual([false, true, false]);
    }),
  );

  test(
    "wins over a validation in flight: what it freshens is not stored",
    withLarder(async (larder) => {
      await stock(larder, { "/a": '"x"' });
      larder.pass(61);
      const validating = larder.get("/a");
      const asked = await larder.origin.asked();
      await change(larder, '"x"');
      await asked.reply({ status: 304, fields: FRESH });
      expect((await validating).text).toBe("old");
      expect(stored(larder, "/a")).toEqual([false]);
    }),
  );

  test(
    "a response that came after it is stored, with the same group",
    withLarder(async (larder) => {
      await stock(larder, { "/a": '"x"' });
      await change(larder, '"x"');
      await stock(larder, { "/a": '"x"' });
      expectReused(await larder.get("/a"));
    }),
  );
});
