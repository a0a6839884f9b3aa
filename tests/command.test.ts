// Answers: how does a process of Larder start, what does it say when it cannot, and how does it end?
// Owns: the claims about `lib/command.ts` by real processes: exit codes, the one line, `--config`, signals, the 502 page.
// Leaves out: which values are wrong (`options.test.ts`), `bun start` (`start.test.ts`), binaries (`binaries.test.ts`).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseList } from "structured-headers";
import packageJson from "../package.json" with { type: "json" };
import { ANYWHERE, runLarder, startLarder } from "./larder-process.ts";

const folder = mkdtempSync(join(tmpdir(), "larder-command-"));
const occupant = createServer();
let occupied = "";
let nobody = "";

beforeAll(async () => {
  occupied = await listening(occupant);
  const passing = createServer();
  nobody = `http://127.0.0.1:${await listening(passing)}`;
  await new Promise((closed) => passing.close(closed));
});

afterAll(() => {
  occupant.close();
  rmSync(folder, { recursive: true });
});

describe.each(["cache.ts", "origin.ts"])("bun %s", (entry) => {
  test.each([
    ["an unknown option", ["--nothing", "1"], "--nothing"],
    ["an option without value", ["--log"], "--log"],
    ["a wrong value", ["--log=loud"], '"loud"'],
    ["a wrong value of two lines", ["--log", "a\nb"], '"a\\nb"'],
    ["two ports", ["0", "1"], "port"],
    ["a port out of range", ["65536"], '"65536"'],
  ])("%s is one line and exit code 2", async (_, args, name) => {
    const { exitCode, stdout, stderr } = await runLarder(entry, args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/^larder: [^\n]+\n$/);
    expect(stderr).toContain(name);
  });

  test("a wrong environment variable is one line and exit code 2", async () => {
    const ended = await runLarder(entry, [], { env: { LARDER_LOG: "loud" } });
    expect(ended).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: 'larder: LARDER_LOG "loud": expected auto, pretty, json or off\n',
    });
  });

  test("a port that is taken is one line that says what to do, and exit code 1", async () => {
    const { exitCode, stdout, stderr } = await runLarder(entry, [occupied, "--host", "127.0.0.1"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toMatch(/^larder: [^\n]+\n$/);
    expect(stderr).toMatch(/another port/);
  });

  test("an address that is not this machine's is one line and exit code 1", async () => {
    const { exitCode, stderr } = await runLarder(entry, ["0", "--host", "203.0.113.1"]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^larder: [^\n]+\n$/);
  });

  test("--help lists every option, --version says the version, and both end with 0", async () => {
    const help = await runLarder(entry, ["--help"]);
    expect(help).toMatchObject({ exitCode: 0, stderr: "" });
    for (const line of [`bun ${entry} [PORT]`, "--host ADDRESS", "--log HOW"])
      expect(help.stdout).toContain(line);
    const version = await runLarder(entry, ["--version"]);
    expect(version).toEqual({ exitCode: 0, stdout: `larder ${packageJson.version}\n`, stderr: "" });
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "port 0 prints the real port; %s ends it with 0",
    async (signal) => {
      const started = await startLarder(entry, [...ANYWHERE, "--log", "off"]);
      expect(started.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
      expect((await fetch(started.url, { signal: AbortSignal.timeout(5000) })).status).toBeGreaterThanOrEqual(
        200,
      );
      expect(await started.stop(signal)).toBe(0);
      await expect(fetch(started.url)).rejects.toThrow();
    },
  );
});

describe("--config", () => {
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return name;
  };

  test.each([
    ["is missing", "missing.ts", undefined, /missing\.ts/],
    ["throws", "throws.ts", 'throw new Error("first\\nsecond")', /throws\.ts.*first/],
    ["throws a text of two lines", "text.ts", 'throw "first\\nsecond"', /text\.ts.*first/],
    ["is no TypeScript", "broken.ts", "export default {", /broken\.ts/],
    [
      "imports what is not there",
      "lost.ts",
      'import "./nowhere.ts"; export default {};',
      /lost\.ts.*nowhere/,
    ],
    ["exports nothing", "nothing.ts", "export {};", /nothing\.ts.*default export/],
    ["exports a number", "number.ts", "export default 5;", /number\.ts.*default export/],
    ["exports a function", "function.ts", "export default () => ({});", /function\.ts.*default export/],
    ["has an unknown option", "unknown.ts", "export default { memori: 1 };", /memori.*no such option/],
    ["has a wrong value", "value.ts", 'export default { memory: "lots" };', /memory "lots": expected a size/],
    ["has a value that is no text", "object.ts", "export default { host: {} };", /config file: host/],
  ])("a file that %s is one line and exit code 2", async (_, name, content, expected) => {
    if (content !== undefined) file(name, content);
    const { exitCode, stdout, stderr } = await runLarder(
      "cache.ts",
      [...ANYWHERE.slice(0, 1), "--config", name],
      {
        cwd: folder,
      },
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/^larder: [^\n]+\n$/);
    expect(stderr).toMatch(expected);
  });

  test("what the file says counts, below environment and flag", async () => {
    const name = file(
      "works.ts",
      `const host: string = "127.0.0.1"; export default { port: 0, host, origin: "http://127.0.0.1:1", log: "json" };`,
    );
    const surroundings = { cwd: folder, env: { LARDER_CONFIG: name, LARDER_LOG: "pretty" } };
    const cache = await startLarder("cache.ts", ["--origin", nobody], surroundings);
    expect(await cache.line(/ at /)).toBe(`Larder caches ${nobody} at ${cache.url}`);
    await fetch(cache.url);
    expect(await cache.line(/ERROR/)).toStartWith("ERROR uri-miss, origin-unreachable  GET ");
    expect(await cache.stop()).toBe(0);
  });
});

test("an origin that cannot be reached: 502, and a page that names it and says what to do", async () => {
  const cache = await startLarder("cache.ts", [...ANYWHERE, "--origin", nobody, "--log", "json"]);
  for (const attempt of ["/first", "/again"]) {
    const response = await fetch(cache.url + attempt, { headers: { accept: "text/html" } });
    expect(response.status).toBe(502);
    expect(response.headers.get("content-type")).toStartWith("text/html");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const [member] = parseList(response.headers.get("cache-status") ?? "");
    expect(String(member?.[1].get("detail"))).toBe("origin-unreachable");
    const page = await response.text();
    expect(page).toContain(nobody);
    expect(page).toMatch(/start it|is it running/i);
    expect(page).toContain("--origin");
  }
  const logged = JSON.parse(await cache.line(/"answered".*first/));
  expect(logged).toMatchObject({ kind: "answered", status: 502, report: { word: "ERROR" } });
  expect(await cache.stop()).toBe(0);
});

describe("a signal while a response is in flight", () => {
  test("lets it end, and the process ends with 0", async () => {
    const { cache, origin, answer, response } = await inFlight();
    const ended = cache.stop();
    await closed(cache.url);
    answer("the end");
    expect(await (await response).text()).toBe("the end");
    expect(await ended).toBe(0);
    await origin.stop(true);
  });

  test("and a second one ends it at once, with 1", async () => {
    const { cache, origin, response } = await inFlight();
    const outcome = response.then(
      () => "answered",
      () => "cut",
    );
    const ended = cache.stop();
    await closed(cache.url);
    expect(await cache.stop()).toBe(1);
    expect([await outcome, await ended]).toEqual(["cut", 1]);
    await origin.stop(true);
  });

  async function inFlight() {
    const arrived = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<string>();
    const origin = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch() {
        arrived.resolve();
        return new Response(await answer.promise);
      },
    });
    const cache = await startLarder("cache.ts", [...ANYWHERE, "--origin", origin.url.origin, "--log", "off"]);
    const response = fetch(`${cache.url}/slow`);
    await arrived.promise;
    return { cache, origin, answer: answer.resolve, response };
  }
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
  return String((server.address() as AddressInfo).port);
}

/** Waits until nobody listens there any more. */
async function closed(url: string): Promise<void> {
  for (let isOpen = true; isOpen;) {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    isOpen = await new Promise<boolean>((settle) => {
      socket.once("connect", () => settle(true)).once("error", () => settle(false));
    });
    socket.destroy();
  }
}
