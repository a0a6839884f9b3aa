// Answers: can one origin that hangs take the places of another, and what becomes of those for whom there is none?
// Owns: the claims about --origin-limit and --origin-queue: how many, in which order, who gives up a place.
// Leaves out: the deadlines of those who wait (`deadlines.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { fieldValue } from "../conformance/http-message.ts";
import { expectRefused, expectWhole, NO_STORE, type Rig, until, withRig, TEST_LIMIT_MS } from "./rig.ts";
import { cacheStatusIn, type Got } from "./stream-client.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const LIMITS = ["--breaker", "0", "--origin-limit", "2", "--origin-queue", "3"];
const STALE = { "Cache-Control": "max-age=0, stale-if-error=600", ETag: '"1"' };

/** Requests for `/0`, `/1`, … by a client each, none of them answered yet. */
function crowd(rig: Rig, count: number): Promise<Got>[] {
  return Array.from({ length: count }, (_, at) => rig.get(`/${at}`));
}

/** How many of these requests are at the origin. */
function arrived(rig: Rig, count: number): number {
  return Array.from({ length: count }, (_, at) => rig.origin.requests(`/${at}`).length).reduce(
    (a, b) => a + b,
    0,
  );
}

/** By the time that these are answered, the process has read what was sent before. */
async function roundTrips(rig: Rig): Promise<void> {
  for (const _ of [1, 2, 3]) await rig.get("/never", { fields: { "Cache-Control": "only-if-cached" } });
}

/** Answers whatever of `/0` … waits at the origin, until all have been. */
async function answerAll(rig: Rig, targets: readonly string[]): Promise<void> {
  await Promise.all(
    targets.map(async (target) => (await rig.origin.asked(target)).reply({ fields: NO_STORE, body: target })),
  );
}

