// Answers: is a cold key fetched once by all workers together, and does that look like one cache?
// Owns: the claims about what goes to the owner of a key and what comes back, with real processes.
// Leaves out: invalidation (`invalidation.test.ts`), workers that end (`replacement.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { LIVE_SHARE } from "../../lib/heap-bound.ts";
import { randomBytes } from "node:crypto";
import { type Connection, type Crew, TEST_LIMIT_MS, until, withCrew, wholeOf } from "./crew.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const FRESH = { "Cache-Control": "max-age=60" };

/** Two connections: to the owner of a new target, and to the other worker. */
async function pair(crew: Crew, name = "/"): Promise<[target: string, owner: Connection, other: Connection]> {
  return [crew.targetOf(0, name), await crew.to(0), await crew.to(1)];
}

describe("a cold key", () => {
  test(
    "that is asked for through 100 connections is fetched once, and all get the same bytes",
    withCrew(3, async (crew) => {
      const bytes = randomBytes(300_000);
      const targets = [0, 1, 2].map((slot) => crew.targetOf(slot, "/cold"));
      crew.origin.on("*", async (asked) => {
        await Bun.sleep(50);
        await asked.reply({ fields: FRESH, body: bytes });
      });
      const connections = await Promise.all(Array.from({ length: 100 }, (_, at) => crew.to(at % 3)));
      const asked = connections.flatMap((one) => targets.map((target) => one.ask(target)));
      for (const { bytes: got, complete } of await Promise.all(asked))
        expect([got.equals(bytes), complete]).toEqual([true, true]);
      for (const target of targets) {
        expect(crew.origin.requests(target)).toHaveLength(1);
        expect(new Set(crew.answered(target).map(({ worker }) => worker))).toEqual(new Set([0, 1, 2]));
      }
      expect((await crew.supervisor.stats()).store.responses).toBe(9);
    }),
  );

  test(
    "is a hit in every worker once each has had it, without asking the owner again",
    withCrew(2, async (crew) => {
      const [target, owner, other] = await pair(crew);
      crew.origin.on(target, { fields: FRESH, body: "tea" });
      expect((await owner.ask(target)).cacheStatus).toMatchObject({ fwd: "uri-miss", stored: true });
      const first = await other.ask(target);
      expect([first.bytes.toString(), first.cacheStatus["hit"], first.cacheStatus["fwd"]]).toEqual([
        "tea",
        true,
        undefined,
      ]);
      await until(async () => (await crew.supervisor.stats()).store.responses === 2, "both have it");
      for (const one of [owner, other, other])
        expect((await one.ask(target)).cacheStatus).toMatchObject({ hit: true });
      expect((await crew.supervisor.stats()).owners).toEqual({ asked: 1, away: 0 });
      expect(crew.origin.requests(target)).toHaveLength(1);
    }),
  );

  test(
    "one line of the log for each request, whoever decided it",
    withCrew(2, async (crew) => {
      const [target, owner, other] = await pair(crew);
      crew.origin.on(target, { fields: FRESH, body: "tea" });
      await other.ask(target);
      await owner.ask(target);
      await until(() => crew.answered(target).length >= 2, "two lines");
      const words = crew.answered(target).map(({ worker, report }) => [worker, report?.["word"]]);
      expect(words.sort()).toEqual([
        [0, "HIT"],
        [1, "MISS"],
      ]);
    }),
  );
});

