// Answers: what comes of a response that breaks off, at whatever byte?
// Owns: the claims about broken fills: nothing stored, no clean end for anybody, the next request asks again.
// Leaves out: stale responses in place of broken ones (`proxy-stale.test.ts`).
import { describe, expect, test } from "bun:test";
import { expectBrokenOff, expectForwarded, type Larder, withLarder } from "./larder-under-test.ts";
import type { Asked } from "./scripted-origin.ts";

const FRESH = { "Cache-Control": "max-age=60", ETag: '"whole"' };
const LENGTH = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\n";
const CHUNKED = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n";

/** What is sent until it breaks off. */
const BREAKS: readonly (readonly [where: string, sent: string])[] = [
  ["before the first byte", ""],
  ["within the status line", "HTTP/1.1 20"],
  ["within the header section", "HTTP/1.1 200 OK\r\nCache-Control: max-a"],
  ["before the end of the header section", "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"],
  ["before the first byte of a Content-Length body", LENGTH],
  ["after the first byte of a Content-Length body", `${LENGTH}0`],
  ["in the middle of a Content-Length body", `${LENGTH}01234`],
  ["before the last byte of a Content-Length body", `${LENGTH}012345678`],
  ["before the first chunk", CHUNKED],
  ["within the size of the first chunk", `${CHUNKED}A`],
  ["within the first chunk", `${CHUNKED}A\r\n01234`],
  ["after the data of a chunk", `${CHUNKED}A\r\n0123456789`],
  ["between two chunks", `${CHUNKED}5\r\n01234\r\n`],
  ["before the last chunk", `${CHUNKED}A\r\n0123456789\r\n`],
];

/** The origin is asked again, and what it says then is stored. */
async function expectNothingStored(larder: Larder, target: string): Promise<void> {
  await larder.until(() => larder.collapser.inFlight === 0, "the fill is over");
  expect(larder.store.stats()).toMatchObject({ responses: 0, storedBytes: 0, pendingBytes: 0 });
  larder.origin.script({ fields: FRESH, body: "0123456789" });
  const again = await larder.get(target);
  expectForwarded(again, "uri-miss");
  expect(again.text).toBe("0123456789");
}

describe("an origin that dies", () => {
  test.each(BREAKS)("%s: nothing is stored, nobody sees a clean end", async (_, sent) =>
    withLarder(async (larder) => {
      larder.origin.script((asked) => asked.send(sent).then(() => asked.breakOff()));
      for (const reply of [1, 2, 3].map(() => larder.get("/a"))) await expectBrokenOff(reply);
      // Once more for all of them together, unless a byte had been passed on by then.
      const { length } = larder.origin.requests;
      if (sent.includes("\r\n\r\n")) expect(length).toBeLessThanOrEqual(2);
      else expect(length).toBe(2);
      await expectNothingStored(larder, "/a");
    })(),
  );

  test.each(BREAKS.slice(5).filter(([, sent]) => !sent.endsWith("\r\n\r\n") && !sent.endsWith("\r\nA")))(
    "%s, when every reader has all that came: each one's stream breaks off",
    async (_, sent) =>
      withLarder(async (larder) => {
        const opening = larder.open("GET", "/a");
        const asked = await larder.origin.asked();
        await asked.send(sent);
        const leader = await opening;
        const follower = await larder.open("GET", "/a");
        const came = sent.startsWith(LENGTH) ? sent.slice(LENGTH.length) : sent.split("\r\n").at(5);
        for (const reader of [leader, follower]) {
          expect(reader.status).toBe(200);
          expect(await reader.read()).toBe(came);
        }
        asked.breakOff();
        for (const reader of [leader, follower]) await expect(reader.read()).rejects.toThrow();
        await expectNothingStored(larder, "/a");
      })(),
  );

  test(
    "in the middle of a large body: a slow reader gets what came, and then no clean end",
    withLarder(async (larder) => {
      const half = "x".repeat(200_000);
      const opening = larder.open("GET", "/a");
      const asked = await larder.origin.asked();
      await asked.head({ fields: { ...FRESH, "Content-Length": "400000" } });
      await asked.send(half);
      const slow = await opening;
      asked.breakOff();
      await larder.until(() => larder.collapser.inFlight === 0, "the fill is over");
      await expect(slow.rest()).rejects.toThrow();
      expect(larder.answered[0]?.storage).toMatchObject({ kind: "broken" });
      await expectNothingStored(larder, "/a");
    }),
  );

  test(
    "in the middle of a body that is not stored: the client sees no clean end",
    withLarder(async (larder) => {
      const opening = larder.open("GET", "/a");
      const asked = await larder.origin.asked();
      await asked.head({ fields: { "Cache-Control": "no-store" } });
      await asked.chunk("half");
      const opened = await opening;
      expect(await opened.read()).toBe("half");
      asked.breakOff();
      await expect(opened.read()).rejects.toThrow();
    }),
  );
});

