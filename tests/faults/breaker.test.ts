// Answers: when is a failing origin left alone, and how does it come back?
// Owns: the claims about --breaker: what counts, what it answers meanwhile, the single probe, the log.
// Leaves out: what counts as a failure of a request (`retry.test.ts`, `deadlines.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Asked } from "../scripted-origin.ts";
import {
  expectRefused,
  expectWhole,
  FRESH,
  NO_STORE,
  type Rig,
  until,
  withRig,
  TEST_LIMIT_MS,
} from "./rig.ts";
import { cacheStatusIn, type Got } from "./stream-client.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const ARGS = ["--breaker", "3"];
const STALE = { "Cache-Control": "max-age=0, stale-if-error=600", ETag: '"1"', Connection: "close" };

/** A request that is never tried again: one failure each. */
function post(rig: Rig, target = "/post"): Promise<Got> {
  return rig.get(target, { method: "POST", body: "x" });
}

function detailOf(got: Got): unknown {
  return cacheStatusIn(got)["detail"];
}

/** Three failures in a row. */
async function open(rig: Rig): Promise<void> {
  rig.origin.on("/post", (asked) => asked.breakOff());
  for (const _ of [1, 2, 3]) expect(detailOf(await post(rig))).toBe("origin-unreachable");
}

let probes = 0;

/** Asks until one request is let through to the origin, where it is held. */
async function probe(rig: Rig): Promise<{ readonly asked: Asked; readonly reply: Promise<Got> }> {
  for (;;) {
    const target = `/probe/${probes++}`;
    const reply = rig.get(target);
    const asked = await Promise.race([
      rig.origin.asked(target).catch(() => undefined),
      reply.then(() => undefined),
    ]);
    if (asked !== undefined) return { asked, reply };
    expectRefused(await reply, 502, "breaker-open");
    await Bun.sleep(20);
  }
}

const FAILURES: readonly (readonly [what: string, fail: (asked: Asked) => unknown, detail: string])[] = [
  ["breaks off", (asked) => asked.breakOff(), "origin-unreachable"],
  [
    "speaks no HTTP",
    (asked) => asked.send("SSH-2.0-OpenSSH\r\n\r\n").then(() => asked.end()),
    "origin-malformed",
  ],
  ["is silent", () => {}, "origin-timeout"],
];

describe("opens after --breaker failures in a row", () => {
  test.concurrent.each(FAILURES)(
    "of an origin that %s: 502 at once, and it is not asked",
    async (_, fail, detail) =>
      withRig(
        async (rig) => {
          rig.origin.on("/post", fail);
          for (let at = 0; at < 3; at++) expect(detailOf(await post(rig))).toBe(detail);
          for (let at = 0; at < 3; at++) expectRefused(await post(rig), 502, "breaker-open");
          expectRefused(await rig.get("/other"), 502, "breaker-open");
          expect(rig.origin.requests().length).toBe(3);
          const line = await rig.logged("breaker", { state: "open" });
          expect(line).toMatchObject({ origin: rig.origin.url, failures: 3 });
        },
        [...ARGS, "--first-byte-timeout", "300ms"],
      )(),
  );

  // Not beside others: the port could become that of another test's origin.
  test(
    "of an origin that refuses connections",
    withRig(async (rig) => {
      rig.origin.stop();
      for (const _ of [1, 2, 3]) expectRefused(await post(rig), 502, "origin-unreachable");
      expectRefused(await post(rig), 502, "breaker-open");
    }, ARGS),
  );

  test.concurrent(
    "and not of statuses, whichever",
    withRig(async (rig) => {
      for (const status of [500, 502, 503, 504, 404, 500, 503, 500]) {
        rig.origin.on("/post", { status, body: "sorry" });
        const got = await post(rig);
        expect([got.status, got.text]).toEqual([status, "sorry"]);
      }
    }, ARGS),
  );

  test.concurrent(
    "and not before: a success in between starts the count anew",
    withRig(async (rig) => {
      for (const _ of [1, 2, 3]) {
        rig.origin.on("/post", (asked) => asked.breakOff());
        for (const _ of [1, 2]) expectRefused(await post(rig), 502, "origin-unreachable");
        rig.origin.on("/post", { body: "well" });
        expectWhole(await post(rig), "well");
      }
    }, ARGS),
  );

  test.concurrent(
    "and never with --breaker 0",
    withRig(
      async (rig) => {
        rig.origin.on("/post", (asked) => asked.breakOff());
        for (let at = 0; at < 20; at++) expectRefused(await post(rig), 502, "origin-unreachable");
        expect(rig.origin.requests().length).toBe(20);
      },
      ["--breaker", "0"],
    ),
  );
});

