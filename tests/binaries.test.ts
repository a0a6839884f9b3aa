// Answers: do the single binaries that `bun build --compile` makes do the main job?
// Owns: the claims about both binaries, made offline, run in an empty folder, and deleted afterwards.
// Leaves out: the same from source (`start.test.ts`, `command.test.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { ANYWHERE, ROOT, runLarder, startLarder } from "./larder-process.ts";

const folder = mkdtempSync(join(tmpdir(), "larder-binaries-"));
const [empty, site] = [join(folder, "empty"), join(folder, "site")];
const binary = { cache: join(folder, "larder"), origin: join(folder, "larder-origin") };
const page = crypto.getRandomValues(new Uint8Array(100_000));

beforeAll(() => {
  for (const path of [empty, site]) mkdirSync(path);
  writeFileSync(join(site, "page.bin"), page);
  for (const [entry, outfile] of Object.entries(binary)) {
    // No registry is needed, so none can be reached.
    const env = {
      ...process.env,
      npm_config_registry: "http://127.0.0.1:1",
      BUN_CONFIG_REGISTRY: "http://127.0.0.1:1",
    };
    // As the README has it: the thread of the disk tier is a file of its own.
    const besides = entry === "cache" ? ["lib/store/disk-writer.ts"] : [];
    const how = ["--compile", "--bytecode", "--format=esm"];
    const command = [process.execPath, "build", ...how, `${entry}.ts`, ...besides, "--outfile", outfile];
    const built = Bun.spawnSync(command, { cwd: ROOT, env, stdout: "pipe", stderr: "pipe" });
    if (built.exitCode !== 0) throw new Error(`${entry} was not built: ${built.stderr.toString()}`);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

test("the cache's binary answers a miss and then a hit, with the bytes of the origin's binary", async () => {
  const from = { cwd: empty };
  const origin = await startLarder(binary.origin, [...ANYWHERE, "--root", site, "--log", "json"], from);
  const cache = await startLarder(binary.cache, [...ANYWHERE, "--origin", origin.url, "--log", "json"], from);
  const statuses: (string | null)[] = [];
  for (let time = 0; time < 2; time++) {
    const response = await fetch(`${cache.url}/page.bin`);
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.bytes()).equals(page)).toBe(true);
    statuses.push(response.headers.get("cache-status"));
    await cache.line(time === 0 ? /"stored"/ : /"HIT"/);
  }
  expect(statuses[0]).toMatch(/^larder; fwd=uri-miss; fwd-status=200; stored; ttl=\d+$/);
  expect(statuses[1]).toMatch(/^larder; hit; ttl=\d+$/);
  expect(JSON.parse(await origin.line(/page\.bin/))).toMatchObject({ status: 200, target: "/page.bin" });
  expect(await cache.stop()).toBe(0);
  expect(await origin.stop()).toBe(0);
  expect(readdirSync(empty)).toEqual([]);
});

test.each(Object.entries(binary))("the %s's binary knows its version and its options", async (_, path) => {
  expect(await runLarder(path, ["--version"], { cwd: empty })).toEqual({
    ...{ exitCode: 0, stdout: `larder ${packageJson.version}\n`, stderr: "" },
  });
  const wrong = await runLarder(path, ["--nothing"], { cwd: empty });
  expect([wrong.exitCode, wrong.stdout]).toEqual([2, ""]);
  expect(wrong.stderr).toMatch(/^larder: --nothing[^\n]*\n$/);
});

test("the cache's binary reads a config file in TypeScript", async () => {
  const config = join(folder, "cache.config.ts");
  writeFileSync(config, 'const host: string = "127.0.0.1";\nexport default { host, port: 0, log: "off" };\n');
  const cache = await startLarder(binary.cache, ["--config", config], { cwd: empty });
  expect(cache.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  expect(await cache.stop()).toBe(0);
});

test("the cache's binary keeps what it stores on disk through a restart", async () => {
  const origin = await startLarder(binary.origin, [...ANYWHERE, "--root", site]);
  const args = [...ANYWHERE, "--origin", origin.url, "--disk", join(folder, "disk")];
  for (const said of [/fwd=uri-miss/, /; hit;/]) {
    const cache = await startLarder(binary.cache, args, { cwd: empty });
    const response = await fetch(`${cache.url}/page.bin`, { headers: { Host: "larder.test" } });
    expect(Buffer.from(await response.bytes()).equals(page)).toBe(true);
    expect(response.headers.get("cache-status")).toMatch(said);
    expect(await cache.stop()).toBe(0);
  }
  await origin.stop();
});
