// Answers: is a body stored whose end could just as well be a broken connection?
// Owns: the claims about close-delimited bodies (RFC 9112 §6.3, §8), passed on or stored.
// Leaves out: bodies that say where they end (`fill-break.test.ts`).
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { expectWhole, numbered, withRig, TEST_LIMIT_MS } from "./rig.ts";
import { cacheStatusIn } from "./stream-client.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const HEAD = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nConnection: close\r\n\r\n";
const BODIES: readonly (readonly [what: string, body: string])[] = [
  ["small", numbered(30)],
  ["large", numbered(300_000)],
];

describe("a body that ends with its connection", () => {
  test(
    "is passed on whole and not stored",
    withRig(async (rig) => {
      for (const [what, body] of BODIES) {
        rig.origin.on(`/${what}`, (asked) => asked.send(HEAD + body).then(() => asked.end()));
        for (const _ of [1, 2]) {
          const got = await rig.get(`/${what}`);
          expectWhole(got, body);
          expect(cacheStatusIn(got)).toMatchObject({ fwd: "uri-miss", detail: "close-delimited" });
        }
        expect(rig.origin.requests(`/${what}`).length).toBe(2);
      }
    }),
  );

  test(
    "of an origin that speaks HTTP/1.0: the same",
    withRig(async (rig) => {
      const head = HEAD.replace("HTTP/1.1", "HTTP/1.0").replace("Connection: close\r\n", "");
      rig.origin.on("/old", (asked) => asked.send(`${head}soup`).then(() => asked.end()));
      for (const _ of [1, 2]) expectWhole(await rig.get("/old"), "soup");
      expect(rig.origin.requests("/old").length).toBe(2);
    }),
  );

  test(
    "is stored with --close-delimited store",
    withRig(
      async (rig) => {
        for (const [what, body] of BODIES) {
          rig.origin.on(`/${what}`, (asked) => asked.send(HEAD + body).then(() => asked.end()));
          expectWhole(await rig.get(`/${what}`), body);
          const hit = await rig.get(`/${what}`);
          expectWhole(hit, body);
          expect(cacheStatusIn(hit)).toMatchObject({ hit: true });
          expect(rig.origin.requests(`/${what}`).length).toBe(1);
        }
      },
      ["--close-delimited", "store"],
    ),
  );

  test.each(["pass", "store"])(
    "that has Content-Length besides is judged by that, with --close-delimited %s",
    async (how) =>
      withRig(
        async (rig) => {
          const head = HEAD.replace("\r\n\r\n", "\r\nContent-Length: 10\r\n\r\n");
          rig.origin.on("/short", (asked) => asked.send(`${head}01234`).then(() => asked.end()));
          const got = await rig.get("/short");
          expect(got.status === 200 && got.complete).toBe(false);
          rig.origin.on("/short", (asked) => asked.send(`${head}0123456789`).then(() => asked.end()));
          const before = rig.origin.requests("/short").length;
          for (const _ of [1, 2]) expectWhole(await rig.get("/short"), "0123456789");
          expect(rig.origin.requests("/short").length).toBe(before + 1);
        },
        ["--close-delimited", how],
      )(),
  );
});
