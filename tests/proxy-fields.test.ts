// Answers: which header fields and status codes pass through the engine, and what becomes of them on the way?
// Owns: the claims about fields in both directions, Authorization, Set-Cookie, loops, and odd status codes.
// Leaves out: Cache-Status (`proxy-cache-status.test.ts`), the fields of one forwarded request alone (`forward.test.ts`).
import { describe, expect, test } from "bun:test";
import { expectForwarded, expectReused, withLarder } from "./larder-under-test.ts";
import type { FieldRecord } from "./scripted-origin.ts";

const FRESH = { "Cache-Control": "max-age=60" };

describe("§3.5 Authorization", () => {
  test.each([
    ["max-age=60", false],
    ["max-age=60, public", true],
    ["max-age=60, must-revalidate", true],
    ["s-maxage=60", true],
    ["max-age=60, proxy-revalidate", false],
  ])("a response with %s to a request that has it is stored: %p", async (directives, isStored) =>
    withLarder(async (larder) => {
      larder.origin.script((asked) =>
        asked.reply({ fields: { "Cache-Control": directives }, body: `for ${asked.get("authorization")}` }),
      );
      expect((await larder.get("/a", { Authorization: "anna" })).text).toBe("for anna");
      const reply = await larder.get("/a", { Authorization: "bert" });
      expect(reply.text).toBe(isStored ? "for anna" : "for bert");
      if (isStored) expectReused(reply);
      else expect(reply.cacheStatus).toMatchObject({ fwd: "uri-miss", detail: "authorization" });
    })(),
  );

  test(
    "what was stored for all is for those who send it too",
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH, body: "for all" });
      await larder.get("/a");
      expectReused(await larder.get("/a", { Authorization: "anna" }));
    }),
  );
});

describe("§7.3 Set-Cookie", () => {
  test.each([
    ["max-age=60", FRESH, true],
    ["public", { "Cache-Control": "public", ETag: '"1"' }, true],
    ["Expires", { Expires: "Fri, 15 Jan 2027 09:00:00 GMT" }, true],
    ["a validator only", { ETag: '"1"' }, false],
    ["heuristic freshness only", { "Last-Modified": "Fri, 01 Jan 2021 08:00:00 GMT" }, false],
    ["private", { "Cache-Control": "private, max-age=60" }, false],
  ])("with %s: its response is stored only where the origin says so", async (_, fields, isStored) =>
    withLarder(async (larder) => {
      larder.origin.script({ fields: { ...fields, "Set-Cookie": ["a=1; Path=/", "b=2"] }, body: "soup" });
      const first = await larder.get("/a");
      expect(first.fields.getSetCookie()).toEqual(["a=1; Path=/", "b=2"]);
      expect(larder.store.stats().responses).toBe(isStored ? 1 : 0);
      if (isStored) expect((await larder.get("/a")).fields.getSetCookie()).toEqual(["a=1; Path=/", "b=2"]);
    })(),
  );

  test(
    '§5.2.2.4 no-cache="set-cookie" keeps it for the first client only',
    withLarder(async (larder) => {
      larder.origin.script({
        fields: { "Cache-Control": 'max-age=60, no-cache="Set-Cookie"', "Set-Cookie": "a=1" },
      });
      expect((await larder.get("/a")).fields.getSetCookie()).toEqual(["a=1"]);
      const hit = await larder.get("/a");
      expectReused(hit);
      expect(hit.fields.getSetCookie()).toEqual([]);
    }),
  );

  test(
    "a follower does not get the leader's, where it is not stored",
    withLarder(async (larder) => {
      const replies = [larder.get("/a"), larder.get("/a")];
      const fields = { "Cache-Control": 'max-age=60, no-cache="set-cookie"', "Set-Cookie": "session=1" };
      await (await larder.origin.asked()).reply({ fields });
      const [leader, follower] = await Promise.all(replies);
      expect([leader?.fields.getSetCookie(), follower?.fields.getSetCookie()]).toEqual([["session=1"], []]);
      expect(larder.origin.requests.length).toBe(1);
    }),
  );
});

