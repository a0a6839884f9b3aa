// Answers: when is a stale response served, when not, and who validates it?
// Owns: the claims about §4.2.4, RFC 5861 and the request directives that concern staleness, through the engine.
// Leaves out: validations for which the client waits (`proxy-validation.test.ts`).
import { describe, expect, test } from "bun:test";
import {
  expectForwarded,
  expectReused,
  expectValidated,
  type Larder,
  withLarder,
} from "./larder-under-test.ts";
import type { Asked, FieldRecord } from "./scripted-origin.ts";

const TAG = { ETag: '"1"' };
const WHILE = { ...TAG, "Cache-Control": "max-age=60, stale-while-revalidate=30" };
const IF_ERROR = { ...TAG, "Cache-Control": "max-age=60, stale-if-error=30" };

/** `/a` is stored and `age` seconds old; afterwards the origin waits. */
async function stock(larder: Larder, fields: FieldRecord, age: number): Promise<void> {
  // Not to be used again: on a connection that was used before, `fetch` tries a request a second time.
  larder.origin.script({ fields: { ...fields, Connection: "close" }, body: "old" });
  await larder.get("/a");
  larder.origin.script(undefined);
  larder.origin.requests.length = 0;
  larder.pass(age);
}

describe("RFC 5861 §3 stale-while-revalidate", () => {
  test(
    "many clients get the stale response at once, and it is validated once, in the background",
    withLarder(async (larder) => {
      await stock(larder, WHILE, 70);
      for (const reply of await Promise.all(Array.from({ length: 20 }, () => larder.get("/a")))) {
        expectReused(reply);
        expect(reply.cacheStatus).toMatchObject({ ttl: -10, detail: "while-revalidate" });
        expect([reply.text, reply.fields.get("age")]).toEqual(["old", "70"]);
      }
      const asked = await larder.origin.asked();
      expect(asked.get("if-none-match")).toBe('"1"');
      expectReused(await larder.get("/a"));
      await asked.reply({ status: 304, fields: WHILE });
      await larder.until(() => larder.collapser.inFlight === 0, "validated");
      const fresh = await larder.get("/a");
      expect([fresh.cacheStatus["ttl"], fresh.fields.get("age")]).toEqual([60, "0"]);
      expect(larder.origin.requests.length).toBe(1);
      const background = larder.answered.filter((event) => event.background);
      expect(background.map(({ report }) => report.word)).toEqual(["VALIDATED"]);
    }),
  );

  test(
    "what the origin has changed meanwhile is stored in the background, large bodies too",
    withLarder(async (larder) => {
      await stock(larder, WHILE, 70);
      expect((await larder.get("/a")).text).toBe("old");
      const body = "new".repeat(100_000);
      await (await larder.origin.asked()).reply({ fields: { ...WHILE, ETag: '"2"' }, body });
      await larder.until(() => larder.collapser.inFlight === 0, "stored");
      const reply = await larder.get("/a");
      expectReused(reply);
      expect(reply.text === body).toBe(true);
    }),
  );

  test(
    "the validation in the background carries nothing of the client's own conditions",
    withLarder(async (larder) => {
      await stock(larder, WHILE, 70);
      const fields = { Range: "bytes=0-0", "If-Modified-Since": "Sat, 01 Jan 2028 00:00:00 GMT" };
      expect((await larder.get("/a", { ...fields, "If-None-Match": '"x"' })).text).toBe("o");
      const asked = await larder.origin.asked();
      const names = ["range", "if-modified-since", "cache-control", "if-none-match"];
      expect([asked.method, ...names.map((name) => asked.get(name))]).toEqual([
        "GET",
        ...[undefined, undefined, undefined, '"1"'],
      ]);
      await asked.reply({ status: 304, fields: WHILE });
    }),
  );

  test(
    "for HEAD it is validated with GET",
    withLarder(async (larder) => {
      await stock(larder, WHILE, 70);
      expectReused(await larder.ask("HEAD", "/a"));
      const asked = await larder.origin.asked();
      expect(asked.method).toBe("GET");
      await asked.reply({ status: 304, fields: WHILE });
    }),
  );

  test(
    "a validation in the background that fails leaves the stale response, and the next request tries again",
    withLarder(async (larder) => {
      await stock(larder, WHILE, 70);
      for (const _ of ["once", "again"]) {
        expectReused(await larder.get("/a"));
        (await larder.origin.asked()).breakOff();
        await larder.until(() => larder.collapser.inFlight === 0, "failed");
      }
      expect(larder.store.stats().responses).toBe(1);
    }),
  );

  test(
    "a response that is not for all is neither shared nor stored, and its body is not fetched to the end",
    withLarder(async (larder) => {
      await stock(larder, WHILE, 70);
      expectReused(await larder.get("/a"));
      const asked = await larder.origin.asked();
      await asked.head({ fields: { "Cache-Control": "private" } });
      await asked.chunk("x");
      await asked.closed;
      expect(larder.store.stats().responses).toBe(0);
    }),
  );

  test(
    "after its seconds the client waits for the validation",
    withLarder(async (larder) => {
      await stock(larder, WHILE, 90);
      const reply = larder.get("/a");
      await (await larder.origin.asked()).reply({ status: 304, fields: WHILE });
      expectValidated(await reply);
    }),
  );

  test.each(["must-revalidate", "proxy-revalidate", "s-maxage=60", "no-cache"])(
    "§4.2.4 not with %s",
    async (directive) =>
      withLarder(async (larder) => {
        await stock(larder, { ...TAG, "Cache-Control": `${WHILE["Cache-Control"]}, ${directive}` }, 70);
        const reply = larder.get("/a");
        await (await larder.origin.asked()).reply({ status: 304, fields: WHILE });
        expectValidated(await reply);
      })(),
  );
});

