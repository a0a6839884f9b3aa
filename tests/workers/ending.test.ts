// Answers: do several workers start and end as one command?
// Owns: the claims about the command line with --workers: its one line, its port, its signals, its end.
// Leaves out: what they do in between (`cold-key.test.ts`, `invalidation.test.ts`), one process (`../faults/stop.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TargetedOrigin } from "../faults/targeted-origin.ts";
import { ANYWHERE, ROOT, runLarder, startLarder, type LarderProcess } from "../larder-process.ts";
import { Connection, TEST_LIMIT_MS, until, wholeOf } from "./crew.ts";

setDefaultTimeout(TEST_LIMIT_MS);

/** A test with a command that runs two workers, and nothing left of it afterwards. */
function withCommand(
  body: (command: {
    larder: LarderProcess;
    origin: TargetedOrigin;
    workers: readonly number[];
  }) => Promise<void>,
  args: readonly string[] = [],
): () => Promise<void> {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), "larder-test-"));
    const origin = await TargetedOrigin.start();
    const options = [...ANYWHERE, "--origin", origin.url, "--workers", "2", "--log", "json", ...args];
    // What ends with this process by itself would prove nothing.
    const env = { BUN_OPTIONS: "", TMPDIR: folder };
    const larder = await startLarder("cache.ts", options, { env });
    const workers = childrenOf(larder.pid);
    try {
      expect(workers).toHaveLength(2);
      await body({ larder, origin, workers });
      await until(() => !workers.some(isThere), "no worker is left");
      await until(() => readdirSync(folder).length === 0, "no file is left");
    } finally {
      for (const pid of [larder.pid, ...workers].filter(isThere)) process.kill(pid, "SIGKILL");
      origin.stop();
      rmSync(folder, { recursive: true });
    }
  };
}

/** Linux knows. */
function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return readFileSync(path, "utf8")
    .trim()
    .split(" ")
    .filter((one) => one !== "")
    .map(Number);
}

/** A process that has ended and that nobody has taken note of is none any more. */
function isThere(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return false;
  try {
    return !/\) [ZX] /.test(readFileSync(path, "latin1"));
  } catch {
    return false;
  }
}

/** Connections enough that each worker has some of them. */
function connections(url: string, count = 24): Connection[] {
  return Array.from({ length: count }, () => new Connection(url));
}

/** New connections are not taken any more. */
async function refuses({ url }: LarderProcess): Promise<void> {
  const fields = { "Cache-Control": "only-if-cached" };
  const isRefused = (): Promise<boolean> =>
    new Connection(url).ask("/new", { fields }).then(
      () => false,
      () => true,
    );
  await until(isRefused, "new connections are refused");
}

describe("the end", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s lets all that is under way come to its end, in all workers",
    (signal) =>
      withCommand(
        async ({ larder, origin, workers }) => {
          const all = connections(larder.url);
          const under = all.map((one, at) => one.open(`/under/${at}`));
          const asked = await Promise.all(all.map((_, at) => origin.asked(`/under/${at}`)));
          for (const one of asked) {
            await one.head({ fields: { "Cache-Control": "max-age=60", "Content-Length": "6" } });
            await one.send("who");
          }
          const responses = await Promise.all(under);
          const ended = larder.stop(signal);
          // They are told as well where a terminal sends the signal; that changes nothing.
          for (const pid of workers) process.kill(pid, signal);
          await refuses(larder);
          for (const one of asked) await one.send("le!");
          for (const response of responses) expect((await wholeOf(response)).bytes.toString()).toBe("whole!");
          expect(await ended).toBe(0);
        },
        ["--drain-timeout", "20s"],
      )(),
  );

  test(
    "what takes longer than --drain-timeout is cut off",
    withCommand(
      async ({ larder, origin }) => {
        const all = connections(larder.url, 8);
        const under = all.map((one, at) => one.ask(`/slow/${at}`).catch(() => "cut off"));
        await Promise.all(all.map((_, at) => origin.asked(`/slow/${at}`)));
        expect([0, 1]).toContain(await larder.stop());
        for (const got of await Promise.all(under))
          expect(typeof got === "string" || got.status !== 200).toBe(true);
      },
      ["--drain-timeout", "300ms"],
    ),
  );

  test(
    "a second signal ends all at once, with 1",
    withCommand(
      async ({ larder, origin }) => {
        const under = new Connection(larder.url).ask("/slow").catch(() => "cut off");
        await origin.asked("/slow");
        const ended = larder.stop();
        await refuses(larder);
        expect(await larder.stop()).toBe(1);
        expect([await ended, await under]).toEqual([1, "cut off"]);
      },
      ["--drain-timeout", "60s"],
    ),
  );

  test(
    "SIGKILL of the supervisor is the end of all",
    withCommand(async ({ larder, workers }) => {
      process.kill(larder.pid, "SIGKILL");
      await until(() => !workers.some(isThere), "no worker is left");
    }),
  );
});

