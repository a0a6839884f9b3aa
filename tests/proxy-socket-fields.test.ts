// Answers: do header fields pass real sockets unchanged?
// Owns: the claims about fields on the wire, byte by byte.
// Leaves out: bodies and framing (`proxy-socket.test.ts`), fields inside the engine (`proxy-fields.test.ts`).
import { describe, expect, test } from "bun:test";
import { fieldValue } from "./conformance/http-message.ts";
import { withLarder } from "./larder-under-test.ts";
import { ask } from "./socket-client.ts";

const FRESH = { "Cache-Control": "max-age=60" };

describe("fields", () => {
  test(
    "values are byte-exact, and several Set-Cookie lines stay separate",
    withLarder(async (larder) => {
      const odd = "gr\xfc\xdfe \xff";
      larder.origin.script({
        fields: { ...FRESH, "X-Odd": odd, "Set-Cookie": ["a=1, 2", "b=2"] },
        body: "soup",
      });
      const url = larder.serve();
      for (const _ of ["miss", "hit"]) {
        const { fields } = await ask(url, "GET", "/a", { "X-Odd": odd });
        expect(fieldValue(fields, "x-odd")).toBe(odd);
        const cookies = fields
          .filter(([name]) => name.toLowerCase() === "set-cookie")
          .map(([, value]) => value);
        expect(cookies).toEqual(["a=1, 2", "b=2"]);
      }
      expect(larder.origin.requests[0]?.get("x-odd")).toBe(odd);
      expect(larder.origin.requests[0]?.get("x-forwarded-for")).toBe("127.0.0.1");
    }),
  );

  test(
    "RFC 9211 §2 what is refused at the door has Cache-Status too",
    withLarder(async (larder) => {
      const url = larder.serve();
      for (const [method, target, fields] of [
        ["GET", "//x", {}],
        ["GET", "/x", { "Content-Length": "1" }],
        ["OPTIONS", "/x", { "Max-Forwards": "0" }],
        ["TRACE", "/x", {}],
      ] as const) {
        const reply = await ask(url, method, target, fields, "Content-Length" in fields ? "x" : "");
        expect(fieldValue(reply.fields, "cache-status")).toMatch(/^larder; detail=[a-z-]+$/);
      }
      expect(larder.origin.requests.length).toBe(0);
    }),
  );

  test(
    "status 599 leaves as it came, and content of a chunked POST reaches the origin",
    withLarder(async (larder) => {
      larder.origin.script({ status: 599, fields: FRESH, body: "odd" });
      const url = larder.serve();
      for (const _ of ["miss", "hit"]) {
        const reply = await ask(url, "GET", "/a");
        expect([reply.status, reply.body]).toEqual([599, "odd"]);
      }
      await ask(url, "POST", "/a", { "Transfer-Encoding": "chunked" }, "4\r\nsoup\r\n0\r\n\r\n");
      expect(larder.origin.requests.at(-1)?.body).toBe("soup");
    }),
  );
});
