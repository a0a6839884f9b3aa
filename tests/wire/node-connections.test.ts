// Answers: what happens to connections on the exact wire when nobody says anything, or all is to end?
// Owns: the claims about `lib/wire/node-connections.ts` and the timeouts of `serve-node.ts`, with short ones.
// Leaves out: requests and answers (`serve-node.test.ts`).
import { afterEach, expect, test } from "bun:test";
import type { Running } from "../../lib/wire/serve-bun.ts";
import { exactLarder, type ExactParticulars } from "./exact-larder.ts";
import { Line, message, RawOrigin } from "./raw-line.ts";

const running: { readonly origin: RawOrigin; readonly larder: Running }[] = [];

async function started(
  particulars: ExactParticulars = {},
): Promise<{ readonly origin: RawOrigin; readonly larder: Running; readonly line: Line }> {
  const origin = await RawOrigin.start();
  const larder = await exactLarder(origin.url, particulars);
  running.push({ origin, larder });
  return { origin, larder, line: await Line.to(larder.url) };
}

afterEach(async () => {
  for (const { origin, larder } of running.splice(0)) {
    origin.stop();
    await larder.stop();
  }
}, 30_000);

const GET = message("GET /x HTTP/1.1", "Host: a");

test("a header section that does not come to its end is 408", async () => {
  const { line } = await started({ limits: { headMs: 300 } });
  const dripping = setInterval(() => line.send("X"), 50);
  line.send("GET / HTTP/1.1\r\nX-");
  const answer = await line.rest();
  clearInterval(dripping);
  expect(answer).toMatch(/^HTTP\/1\.1 408 [^]*connection: close/i);
}, 30_000);

test("a connection on which nothing comes is ended", async () => {
  const { line } = await started({ limits: { headMs: 300 } });
  await line.closed;
}, 30_000);

test("an idle connection is ended after the time that it is told", async () => {
  const { line, origin } = await started({ idleSeconds: 1 });
  line.send(GET);
  (await origin.asked("/x")).answer(message("HTTP/1.1 200 OK", "Content-Length: 0"));
  expect((await line.take("\r\n\r\n")).toLowerCase()).toContain("\r\nkeep-alive: timeout=1\r\n");
  await line.closed;
}, 30_000);

test("a client that waits for the origin is not idle", async () => {
  const { line, origin } = await started({ idleSeconds: 1 });
  line.send(GET);
  const asked = await origin.asked("/x");
  // What is idle meanwhile is ended: so long has this one waited, too.
  const idle = await Line.to(running[0]?.larder.url ?? "");
  idle.send(message("OPTIONS /x HTTP/1.1", "Host: a", "Max-Forwards: 0"));
  await idle.closed;
  asked.answer(`${message("HTTP/1.1 200 OK", "Content-Length: 4")}here`);
  expect(await line.take("here")).toStartWith("HTTP/1.1 200 ");
}, 30_000);

test("a client that stops reading is ended, and so is its request", async () => {
  const { line, origin } = await started({ idleSeconds: 1 });
  line.send(GET);
  const asked = await origin.asked("/x");
  asked.line.send(message("HTTP/1.1 200 OK", "Content-Length: 100000000", "Cache-Control: no-store"));
  line.pause();
  const pouring = setInterval(() => asked.line.send("x".repeat(100_000)), 5);
  await asked.line.closed;
  clearInterval(pouring);
}, 60_000);

test("a port that is taken is an error", async () => {
  const { larder, origin } = await started();
  const port = Number(new URL(larder.url).port);
  await expect(exactLarder(origin.url, { port })).rejects.toMatchObject({ code: "EADDRINUSE" });
});

test("an end lets what is under way finish, ends idle connections at once, and takes nothing new", async () => {
  const { larder, line, origin } = await started();
  line.send(GET);
  const asked = await origin.asked("/x");
  const idle = await Line.to(larder.url);
  idle.send(message("OPTIONS /x HTTP/1.1", "Host: a", "Max-Forwards: 0"));
  await idle.take("\r\n\r\n");
  asked.line.send(`${message("HTTP/1.1 200 OK", "Content-Length: 200000")}first`);
  await line.take("first");
  const ended = larder.stop();
  await idle.closed;
  await expect(fetch(larder.url)).rejects.toThrow();
  asked.answer(`${"x".repeat(199_990)}last!`);
  expect(await line.rest()).toEndWith("last!");
  await ended;
});

test("what is not over by then is cut off", async () => {
  const { larder, line, origin } = await started({ drainTimeout: 200 });
  line.send(GET);
  await origin.asked("/x");
  await larder.stop();
  expect(await line.rest()).toBe("");
});

test("a relayed connection ends with the server", async () => {
  const { larder, line, origin } = await started({ drainTimeout: 200 });
  line.send(message("GET /chat HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket"));
  const asked = await origin.asked("/chat");
  asked.line.send(message("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket"));
  await line.take("\r\n\r\n");
  await larder.stop();
  await Promise.all([line.closed, asked.line.closed]);
});