const FAILURES: readonly (readonly [what: string, fail: (asked: Asked) => unknown, detail: string])[] = [
  ["breaks the connection off", (asked) => asked.breakOff(), "origin-unreachable"],
  ["sends no header section in time", () => {}, "origin-timeout"],
  ["sends no HTTP", (asked) => asked.send("SSH-2.0-OpenSSH\r\n\r\n"), "origin-malformed"],
  ...([500, 502, 503, 504] as const).map(
    (status) =>
      [
        `answers ${status}`,
        (asked: Asked) => asked.reply({ status, body: "down" }),
        "origin-failed",
      ] as const,
  ),
];

describe("RFC 5861 §4 stale-if-error", () => {
  const brief = { originTimeoutMs: 100 };

  test.each(FAILURES)("is served where the origin %s", async (_, fail, detail) =>
    withLarder(async (larder) => {
      await stock(larder, IF_ERROR, 70);
      larder.origin.script(fail);
      for (const reply of await Promise.all([1, 2, 3].map(() => larder.get("/a")))) {
        expect([reply.status, reply.text, reply.fields.get("age")]).toEqual([200, "old", "70"]);
        expect(reply.cacheStatus).toMatchObject({ fwd: "stale", ttl: -10, detail });
      }
      // A connection that breaks is tried once more, for all three together.
      expect(larder.origin.requests.length).toBe(detail === "origin-unreachable" ? 2 : 1);
      expect(larder.answered.at(-1)?.report.word).toBe("STALE");
    }, brief)(),
  );

  test(
    "is served where the connection is refused",
    withLarder(async (larder) => {
      await stock(larder, IF_ERROR, 70);
      larder.origin.stop();
      const reply = await larder.get("/a");
      expect([reply.status, reply.text, reply.cacheStatus["detail"]]).toEqual([
        200,
        "old",
        "origin-unreachable",
      ]);
    }),
  );

  test.each([
    ["its seconds are over", IF_ERROR, 90],
    ["it has none and --stale-if-error is 0", { ...TAG, "Cache-Control": "max-age=60" }, 70],
  ])("is not served where %s", async (_, fields, age) =>
    withLarder(async (larder) => {
      await stock(larder, fields, age);
      larder.origin.script((asked) => asked.reply({ status: 503, body: "down" }));
      const reply = await larder.get("/a");
      expectForwarded(reply, "stale");
      expect([reply.status, reply.text]).toEqual([503, "down"]);
    })(),
  );

  test(
    "--stale-if-error covers responses that say nothing",
    withLarder(
      async (larder) => {
        await stock(larder, { ...TAG, "Cache-Control": "max-age=60" }, 70);
        larder.origin.script((asked) => asked.breakOff());
        expect((await larder.get("/a")).text).toBe("old");
        larder.pass(100);
        expect((await larder.get("/a")).status).toBe(502);
      },
      { staleIfError: 100 },
    ),
  );

  test.each(["must-revalidate", "proxy-revalidate", "s-maxage=60", "no-cache"])(
    "§4.2.4, §5.2.2.2 not with %s: 504 where there is no answer, the origin's where there is one",
    async (directive) =>
      withLarder(async (larder) => {
        await stock(larder, { ...TAG, "Cache-Control": `${IF_ERROR["Cache-Control"]}, ${directive}` }, 70);
        larder.origin.script((asked) => asked.breakOff());
        expect((await larder.get("/a")).status).toBe(504);
        larder.origin.script((asked) => asked.reply({ status: 503, body: "down" }));
        expect([(await larder.get("/a")).status, (await larder.get("/a")).text]).toEqual([503, "down"]);
      })(),
  );

  test(
    "§4.4 not what an unsafe request made invalid meanwhile",
    withLarder(async (larder) => {
      await stock(larder, IF_ERROR, 70);
      const replying = larder.get("/a");
      const asked = await larder.origin.asked();
      const posted = larder.ask("POST", "/a");
      await (await larder.origin.asked()).reply();
      await posted;
      await asked.reply({ status: 503, body: "down" });
      expect((await replying).text).not.toBe("old");
    }),
  );

  test(
    "also where another request has freshened it meanwhile",
    withLarder(async (larder) => {
      await stock(larder, IF_ERROR, 70);
      const replies = [1, 2].map(() => larder.get("/a", { "Cache-Control": "no-cache" }));
      const [one, other] = [await larder.origin.asked(), await larder.origin.asked()];
      await one.reply({ status: 304, fields: IF_ERROR });
      expectValidated(await Promise.race(replies));
      await other.reply({ status: 503, body: "down" });
      expect((await Promise.all(replies)).map(({ text }) => text)).toEqual(["old", "old"]);
    }),
  );

  test(
    "what the client gets can be asked for on a condition or in part",
    withLarder(async (larder) => {
      await stock(larder, IF_ERROR, 70);
      larder.origin.script((asked) => asked.breakOff());
      expect((await larder.get("/a", { "If-None-Match": '"1"' })).status).toBe(304);
      const part = await larder.get("/a", { Range: "bytes=1-" });
      expect([part.status, part.text]).toEqual([206, "ld"]);
    }),
  );
});

