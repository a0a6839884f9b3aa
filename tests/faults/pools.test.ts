// Answers: which of several origins is asked, and does a client ever notice that one of them is down?
// Owns: the claims about pools, --balance, --health-check and path prefixes.
// Leaves out: limits and breakers of each origin (`limits.test.ts`, `breaker.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { fieldValue } from "../conformance/http-message.ts";
import type { Asked } from "../scripted-origin.ts";
import { expectRefused, expectWhole, NO_STORE, type Rig, until, withRig, TEST_LIMIT_MS } from "./rig.ts";
import type { TargetedOrigin } from "./targeted-origin.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const PAIR = ["/", "/"];
const HEALTH = ["--health-check", "/up", "--health-interval", "200ms"];

/** Each origin answers with its number. */
function named(rig: Rig): void {
  for (const [at, origin] of rig.origins.entries()) {
    origin.on("*", { fields: { ...NO_STORE, Connection: "close" }, body: String(at) });
  }
}

/** Requests one after the other, each for a target of its own; who answered each. */
async function askedInTurn(rig: Rig, count: number, prefix = "/"): Promise<string> {
  let answered = "";
  for (let at = 0; at < count; at++) {
    const got = await rig.get(`${prefix}${at}`);
    expect([got.status, got.complete]).toEqual([200, true]);
    answered += got.text;
  }
  return answered;
}

function countOf(text: string, character: string): number {
  return text.split(character).length - 1;
}

describe("a pool", () => {
  test.concurrent.each([
    ["two", PAIR],
    ["three", ["/", "/", "/"]],
  ])("of %s is asked in turn, evenly", async (_, prefixes) =>
    withRig(
      async (rig) => {
        named(rig);
        const answered = await askedInTurn(rig, 30);
        for (const at of prefixes.keys()) expect(countOf(answered, String(at))).toBe(30 / prefixes.length);
      },
      [],
      prefixes,
    )(),
  );

  test.concurrent(
    "with least-pending: the one with nothing to do is asked, while the other has",
    withRig(
      async (rig) => {
        for (const origin of rig.origins) origin.on("/held", () => {});
        const held = await rig.open("/held");
        await until(() => rig.origins.some((origin) => origin.requests("/held").length > 0), "held");
        const isBusy = (origin: TargetedOrigin): boolean => origin.requests("/held").length > 0;
        for (const [at, origin] of rig.origins.entries())
          origin.on("*", { fields: NO_STORE, body: String(at) });
        const idle = String(rig.origins.findIndex((origin) => !isBusy(origin)));
        expect(await askedInTurn(rig, 10)).toBe(idle.repeat(10));
        held.leave();
      },
      ["--balance", "least-pending"],
      PAIR,
    ),
  );

  test.concurrent(
    "with least-pending: 10 held requests are spread evenly",
    withRig(
      async (rig) => {
        for (const origin of rig.origins) origin.on("*", () => {});
        const clients = [];
        for (let at = 0; at < 10; at++) {
          clients.push(await rig.open(`/${at}`));
          await until(() => rig.origins.flatMap((origin) => origin.requests()).length === at + 1, "one more");
        }
        expect(rig.origins.map((origin) => origin.requests().length)).toEqual([5, 5]);
        for (const client of clients) client.leave();
      },
      ["--balance", "least-pending"],
      PAIR,
    ),
  );
});

// One after the other where an origin stops: its port could become that of another test's origin.
describe("a member that is down", () => {
  const DOWN: readonly (readonly [what: string, fail: (asked: Asked) => unknown])[] = [
    ["breaks off", (asked) => asked.breakOff()],
    ["resets", (asked) => asked.reset()],
    [
      "breaks off in the header section",
      (asked) => asked.send("HTTP/1.1 200 OK\r\n").then(() => asked.breakOff()),
    ],
  ];

  test.concurrent.each(DOWN)(
    "and %s: the retry goes to the other one, and no client sees an error",
    async (_, fail) =>
      withRig(
        async (rig) => {
          named(rig);
          rig.origins[1]?.on("*", fail);
          expect(await askedInTurn(rig, 30)).toBe("0".repeat(30));
          // Its breaker leaves it alone after a while.
          expect(rig.origins[1]?.requests().length).toBeLessThan(15);
        },
        [],
        PAIR,
      )(),
  );

  test.each(["0", "5"])(
    "and refuses connections, with --breaker %s: no client sees an error",
    async (breaker) =>
      withRig(
        async (rig) => {
          named(rig);
          rig.origins[1]?.stop();
          expect(await askedInTurn(rig, 30)).toBe("0".repeat(30));
          const replies = await Promise.all(Array.from({ length: 30 }, (_, at) => rig.get(`/at-once/${at}`)));
          for (const got of replies) expectWhole(got, "0");
        },
        ["--breaker", breaker],
        PAIR,
      )(),
  );

  test(
    "and comes back: it is asked again, without a restart",
    withRig(
      async (rig) => {
        named(rig);
        rig.origins[1]?.stop();
        expect(await askedInTurn(rig, 20)).toBe("0".repeat(20));
        await rig.origins[1]?.restart();
        let at = 0;
        await until(async () => (await rig.get(`/back/${at++}`)).text === "1", "asked again");
      },
      [],
      PAIR,
    ),
  );

  test(
    "all of them: 502",
    withRig(
      async (rig) => {
        for (const origin of rig.origins) origin.stop();
        expectRefused(await rig.get("/a"), 502, "origin-unreachable");
      },
      [],
      PAIR,
    ),
  );

  test.concurrent(
    "in the middle of an unsafe request: 502, and the other one does not see it",
    withRig(
      async (rig) => {
        for (const origin of rig.origins) origin.on("*", (asked) => asked.breakOff());
        const got = await rig.get("/order", { method: "POST", body: "order" });
        expectRefused(got, 502, "origin-unreachable");
        expect(rig.origins.flatMap((origin) => origin.requests("/order")).map(({ body }) => body)).toEqual([
          "order",
        ]);
      },
      [],
      PAIR,
    ),
  );
});

