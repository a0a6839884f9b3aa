// Answers: how do clients reach an app through `Bun.serve`?
// Owns: the claims about `lib/wire/serve-bun.ts`: the port, the address, what the app is told, the graceful stop.
// Leaves out: what the app answers (`cache-app.test.ts`), Requests and Responses (`web-message.test.ts`).
import { expect, test } from "bun:test";
import { connect, createServer } from "node:net";
import { plainAddress, serveBun, type App } from "../../lib/wire/serve-bun.ts";

const ANYWHERE = { port: 0, host: "127.0.0.1" };
const app = (fetch: App["fetch"]): App => ({ fetch });

test("it listens on the port that its URL names", async () => {
  const server = serveBun(
    app(() => new Response("tea")),
    ANYWHERE,
  );
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  expect(await (await fetch(server.url)).text()).toBe("tea");
  await server.stop();
});

test("an IPv6 address is written in brackets", async () => {
  if (!(await hasIpv6())) return;
  const server = serveBun(
    app(() => new Response("tea")),
    { port: 0, host: "::1" },
  );
  expect(server.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
  await server.stop();
});

test("a port that is taken is an error, also where another Larder has it: it is never shared", async () => {
  const server = serveBun(
    app(() => new Response("first")),
    ANYWHERE,
  );
  const port = Number(new URL(server.url).port);
  expect(() =>
    serveBun(
      app(() => new Response("second")),
      { ...ANYWHERE, port },
    ),
  ).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
  await server.stop();
});

test("the app is told the client's address, and may say that the answer takes its time", async () => {
  const addresses: (string | undefined)[] = [];
  const server = serveBun(
    app((request, environment) => {
      addresses.push(environment.clientAddress(request));
      environment.waits(request);
      environment.isAnswered(request);
      return new Response("tea");
    }),
    ANYWHERE,
  );
  await fetch(server.url);
  expect(addresses).toEqual(["127.0.0.1"]);
  await server.stop();
});

test("a client that stops reading is cut off, also after an answer that took its time", async () => {
  const cutOff = Promise.withResolvers<void>();
  const endless = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      // A turn of the event loop between chunks, so that back-pressure is felt.
      pull: (controller) => Bun.sleep(0).then(() => controller.enqueue(new Uint8Array(1_000_000))),
      cancel: () => cutOff.resolve(),
    });
  const server = serveBun(
    app((request, environment) => {
      environment.waits(request);
      environment.isAnswered(request);
      return new Response(endless());
    }),
    { ...ANYWHERE, idleSeconds: 1 },
  );
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1", () => {
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    socket.pause();
  });
  socket.on("error", () => {});
  await cutOff.promise;
  socket.destroy();
  await server.stop();
}, 60_000);

test("RFC 9112 §9.6 while it stops, each answer says that it is the last one of its connection", async () => {
  const gate = Promise.withResolvers<void>();
  const server = serveBun(
    app(({ url }) =>
      url.endsWith("/slow") ? gate.promise.then(() => new Response("tea")) : new Response("now"),
    ),
    { ...ANYWHERE, noticeMs: 300 },
  );
  const connectionOf = async (path: string): Promise<string | null> =>
    (await fetch(server.url + path)).headers.get("connection");
  expect(await connectionOf("/now")).not.toBe("close");
  const slow = connectionOf("/slow");
  await Bun.sleep(20);
  const stopped = server.stop();
  const during = connectionOf("/now");
  gate.resolve();
  expect([await slow, await during]).toEqual(["close", "close"]);
  await stopped;
});

test("stop lets a response in flight end, streams included, and takes no new request", async () => {
  const [arrived, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const server = serveBun(
    app(() => {
      let pulls = 0;
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          if (pulls++ === 0) return controller.enqueue(new Uint8Array([65]));
          arrived.resolve();
          await go.promise;
          controller.enqueue(new Uint8Array([66]));
          controller.close();
        },
      });
      return new Response(body);
    }),
    ANYWHERE,
  );
  const response = await fetch(server.url);
  await arrived.promise;
  const stopped = server.stop();
  await expect(fetch(server.url)).rejects.toThrow();
  go.resolve();
  expect(await response.text()).toBe("AB");
  await stopped;
});

function hasIpv6(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(0, "::1", () => server.close(() => resolve(true)));
  });
}

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::1", "::1"],
  ["2001:db8::ffff:1", "2001:db8::ffff:1"],
  [undefined, undefined],
])("the address %s is %s to the origin", (address, plain) => {
  expect(plainAddress(address)).toBe(plain);
});
