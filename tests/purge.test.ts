// Answers: is a URL that was purged forgotten, by whom it may be, and by nobody else?
// Owns: the claims about `lib/purge.ts`: in the engine, and on each wire of a real process.
// Leaves out: the other workers (`workers/invalidation.test.ts`), what unsafe requests remove (`proxy-invalidation.test.ts`).
import { describe, expect, test } from "bun:test";
import type { Answer } from "../lib/message.ts";
import { withPurge } from "../lib/purge.ts";
import { addressList } from "../lib/wire/address-list.ts";
import { addresses } from "../lib/option-values.ts";
import { Events, type CacheEvent } from "../lib/events.ts";
import { ANYWHERE, startLarder } from "./larder-process.ts";
import { expectReused, type Larder, presented, withLarder } from "./larder-under-test.ts";
import type { FieldRecord } from "./scripted-origin.ts";

const FRESH = { "Cache-Control": "max-age=60", ETag: '"1"' };

interface Purged {
  readonly status: number;
  readonly said: unknown;
  readonly events: readonly CacheEvent[];
}

/** Clients of tests come from 192.0.2.1. */
async function purge(
  larder: Larder,
  target: string,
  { from = "192.0.2.0/24", fields = {} }: { from?: string; fields?: FieldRecord } = {},
): Promise<Purged> {
  const heard = new Events();
  const events: CacheEvent[] = [];
  heard.on((event) => events.push(event));
  const { store, collapser, proxy } = larder;
  const rules = { originAuthorities: [] };
  const mayPurge = addressList(addresses.parse(from) ?? []);
  const parts = { store, collapser, events: heard, rules, mayPurge, clockMs: () => larder.nowMs };
  const answer = await withPurge(proxy, parts).handle(presented("PURGE", target, fields));
  return { status: answer.status, said: saidIn(answer), events };
}

function saidIn({ body, fields }: Answer): unknown {
  if (!(body instanceof Uint8Array)) throw new Error("it has no bytes");
  expect(fields.get("content-length")).toBe(String(body.length));
  const text = new TextDecoder().decode(body);
  return fields.get("content-type") === "application/json" ? JSON.parse(text) : text;
}

describe("PURGE", () => {
  test(
    "leaves nothing of a URL, in any variant, and says how much there was; again there is nothing",
    withLarder(async (larder) => {
      larder.origin.script({ fields: { ...FRESH, Vary: "X-Kind" } });
      for (const kind of ["1", "2", "3"]) await larder.get("/a", { "X-Kind": kind });
      larder.origin.script({ fields: FRESH });
      for (const other of ["/b", "/a?b"]) await larder.get(other);
      const first = await purge(larder, "/a");
      expect([first.status, first.said]).toEqual([200, { removed: 3, tiers: ["memory"], nodes: 1 }]);
      expect(first.events).toMatchObject([
        { kind: "invalidated", uri: "http://larder.test/a", removed: 3 },
        { kind: "answered", method: "PURGE", status: 200, report: { word: "PURGED" } },
      ]);
      expect((await purge(larder, "/a")).said).toMatchObject({ removed: 0 });
      for (const other of ["/b", "/a?b"]) expectReused(await larder.get(other));
      expect((await larder.get("/a")).cacheStatus).toMatchObject({ fwd: "uri-miss" });
    }),
  );

  test(
    "keeps what is on its way from being stored; who waits for it gets it",
    withLarder(async (larder) => {
      const waiting = larder.get("/a");
      const asked = await larder.origin.asked();
      expect((await purge(larder, "/a")).said).toMatchObject({ removed: 0 });
      await asked.reply({ fields: FRESH, body: "old" });
      expect((await waiting).text).toBe("old");
      expect(larder.store.lookup("http://larder.test/a")).toEqual([]);
    }),
  );

  test.each<[string, { from?: string; fields?: FieldRecord }]>([
    ["an address that is not allowed", { from: "192.0.3.0/24" }],
    ["anybody, where none is", { from: "none" }],
    ["a client behind a proxy that says so", { fields: { "X-Forwarded-For": "203.0.113.7" } }],
    ["one behind a proxy that says so in another way", { fields: { Via: "1.1 front" } }],
    ["and in a third", { fields: { Forwarded: "for=203.0.113.7" } }],
  ])("is refused to %s", async (_, way) =>
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH });
      await larder.get("/a");
      const { status, said, events } = await purge(larder, "/a", way);
      expect([status, String(said)]).toEqual([403, expect.stringContaining("--purge-from")]);
      expect(events).toMatchObject([{ kind: "answered", report: { word: "REFUSED", detail: "purge" } }]);
      expectReused(await larder.get("/a"));
      expect(larder.origin.requests.length).toBe(1);
    })(),
  );
});

test.each(["lane", "bun", "exact"])(
  "on --wire %s a process of this machine may purge, unless none may",
  async (wire) => {
    let asked = 0;
    const origin = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response(`v${++asked}`, { headers: FRESH }),
    });
    const args = [...ANYWHERE, "--origin", origin.url.origin, "--wire", wire];
    for (const [more, status, then] of [
      [[], 200, "v2"],
      [["--purge-from", "none"], 403, "v3"],
    ] as const) {
      const larder = await startLarder("cache.ts", [...args, ...more]);
      try {
        const get = async (): Promise<string> => (await fetch(`${larder.url}/a`)).text();
        const before = await get();
        expect(await get()).toBe(before);
        const answer = await fetch(`${larder.url}/a`, { method: "PURGE" });
        expect(answer.status).toBe(status);
        if (status === 200) expect(await answer.json()).toEqual({ removed: 1, tiers: ["memory"], nodes: 1 });
        expect(await get()).toBe(then);
      } finally {
        await larder.stop();
      }
    }
    origin.stop(true);
  },
);