describe("while it is open", () => {
  test.concurrent(
    "what is stored and fresh is a hit, what is stale is served where that is allowed, and only there",
    withRig(async (rig) => {
      rig.origin.on("/fresh", { fields: { ...FRESH, Connection: "close" }, body: "fresh" });
      rig.origin.on("/stale", { fields: STALE, body: "stale" });
      const forbidden = { ...STALE, "Cache-Control": "max-age=0, must-revalidate" };
      rig.origin.on("/forbidden", { fields: forbidden, body: "no" });
      for (const target of ["/fresh", "/stale", "/forbidden"]) await rig.get(target);
      await open(rig);
      const before = rig.origin.requests().length;
      expect(cacheStatusIn(await rig.get("/fresh"))).toMatchObject({ hit: true });
      const got = await rig.get("/stale");
      expectWhole(got, "stale");
      expect(cacheStatusIn(got)).toMatchObject({ fwd: "stale", detail: "breaker-open" });
      expect((await rig.get("/forbidden")).text).not.toBe("no");
      expect(rig.origin.requests().length).toBe(before);
    }, ARGS),
  );

  test.concurrent(
    "the origin of another prefix is asked as ever",
    withRig(
      async (rig) => {
        const [, other] = rig.origins;
        other?.on("*", { fields: NO_STORE, body: "well" });
        await open(rig);
        expectRefused(await post(rig), 502, "breaker-open");
        expectWhole(await rig.get("/a"), "well");
      },
      ARGS,
      ["/", "/a"],
    ),
  );
});

describe("half-open", () => {
  test.concurrent(
    "after half a second one request is let through, no second one beside it; its success closes",
    withRig(async (rig) => {
      await open(rig);
      const { asked, reply } = await probe(rig);
      const before = rig.origin.requests().length;
      const others = await Promise.all(Array.from({ length: 10 }, (_, at) => rig.get(`/beside/${at}`)));
      for (const got of others) expectRefused(got, 502, "breaker-open");
      expect(rig.origin.requests().length).toBe(before);
      await rig.logged("breaker", { state: "half-open" });
      rig.origin.on("*", { fields: NO_STORE, body: "well" });
      await asked.reply({ fields: NO_STORE, body: "well again" });
      expectWhole(await reply, "well again");
      await rig.logged("breaker", { state: "closed" });
      for (let at = 0; at < 10; at++) expectWhole(await rig.get(`/after/${at}`), "well");
    }, ARGS),
  );

  test.concurrent(
    "a probe that fails opens it again, for half a second more",
    withRig(async (rig) => {
      await open(rig);
      const first = await probe(rig);
      const beganMs = performance.now();
      rig.origin.on(first.asked.target, (asked) => asked.breakOff());
      first.asked.breakOff();
      expect((await first.reply).status).toBe(502);
      const second = await probe(rig);
      // Half a second, less the coarseness of two processes' clocks.
      expect(performance.now() - beganMs).toBeGreaterThan(450);
      rig.origin.on("*", { fields: NO_STORE, body: "well" });
      await second.asked.reply({ fields: NO_STORE, body: "well again" });
      expectWhole(await second.reply, "well again");
      for (let at = 0; at < 5; at++) expectWhole(await rig.get(`/after/${at}`), "well");
    }, ARGS),
  );

  test.concurrent(
    "a probe whose client leaves does not leave it half-open for ever",
    withRig(async (rig) => {
      await open(rig);
      rig.origin.on("/leaving", () => {});
      const isAsked = (): boolean => rig.origin.requests("/leaving").length > 0;
      while (!isAsked()) {
        const client = await rig.open("/leaving");
        await Promise.race([client.head(), until(isAsked, "the probe is at the origin")]).catch(() => {});
        client.leave();
      }
      rig.origin.on("*", { fields: NO_STORE, body: "well" });
      await until(async () => (await rig.get("/after")).text === "well", "the origin is asked again");
    }, ARGS),
  );
});
