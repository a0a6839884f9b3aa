// Answers: can one client's header fields shape what all get from the store?
// Owns: the attack with unkeyed header fields, over sockets, with an origin that believes all it is told.
// Leaves out: the table of fields and their spellings (`forwarded-fields.test.ts`).
import { describe, expect, test } from "bun:test";
import { BELIEVED_FIELDS } from "../../lib/forwarded-fields.ts";
import { withLarder } from "../larder-under-test.ts";
import { lines, rawAsk } from "./raw-bytes.ts";

describe("unkeyed header fields", () => {
  const spellings = BELIEVED_FIELDS.flatMap(({ name }) => [name, name.replaceAll("-", "_")]);
  test.each([...new Set(spellings)])("%s", (name) =>
    withLarder(async (larder) => {
      const url = larder.serve();
      larder.origin.script((asked) =>
        asked.reply({
          fields: { "Cache-Control": "max-age=60" },
          body: asked.fields.map(([field, value]) => `${field}: ${value}`).join("\n"),
        }),
      );
      await rawAsk(url, lines("GET /page HTTP/1.1", `${name}: evil.test`));
      const [reply] = await rawAsk(url, lines("GET /page HTTP/1.1"));
      expect(reply?.get("cache-status")).toContain("hit");
      expect(reply?.body).toContain("larder.test");
      expect(reply?.body).not.toContain("evil.test");
    })(),
  );
});
