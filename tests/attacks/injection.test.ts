// Answers: can a client or an origin put lines of its own into a message that Larder writes?
// Owns: the attacks that inject fields, markup or whole responses.
// Leaves out: what the parsers refuse in a request (`framing.test.ts`), the log's lines (`log.test.ts`).
import { describe, expect, test } from "bun:test";
import { withLarder } from "../larder-under-test.ts";
import { ask } from "../socket-client.ts";
import { lines, rawAsk } from "./raw-bytes.ts";

const FRESH = { "Cache-Control": "max-age=60" };

describe("percent-encoded CRLF in the target", () => {
  test.each(["/x%0d%0aX-Evil:%201", "/x?a=%0D%0AX-Evil:%201", "/%0d%0a%0d%0aGET%20/smuggled"])(
    "%s",
    (target) =>
      withLarder(async (larder) => {
        larder.origin.script({ fields: FRESH, body: "origin" });
        const url = larder.serve();
        for (const _ of ["miss", "hit"]) {
          const replies = await rawAsk(url, lines(`GET ${target} HTTP/1.1`));
          expect(replies.map(({ status, get }) => [status, get("x-evil")])).toEqual([[200, undefined]]);
        }
        expect(larder.origin.requests.map((asked) => [asked.target, asked.get("x-evil")])).toEqual([
          [target, undefined],
        ]);
      })(),
  );
});

describe("reflected values", () => {
  test(
    "a page of Larder's own shows nothing of the request",
    withLarder(async (larder) => {
      const url = larder.serve();
      larder.origin.stop();
      const odd = "<script>alert(1)</script>";
      const fields = { Referer: odd, "User-Agent": odd, "If-None-Match": odd, Cookie: odd };
      const away = await ask(url, "GET", "/?q=<script>alert(1)</script>", fields);
      const refused = await ask(url, "GET", "//<script>", fields);
      expect([away.status, refused.status]).toEqual([502, 400]);
      for (const { body, fields: got } of [away, refused]) {
        expect(`${body}${got.join()}`).not.toMatch(/script>|alert/);
      }
    }),
  );

  test(
    "what an origin reflects into a field is one field",
    withLarder(async (larder) => {
      larder.origin.script((asked) => asked.reply({ fields: { ...FRESH, "X-Echo": asked.target } }));
      const [reply] = await rawAsk(larder.serve(), lines("GET /a%0d%0aSet-Cookie:%20a=1 HTTP/1.1"));
      expect([reply?.get("x-echo"), reply?.get("set-cookie")]).toEqual([
        "/a%0d%0aSet-Cookie:%20a=1",
        undefined,
      ]);
    }),
  );
});

describe("response splitting by the origin", () => {
  test.each([
    ["bare CR in a value", "X-A: a\rSet-Cookie: evil=1\r\n"],
    ["bare CR before LF CR", "X-A: a\r\rSet-Cookie: evil=1\r\n"],
    ["NUL in a value", "X-A: a\0Set-Cookie: evil=1\r\n"],
    ["obs-fold", "X-A: a\r\n Set-Cookie: evil=1\r\n"],
    ["a space before the colon", "Set-Cookie : evil=1\r\n"],
    ["two lengths that differ", "Content-Length: 2\r\nContent-Length: 30\r\n"],
    ["a length with a sign", "Content-Length: +2\r\n"],
    ["a transfer coding that is not chunked", "Transfer-Encoding: xchunked\r\n"],
  ])("%s is 502, and nothing of it is stored", (_, field) =>
    withLarder(async (larder) => {
      const url = larder.serve();
      const asking = ask(url, "GET", "/x");
      const asked = await larder.origin.asked();
      const length = /length|encoding/i.test(field) ? "" : "Content-Length: 2\r\n";
      await asked.send(`HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n${length}${field}\r\nok`);
      const reply = await asking;
      expect([reply.status, reply.fields.some(([name]) => name.toLowerCase() === "set-cookie")]).toEqual([
        502,
        false,
      ]);
      asked.breakOff();
      larder.origin.script({ fields: FRESH, body: "clean" });
      expect((await ask(url, "GET", "/x")).body).toBe("clean");
    })(),
  );

  test(
    "a second response behind the first answers nobody",
    withLarder(async (larder) => {
      const url = larder.serve();
      const asking = ask(url, "GET", "/x");
      const asked = await larder.origin.asked();
      const evil = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\nevil";
      await asked.send(`HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok${evil}`);
      expect((await asking).body).toBe("ok");
      larder.origin.script({ fields: FRESH, body: "clean" });
      for (const target of ["/y", "/z"]) expect((await ask(url, "GET", target)).body).toBe("clean");
      expect((await ask(url, "GET", "/x")).body).toBe("ok");
    }),
  );
});
