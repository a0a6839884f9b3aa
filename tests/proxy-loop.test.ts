// Answers: what becomes of a request that the origin leads back to this cache?
// Owns: the claim about loops through the engine (RFC 8586).
// Leaves out: which fields are sent along (`proxy-fields.test.ts`).
import { expect, test } from "bun:test";
import { withLarder } from "./larder-under-test.ts";

test(
  "RFC 8586 §2 a request that comes back through a loop does not follow itself: 508",
  withLarder(
    async (larder) => {
      larder.origin.script(async (asked) => {
        const fields = asked.fields.filter(([name]) => !/^(?:host|connection)$/i.test(name));
        const { status, bytes } = await larder.get(asked.target, Object.fromEntries(fields));
        await asked.reply({ status, body: bytes });
      });
      const reply = await larder.get("/a");
      expect([reply.status, larder.origin.requests.length]).toEqual([508, 1]);
    },
    { originTimeoutMs: 1000 },
  ),
);
