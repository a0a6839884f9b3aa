// Answers: is every form of `--shared` read, and every other one refused?
// Owns: the claims about `parseSharedUrl`.
// Leaves out: connecting (`cluster.test.ts`, `faults.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseSharedUrl, type SharedUrl } from "../../lib/shared/url.ts";

const PLAIN: SharedUrl = {
  kind: "single",
  isSecure: false,
  hosts: [{ host: "cache", port: 6379 }],
  username: undefined,
  password: undefined,
  masterName: "",
  db: 0,
};

const READ: readonly (readonly [string, Partial<SharedUrl>])[] = [
  ["redis://cache", {}],
  ["redis://cache/", {}],
  ["redis://cache:7000/3", { hosts: [{ host: "cache", port: 7000 }], db: 3 }],
  ["REDIS://cache", {}],
  ["rediss://u:p%40ss@cache", { isSecure: true, username: "u", password: "p@ss" }],
  ["redis://:secret@cache", { password: "secret" }],
  ["redis://secret@cache", { password: "secret" }],
  ["redis://[::1]:7000", { hosts: [{ host: "::1", port: 7000 }] }],
  [
    "redis+sentinel://a:1,b/main/2",
    {
      kind: "sentinel",
      hosts: [
        { host: "a", port: 1 },
        { host: "b", port: 26_379 },
      ],
      masterName: "main",
      db: 2,
    },
  ],
  [
    "rediss+cluster://a:1,b:2",
    {
      kind: "cluster",
      isSecure: true,
      hosts: [
        { host: "a", port: 1 },
        { host: "b", port: 2 },
      ],
    },
  ],
];

const REFUSED = [
  "",
  "cache:6379",
  "http://cache",
  "redis://",
  "redis://a,b",
  "redis://cache:0",
  "redis://cache:65536",
  "redis://cache:port",
  "redis://cache/x",
  "redis://cache/1/2",
  "redis://cache?a=b",
  "redis://ca che",
  "redis://u:%zz@cache",
  "redis+sentinel://a:1",
  "redis+sentinel://a:1/",
  "redis+cluster://a:1/4",
  "redis+cluster://a:1,",
  "redis+other://a",
];

describe("a URL of the shared tier", () => {
  test.each(READ)("%s", (text, expected) => expect(parseSharedUrl(text)).toEqual({ ...PLAIN, ...expected }));
  test.each(REFUSED)("refused: %p", (text) => expect(parseSharedUrl(text)).toBeUndefined());
  test("no text makes it throw", () =>
    fc.assert(fc.property(fc.string(), (text) => void parseSharedUrl(`redis://${text}`))));
});
