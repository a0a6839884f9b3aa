// Answers: does the admin listen where it may, and only there?
// Owns: the claims about `lib/admin/serve-admin.ts`, and how a start without it, or with a wrong one, ends.
// Leaves out: what it answers (`admin-app.test.ts`), real purges (`admin-process.test.ts`).
import { describe, expect, test } from "bun:test";
import { createServer, type AddressInfo, type Server } from "node:net";
import { checkAdmin, serveAdmin, type AdminOptions } from "../../lib/admin/serve-admin.ts";
import { CacheError, ConfigError } from "../../lib/errors.ts";
import { ANYWHERE, runLarder } from "../larder-process.ts";

const PARTS = {
  stats: () => ({ some: 1 }),
  purge: async () => ({ removed: 0, tiers: ["memory"], nodes: 1 }),
};

const HERE: AdminOptions = { admin: 0, adminHost: "127.0.0.1", adminToken: "" };

/** A port that somebody else has until the test is over. */
async function withTaken(body: (port: number) => Promise<void>): Promise<void> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  await body((server.address() as AddressInfo).port).finally(() => server.close());
}

/** Starts it; what it was warned of goes into `warned`. */
async function serve(options: Partial<AdminOptions>, usualPort?: number) {
  const warned: string[] = [];
  const running = await serveAdmin({ ...HERE, ...options }, PARTS, (line) => warned.push(line), usualPort);
  return { running, warned };
}

describe("it listens", () => {
  test.each(["127.0.0.1", "::1", "localhost"])("at %s, and says where", async (adminHost) => {
    const { running, warned } = await serve({ adminHost });
    try {
      const answer = await fetch(`${running!.url}/healthz`);
      expect([answer.status, await answer.text(), warned]).toEqual([200, "ok\n", []]);
    } finally {
      await running?.stop();
    }
    expect(await fetch(`${running!.url}/healthz`).catch(() => "gone")).toBe("gone");
  });

  test("with a token at any address, for who has it, by any name", async () => {
    const { running } = await serve({ adminHost: "0.0.0.0", adminToken: "secret" });
    const { port } = new URL(running!.url);
    const statusWith = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}/api/stats`, { headers })).status;
    try {
      expect(await statusWith({})).toBe(401);
      expect(await statusWith({ Authorization: "Bearer secret", Host: "larder.test" })).toBe(200);
    } finally {
      await running?.stop();
    }
  });

  test("not at all where it is off", async () => {
    expect(await serve({ admin: "off" })).toEqual({ running: undefined, warned: [] });
  });

  test("where its usual port is taken it is done without, and that is said in one line", async () =>
    withTaken(async (port) => {
      const { running, warned } = await serve({ admin: "auto" }, port);
      expect(running).toBeUndefined();
      expect(warned).toEqual([
        `port ${port} is taken: no admin (--admin PORT names another, --admin off none)`,
      ]);
    }));

  test("where its usual port is free it is there", async () => {
    let free = 0;
    await withTaken(async (port) => void (free = port));
    const { running } = await serve({ admin: "auto" }, free);
    expect(running?.url).toBe(`http://127.0.0.1:${free}`);
    await running?.stop();
  });

  test("where the port that was named is taken, it does not start", async () =>
    withTaken(async (port) => {
      const error = await serve({ admin: port }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CacheError);
      expect((error as Error).message).toBe(`--admin ${port}: this port is taken (another, or --admin off)`);
    }));
});

describe("open to other machines it needs a token", () => {
  test.each(["0.0.0.0", "::", "192.0.2.1", "larder.test", "127.0.0.1.evil.test", "localhost.evil.test"])(
    "%s",
    (adminHost) => {
      expect(() => checkAdmin({ ...HERE, adminHost })).toThrow(ConfigError);
      expect(() => checkAdmin({ ...HERE, adminHost, adminToken: "t" })).not.toThrow();
      expect(() => checkAdmin({ ...HERE, adminHost, admin: "off" })).not.toThrow();
    },
  );

  test.each(["127.0.0.1", "127.9.9.9", "localhost", "::1"])("%s does not", (adminHost) => {
    expect(() => checkAdmin({ ...HERE, adminHost })).not.toThrow();
  });
});

describe("a start that cannot be ends with one line", () => {
  const surroundings = { env: { LARDER_ADMIN: "0" } };

  test("and exit code 2 where the admin would be open to all", async () => {
    const args = [...ANYWHERE, "--admin-host", "0.0.0.0"];
    const { exitCode, stdout, stderr } = await runLarder("cache.ts", args, surroundings);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(
      'larder: --admin-host "0.0.0.0": needs --admin-token: others could purge the cache\n',
    );
  });

  test("and exit code 2 where what was typed is no port", async () => {
    const { exitCode, stderr } = await runLarder("cache.ts", [...ANYWHERE, "--admin", "here"]);
    expect([exitCode, stderr.trimEnd().split("\n").length]).toEqual([2, 1]);
    expect(stderr).toContain('--admin "here": expected');
  });

  test.each(["1", "2"])(
    "and exit code 1 where the port of the admin is taken (--workers %s)",
    async (workers) =>
      withTaken(async (port) => {
        const args = [...ANYWHERE, "--admin", String(port), "--workers", workers];
        const { exitCode, stdout, stderr } = await runLarder("cache.ts", args);
        expect([exitCode, stdout]).toEqual([1, ""]);
        expect(stderr).toBe(`larder: --admin ${port}: this port is taken (another, or --admin off)\n`);
      }),
  );
});