describe("through two workers it looks like one cache:", () => {
  test(
    "one Via, one Cache-Status, Age and Date as they are, the client's address to the origin once",
    withCrew(2, async (crew) => {
      const [target, , other] = await pair(crew);
      const date = new Date(Date.now() - 30_000).toUTCString();
      const fields = {
        ...FRESH,
        Date: date,
        Age: "7",
        Via: "1.0 far",
        "Cache-Status": "far; hit",
        "X-Odd": "a\xe9b",
      };
      crew.origin.on(target, { fields: { ...fields, "Set-Cookie": ["a=1", "b=2"] }, body: "tea" });
      const got = await other.ask(target, { fields: { "X-Forwarded-For": "192.0.2.9" } });
      expect(got.fields.get("via")).toBe("1.0 far, 1.1 larder");
      expect(got.fields.get("cache-status")).toMatch(
        /^far; hit, larder; fwd=uri-miss; fwd-status=200; stored; ttl=\d+$/,
      );
      expect([got.fields.get("date"), got.fields.get("x-odd")]).toEqual([date, "a\xe9b"]);
      expect(got.fields.getSetCookie()).toEqual(["a=1", "b=2"]);
      const [asked] = crew.origin.requests(target);
      expect(asked?.get("x-forwarded-for")).toBe("192.0.2.9, 127.0.0.1");
      expect(asked?.get("via")).toBe("1.1 larder");
      expect(asked?.get("cdn-loop")).toMatch(/^larder-[0-9a-f]{8}$/);
      expect(asked?.get("host")).toBe("larder.test");
      const again = await other.ask(target);
      expect(Number(again.fields.get("age"))).toBeGreaterThanOrEqual(30);
      expect([again.fields.get("via"), again.fields.get("date")]).toEqual(["1.0 far, 1.1 larder", date]);
      expect(again.fields.get("cache-status")).toMatch(/^far; hit, larder; hit; ttl=(?:2\d|30)$/);
    }),
  );

  test(
    "a request that comes back through another worker is a loop: 508",
    withCrew(2, async (crew) => {
      const [target, owner, other] = await pair(crew);
      for (const first of [other, owner]) {
        const path = `${target}-${first === owner}`;
        const statuses: number[] = [];
        crew.origin.on(path, async (asked) => {
          const fields = { "CDN-Loop": asked.get("cdn-loop") ?? "" };
          for (const next of await crew.toAll()) statuses.push((await next.ask(path, { fields })).status);
          await asked.reply({ body: "out" });
        });
        await first.ask(path);
        expect(statuses).toEqual([508, 508]);
      }
    }),
  );

  test(
    "conditions and ranges of a client are answered once, and the whole is stored in both",
    withCrew(2, async (crew) => {
      const [target, , other] = await pair(crew);
      crew.origin.on(target, { fields: { ...FRESH, ETag: '"1"' }, body: "0123456789" });
      const notModified = await other.ask(target, { fields: { "If-None-Match": '"1"' } });
      expect([notModified.status, notModified.bytes.length]).toEqual([304, 0]);
      expect(crew.origin.requests(target)[0]?.get("if-none-match")).toBeUndefined();
      await until(async () => (await crew.supervisor.stats()).store.responses === 2, "both have it");
      const part = await other.ask(target, { fields: { Range: "bytes=2-4" } });
      expect([part.status, part.bytes.toString(), part.cacheStatus["hit"]]).toEqual([206, "234", true]);
      expect(crew.origin.requests(target)).toHaveLength(1);
    }),
  );

  test.each([
    ["bytes=2-4", 206, "234"],
    ["bytes=20-", 416, ""],
  ])("a range (%s) that only the owner can answer", (range, status, text) =>
    withCrew(2, async (crew) => {
      const [target, owner, other] = await pair(crew);
      crew.origin.on(target, { fields: { ...FRESH, ETag: '"1"' }, body: "0123456789" });
      await owner.ask(target);
      const part = await other.ask(target, { fields: { Range: range } });
      expect([part.status, part.bytes.toString(), part.cacheStatus["hit"]]).toEqual([status, text, true]);
      // The key is not taken for one that cannot be shared.
      const whole = await other.ask(target);
      expect([whole.status, whole.bytes.toString()]).toEqual([200, "0123456789"]);
      expect(crew.origin.requests(target)).toHaveLength(1);
    })(),
  );

  test(
    "what is stale in both is validated with the origin once",
    withCrew(2, async (crew) => {
      const [target, owner, other] = await pair(crew);
      // An origin's Date may be of the second before: with 1 it could be stale on arrival, and not be collapsed for a while.
      let lifetime = 2;
      crew.origin.on(target, (asked) => {
        const fields = { "Cache-Control": `max-age=${lifetime}`, ETag: '"1"' };
        const isSame = asked.get("if-none-match") === '"1"';
        return asked.reply(isSame ? { status: 304, fields } : { fields, body: "tea" });
      });
      for (const one of [other, owner]) expect((await one.ask(target)).bytes.toString()).toBe("tea");
      lifetime = 600;
      await Bun.sleep(3100);
      const before = crew.origin.requests(target).length;
      const [validated, ...hits] = [
        await other.ask(target),
        await other.ask(target),
        await owner.ask(target),
      ];
      expect(validated?.cacheStatus).toMatchObject({ fwd: "stale", "fwd-status": 304 });
      for (const { cacheStatus, bytes } of hits)
        expect([cacheStatus["hit"], bytes.toString()]).toEqual([true, "tea"]);
      expect(crew.origin.requests(target)).toHaveLength(before + 1);
    }),
  );

  test(
    "variants: each is fetched once",
    withCrew(2, async (crew) => {
      const [target, owner, other] = await pair(crew);
      crew.origin.on(target, (asked) =>
        asked.reply({
          fields: { ...FRESH, Vary: "Accept-Language" },
          body: asked.get("accept-language") ?? "",
        }),
      );
      for (const one of [other, owner, other]) {
        for (const language of ["de", "fr"]) {
          const got = await one.ask(target, { fields: { "Accept-Language": language } });
          expect(got.bytes.toString()).toBe(language);
        }
      }
      expect(crew.origin.requests(target)).toHaveLength(2);
    }),
  );

  test(
    "what is not for all goes to the origin from each worker, and is nobody else's",
    withCrew(2, async (crew) => {
      const [target, owner, other] = await pair(crew);
      crew.origin.on("*", (asked) =>
        asked.reply({ fields: { "Cache-Control": "private, max-age=60" }, body: asked.get("cookie") ?? "" }),
      );
      const ask = async (one: Connection, cookie: string): Promise<void> => {
        const got = await one.ask(target, { fields: { Cookie: cookie } });
        expect([got.bytes.toString(), got.cacheStatus["detail"]]).toEqual([cookie, "private"]);
      };
      await Promise.all(Array.from({ length: 20 }, (_, at) => ask(at % 2 === 0 ? owner : other, `c=${at}`)));
      // The key is known by now: nobody is asked in between.
      const { owners } = await crew.supervisor.stats();
      await ask(other, "c=last");
      expect((await crew.supervisor.stats()).owners).toEqual(owners);
    }),
  );

  test(
    "an origin that fails is asked no more often than by one process, and the page names it",
    withCrew(2, async (crew) => {
      const [target, , other] = await pair(crew);
      crew.origin.on(target, (asked) => asked.breakOff());
      const got = await other.ask(target);
      expect([got.status, got.cacheStatus["fwd"], got.cacheStatus["detail"]]).toEqual([
        502,
        "uri-miss",
        "origin-unreachable",
      ]);
      expect(got.bytes.toString()).toContain(crew.origin.url);
      // Larder tries once more, and fetch itself once where a kept connection was closed.
      expect(crew.origin.requests(target).length).toBeLessThanOrEqual(3);
      expect((await crew.supervisor.stats()).owners).toEqual({ asked: 1, away: 0 });
    }),
  );

  test(
    "what is stale in both covers a failing origin, and the owner goes on being asked",
    withCrew(2, async (crew) => {
      const [target, owner, other] = await pair(crew);
      crew.origin.on(target, { fields: { "Cache-Control": "max-age=1", ETag: '"1"' }, body: "tea" });
      for (const one of [owner, other]) await one.ask(target);
      await Bun.sleep(2100);
      crew.origin.on(target, (asked) => asked.breakOff());
      for (let time = 2; time < 5; time++) {
        const got = await other.ask(target);
        expect([got.status, got.bytes.toString()]).toEqual([200, "tea"]);
        expect(got.cacheStatus).toMatchObject({ fwd: "stale", detail: "origin-unreachable" });
        expect((await crew.supervisor.stats()).owners).toEqual({ asked: time, away: 0 });
      }
    }),
  );

  test(
    "what the owner serves while it validates is for all who ask for it at the same time",
    withCrew(2, async (crew) => {
      const [target, owner, other] = await pair(crew);
      const fields = { "Cache-Control": "max-age=1, stale-while-revalidate=600", ETag: '"1"' };
      crew.origin.on(target, { fields, body: "tea" });
      await owner.ask(target);
      await Bun.sleep(2100);
      // From now on the origin leaves everybody waiting.
      crew.origin.on(target, () => {});
      const many = await Promise.all(Array.from({ length: 10 }, () => crew.to(1)));
      for (const got of await Promise.all([other, ...many].map((one) => one.ask(target)))) {
        expect([got.status, got.bytes.toString()]).toEqual([200, "tea"]);
        expect(got.cacheStatus).toMatchObject({ hit: true, detail: "while-revalidate" });
      }
      expect(crew.origin.requests(target).length).toBeLessThanOrEqual(2);
    }),
  );

  test(
    "a client that has a page fetched anew changes it in all workers",
    withCrew(3, async (crew) => {
      const all = await crew.toAll();
      for (const [slot, one] of all.entries()) {
        const target = crew.targetOf(0, `/anew-${slot}`);
        crew.origin.on(target, { fields: FRESH, body: "old" });
        for (const each of all) expect((await each.ask(target)).bytes.toString()).toBe("old");
        crew.origin.on(target, { fields: FRESH, body: "new" });
        expect((await one.ask(target, { fields: { "Cache-Control": "no-cache" } })).bytes.toString()).toBe(
          "new",
        );
        for (const each of all) expect((await each.ask(target)).bytes.toString()).toBe("new");
      }
    }),
  );

  test(
    "a stale response of the owner covers a failing origin, for all",
    withCrew(2, async (crew) => {
      const [target, owner, other] = await pair(crew);
      crew.origin.on(target, { fields: { "Cache-Control": "max-age=1" }, body: "tea" });
      await owner.ask(target);
      await Bun.sleep(2100);
      crew.origin.on(target, (asked) => asked.breakOff());
      for (let time = 0; time < 3; time++) {
        const got = await other.ask(target);
        expect([got.status, got.bytes.toString()]).toEqual([200, "tea"]);
        expect(got.cacheStatus).toMatchObject({ fwd: "stale", detail: "origin-unreachable" });
        expect(Number(got.cacheStatus["ttl"])).toBeLessThan(0);
      }
    }),
  );
});

