// Answers: which request does an origin see twice, and which never?
// Owns: the claims about the one retry: methods, moments, kept connections, followers.
// Leaves out: the retry at another origin of a pool (`pools.test.ts`), deadlines (`deadlines.test.ts`).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { withLarder } from "../larder-under-test.ts";
import type { Asked } from "../scripted-origin.ts";
import { expectRefused, expectWhole, FRESH, numbered, Rig, withRig, TEST_LIMIT_MS } from "./rig.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const WHOLE = numbered(30);
const ONCE = { ...FRESH, Connection: "close" };

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start(["--breaker", "0"]);
});
afterAll(() => rig.stop());

/** Fails so many times, then answers. */
function failing(times: number, fail: (asked: Asked) => unknown): (asked: Asked) => unknown {
  let count = 0;
  return (asked) => (count++ < times ? fail(asked) : asked.reply({ fields: ONCE, body: WHOLE }));
}

const FAILURES: readonly (readonly [what: string, fail: (asked: Asked) => unknown])[] = [
  ["ends the connection", (asked) => asked.end()],
  ["breaks it off", (asked) => asked.breakOff()],
  ["resets it", (asked) => asked.reset()],
  ["breaks off in the status line", (asked) => asked.send("HTTP/1.1 20").then(() => asked.breakOff())],
  ["resets in the header section", (asked) => asked.send("HTTP/1.1 200 OK\r\nX-").then(() => asked.reset())],
];

describe.each(FAILURES)("an origin that %s", (what, fail) => {
  const path = `/${what.replaceAll(" ", "-")}`;

  test.concurrent.each(["GET", "HEAD", "OPTIONS"])(
    "once: %s is tried again, and nobody notices",
    async (method) => {
      rig.origin.on(`${path}/${method}/once`, failing(1, fail));
      const got = await rig.get(`${path}/${method}/once`, { method });
      expect([got.status, got.text, got.complete]).toEqual([200, method === "HEAD" ? "" : WHOLE, true]);
      expect(rig.origin.requests(`${path}/${method}/once`).map((asked) => asked.method)).toEqual([
        method,
        method,
      ]);
    },
  );

  test.concurrent.each(["GET", "HEAD", "OPTIONS"])("always: %s is 502 after two requests", async (method) => {
    rig.origin.on(`${path}/${method}/always`, fail);
    const got = await rig.get(`${path}/${method}/always`, { method });
    expect([got.status, got.complete]).toEqual([502, true]);
    expect(rig.origin.requests(`${path}/${method}/always`).length).toBe(2);
  });

  test.concurrent.each(["POST", "PUT", "PATCH", "DELETE"])("%s is 502 after one request", async (method) => {
    const target = `${path}/${method}`;
    rig.origin.on(target, failing(1, fail));
    const got = await rig.get(target, { method, body: "order" });
    expect([got.status, got.complete]).toEqual([502, true]);
    expect(rig.origin.requests(target).map(({ body }) => body)).toEqual(["order"]);
  });
});

describe("what is not tried again", () => {
  test.concurrent.each([500, 502, 503, 504])("a %i", async (status) => {
    rig.origin.on(`/status/${status}`, { status, body: "sorry" });
    expect((await rig.get(`/status/${status}`)).text).toBe("sorry");
    expect(rig.origin.requests(`/status/${status}`).length).toBe(1);
  });

  test.concurrent("a response of which the first byte was passed on", async () => {
    const client = await rig.open("/passed-on");
    const asked = await rig.origin.asked("/passed-on");
    await asked.head({ fields: { ...ONCE, "Content-Length": String(WHOLE.length) } });
    await asked.send(WHOLE.slice(0, 1));
    expect(await client.read(1)).toBe(WHOLE.slice(0, 1));
    rig.origin.on("/passed-on", { fields: ONCE, body: WHOLE });
    asked.breakOff();
    expect(await client.rest()).toMatchObject({ text: "", complete: false });
    expect(rig.origin.requests("/passed-on").length).toBe(1);
  });

  test.concurrent("a large upload whose answer never comes: 502, and it was seen once, whole", async () => {
    const body = numbered(200_000);
    rig.origin.on("/upload", (asked) => asked.reset());
    expectRefused(await rig.get("/upload", { method: "PUT", body }), 502, "origin-unreachable");
    expect(rig.origin.requests("/upload").map((asked) => asked.body === body)).toEqual([true]);
  });
});

