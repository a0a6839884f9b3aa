// Answers: is a request lost when Larder is told to stop?
// Owns: the claims about SIGTERM and SIGINT while requests are under way, --drain-timeout, the second signal.
// Leaves out: how an idle process starts and ends (`command.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Rig, expectWhole, FRESH, NO_STORE, numbered, until, withRig, TEST_LIMIT_MS } from "./rig.ts";
import { get, StreamClient } from "./stream-client.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const WHOLE = numbered(30);
const LARGE = numbered(500_000);

/** A new connection is refused. */
function isRefused(rig: Rig): Promise<boolean> {
  return StreamClient.open(rig.url, "/new").then(
    (client) => (client.leave(), false),
    () => true,
  );
}

/** Told to stop, and nobody new gets in any more. */
async function draining(
  rig: Rig,
  signal: "SIGTERM" | "SIGINT" = "SIGTERM",
): Promise<{ readonly ended: Promise<number> }> {
  const ended = rig.process.stop(signal);
  await until(() => isRefused(rig), "new connections are refused");
  return { ended };
}

describe.each(["SIGTERM", "SIGINT"] as const)("%s finishes what is under way, and ends with 0", (signal) => {
  test.concurrent(
    "a miss that waits for the origin, its followers included",
    withRig(async (rig) => {
      const clients = [await rig.open("/slow")];
      const asked = await rig.origin.asked("/slow");
      for (const _ of [1, 2, 3]) clients.push(await rig.open("/slow"));
      const hits = await rig.get("/warm", { fields: { "Cache-Control": "only-if-cached" } });
      expect(hits.status).toBe(504);
      const { ended } = await draining(rig, signal);
      await asked.reply({ fields: FRESH, body: WHOLE });
      for (const client of clients) expectWhole(await client.rest(), WHOLE);
      expect(await ended).toBe(0);
    }),
  );

  test.concurrent(
    "a body that streams, to a reader that is slow",
    withRig(async (rig) => {
      const client = await rig.open("/stream");
      const asked = await rig.origin.asked("/stream");
      await asked.head({ fields: NO_STORE });
      await asked.chunk(LARGE.slice(0, 100_000));
      expect(await client.read(10)).toBe(LARGE.slice(0, 10));
      const { ended } = await draining(rig, signal);
      await asked.chunk(LARGE.slice(100_000));
      await asked.lastChunk();
      const { text, complete } = await client.rest();
      expect([text === LARGE.slice(10), complete]).toEqual([true, true]);
      expect(await ended).toBe(0);
    }),
  );

  test.concurrent(
    "an upload of which half is there",
    withRig(async (rig) => {
      rig.origin.on("/upload", (asked) => asked.reply({ body: `got ${asked.body.length}` }));
      const fields = { "Content-Length": String(LARGE.length) };
      const client = await rig.open("/upload", { method: "PUT", fields, body: LARGE.slice(0, 200_000) });
      // By the time that this is answered, the process has read the head of the upload.
      for (const _ of [1, 2, 3]) await rig.get("/warm", { fields: { "Cache-Control": "only-if-cached" } });
      const { ended } = await draining(rig, signal);
      client.send(LARGE.slice(200_000));
      expectWhole(await client.rest(), `got ${LARGE.length}`);
      expect(rig.origin.requests("/upload").map(({ body }) => body === LARGE)).toEqual([true]);
      expect(await ended).toBe(0);
    }),
  );
});

describe("a stop", () => {
  test.concurrent(
    "with 50 requests under way loses none",
    withRig(async (rig) => {
      const clients = await Promise.all(Array.from({ length: 50 }, (_, at) => rig.open(`/${at}`)));
      const asked = await Promise.all(clients.map((_, at) => rig.origin.asked(`/${at}`)));
      const { ended } = await draining(rig);
      await Promise.all(asked.map((one) => one.reply({ fields: NO_STORE, body: one.target })));
      for (const [at, client] of clients.entries()) expectWhole(await client.rest(), `/${at}`);
      expect(await ended).toBe(0);
    }),
  );

  test.concurrent(
    "is not held up by connections on which nothing is under way",
    withRig(
      async (rig) => {
        rig.origin.on("/a", { fields: FRESH, body: WHOLE });
        const idle = await rig.open("/a");
        expect(await idle.read(WHOLE.length)).toBe(WHOLE);
        const beganMs = performance.now();
        expect(await rig.process.stop()).toBe(0);
        expect(performance.now() - beganMs).toBeLessThan(5000);
        await idle.closed;
      },
      ["--drain-timeout", "60s"],
    ),
  );

  test.concurrent(
    "of what takes longer than --drain-timeout cuts it off, with no clean end, and ends",
    withRig(
      async (rig) => {
        const waiting = await rig.open("/waiting");
        await rig.origin.asked("/waiting");
        const reading = await rig.open("/reading");
        const asked = await rig.origin.asked("/reading");
        await asked.head({ fields: { ...FRESH, "Content-Length": String(WHOLE.length) } });
        await asked.send(WHOLE.slice(0, 10));
        expect(await reading.read(10)).toBe(WHOLE.slice(0, 10));
        const ended = rig.process.stop();
        expect(await reading.rest()).toMatchObject({ text: "", complete: false });
        const got = await waiting.rest();
        expect(got.status === 200 && got.complete).toBe(false);
        expect([0, 1]).toContain(await ended);
      },
      ["--drain-timeout", "500ms"],
    ),
  );

  test.concurrent.each(["SIGTERM", "SIGINT"] as const)(
    "and a second signal (%s) ends it at once, with 1",
    async (second) =>
      withRig(
        async (rig) => {
          const client = await rig.open("/slow");
          await rig.origin.asked("/slow");
          const { ended } = await draining(rig);
          expect(await rig.process.stop(second)).toBe(1);
          expect(await ended).toBe(1);
          expect((await client.rest()).complete).toBe(false);
        },
        ["--drain-timeout", "60s"],
      )(),
  );

  test.concurrent(
    "while clients come and go: what was accepted is answered, whole",
    withRig(async (rig) => {
      rig.origin.on("*", async (asked) => {
        await Bun.sleep(5);
        await asked.reply({ fields: NO_STORE, body: asked.target });
      });
      let answered = 0;
      const clients = Array.from({ length: 10 }, async (_, client) => {
        for (let at = 0; ; at++) {
          const target = `/${client}/${at}`;
          const got = await get(rig.url, target, { fields: { Connection: "close" } }).catch(() => undefined);
          // Refused, or reset before it was accepted: it has never been at the origin.
          if (got === undefined || got.status === 0) return rig.origin.requests(target).length;
          expectWhole(got, target);
          answered++;
        }
      });
      await until(() => answered > 50, "under way");
      expect(await rig.process.stop()).toBe(0);
      expect(await Promise.all(clients)).toEqual(Array.from({ length: 10 }, () => 0));
    }),
  );
});