describe("the port", () => {
  test(
    "is not shared with a stranger: one line, and 1",
    withCommand(async ({ larder }) => {
      const port = new URL(larder.url).port;
      for (const workers of ["1", "2"]) {
        const { exitCode, stdout, stderr } = await runLarder("cache.ts", [
          port,
          "--host",
          "127.0.0.1",
          "--workers",
          workers,
        ]);
        expect([exitCode, stdout]).toEqual([1, ""]);
        expect(stderr).toMatch(/^larder: [^\n]*port \d+[^\n]*\n$/);
      }
      expect(await larder.stop()).toBe(0);
    }),
  );

  test("of two that start at the same time, one gets it", async () => {
    const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { port } = probe;
    probe.stop(true);
    const args = [String(port), "--host", "127.0.0.1", "--workers", "2"];
    const starts = await Promise.allSettled([1, 2, 3].map(() => startLarder("cache.ts", args)));
    const got = starts.filter((one) => one.status === "fulfilled");
    for (const { value } of got) await value.stop();
    const refused = starts.filter((one) => one.status === "rejected");
    expect([got.length, refused.length]).toEqual([1, 2]);
    for (const { reason } of refused)
      expect(String(reason)).toMatch(/named no address: larder: [^\n]*port \d+/);
  });

  test.each([
    [["--workers", "2", "--wire", "exact"], "--workers"],
    [["--workers", "0"], "--workers"],
  ])("%p cannot be had: one line, and 2", async (args, option) => {
    const { exitCode, stdout, stderr } = await runLarder("cache.ts", [...ANYWHERE, ...args]);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(new RegExp(`^larder: ${option} [^\\n]*\\n$`));
  });
});

test(
  "the log: its first line is where it listens, once, and every line is whole",
  withCommand(async ({ larder, origin }) => {
    origin.on("*", { fields: { "Cache-Control": "max-age=60" }, body: "tea" });
    // Longer than what a pipe takes in one piece.
    const long = "x".repeat(7000);
    const all = connections(larder.url, 16);
    await Promise.all(
      all.map(async (one, at) => {
        for (let time = 0; time < 20; time++) await one.ask(`/${long}/${at}/${time}`);
      }),
    );
    const workers = new Set<unknown>();
    for (let at = 0; at < 16; at++) {
      for (let time = 0; time < 20; time++) {
        const line = await larder.line(new RegExp(`^\\{.*/${at}/${time}","status":200.*\\}$`));
        workers.add((JSON.parse(line) as { worker: number }).worker);
      }
    }
    expect([...workers].sort()).toEqual([0, 1]);
    expect(await larder.line(/./)).toMatch(/^Larder caches \S+ at \S+$/);
    expect(await larder.stop()).toBe(0);
  }),
);

test("as a single binary", async () => {
  const folder = mkdtempSync(join(tmpdir(), "larder-binary-"));
  try {
    const path = join(folder, "larder");
    const built = Bun.spawnSync([process.execPath, "build", "--compile", "cache.ts", "--outfile", path], {
      cwd: ROOT,
    });
    expect(built.exitCode).toBe(0);
    const origin = await TargetedOrigin.start();
    origin.on("*", { fields: { "Cache-Control": "max-age=60" }, body: "tea" });
    const larder = await startLarder(path, [...ANYWHERE, "--origin", origin.url, "--workers", "2"], {
      cwd: folder,
    });
    expect(childrenOf(larder.pid)).toHaveLength(2);
    for (const one of connections(larder.url)) expect((await one.ask("/")).bytes.toString()).toBe("tea");
    expect(origin.requests("/")).toHaveLength(1);
    origin.stop();
    expect(await larder.stop()).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("bun start, with an origin of its own", async () => {
  const ports = ["0", "--origin-port", "0", "--host", "127.0.0.1", "--workers", "2", "--log", "off"];
  const start = Bun.spawn([process.execPath, join(ROOT, "lib/start.ts"), ...ports], {
    stdout: "pipe",
    stderr: "inherit",
  });
  let text = "";
  for await (const chunk of start.stdout) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("Ctrl-C")) break;
  }
  const [, url = ""] = /caches \S+ at (\S+)/.exec(text) ?? [];
  for (const one of connections(url, 8)) expect((await one.ask("/")).status).toBe(200);
  start.kill("SIGTERM");
  expect(await start.exited).toBe(0);
});
