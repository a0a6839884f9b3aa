// Answers: whom does a stored response cover when its origin fails, for how long, and who validates it meanwhile?
// Owns: the claims about stale on error and stale while revalidating (RFC 5861) under every fault, and the back-off.
// Leaves out: the arithmetic of staleness (`proxy-stale.test.ts`, `rfc9111/stale.test.ts`).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectReused, type Larder, withLarder } from "../larder-under-test.ts";
import type { Asked, FieldRecord } from "../scripted-origin.ts";
import { expectWhole, Rig, until, TEST_LIMIT_MS } from "./rig.ts";
import { cacheStatusIn } from "./stream-client.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const TAG = { ETag: '"1"', Connection: "close" };
const IF_ERROR = { ...TAG, "Cache-Control": "max-age=60, stale-if-error=30" };
const PLAIN = { ...TAG, "Cache-Control": "max-age=60" };

type Fail = (asked: Asked) => unknown;

/** What goes wrong, what Cache-Status calls it, and what a client gets where nothing covers it. */
const FAULTS: readonly (readonly [what: string, fail: Fail, detail: string, status: number])[] = [
  ["breaks off", (asked) => asked.breakOff(), "origin-unreachable", 502],
  ["resets", (asked) => asked.reset(), "origin-unreachable", 502],
  [
    "dies in the status line",
    (asked) => asked.send("HTTP/1").then(() => asked.breakOff()),
    "origin-unreachable",
    502,
  ],
  [
    "speaks no HTTP",
    (asked) => asked.send("SSH-2.0-OpenSSH\r\n\r\n").then(() => asked.end()),
    "origin-malformed",
    502,
  ],
  ["is silent", () => {}, "origin-timeout", 504],
  ["answers 500", (asked) => asked.reply({ status: 500, fields: TAG }), "origin-failed", 500],
  ["answers 502", (asked) => asked.reply({ status: 502, fields: TAG }), "origin-failed", 502],
  ["answers 503", (asked) => asked.reply({ status: 503, fields: TAG }), "origin-failed", 503],
  ["answers 504", (asked) => asked.reply({ status: 504, fields: TAG }), "origin-failed", 504],
];

/** `/a` is stored and so many seconds old; from now on the origin fails. */
async function stock(larder: Larder, fields: FieldRecord, age: number, fail: Fail): Promise<void> {
  larder.origin.script({ fields, body: "old" });
  expect((await larder.get("/a")).text).toBe("old");
  larder.pass(age);
  larder.origin.script(fail);
}

describe.each(FAULTS)("an origin that %s", (_, fail, detail, status) => {
  const particulars = { originTimeoutMs: 1000 };

  test.concurrent.each([
    ["stale-if-error of the response", IF_ERROR, { ...particulars }],
    ["the default", PLAIN, { ...particulars, staleIfError: 30 }],
  ])("is covered within %s, with the same bytes", async (_, fields, options) =>
    withLarder(async (larder) => {
      await stock(larder, fields, 85, fail);
      const replies = await Promise.all([1, 2, 3].map(() => larder.get("/a")));
      for (const reply of replies) {
        expect([reply.status, reply.text]).toEqual([200, "old"]);
        expect(reply.cacheStatus).toMatchObject({ fwd: "stale", detail, ttl: -25 });
      }
    }, options)(),
  );

  test.concurrent.each([
    ["stale-if-error is over", IF_ERROR, 95],
    ["must-revalidate", { ...TAG, "Cache-Control": "max-age=60, must-revalidate, stale-if-error=30" }, 85],
    ["proxy-revalidate", { ...TAG, "Cache-Control": "max-age=60, proxy-revalidate, stale-if-error=30" }, 85],
    ["no-cache", { ...TAG, "Cache-Control": "max-age=60, no-cache, stale-if-error=30" }, 85],
    ["s-maxage", { ...TAG, "Cache-Control": "s-maxage=60" }, 85],
    ["stale-if-error=0", { ...TAG, "Cache-Control": "max-age=60, stale-if-error=0" }, 85],
  ])("is not covered: %s", async (why, fields, age) =>
    withLarder(
      async (larder) => {
        await stock(larder, fields, age, fail);
        const reply = await larder.get("/a");
        expect(reply.text).not.toContain("old");
        // §5.2.2.2 what must be validated and cannot be is a 504, whatever hindered it; no-cache leaves it open.
        const isUnvalidated = detail !== "origin-failed" && /revalidate|no-cache|s-maxage/.test(why);
        expect(why === "no-cache" ? [status, 504] : [isUnvalidated ? 504 : status]).toContain(reply.status);
      },
      // Where the response says nothing itself the default is there, and must not count either.
      { ...particulars, staleIfError: why === "stale-if-error is over" ? 0 : 600 },
    )(),
  );
});

test.each([400, 401, 403, 404, 410, 429, 501])("a %i is an answer, and covered by nothing", async (status) =>
  withLarder(
    async (larder) => {
      await stock(larder, IF_ERROR, 85, (asked) => asked.reply({ status, fields: TAG, body: "no" }));
      const reply = await larder.get("/a");
      expect([reply.status, reply.text]).toEqual([status, "no"]);
    },
    { staleIfError: 600 },
  )(),
);

test(
  "a new response that dies in its body is not covered by mixing: the client sees no clean end of either",
  withLarder(async (larder) => {
    await stock(larder, IF_ERROR, 85, async (asked: Asked) => {
      await asked.head({ fields: { ...IF_ERROR, ETag: '"2"', "Content-Length": "100000" } });
      await asked.send("n".repeat(50_000));
      asked.breakOff();
    });
    const text = await larder.get("/a").then(
      (reply) => (reply.text === "old" ? "" : reply.text),
      () => "",
    );
    expect(text.includes("n")).toBe(false);
  }),
);

