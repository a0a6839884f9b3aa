// Answers: whether the origin serves what is in its folder, nothing else, and never two states of a file in one answer.
// Owns: the claims about `lib/origin-file.ts`, `lib/origin-content.ts` and `lib/origin-hash.ts`, without a server.
// Leaves out: names (`origin-target.test.ts`), status and fields (`origin-app.test.ts`), what a socket makes of it (`origin-serve.test.ts`).
import { afterAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFile, type FoundFile } from "../lib/origin-file.ts";
import { hashOf, hashOfFile } from "../lib/origin-hash.ts";
import { snapshotOf } from "../lib/origin-snapshot.ts";
import { epochSeconds } from "../lib/rfc9111/time.ts";

const base = realpathSync(mkdtempSync(join(tmpdir(), "larder-origin-")));
const root = join(base, "root");
afterAll(() => rmSync(base, { recursive: true }));

for (const folder of ["root", "root/shelf", "root/.git", "outside", "root-beside"])
  mkdirSync(join(base, folder));
for (const file of [
  "root/jar",
  "root/shelf/jar",
  "root/..jar",
  "root/.env",
  "root/.git/config",
  "root/%2e%2e",
  "outside/secret",
  "root-beside/secret",
]) {
  writeFileSync(join(base, file), file);
}
const links = {
  "to-jar": "jar",
  "to-shelf": "shelf",
  "to-absolute-jar": join(root, "jar"),
  "to-root": ".",
  "to-secret": "../outside/secret",
  "to-outside": "../outside",
  "to-beside": join(base, "root-beside"),
  "to-parent": "..",
  "to-env": ".env",
  "to-git": ".git",
  "to-nothing": "nothing",
  "to-itself": "to-itself",
  "to-null": "/dev/null",
};
for (const [name, to] of Object.entries(links)) symlinkSync(to, join(root, name));
symlinkSync("../../outside", join(root, "shelf/out"));
Bun.spawnSync(["mkfifo", join(root, "pipe")]);

describe("a path", () => {
  test.each([
    ["jar", "root/jar"],
    ["shelf/jar", "root/shelf/jar"],
    ["%2e%2e", "root/%2e%2e"],
    ["to-jar", "root/jar"],
    ["to-absolute-jar", "root/jar"],
    ["to-shelf/jar", "root/shelf/jar"],
    ["to-root/to-root/jar", "root/jar"],
  ])("%s leads to the file %s", async (path, content) => {
    expect(await contentOf(path)).toBe(content);
  });

  test.each([["shelf"], ["to-shelf"], ["to-root"]])("%s is a folder", async (path) => {
    expect(await contentOf(path)).toBe("folder");
  });

  test.each([
    ["nothing"],
    ["jar/jar"],
    ["x".repeat(300)],
    ["to-nothing"],
    ["to-itself"],
    ["to-secret"],
    ["to-outside"],
    ["to-outside/secret"],
    ["to-beside/secret"],
    ["to-parent/outside/secret"],
    ["to-parent/root/jar/../../outside/secret"],
    ["shelf/out/secret"],
    ["to-env"],
    ["to-git/config"],
    ["to-null"],
    ["pipe"],
  ])("%s leads to nothing that is served", async (path) => {
    expect(await contentOf(path)).toBe("missing");
  });

  test("a socket is nothing that is served", async () => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(join(root, "socket"), listening));
    expect(await contentOf("socket")).toBe("missing");
    server.close();
  });
});

