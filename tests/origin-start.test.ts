// Answers: how `bun origin.ts` starts, what it says, and how it ends.
// Owns: the claims about `origin.ts` as a process of its own, and about the address and the root of `serveOrigin`.
// Leaves out: what is answered (`origin-app.test.ts`) and how that looks on the wire (`origin-serve.test.ts`).
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../lib/errors.ts";
import { serveOrigin } from "../lib/origin-serve.ts";

const root = mkdtempSync(join(tmpdir(), "larder-origin-"));
writeFileSync(join(root, "jar"), "jar");
afterAll(() => rmSync(root, { recursive: true }));

describe("bun origin.ts", () => {
  test("says where it serves, serves there, and ends with SIGTERM", async () => {
    const child = spawn("0", "--root", root, "--log", "json");
    const lines = child.stdout.getReader();
    const said = new TextDecoder().decode((await lines.read()).value);
    const url = /^Larder's origin serves (.*) at (http:\/\/localhost:[1-9]\d*)\n$/.exec(said);
    expect(url?.[1]).toBe(root);
    expect(await (await fetch(`${url![2]!}/jar`)).text()).toBe("jar");
    const logged = JSON.parse(new TextDecoder().decode((await lines.read()).value));
    expect(logged).toMatchObject({ status: 200, method: "GET", target: "/jar", bytes: 3 });
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test("ends with 2 and one line where the root is no folder", async () => {
    for (const wrong of ["/nothing/there", join(root, "jar")]) {
      const child = spawn("0", "--root", wrong);
      expect(await child.exited).toBe(2);
      expect(await child.stderr.text()).toBe(`larder: --root "${wrong}": expected a folder that exists\n`);
    }
    expect(() =>
      serveOrigin({ port: 0, host: "127.0.0.1", root: "/nothing", maxAge: 1, log: "off" }),
    ).toThrow(ConfigError);
  });

  test("ends with 1 and one line where the port is taken, also by another origin", async () => {
    const origin = serveOrigin({ port: 0, host: "127.0.0.1", root, maxAge: "auto", log: "off" });
    const child = spawn(new URL(origin.url).port, "--root", root, "--host", "127.0.0.1");
    expect(await child.exited).toBe(1);
    expect(await child.stderr.text()).toMatch(/^larder: .*\n$/);
    await origin.stop();
  });
});

test("an IPv6 address is written in brackets", async () => {
  if (!(await hasIpv6())) return;
  const other = serveOrigin({ port: 0, host: "::1", root, maxAge: "auto", log: "off" });
  expect(other.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  expect(await (await fetch(`${other.url}/jar`)).text()).toBe("jar");
  await other.stop();
});

function spawn(...options: string[]) {
  return Bun.spawn([process.execPath, join(import.meta.dir, "../origin.ts"), ...options], {
    stdout: "pipe",
    stderr: "pipe",
  });
}

function hasIpv6(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(0, "::1", () => server.close(() => resolve(true)));
  });
}