describe("a body that is on its way through two workers", () => {
  test(
    "arrives byte by byte as it comes, breaks off where it does, and is not stored then",
    withCrew(2, async (crew) => {
      const [target, , other] = await pair(crew);
      const opened = other.open(target);
      const asked = await crew.origin.asked(target);
      await asked.head({ fields: { ...FRESH, "Content-Length": "200000" } });
      await asked.send("a".repeat(100_000));
      const response = await opened;
      let got = 0;
      const broken = new Promise<boolean>((resolve) => {
        response.on("error", () => resolve(true));
        response.on("aborted", () => resolve(true));
        response.on("end", () => resolve(!response.complete));
      });
      response.on("data", (chunk: Buffer) => (got += chunk.length));
      await until(() => got === 100_000, "half of it");
      asked.breakOff();
      expect(await broken).toBe(true);
      expect(got).toBe(100_000);
      await until(async () => (await crew.supervisor.stats()).fillsInFlight === 0, "no fill");
      expect((await crew.supervisor.stats()).store).toMatchObject({ responses: 0, pendingBytes: 0 });
    }),
  );

  test(
    "a client that does not read holds it up, and one that leaves ends it",
    withCrew(
      2,
      async (crew) => {
        const [target, , other] = await pair(crew);
        const response = await Promise.all([
          other.open(target),
          crew.origin.asked(target).then(async (asked) => {
            await asked.head({ fields: { ...FRESH, "Content-Length": String(2 ** 30) } });
            let sent = 0;
            const piece = Buffer.alloc(2 ** 18, 120);
            void (async () => {
              for (; sent < 2 ** 30; sent += piece.length) await asked.send(piece);
            })();
            return { asked, sent: () => sent };
          }),
        ]);
        const [incoming, { asked, sent }] = response;
        incoming.pause();
        incoming.on("error", () => {});
        let before = -1;
        // It has stopped when nothing moves any more, wherever the bytes are.
        await until(async () => {
          const moved = sent() !== before;
          before = sent();
          await Bun.sleep(500);
          return !moved && sent() > 0;
        }, "it is held up");
        expect(sent()).toBeLessThan(2 ** 26);
        other.close();
        incoming.destroy();
        await asked.closed;
        await until(async () => (await crew.supervisor.stats()).fillsInFlight === 0, "no fill");
      },
      ["--max-object", "1MB"],
    ),
  );

  test(
    "large ones, many at once, are what the origin has",
    withCrew(2, async (crew) => {
      const [, owner, other] = await pair(crew);
      const bodies = new Map(
        Array.from(
          { length: 24 },
          (_, at) => [`/large/${at}`, randomBytes(1000 * 3 ** (at % 9) + at)] as const,
        ),
      );
      for (const [target, body] of bodies) {
        crew.origin.on(target, { fields: FRESH, body });
      }
      for (const _ of [1, 2]) {
        const fresh = await Promise.all(
          [...bodies.keys()].flatMap((target) =>
            [owner, other].map(async (one) => ({ target, got: await wholeOf(await one.open(target)) })),
          ),
        );
        for (const { target, got } of fresh) {
          expect([target, got.complete, bodies.get(target)?.equals(got.bytes)]).toEqual([target, true, true]);
        }
      }
      for (const target of bodies.keys()) expect(crew.origin.requests(target)).toHaveLength(1);
    }),
  );
});

test(
  "the lane listens on the same port as well",
  withCrew(
    2,
    async (crew) => {
      const [target, owner, other] = await pair(crew);
      crew.origin.on("*", { fields: FRESH, body: "tea" });
      // The second one is answered by `Bun.serve` behind the lane, through which the client's address is known too.
      for (const fields of [{}, { "X-Odd": "1", "If-None-Match": '"2"' }] as const) {
        const path = `${target}-${Object.keys(fields).length}`;
        for (const one of [other, owner])
          expect((await one.ask(path, { fields })).bytes.toString()).toBe("tea");
        expect(crew.origin.requests(path).map((asked) => asked.get("x-forwarded-for"))).toEqual([
          "127.0.0.1",
        ]);
      }
      await other.ask(target, { method: "POST", body: "x" });
      expect((await owner.ask(target)).bytes.toString()).toBe("tea");
    },
    ["--wire", "lane"],
  ),
);

test(
  "the budget is the sum of what the workers have",
  withCrew(
    4,
    async (crew) => {
      expect((await crew.supervisor.stats()).store.budgetBytes).toBe(40 * 2 ** 20 * LIVE_SHARE);
    },
    ["--memory", "40MB"],
  ),
);
