// Answers: whether the origin's log says what happened, on one line whatever a client sends.
// Owns: the claims about `lib/origin-log.ts`.
// Leaves out: that the lines reach standard output (`origin-serve.test.ts`).
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { originApp } from "../lib/origin-app.ts";
import { logLines, prettyLine, type LoggedRequest } from "../lib/origin-log.ts";

const LOGGED = { time: "", status: 200, method: "GET", target: "/index.html", bytes: 1234, ms: 3.2 };

test.each<[change: Partial<LoggedRequest>, line: string]>([
  [{}, "200 GET /index.html 1.2 kB 3 ms"],
  [{ bytes: 0, ms: 0.2 }, "200 GET /index.html 0 B 0 ms"],
  [{ bytes: 5_600_000, status: 206 }, "206 GET /index.html 5.6 MB 3 ms"],
  [{ bytes: 7_000_000_000 }, "200 GET /index.html 7.0 GB 3 ms"],
  [{ target: "/a\x1b[2Jb\r\nc\xe9" }, "200 GET /a?[2Jb??c? 1.2 kB 3 ms"],
])("%o is the line %s", (change, line) => {
  expect(prettyLine({ ...LOGGED, ...change }, false)).toBe(line);
});

test.each([
  [200, 32],
  [304, 36],
  [404, 33],
  [500, 31],
])("the status %d is shown in colour %d on a terminal", (status, colour) => {
  expect(prettyLine({ ...LOGGED, status }, true)).toStartWith(`\x1b[${colour}m${status}\x1b[0m GET`);
});

test("every request is logged once, with its status, target and length of content", async () => {
  const root = mkdtempSync(join(tmpdir(), "larder-origin-"));
  writeFileSync(join(root, "jar"), "0123456789");
  const logged: LoggedRequest[] = [];
  const app = originApp({ root, maxAge: 1, log: (line) => logged.push(line) });
  await app.request("http://h/jar?q=1");
  await app.request("http://h/jar", { headers: { Range: "bytes=0-1" } });
  await app.request("http://h/jar", { method: "HEAD" });
  await app.request("http://h/nothing", { method: "DELETE" });
  rmSync(root, { recursive: true });
  expect(logged.map(({ status, method, target, bytes }) => [status, method, target, bytes])).toEqual([
    [200, "GET", "/jar?q=1", 10],
    [206, "GET", "/jar", 2],
    [200, "HEAD", "/jar", 0],
    [405, "DELETE", "/nothing", expect.any(Number)],
  ]);
  for (const { time, ms } of logged) {
    expect(new Date(time).toISOString()).toBe(time);
    expect(ms).toBeGreaterThanOrEqual(0);
  }
});

test("`off` logs nothing, and `auto` nothing either where standard output is no terminal", () => {
  expect(logLines("off")).toBeUndefined();
  if (!process.stdout.isTTY) expect(logLines("auto")).toBeUndefined();
});
