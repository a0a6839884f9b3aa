// Answers: can a port be claimed by one process at a time, and only while it is free?
// Owns: the claims about `lib/wire/claim-port.ts`, in one process: the kernel makes no difference.
// Leaves out: whole commands that start at the same time (`../workers/ending.test.ts`).
import { expect, test } from "bun:test";
import { claimPort } from "../../lib/wire/claim-port.ts";

const HOST = "127.0.0.1";

function listen(port: number, reusePort: boolean): Bun.Server<undefined> {
  return Bun.serve({
    port,
    hostname: HOST,
    reusePort,
    development: false,
    fetch: () => new Response("here"),
  });
}

test("any free port, which can be listened on afterwards", async () => {
  const { port, release } = await claimPort(HOST, 0);
  expect(port).toBeGreaterThan(0);
  const shared = [listen(port, true), listen(port, true)];
  for (const server of shared) await server.stop(true);
  release();
});

test.each([true, false])("a port on which somebody listens (shared: %p) is refused", async (isShared) => {
  const server = listen(0, isShared);
  const failure = claimPort(HOST, server.port ?? 0).then(
    () => "claimed",
    (error: NodeJS.ErrnoException) => error.code,
  );
  expect(await failure).toBe("EADDRINUSE");
  await server.stop(true);
});

test("who comes second waits for the first, and finds the port taken or free", async () => {
  for (const isTaken of [true, false]) {
    const first = await claimPort(HOST, 0);
    let isSettled = false;
    const second = claimPort(HOST, first.port).then(
      ({ release }) => (release(), "claimed"),
      (error: NodeJS.ErrnoException) => error.code,
    );
    void second.finally(() => (isSettled = true));
    await Bun.sleep(150);
    expect(isSettled).toBe(false);
    const server = isTaken ? listen(first.port, true) : undefined;
    first.release();
    expect(await second).toBe(isTaken ? "EADDRINUSE" : "claimed");
    await server?.stop(true);
  }
});