describe("RFC 9110 §7.6 what a gateway adds and removes", () => {
  const FOR_ONE_HOP = {
    Connection: "keep-alive, X-Hop",
    "X-Hop": "1",
    "Keep-Alive": "timeout=5",
    "Proxy-Connection": "keep-alive",
    Upgrade: "h9",
    TE: "trailers",
  };

  test(
    "§7.6.1 hop-by-hop fields of a request stay here, all others go along unchanged",
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH });
      const kept = { "X-Kept": "1", Cookie: "a=1", "Accept-Language": "de;q=0.5, en", "User-Agent": "me/1" };
      await larder.get("/a", { ...FOR_ONE_HOP, ...kept });
      const asked = larder.origin.requests[0]!;
      for (const name of ["x-hop", "keep-alive", "proxy-connection", "upgrade", "te"]) {
        expect([name, asked.get(name)]).toEqual([name, undefined]);
      }
      for (const [name, value] of Object.entries(kept))
        expect([name, asked.get(name)]).toEqual([name, value]);
      expect(asked.get("connection") ?? "").not.toContain("X-Hop");
    }),
  );

  test(
    "§7.6.1 hop-by-hop fields of a response reach neither client nor store nor followers",
    withLarder(async (larder) => {
      const replies = [larder.get("/a"), larder.get("/a")];
      const asked = await larder.origin.asked();
      const { TE: _, ...fields } = FOR_ONE_HOP;
      await asked.reply({ fields: { ...FRESH, ...fields, "X-Kept": "1" }, body: "soup" });
      for (const reply of [...(await Promise.all(replies)), await larder.get("/a")]) {
        for (const name of ["connection", "x-hop", "keep-alive", "proxy-connection", "upgrade"]) {
          expect([name, reply.fields.get(name)]).toEqual([name, null]);
        }
        expect([reply.fields.get("x-kept"), reply.text]).toEqual(["1", "soup"]);
      }
    }),
  );

  test(
    "§7.6.3 Via names Larder in both directions, behind those that were there",
    withLarder(async (larder) => {
      larder.origin.script({ fields: { ...FRESH, Via: "1.1 inner" }, body: "soup" });
      const miss = await larder.get("/a", { Via: "1.0 outer" });
      expect(larder.origin.requests[0]?.get("via")).toBe("1.0 outer, 1.1 larder");
      for (const { fields } of [miss, await larder.get("/a")]) {
        expect(fields.get("via")).toBe("1.1 inner, 1.1 larder");
      }
    }),
  );

  test(
    "RFC 8586 §2 a request names Larder in CDN-Loop, and one that has passed here ends with 508",
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH });
      await larder.get("/a", { "CDN-Loop": "other; x=1" });
      const passed = larder.origin.requests[0]?.get("cdn-loop") ?? "";
      expect(passed).toMatch(/^other; x=1, larder-/);
      for (const method of ["GET", "POST"]) {
        const reply = await larder.ask(method, "/b", { "CDN-Loop": passed });
        expect([reply.status, reply.cacheStatus["detail"]]).toEqual([508, "loop"]);
      }
      expect((await larder.get("/b", { "CDN-Loop": "larder, larder-0" })).status).toBe(200);
      expect(larder.origin.requests.length).toBe(2);
    }),
  );

  test(
    "X-Forwarded-For is added to, X-Forwarded-Host and -Proto are Larder's own",
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH });
      const claimed = { "X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https" };
      await larder.get("/a", { ...claimed, "X-Forwarded-For": "198.51.100.7" });
      const asked = larder.origin.requests[0]!;
      expect(asked.get("x-forwarded-for")).toBe("198.51.100.7, 192.0.2.1");
      expect([asked.get("x-forwarded-host"), asked.get("x-forwarded-proto")]).toEqual([
        "larder.test",
        "http",
      ]);
    }),
  );

  test.each([
    ["", "larder.test"],
    ["inner.test:81", "inner.test:81"],
  ])("Host: --origin-host %p sends %s", async (originHost, host) =>
    withLarder(
      async (larder) => {
        larder.origin.script({ fields: FRESH });
        await larder.get("/a?b=%2F");
        expect(larder.origin.requests[0]?.get("host")).toBe(host);
        expect(larder.origin.requests[0]?.target).toBe("/a?b=%2F");
      },
      { originHost },
    )(),
  );

  test.each(["POST", "PUT", "PATCH", "DELETE"])("the content of %s reaches the origin", async (method) =>
    withLarder(async (larder) => {
      larder.origin.script({ status: 201, body: "made" });
      const reply = await larder.ask(method, "/a", { "Content-Type": "text/plain" }, "soup");
      expectForwarded(reply, "method");
      expect([reply.status, reply.text, larder.answered[0]?.report.word]).toEqual([201, "made", "PASS"]);
      const asked = larder.origin.requests[0]!;
      expect([asked.method, asked.body, asked.get("content-type")]).toEqual([method, "soup", "text/plain"]);
    })(),
  );
});

