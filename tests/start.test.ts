// Answers: does the README's first command do the main job?
// Owns: the claims about `bun start`: both servers, one process, the log that says who answered.
// Leaves out: each server for itself (`origin-start.test.ts`, `cache-app.test.ts`).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const child = Bun.spawn([process.execPath, "start", "0", "--origin-port", "0", "--host", "127.0.0.1"], {
  cwd: root,
  stdout: "pipe",
  stderr: "inherit",
});
const lines = readLines(child.stdout);
let cacheUrl = "";

beforeAll(async () => {
  cacheUrl = (await lineWith(/caches .* at (http:\S+)/))[1] ?? "";
});
afterAll(() => child.kill());

test("the main job: a miss asks the origin and stores, a hit does not ask it", async () => {
  const first = await fetch(cacheUrl);
  const firstBytes = await first.bytes();
  expect(first.status).toBe(200);
  expect(first.headers.get("cache-status")).toMatch(
    /^larder; fwd=uri-miss; fwd-status=200; stored; ttl=\d+$/,
  );
  await lineWith(/^origin .*200 GET \/ /);
  await lineWith(/^cache +MISS uri-miss, stored .*kB, fresh \d+ s/);

  const second = await fetch(cacheUrl);
  expect(await second.bytes()).toEqual(firstBytes);
  expect(second.headers.get("cache-status")).toMatch(/^larder; hit; ttl=\d+$/);
  expect(second.headers.get("age")).toMatch(/^\d+$/);
  const between = await linesUntil(/^cache +HIT age \d+, fresh \d+ s more/);
  expect(between.filter((line) => line.startsWith("origin"))).toEqual([]);
});

async function lineWith(pattern: RegExp): Promise<RegExpExecArray> {
  const passed = await linesUntil(pattern);
  const match = pattern.exec(passed.at(-1) ?? "");
  if (match === null) throw new Error(`no line ${pattern}`);
  return match;
}

async function linesUntil(pattern: RegExp): Promise<string[]> {
  const passed: string[] = [];
  for (;;) {
    const { done, value } = await lines.next();
    if (done === true) throw new Error(`ended before a line ${pattern}:\n${passed.join("\n")}`);
    passed.push(value);
    if (pattern.test(value)) return passed;
  }
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