describe("a file that changes", () => {
  test("right after a change is not read before the next change would show", async () => {
    // A machine that stalls may let a change grow old by itself, but not ten times in a row.
    const waits: number[] = [];
    for (let round = 0; round < 10; round++) {
      writeFileSync(join(root, "young"), String(round));
      const before = performance.now();
      expect(await contentOf("young")).toBe(String(round));
      waits.push(performance.now() - before);
    }
    expect(Math.max(...waits)).toBeGreaterThan(8);
  });

  test("all the time is unsteady, and the answer does not wait for its end", async () => {
    const changing = setInterval(() => appendFileSync(join(root, "restless"), "."), 1);
    appendFileSync(join(root, "restless"), ".");
    expect(await contentOf("restless")).toBe("unsteady");
    clearInterval(changing);
  });

  test("while it is read at once is read anew: bytes, hash and date are of one state", async () => {
    const path = join(root, "swapped");
    const state = (round: number) => new Uint8Array(2 ** 20).fill(round);
    for (let round = 1; round <= 5; round++) {
      writeFileSync(path, state(round));
      utimesSync(path, DATE, DATE);
      // Once it was found it has settled, so that the next look reads it at once, and in the middle of a change.
      await contentOf("swapped");
      const reading = findFile(root, ["swapped"]);
      writeFileSync(path, state(100 + round));
      const found = await reading;
      if (found.kind !== "file") throw new Error(found.kind);
      const bytes = await bytesOf(found);
      const isOld = found.lastModified === epochSeconds(DATE.getTime());
      expect(Buffer.compare(bytes, state(isOld ? round : 100 + round))).toBe(0);
      expect(found.content.hash).toBe(hashOf(bytes));
    }
  });

  test.each<[change: string, make: (path: string, bytes: Uint8Array) => void]>([
    ["is overwritten", (path, bytes) => writeFileSync(path, bytes.fill(2))],
    ["grows", (path) => appendFileSync(path, "x")],
    ["shrinks", (path) => truncateSync(path, 1_500_000)],
    [
      "is overwritten and its date set back",
      (path, bytes) => {
        writeFileSync(path, bytes.fill(2));
        utimesSync(path, DATE, DATE);
      },
    ],
  ])("and %s while it is sent breaks off: no byte of the new state is sent", async (change, make) => {
    const name = `large ${change}`;
    const bytes = large(name);
    const reader = await readerOf(name);
    const first = await reader.read();
    expect(first.value!.every((byte) => byte === 1)).toBe(true);
    make(join(root, name), bytes);
    await expect(reader.read()).rejects.toThrow();
    expect(openFiles(name)).toBe(0);
  });

  test.each<[change: string, make: (path: string) => void]>([
    [
      "replaced",
      (path) => {
        writeFileSync(`${path} new`, new Uint8Array(2_000_000).fill(2));
        renameSync(`${path} new`, path);
      },
    ],
    ["removed", (path) => rmSync(path)],
  ])("and is %s while it is sent is sent to its end, as it was", async (change, make) => {
    const name = `large ${change}`;
    const reader = await readerOf((large(name), name));
    const chunks = [(await reader.read()).value!];
    make(join(root, name));
    for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
    expect(Buffer.compare(Buffer.concat(chunks), new Uint8Array(2_000_000).fill(1))).toBe(0);
    expect(openFiles(name)).toBe(0);
  });
});

describe("the file behind an answer", () => {
  test("is closed when the client leaves, also in the middle of a read", async () => {
    large("left");
    const early = await readerOf("left");
    await early.cancel();
    const late = await readerOf("left");
    await late.read();
    const pending = late.read();
    // A few microtasks let the read begin; it ends in a later turn of the event loop.
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    void late.cancel();
    // Were the number given away while the read goes on, it would be this file that is read or closed then.
    const other = openSync(join(root, "jar"), "r");
    await pending;
    const again = await readerOf("left");
    await again.read();
    await again.cancel();
    // The read that was under way ends on its own; the test's timeout is the deadline.
    while (openFiles("left") > 0) await new Promise(setImmediate);
    expect(openFiles("jar")).toBe(1);
    closeSync(other);
  });

  test("is closed when there is nothing to be sent", async () => {
    large("asked");
    const found = await findFile(root, ["asked"]);
    expect(openFiles("asked")).toBe(1);
    if (found.kind === "file") found.content.close();
    expect(openFiles("asked")).toBe(0);
  });

  test("is read in chunks of at most 256 KiB, and not ahead of its reader", async () => {
    large("chunks");
    const reader = await readerOf("chunks");
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      expect(next.value.length).toBeLessThanOrEqual(262_144);
    }
  });

  test("is hashed once for all who ask at the same time", async () => {
    large("many");
    const fds = [openSync(join(root, "many"), "r"), openSync(join(root, "many"), "r")];
    const [first, second] = fds.map((fd) => hashOfFile(fd, snapshotOf(fd)));
    expect(first).toBeInstanceOf(Promise);
    expect(second).toBe(first!);
    await first;
    const hash = hashOf(new Uint8Array(2_000_000).fill(1));
    expect(hashOfFile(fds[0]!, snapshotOf(fds[0]!))).toBe(hash);
    for (const fd of fds) closeSync(fd);
  });
});

const DATE = new Date("2024-05-06T07:08:09Z");

function large(name: string): Uint8Array {
  const bytes = new Uint8Array(2_000_000).fill(1);
  writeFileSync(join(root, name), bytes);
  utimesSync(join(root, name), DATE, DATE);
  return bytes;
}

async function readerOf(name: string) {
  const found = await findFile(root, [name]);
  if (found.kind !== "file") throw new Error(found.kind);
  const body = found.content.body([{ first: 0, last: found.content.size - 1 }]);
  return (body as ReadableStream<Uint8Array>).getReader();
}

async function contentOf(path: string): Promise<string> {
  const found = await findFile(root, path.split("/"));
  return found.kind === "file" ? Buffer.from(await bytesOf(found)).toString() : found.kind;
}

function bytesOf({ content }: FoundFile): Promise<Uint8Array> {
  return new Response(content.body([{ first: 0, last: content.size - 1 }])).bytes();
}

function openFiles(name: string): number {
  const targets = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return targets.filter((target) => target.startsWith(join(root, name))).length;
}