describe("--health-check", () => {
  const ILL: readonly (readonly [what: string, check: (asked: Asked) => unknown])[] = [
    ["answers 503", (asked) => asked.reply({ status: 503 })],
    ["answers 400", (asked) => asked.reply({ status: 400 })],
    ["is silent", () => {}],
    ["breaks off", (asked) => asked.breakOff()],
  ];

  test.concurrent.each(ILL)(
    "a member that %s is taken out, and comes back when it is well",
    async (_, check) =>
      withRig(
        async (rig) => {
          named(rig);
          const [, second] = rig.origins;
          let at = 0;
          const turns = (): Promise<string> => askedInTurn(rig, 6, `/${at++}/`);
          await until(async () => countOf(await turns(), "1") === 3, "both are asked");
          second?.on("/up", check);
          await until(async () => (await turns()) === "000000", "taken out");
          expect(await rig.logged("health", { origin: second?.url, healthy: false })).toHaveProperty("time");
          second?.on("/up", { status: 204 });
          await until(async () => countOf(await turns(), "1") === 3, "back in");
          expect(await rig.logged("health", { origin: second?.url, healthy: true })).toHaveProperty("time");
        },
        HEALTH,
        PAIR,
      )(),
  );

  test.concurrent.each([200, 204, 301, 399])("a member that answers %i is well", async (status) =>
    withRig(
      async (rig) => {
        named(rig);
        for (const origin of rig.origins) origin.on("/up", { status });
        await until(() => rig.origins.every((origin) => origin.requests("/up").length > 2), "checked");
        expect(countOf(await askedInTurn(rig, 10), "1")).toBe(5);
      },
      HEALTH,
      PAIR,
    )(),
  );

  test.concurrent(
    "of all members failing, requests are tried all the same, or answered 502: nobody hangs",
    withRig(
      async (rig) => {
        named(rig);
        for (const origin of rig.origins) origin.on("/up", { status: 503 });
        for (const { url } of rig.origins) await rig.logged("health", { origin: url, healthy: false });
        expect([200, 502]).toContain((await rig.get("/a")).status);
      },
      HEALTH,
      PAIR,
    ),
  );
});

describe("prefixes", () => {
  test.concurrent(
    "the longest one wins, at the borders of path segments, and the path stays as it is",
    withRig(
      async (rig) => {
        for (const [at, origin] of rig.origins.entries()) {
          origin.on("*", (asked) => asked.reply({ fields: NO_STORE, body: `${at} ${asked.target}` }));
        }
        const TARGETS = ["0 /", "0 /apiary", "0 /API", "0 /ap", "0 /x/api", "0 /apiary/api", "0 /?/api/"];
        const API = ["1 /api", "1 /api/", "1 /api?x=/api/v2", "1 /api/v", "1 /api/v22", "1 /api//v2"];
        const V2 = ["2 /api/v2", "2 /api/v2/", "2 /api/v2?x", "2 /api/v2/x/y"];
        for (const answer of [...TARGETS, ...API, ...V2]) {
          expectWhole(await rig.get(answer.slice(2)), answer);
        }
      },
      [],
      ["/", "/api", "/api/v2"],
    ),
  );

  test.concurrent(
    "each of them can be a pool",
    withRig(
      async (rig) => {
        named(rig);
        const answered = await askedInTurn(rig, 10, "/api/");
        expect([countOf(answered, "1"), countOf(answered, "2")]).toEqual([5, 5]);
        expect(await askedInTurn(rig, 4)).toBe("0000");
      },
      [],
      ["/", "/api", "/api"],
    ),
  );

  test.concurrent(
    "a path without an origin: 404 with a page, and nobody is asked",
    withRig(
      async (rig) => {
        named(rig);
        for (const target of ["/", "/apiary", "/other?x=/api/"]) {
          const got = await rig.get(target);
          expectRefused(got, 404, "no-origin");
          expect(fieldValue(got.fields, "content-type")).toContain("text/");
          expect(got.text).toContain("origin");
        }
        expectWhole(await rig.get("/api/x"), "0");
        expect(rig.origin.requests().length).toBe(1);
      },
      [],
      ["/api"],
    ),
  );
});