describe("§5.2.1 what a client says about staleness", () => {
  test.each([
    ["max-stale", 70, "hit"],
    ["max-stale=10", 70, "hit"],
    ["max-stale=9", 70, "validated"],
    ["max-age=20", 20, "hit"],
    ["max-age=20", 21, "validated"],
    ["min-fresh=10", 50, "hit"],
    ["min-fresh=10", 51, "validated"],
    ["no-cache", 0, "validated"],
  ])("%s at age %i: %s", async (directive, age, expected) =>
    withLarder(async (larder) => {
      await stock(larder, { ...TAG, "Cache-Control": "max-age=60" }, age);
      larder.origin.script({ status: 304, fields: { ...TAG, "Cache-Control": "max-age=60" } });
      const reply = await larder.get("/a", { "Cache-Control": directive });
      if (expected === "hit") expectReused(reply);
      else expectValidated(reply, age < 60 ? "request" : "stale");
      expect(reply.text).toBe("old");
    })(),
  );

  test(
    "§5.2.1.7 only-if-cached is answered from the store or 504, and the origin is not asked",
    withLarder(async (larder) => {
      await stock(larder, IF_ERROR, 10);
      expectReused(await larder.get("/a", { "Cache-Control": "only-if-cached" }));
      larder.pass(60);
      for (const target of ["/a", "/b"]) {
        const reply = await larder.get(target, { "Cache-Control": "only-if-cached" });
        expect([reply.status, reply.cacheStatus]).toEqual([504, { detail: "only-if-cached" }]);
        expect(larder.answered.at(-1)?.report.word).toBe("REFUSED");
      }
      expect(larder.origin.requests.length).toBe(0);
    }),
  );
});