describe("a body that does not fit its announcement", () => {
  test(
    "shorter, with an orderly end of the connection: not stored, no clean end",
    withLarder(async (larder) => {
      larder.origin.script((asked) => asked.send(`${LENGTH}01234`).then(() => asked.end()));
      await expectBrokenOff(larder.get("/a"));
      await expectNothingStored(larder, "/a");
    }),
  );

  test(
    "longer: what exceeds Content-Length reaches neither client nor store nor the next response",
    withLarder(async (larder) => {
      larder.origin.script((asked) => asked.send(`${LENGTH}0123456789HTTP/1.1 200 OK\r\n\r\nevil`));
      expect((await larder.get("/a")).text).toBe("0123456789");
      larder.origin.script({ fields: FRESH, body: "good" });
      expect((await larder.get("/b")).text).toBe("good");
      expect((await larder.get("/a")).text).toBe("0123456789");
    }),
  );
});

describe("what an origin that fails looks like", () => {
  const page = async (larder: Larder, status: number, detail: string): Promise<void> => {
    const reply = await larder.get("/a");
    expect([reply.status, reply.cacheStatus]).toEqual([status, { fwd: "uri-miss", detail }]);
    expect(reply.fields.get("cache-control")).toBe("no-store");
    expect(reply.text).toContain(larder.origin.url);
    expect(reply.fields.get("content-length")).toBe(String(reply.bytes.length));
    expect(larder.answered.at(-1)?.report.word).toBe("ERROR");
  };

  test(
    "RFC 9110 §15.6.3 refused connection: 502",
    withLarder(async (larder) => {
      larder.origin.stop();
      await page(larder, 502, "origin-unreachable");
    }),
  );

  test(
    "RFC 9110 §15.6.5 no header section within the deadline: 504, and the request is ended",
    withLarder(
      async (larder) => {
        const replied = page(larder, 504, "origin-timeout");
        const asked = await larder.origin.asked();
        await asked.send("HTTP/1.1 200 OK\r\n");
        await replied;
        await asked.closed;
      },
      { originTimeoutMs: 50 },
    ),
  );

  test.each([
    ["no HTTP at all", "SSH-2.0-OpenSSH\r\n\r\n"],
    ["a field name with a space", "HTTP/1.1 200 OK\r\nBad Name: x\r\nContent-Length: 0\r\n\r\n"],
    ["a status code of 600 or more", "HTTP/1.1 600 Odd\r\nContent-Length: 0\r\n\r\n"],
    [
      "a transfer coding besides chunked",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ],
  ])("%s: 502", async (_, sent) =>
    withLarder(async (larder) => {
      larder.origin.script((asked: Asked) => asked.send(sent));
      await page(larder, 502, "origin-malformed");
    })(),
  );
});

test(
  "a fault of Larder's own keeps no follower waiting and leaves no fill behind",
  withLarder(async (larder) => {
    larder.origin.script({ fields: FRESH, body: "soup" });
    larder.store.write = () => {
      throw new Error("out of order");
    };
    const replies = await Promise.all([1, 2, 3].map(() => larder.get("/a")));
    for (const { status, cacheStatus } of replies) {
      expect([status, cacheStatus]).toEqual([500, { fwd: "uri-miss", detail: "fault" }]);
    }
    const faults = larder.events.filter(({ kind }) => kind === "fault");
    expect(faults.length).toBe(3);
    for (const fault of faults) larder.events.splice(larder.events.indexOf(fault), 1);
  }),
);