describe("a limit of 2 and a queue of 3", () => {
  test(
    "six at once: two under way, one refused with Retry-After, and five answered",
    withRig(async (rig) => {
      const replies = crowd(rig, 6);
      const refused = await Promise.race(replies);
      expectRefused(refused, 503, "origin-busy");
      expect(Number(fieldValue(refused.fields, "retry-after"))).toBeGreaterThan(0);
      await until(() => arrived(rig, 6) === 2, "two at the origin");
      await roundTrips(rig);
      expect(arrived(rig, 6)).toBe(2);
      // Which one was refused is not known, and never asked for.
      const isDone = Promise.all(replies);
      const answered = replies.map(async (_, at) => {
        const asked = await Promise.race([rig.origin.asked(`/${at}`), isDone]);
        if (!Array.isArray(asked)) await asked.reply({ fields: NO_STORE, body: `/${at}` });
      });
      const got = await isDone;
      expect(got.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 503]);
      for (const [at, { status, text }] of got.entries()) if (status === 200) expect(text).toBe(`/${at}`);
      await Promise.all(answered);
    }, LIMITS),
  );

  test(
    "never more than two are at the origin, whoever comes and goes",
    withRig(async (rig) => {
      let underWay = 0;
      let most = 0;
      rig.origin.on("*", async (asked) => {
        most = Math.max(most, ++underWay);
        await Bun.sleep(5);
        underWay--;
        await asked.reply({ fields: NO_STORE, body: asked.target });
      });
      const clients = Array.from({ length: 5 }, async (_, client) => {
        for (let at = 0; at < 10; at++) expectWhole(await rig.get(`/${client}/${at}`), `/${client}/${at}`);
      });
      await Promise.all(clients);
      expect(most).toBe(2);
    }, LIMITS),
  );

  test(
    "those who wait go in the order in which they came",
    withRig(async (rig) => {
      const order: string[] = [];
      const replies: Promise<Got>[] = [];
      for (let at = 0; at < 5; at++) {
        replies.push(rig.get(`/${at}`));
        await roundTrips(rig);
      }
      for (let at = 0; at < 5; at++) {
        const asked = await rig.origin.asked(`/${at}`);
        order.push(asked.target);
        expect(arrived(rig, 5)).toBe(Math.min(at + 2, 5));
        await asked.reply({ fields: NO_STORE, body: asked.target });
        await until(() => arrived(rig, 5) === Math.min(at + 3, 5), "the next one's turn");
      }
      for (const [at, reply] of replies.entries()) expectWhole(await reply, `/${at}`);
      expect(order).toEqual(["/0", "/1", "/2", "/3", "/4"]);
    }, LIMITS),
  );

  test(
    "a waiting client that leaves gives up its place, and the origin never hears of it",
    withRig(async (rig) => {
      const held = crowd(rig, 2);
      await until(() => arrived(rig, 2) === 2, "two at the origin");
      const leaving = await Promise.all(["/l1", "/l2", "/l3"].map((target) => rig.open(target)));
      await until(async () => {
        const full = await rig.open("/full");
        const isRefused = await Promise.race([full.head(), Bun.sleep(100).then(() => false)]);
        full.leave();
        return isRefused && full.status === 503;
      }, "a full queue");
      for (const client of leaving) client.leave();
      let accepted: Promise<Got> | undefined;
      await until(async () => {
        const waiting = rig.get("/next");
        const outcome = await Promise.race([waiting, Bun.sleep(100)]);
        if (outcome === undefined) accepted = waiting;
        return outcome === undefined;
      }, "a place in the queue");
      await answerAll(rig, ["/0", "/1", "/next"]);
      expectWhole(await (accepted ?? Promise.reject(new Error("not accepted"))), "/next");
      for (const reply of held) expect((await reply).status).toBe(200);
      await roundTrips(rig);
      for (const target of ["/l1", "/l2", "/l3"]) expect(rig.origin.requests(target)).toEqual([]);
    }, LIMITS),
  );

  test(
    "a full queue is covered by stale where that is allowed",
    withRig(async (rig) => {
      rig.origin.on("/stale", { fields: STALE, body: "old" });
      expectWhole(await rig.get("/stale"), "old");
      const replies = crowd(rig, 6);
      expectRefused(await Promise.race(replies), 503, "origin-busy");
      const got = await rig.get("/stale");
      expectWhole(got, "old");
      expect(cacheStatusIn(got)).toMatchObject({ fwd: "stale", detail: "origin-busy" });
      rig.origin.stop();
      await Promise.all(replies);
    }, LIMITS),
  );

  test(
    "twenty clients of one key take one place",
    withRig(async (rig) => {
      const held = rig.get("/0");
      await until(() => arrived(rig, 1) === 1, "one at the origin");
      const first = rig.get("/key");
      const asked = await rig.origin.asked("/key");
      const followers = Array.from({ length: 19 }, () => rig.get("/key"));
      await roundTrips(rig);
      await asked.reply({ fields: { "Cache-Control": "max-age=60" }, body: "for all" });
      for (const reply of [first, ...followers]) expectWhole(await reply, "for all");
      expect(rig.origin.requests("/key").length).toBe(1);
      await answerAll(rig, ["/0"]);
      await held;
    }, LIMITS),
  );
});

test(
  "600 requests that hang at the origin of /a take nothing from the origin of /",
  withRig(
    async (rig) => {
      const [site, hanging] = rig.origins;
      site?.on("*", { fields: NO_STORE, body: "well" });
      const clients = await Promise.all(Array.from({ length: 600 }, (_, at) => rig.open(`/a/${at}`)));
      await until(() => hanging?.requests().length === 600, "600 at the origin");
      for (let at = 0; at < 20; at++) expectWhole(await rig.get(`/${at}`), "well");
      for (const client of clients) client.leave();
    },
    ["--breaker", "0"],
    ["/", "/a"],
  ),
);

test(
  "a hanging origin whose queue is full refuses its own requests only",
  withRig(
    async (rig) => {
      rig.origin.on("*", { fields: NO_STORE, body: "well" });
      const hanging = Array.from({ length: 8 }, (_, at) => rig.get(`/a/${at}`));
      expectRefused(await Promise.race(hanging), 503, "origin-busy");
      for (let at = 0; at < 10; at++) expectWhole(await rig.get(`/${at}`), "well");
      for (const origin of rig.origins) origin.stop();
      await Promise.all(hanging);
    },
    LIMITS,
    ["/", "/a"],
  ),
);
