// Answers: how long does a client wait for an origin that is silent, and what does it get then?
// Owns: the claims about --connect-timeout, --first-byte-timeout, --between-bytes-timeout and --total-timeout.
// Leaves out: origins that fail at once (`retry.test.ts`), stale responses in general (`stale.test.ts`).
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ANYWHERE, startLarder } from "../larder-process.ts";
import type { Asked } from "../scripted-origin.ts";
import { type DeafPort, deafPort } from "./deaf-port.ts";
import { expectRefused, expectWhole, FRESH, numbered, Rig, withRig, TEST_LIMIT_MS } from "./rig.ts";
import { cacheStatusIn, get } from "./stream-client.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const STALE = { "Cache-Control": "max-age=0, stale-if-error=600", ETag: '"1"', Connection: "close" };
const WHOLE = numbered(30);

let rig: Rig;
let deaf: DeafPort;
beforeAll(async () => {
  deaf = await deafPort();
  rig = await Rig.start([
    ...["--first-byte-timeout", "500ms", "--between-bytes-timeout", "1s", "--total-timeout", "3s"],
    ...["--breaker", "0"],
  ]);
});
afterAll(async () => {
  await deaf.stop();
  await rig.stop();
});

/** Bytes one at a time, so many milliseconds apart, until the connection is gone. */
async function drip(asked: Asked, bytes: string, apartMs: number): Promise<void> {
  let isClosed = false;
  void asked.closed.then(() => (isClosed = true));
  for (let at = 0; at < bytes.length && !isClosed; at++) {
    await asked.send(bytes.slice(at, at + 1));
    await Bun.sleep(apartMs);
  }
}

describe("--connect-timeout", () => {
  test("an origin that does not accept: 504, within the deadline", async () => {
    const args = ["--origin", deaf.url, "--connect-timeout", "300ms", "--log", "off"];
    const larder = await startLarder("cache.ts", [...ANYWHERE, ...args]);
    try {
      expectRefused(await get(larder.url, "/a"), 504, "origin-timeout");
      expectRefused(await get(larder.url, "/a", { method: "POST", body: "x" }), 504, "origin-timeout");
    } finally {
      await larder.stop();
    }
  });
});

describe("--first-byte-timeout", () => {
  const SILENCES: readonly (readonly [what: string, script: (asked: Asked) => unknown])[] = [
    ["says nothing", () => {}],
    ["says half a status line", (asked) => asked.send("HTTP/1.1 2")],
    ["says half a header section", (asked) => asked.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n")],
    ["drips its header section", (asked) => drip(asked, `HTTP/1.1 200 OK\r\nX-Drip: ${"x".repeat(200)}`, 50)],
  ];

  test.concurrent.each(SILENCES)(
    "an origin that %s: 504, and its connection is closed",
    async (what, script) => {
      const target = `/silent/${what.replaceAll(" ", "-")}`;
      rig.origin.on(target, script);
      expectRefused(await rig.get(target), 504, "origin-timeout");
      for (const asked of rig.origin.requests(target)) await asked.closed;
    },
  );

  test.concurrent.each(SILENCES)("an origin that %s: stale, where that is allowed", async (what, script) => {
    const target = `/covered/${what.replaceAll(" ", "-")}`;
    rig.origin.on(target, { fields: STALE, body: WHOLE });
    expectWhole(await rig.get(target), WHOLE);
    rig.origin.on(target, script);
    const got = await rig.get(target);
    expectWhole(got, WHOLE);
    expect(cacheStatusIn(got)).toMatchObject({ fwd: "stale", detail: "origin-timeout" });
  });

  test.concurrent("an unsafe request: 504, and the origin has seen it once", async () => {
    rig.origin.on("/post", () => {});
    expectRefused(await rig.get("/post", { method: "POST", body: "order" }), 504, "origin-timeout");
    expect(rig.origin.requests("/post").map(({ body }) => body)).toEqual(["order"]);
  });

  test.concurrent("followers wait no longer than their leader", async () => {
    rig.origin.on("/followed", () => {});
    const replies = await Promise.all(Array.from({ length: 10 }, () => rig.get("/followed")));
    for (const got of replies) expectRefused(got, 504, "origin-timeout");
  });

  test.concurrent("a header section that comes in time is in time, however small its pieces", async () => {
    rig.origin.on("/pieces", async (asked) => {
      for (const piece of ["HTTP/1.1 ", "200 OK\r\nContent-", "Length: 30\r\n\r\n"]) {
        await asked.send(piece);
        await Bun.sleep(20);
      }
      await asked.send(WHOLE);
    });
    expectWhole(await rig.get("/pieces"), WHOLE);
  });
});

describe("--between-bytes-timeout", () => {
  test.concurrent.each([1, 15, 29])(
    "silence after %i bytes: no clean end, nothing stored",
    async (offset) => {
      const target = `/between/${offset}`;
      const client = await rig.open(target);
      const asked = await rig.origin.asked(target);
      await asked.head({ fields: { ...FRESH, "Content-Length": String(WHOLE.length) } });
      await asked.send(WHOLE.slice(0, offset));
      const follower = await rig.open(target);
      for (const reader of [client, follower]) {
        expect(await reader.read(offset)).toBe(WHOLE.slice(0, offset));
        expect(await reader.rest()).toMatchObject({ text: "", complete: false });
      }
      await asked.closed;
      rig.origin.on(target, { fields: FRESH, body: "anew" });
      expectWhole(await rig.get(target), "anew");
    },
  );

  test.concurrent(
    "a body that drips without ever being silent for so long is whole, and stored",
    async () => {
      rig.origin.on("/drip", async (asked) => {
        await asked.head({ fields: { ...FRESH, "Content-Length": "12" } });
        await drip(asked, WHOLE.slice(0, 12), 120);
      });
      for (const _ of ["filled", "stored"]) expectWhole(await rig.get("/drip"), WHOLE.slice(0, 12));
      expect(rig.origin.requests("/drip").length).toBe(1);
    },
  );
});

describe("--total-timeout", () => {
  test.concurrent(
    "a body that drips for ever: no clean end, and the connection to the origin is closed",
    async () => {
      const endless = numbered(2000);
      rig.origin.on("/endless", async (asked) => {
        await asked.head({ fields: { ...FRESH, "Content-Length": String(endless.length) } });
        await drip(asked, endless, 100);
      });
      const got = await rig.get("/endless");
      expect([got.status, got.complete, endless.startsWith(got.text)]).toEqual([200, false, true]);
      expect(got.text.length).toBeGreaterThan(0);
      for (const asked of rig.origin.requests("/endless")) await asked.closed;
    },
  );
});

test(
  "a deadline of 0 is none: what takes longer than the others comes whole",
  withRig(
    async (patient) => {
      patient.origin.on("/slow", async (asked) => {
        await asked.head({ fields: { ...FRESH, "Content-Length": "8" } });
        await drip(asked, WHOLE.slice(0, 8), 100);
      });
      expectWhole(await patient.get("/slow"), WHOLE.slice(0, 8));
    },
    ["--connect-timeout", "0", "--total-timeout", "0", "--between-bytes-timeout", "2s"],
  ),
);
