// Answers: is there an admin on Node too?
// Owns: the claims about `lib/wire/serve-plain.ts` on node:http, against the build for Node.
// Leaves out: the same on Bun (`admin-process.test.ts`), the other wires (`../wire/node-process.test.ts`).
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ANYWHERE, ROOT, runLarder, startLarder } from "../larder-process.ts";
import { builtForNode, nodeBinary } from "../node-build.ts";
import { ScriptedOrigin } from "../scripted-origin.ts";

const node = nodeBinary();
const folder = mkdtempSync(join(tmpdir(), "larder-node-admin-"));
let built: Promise<readonly string[]> | undefined;
afterAll(() => rmSync(folder, { recursive: true }));

async function script(): Promise<string> {
  built ??= builtForNode(ROOT, folder);
  return (await built)[1] ?? "";
}

test.skipIf(node === undefined)(
  "POST /api/purge by tag, in chunks or not; GET /api/stats; 421 by another name",
  async () => {
    const origin = await ScriptedOrigin.start();
    const fields = { "Cache-Control": "max-age=60", "Cache-Tag": "t" };
    const args = [...ANYWHERE, "--origin", origin.url, "--admin", "0"];
    const larder = await startLarder(node!, [await script(), ...args]);
    try {
      const adminUrl = (await larder.line(/^Its admin is at /)).replace("Its admin is at ", "");
      const text = async (): Promise<string> => (await fetch(`${larder.url}/a`)).text();
      for (const [at, isChunked] of [false, true].entries()) {
        origin.script({ fields, body: `v${at}` });
        expect(await text()).toBe(`v${at}`);
        const order = '{"tag":"t"}';
        const answer = await fetch(`${adminUrl}/api/purge`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: isChunked ? new Response(order).body : order,
        });
        expect(await answer.json()).toEqual({ removed: 1, tiers: ["memory"], nodes: 1 });
      }
      const stats = await fetch(`${adminUrl}/api/stats`);
      expect(await stats.json()).toMatchObject({ store: { responses: 0 } });
      const rebound = await fetch(`${adminUrl}/api/stats`, { headers: { Host: "evil.test" } });
      expect(rebound.status).toBe(421);
    } finally {
      expect(await larder.stop()).toBe(0);
      origin.stop();
    }
  },
  30_000,
);

test.skipIf(node === undefined)(
  "a port that is taken ends the start with one line",
  async () => {
    const other = createServer();
    await new Promise<void>((resolve) => void other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const args = [await script(), ...ANYWHERE, "--admin", String(port)];
    const { exitCode, stderr } = await runLarder(node!, args);
    other.close();
    expect([exitCode, stderr]).toEqual([
      1,
      `larder: --admin ${port}: this port is taken (another, or --admin off)\n`,
    ]);
  },
  30_000,
);