describe("messages out of the ordinary", () => {
  test(
    "RFC 9110 §5.5 latin1 bytes in values pass unchanged in both directions, on a hit as well",
    withLarder(async (larder) => {
      const odd = "gr\xfc\xdfe \xa0\xff";
      larder.origin.script({ fields: { ...FRESH, "X-Odd": odd, ETag: `"${odd}"` } });
      const replies = [await larder.get("/a", { "X-Asked": odd }), await larder.get("/a")];
      expect(larder.origin.requests[0]?.get("x-asked")).toBe(odd);
      for (const { fields } of replies) {
        expect([fields.get("x-odd"), fields.get("etag")]).toEqual([odd, `"${odd}"`]);
      }
    }),
  );

  test.each([204, 205, 301, 404, 410, 451, 503, 599])(
    "status %i passes, is stored and reused",
    async (status) =>
      withLarder(async (larder) => {
        const body = status === 204 || status === 205 ? "" : "why";
        larder.origin.script({ status, fields: { ...FRESH, Location: "/b" }, body });
        const miss = await larder.get("/a");
        expectForwarded(miss, "uri-miss");
        const hit = await larder.get("/a");
        expectReused(hit);
        for (const reply of [miss, hit]) expect([reply.status, reply.text]).toEqual([status, body]);
        for (const { fields } of [miss, hit]) expect(fields.get("location")).toBe("/b");
        if (status === 204) expect(hit.fields.has("content-length")).toBe(false);
      })(),
  );

  test(
    "RFC 9110 §15.4.5 a 304 that nobody asked for is not stored",
    withLarder(async (larder) => {
      larder.origin.script({ status: 304, fields: FRESH });
      await larder.get("/a");
      expect(larder.store.stats().responses).toBe(0);
    }),
  );

  test(
    "RFC 9110 §15.2 interim responses end here: the final one is the answer",
    withLarder(async (larder) => {
      const final = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\nsoup";
      larder.origin.script((asked) =>
        asked.send(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${final}`),
      );
      for (const reply of [await larder.get("/a"), await larder.get("/a")]) {
        expect([reply.status, reply.text, reply.fields.get("link")]).toEqual([200, "soup", null]);
      }
      expect(larder.origin.requests.length).toBe(1);
    }),
  );

  test(
    "RFC 9112 §6.3 Transfer-Encoding beats Content-Length: no wrong length reaches anybody",
    withLarder(async (larder) => {
      const fields: FieldRecord = { ...FRESH, "Content-Length": "4", "Transfer-Encoding": "chunked" };
      const body = "x".repeat(200_000);
      larder.origin.script(async (asked) => {
        await asked.head({ fields });
        await asked.chunk(body);
        await asked.lastChunk();
      });
      const replies = await Promise.all([larder.get("/a"), larder.get("/a")]);
      for (const reply of [...replies, await larder.get("/a")]) {
        expect(reply.text === body).toBe(true);
        expect(reply.fields.get("content-length") ?? String(body.length)).toBe(String(body.length));
      }
    }),
  );

  test(
    "RFC 9110 §6.6.1 a response without Date gets the moment of its arrival, and keeps it",
    withLarder(async (larder) => {
      larder.origin.script({ fields: FRESH });
      const first = (await larder.get("/a")).fields.get("date");
      larder.pass(10);
      expect([first, (await larder.get("/a")).fields.get("date")]).toEqual(
        Array(2).fill("Fri, 15 Jan 2027 08:00:00 GMT"),
      );
    }),
  );
});
