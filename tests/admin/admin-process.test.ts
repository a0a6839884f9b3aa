// Answers: does a real process do what its admin is told, with one worker and with two?
// Owns: the claims about `--admin` of `cache.ts`, from the command line to the socket.
// Leaves out: the parts alone (beside this file), a worker that ends meanwhile (`../workers/purge.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { ANYWHERE, startLarder, type LarderProcess } from "../larder-process.ts";
import { ScriptedOrigin } from "../scripted-origin.ts";

setDefaultTimeout(30_000);

const FRESH = { "Cache-Control": "max-age=600", ETag: '"1"' };

interface Running {
  readonly larder: LarderProcess;
  readonly origin: ScriptedOrigin;
  readonly adminUrl: string;
  readonly purge: (order: object) => Promise<{ status: number; said: Record<string, unknown> }>;
  /** What so many connections get, each a new one. */
  readonly texts: (target: string, count?: number) => Promise<Set<string>>;
}

/** A process with an admin, on ports that the system gives. */
async function running(args: readonly string[], body: (parts: Running) => Promise<void>): Promise<void> {
  const origin = await ScriptedOrigin.start();
  const command = [...ANYWHERE, "--origin", origin.url, "--admin", "0", "--log", "json", ...args];
  const larder = await startLarder("cache.ts", command);
  try {
    const line = await larder.line(/^Its admin is at http:\/\/127\.0\.0\.1:\d+$/);
    const adminUrl = line.replace("Its admin is at ", "");
    await body({
      ...{ larder, origin, adminUrl },
      async purge(order) {
        const answer = await fetch(`${adminUrl}/api/purge`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(order),
        });
        return { status: answer.status, said: (await answer.json()) as Record<string, unknown> };
      },
      async texts(target, count = 40) {
        const got = new Set<string>();
        for (let at = 0; at < count; at++)
          got.add(await (await fetch(larder.url + target, { keepalive: false })).text());
        return got;
      },
    });
  } finally {
    expect(await larder.stop()).toBe(0);
    origin.stop();
  }
}

const WAYS: readonly (readonly [string, (url: string) => object])[] = [
  ["url", (url) => ({ url: `${url}/a` })],
  ["prefix", (url) => ({ prefix: `${url}/a` })],
  ["tag", () => ({ tag: "t" })],
  ["group", (url) => ({ group: "g", origin: url })],
  ["all", () => ({ all: true })],
];

describe.each(["1", "2"])("with --workers %s", (workers) => {
  test("POST /api/purge leaves nothing of it in any of them, whatever names it", () =>
    running(["--workers", workers], async ({ larder, origin, purge, texts }) => {
      const fields = { ...FRESH, "Surrogate-Key": "t u", "Cache-Groups": '"g"' };
      for (const [at, [, order]] of WAYS.entries()) {
        origin.script({ fields, body: `v${at}` });
        expect(await texts("/a")).toEqual(new Set([`v${at}`]));
        const { status, said } = await purge(order(larder.url));
        expect([status, said["tiers"], said["nodes"]]).toEqual([200, ["memory"], 1]);
        expect(said["removed"]).toBeGreaterThanOrEqual(1);
        expect(said["removed"]).toBeLessThanOrEqual(Number(workers));
        expect((await purge(order(larder.url))).said["removed"]).toBe(0);
      }
      const line = JSON.parse(await larder.line(/"kind":"invalidated".*"tag":"t"/)) as object;
      expect(line).toMatchObject({ kind: "invalidated", tag: "t" });
    }));

  test("softly, it is validated once, and covers the origin while that is away", () =>
    running(["--workers", workers, "--stale-if-error", "60"], async ({ origin, purge, texts }) => {
      const fields = { ...FRESH, "Cache-Tag": "t" };
      origin.script({ fields, body: "tea" });
      expect(await texts("/a")).toEqual(new Set(["tea"]));
      origin.requests.length = 0;
      origin.script({ status: 503, fields: { Connection: "close" } });
      expect((await purge({ tag: "t", soft: true })).said["removed"]).toBeGreaterThanOrEqual(1);
      expect(await texts("/a", 10)).toEqual(new Set(["tea"]));
      const failed = origin.requests.length;
      expect(failed).toBeGreaterThan(0);
      origin.script({ status: 304, fields });
      expect(await texts("/a")).toEqual(new Set(["tea"]));
      // Once for each process that had it.
      expect(origin.requests.length - failed).toBeLessThanOrEqual(Number(workers));
      expect(new Set(origin.requests.map((asked) => asked.get("if-none-match")))).toEqual(new Set(['"1"']));
    }));

  test("GET /api/stats counts what all of them have; pages of others change nothing", () =>
    running(["--workers", workers], async ({ origin, adminUrl, purge, texts }) => {
      origin.script({ fields: FRESH, body: "tea" });
      await texts("/a");
      const stats = await (await fetch(`${adminUrl}/api/stats`)).json();
      expect(stats).toMatchObject({ store: { pendingBytes: 0 }, fillsInFlight: 0 });
      expect((stats as { store: { responses: number } }).store.responses).toBeGreaterThanOrEqual(1);
      const asOther = await fetch(`${adminUrl}/api/purge`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Origin: "http://evil.test" },
        body: '{"all":true}',
      });
      expect(asOther.status).toBe(403);
      const rebound = await fetch(`${adminUrl}/api/stats`, { headers: { Host: "evil.test" } });
      expect(rebound.status).toBe(421);
      expect((await purge({ all: true })).said["removed"]).toBeGreaterThanOrEqual(1);
    }));
});
