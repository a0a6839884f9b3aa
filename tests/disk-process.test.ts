// Answers: what of a process with a disk is there after it has ended, and what has been purged for good?
// Owns: the claims about `--disk` of a real process: small and large bodies, a restart, purges through the admin.
// Leaves out: the tier alone (`store/disk.test.ts`), bodies outside of memory in the engine (`proxy-outside.test.ts`).
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ANYWHERE, startLarder } from "./larder-process.ts";
import { ScriptedOrigin } from "./scripted-origin.ts";

setDefaultTimeout(40_000);

const folder = mkdtempSync(join(tmpdir(), "larder-disk-process-"));
afterAll(() => rmSync(folder, { recursive: true }));

const FRESH = { "Cache-Control": "max-age=600", ETag: '"1"', "Surrogate-Key": "t" };
/** An eighth of the memory is 2 MB. */
const LARGE = randomBytes(5_000_000);

interface Got {
  readonly status: number;
  readonly bytes: Buffer;
  readonly isHit: boolean;
}

/** A process on that folder, until it is stopped. */
async function running(origin: ScriptedOrigin, body: (parts: Parts) => Promise<void>): Promise<void> {
  const args = [...ANYWHERE, "--origin", origin.url, "--disk", folder, "--memory", "16MB", "--admin", "0"];
  // Its port is another one each time, and part of the key: clients ask by a name.
  const larder = await startLarder("cache.ts", args);
  try {
    const adminUrl = (await larder.line(/^Its admin is at /)).replace("Its admin is at ", "");
    await body({
      async get(target, fields = {}, method = "GET") {
        const answer = await fetch(larder.url + target, {
          method,
          headers: { Host: "larder.test", ...fields },
        });
        const isHit = /^larder; hit/.test(answer.headers.get("cache-status") ?? "");
        return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()), isHit };
      },
      async purge(order) {
        const answer = await fetch(`${adminUrl}/api/purge`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(order),
        });
        return answer.json() as Promise<object>;
      },
    });
  } finally {
    expect(await larder.stop()).toBe(0);
  }
}

interface Parts {
  readonly get: (target: string, fields?: Record<string, string>, method?: string) => Promise<Got>;
  readonly purge: (order: object) => Promise<object>;
}

test("what is stored is there after a restart, byte for byte; what is purged is not", async () => {
  const origin = await ScriptedOrigin.start();
  origin.script(async (asked) => {
    if (asked.target !== "/large") return asked.reply({ fields: FRESH, body: "tea" });
    await asked.head({ fields: FRESH });
    for (let at = 0; at < LARGE.length; at += 100_000) await asked.chunk(LARGE.subarray(at, at + 100_000));
    return asked.lastChunk();
  });
  await running(origin, async ({ get }) => {
    for (const target of ["/small", "/large"]) expect((await get(target)).isHit).toBe(false);
    expect((await get("/large")).isHit).toBe(true);
  });
  origin.script(undefined);
  const before = origin.requests.length;
  await running(origin, async ({ get, purge }) => {
    const [small, large] = [await get("/small"), await get("/large")];
    expect([small.isHit, small.bytes.toString(), large.isHit]).toEqual([true, "tea", true]);
    expect(large.bytes.equals(LARGE)).toBe(true);
    const part = await get("/large", { Range: "bytes=3000000-3000009" });
    expect([part.status, part.bytes.equals(LARGE.subarray(3_000_000, 3_000_010))]).toEqual([206, true]);
    expect((await get("/large", { "If-None-Match": '"1"' })).status).toBe(304);
    expect((await get("/large", {}, "HEAD")).isHit).toBe(true);
    expect(origin.requests.length).toBe(before);
    expect(await purge({ url: "http://larder.test/small", soft: true })).toMatchObject({ removed: 1 });
    expect(await purge({ url: "http://larder.test/large" })).toMatchObject({
      ...{ removed: 1, tiers: ["memory", "disk"], nodes: 1 },
    });
  });
  await running(origin, async ({ get, purge }) => {
    origin.script({ status: 304, fields: FRESH });
    const small = await get("/small");
    expect([small.isHit, small.bytes.toString()]).toEqual([false, "tea"]);
    expect(origin.requests.at(-1)?.get("if-none-match")).toBe('"1"');
    origin.script({ fields: FRESH, body: "new" });
    expect((await get("/large")).bytes.toString()).toBe("new");
    expect(await purge({ tag: "t" })).toMatchObject({ removed: 2 });
  });
  await running(origin, async ({ get }) => {
    for (const target of ["/small", "/large"]) expect((await get(target)).bytes.toString()).toBe("new");
  });
  origin.stop();
});