/** Stored, and stale at once. */
const AT_ONCE = { ETag: '"1"', "Cache-Control": "max-age=0" };

describe("--stale-while-revalidate", () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.start([
      "--stale-while-revalidate",
      "600s",
      "--breaker",
      "0",
      "--first-byte-timeout",
      "300ms",
    ]);
  });
  afterAll(() => rig.stop());

  /** The target is stored; from now on the origin does this. */
  async function stored(target: string, fields: FieldRecord, next: Fail | undefined): Promise<void> {
    rig.origin.on(target, { fields: { ...fields, Connection: "close" }, body: "old" });
    expectWhole(await rig.get(target), "old");
    rig.origin.on(target, next);
  }

  test.concurrent(
    "by default: twenty clients are served at once, and one validation is under way",
    async () => {
      await stored("/default", AT_ONCE, () => {});
      const replies = await Promise.all(Array.from({ length: 20 }, () => rig.get("/default")));
      for (const got of replies) {
        expectWhole(got, "old");
        expect(cacheStatusIn(got)).toMatchObject({ hit: true, detail: "while-revalidate" });
      }
      await until(() => rig.origin.requests("/default").length === 2, "validated");
      expect(rig.origin.requests("/default")[1]?.get("if-none-match")).toBe('"1"');
    },
  );

  test.concurrent("what the validation brings is what is served next", async () => {
    await stored("/next", AT_ONCE, (asked) =>
      asked.reply({ fields: { ...AT_ONCE, ETag: '"2"' }, body: "new" }),
    );
    await until(async () => (await rig.get("/next")).text === "new", "the new one");
  });

  test.concurrent.each([
    "max-age=0, must-revalidate",
    "max-age=0, proxy-revalidate",
    "no-cache, max-age=0",
    "s-maxage=0",
    "max-age=0, stale-while-revalidate=0",
  ])("is forbidden by %s: the client waits for the validation", async (directives) => {
    const target = `/forbidden/${directives.replaceAll(/\W+/g, "-")}`;
    const fields = { ETag: '"1"', "Cache-Control": directives };
    await stored(target, fields, (asked) => asked.reply({ fields: { ...fields, ETag: '"2"' }, body: "new" }));
    expectWhole(await rig.get(target), "new");
  });

  test.concurrent(
    "a validation that fails is tried again after 1 s, 2 s and 4 s, however many ask meanwhile; all are served",
    async () => {
      const failedMs: number[] = [];
      await stored("/failing", AT_ONCE, (asked) => {
        failedMs.push(performance.now());
        void asked.reply({ status: 503, fields: { Connection: "close" } });
      });
      const attempts = async (count: number): Promise<void> => {
        while (failedMs.length < count) {
          expectWhole(await rig.get("/failing"), "old");
          await Bun.sleep(10);
        }
      };
      await attempts(4);
      const apart = failedMs.slice(1).map((at, index) => at - (failedMs[index] ?? 0));
      // The clocks of two processes, and the rounding of timers.
      for (const [index, seconds] of [1, 2, 4].entries())
        expect(apart[index]).toBeGreaterThan(seconds * 1000 - 100);
      const uri = rig.uri("/failing");
      for (const [index, retryMs] of [1000, 2000, 4000].entries()) {
        const line = await rig.logged("revalidation-failed", { uri, failures: index + 1 });
        expect(line).toMatchObject({ retryMs });
      }
    },
    30_000,
  );

  test.concurrent.each(FAULTS.slice(0, 5))(
    "a validation whose origin %s is counted and told",
    async (what, fail) => {
      const target = `/counted/${what.replaceAll(" ", "-")}`;
      await stored(target, AT_ONCE, fail);
      expectWhole(await rig.get(target), "old");
      const line = await rig.logged("revalidation-failed", { uri: rig.uri(target), failures: 1 });
      expect(line).toMatchObject({ retryMs: 1000 });
      expectWhole(await rig.get(target), "old");
    },
  );

  test.concurrent("a success in between starts the count anew", async () => {
    const answers = [503, 304, 503];
    await stored("/anew", AT_ONCE, (asked) => {
      const status = answers.shift() ?? 304;
      return asked.reply({ status, fields: { ...(status === 304 && AT_ONCE), Connection: "close" } });
    });
    for (let left = 3; left > 0; left--) {
      while (answers.length >= left) {
        expectWhole(await rig.get("/anew"), "old");
        await Bun.sleep(10);
      }
    }
    await until(() => answers.length === 0, "three validations");
    const lines = await Promise.all(
      [1].map((failures) => rig.logged("revalidation-failed", { uri: rig.uri("/anew"), failures })),
    );
    expect(lines[0]).toMatchObject({ retryMs: 1000 });
    expectWhole(await rig.get("/anew"), "old");
  });
});

test(
  "RFC 5861 §3 one validation per key at a time: keys do not wait for each other",
  withLarder(async (larder) => {
    const fields = { ETag: '"1"', "Cache-Control": "max-age=60, stale-while-revalidate=600" };
    larder.origin.script({ fields: { ...fields, Connection: "close" }, body: "old" });
    for (const target of ["/a", "/b"]) await larder.get(target);
    larder.origin.script(undefined);
    larder.pass(70);
    for (const target of ["/a", "/b", "/a", "/b"]) expectReused(await larder.get(target));
    const asked = [await larder.origin.asked(), await larder.origin.asked()];
    expect(asked.map(({ target }) => target).sort()).toEqual(["/a", "/b"]);
    for (const one of asked) await one.reply({ status: 304, fields });
    await larder.until(() => larder.collapser.inFlight === 0, "validated");
    expect(larder.origin.requests.length).toBe(4);
  }),
);