describe("followers do not multiply it", () => {
  test(
    "20 clients on a key that fails: two requests, and 502 for each",
    withLarder(async (larder) => {
      const replies = Array.from({ length: 20 }, () => larder.get("/a"));
      for (const _ of ["first", "retry"]) (await larder.origin.asked()).breakOff();
      for (const reply of replies) {
        const { status, cacheStatus } = await reply;
        expect([status, cacheStatus["detail"]]).toEqual([502, "origin-unreachable"]);
      }
      expect(larder.origin.requests.length).toBe(2);
    }),
  );

  test(
    "20 clients on a key that fails once: two requests, and the response for each",
    withLarder(async (larder) => {
      const replies = Array.from({ length: 20 }, () => larder.get("/a"));
      (await larder.origin.asked()).breakOff();
      await (await larder.origin.asked()).reply({ fields: FRESH, body: WHOLE });
      for (const reply of replies) expect((await reply).text).toBe(WHOLE);
      expect(larder.origin.requests.length).toBe(2);
    }),
  );
});

describe("a kept connection that the origin closes when it is used again", () => {
  /** Answers the first request of a connection and keeps it; ends it at the second. */
  function onceEach(): (asked: Asked) => unknown {
    const used = new WeakSet<Promise<void>>();
    return (asked) => {
      // The promise is one a connection.
      if (used.has(asked.closed)) return asked.breakOff();
      used.add(asked.closed);
      return asked.reply({ fields: FRESH, body: asked.target });
    };
  }

  test(
    "GET: each is answered, by a second request on a fresh connection",
    withRig(async (own) => {
      own.origin.on("*", onceEach());
      for (let at = 0; at < 10; at++) expectWhole(await own.get(`/${at}`), `/${at}`);
      for (let at = 0; at < 10; at++) expect(own.origin.requests(`/${at}`).length).toBeLessThanOrEqual(2);
    }),
  );

  test(
    "GET, and the fresh one as well: 502 after two requests, on the default wire after three",
    withRig(async (own) => {
      own.origin.on("/warm", { fields: FRESH, body: "warm" });
      expectWhole(await own.get("/warm"), "warm");
      own.origin.on("/broken", (asked) => asked.breakOff());
      expectRefused(await own.get("/broken"), 502, "origin-unreachable");
      // Bun's fetch repeats by itself what a kept connection did not answer, and does not say so.
      const most = process.env["FAULT_WIRE"] === "exact" ? 2 : 3;
      expect(own.origin.requests("/broken").length).toBeLessThanOrEqual(most);
    }),
  );

  test(
    "POST: answered, and seen once, since it goes out on a fresh one",
    withRig(async (own) => {
      own.origin.on("*", onceEach());
      for (let at = 0; at < 5; at++) {
        expectWhole(await own.get(`/get/${at}`), `/get/${at}`);
        expectWhole(await own.get(`/post/${at}`, { method: "POST", body: "x" }), `/post/${at}`);
        expect(own.origin.requests(`/post/${at}`).length).toBe(1);
      }
    }),
  );

  test(
    "closed while idle: nobody notices, and each is asked once",
    withRig(async (own) => {
      for (let at = 0; at < 5; at++) {
        own.origin.on(`/${at}`, { fields: FRESH, body: `${at}` });
        expectWhole(await own.get(`/${at}`), `${at}`);
        const [asked] = own.origin.requests(`/${at}`);
        asked?.end();
        await asked?.closed;
        expect(own.origin.requests().length).toBe(at + 1);
      }
    }),
  );
});
