// Answers: is a body held against the digests that came with it, and against nothing else?
// Owns: the claims about `lib/digest.ts`; the values are those of RFC 9530, others are worked out by node:crypto.
// Leaves out: what becomes of a body that is another one (`fill-body.test.ts`).
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { digestCheck } from "../lib/digest.ts";
import { bytesOf } from "./rfc9111/test-values.ts";

type Fields = Readonly<Record<string, string>>;
type Of = Parameters<typeof digestCheck>[1];

/** The representation of RFC 9530 Appendix B, and its digests as printed there. */
const HELLO = '{"hello": "world"}\n';
const SHA256 = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
const SHA512 =
  "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:";
const PART_SHA256 = "sha-256=:jjcgBDWNAtbYUXI37CVG3gRuGOAjaaDRGpIUFsdyepQ=:";
const EMPTY_SHA256 = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
const OTHER_SHA256 = digest("sha256", "other");
const OTHER_SHA512 = digest("sha512", "other");

function digest(algorithm: "sha256" | "sha512", bytes: string | Uint8Array): string {
  const value = createHash(algorithm).update(bytes).digest("base64");
  return `${algorithm.replace("sha", "sha-")}=:${value}:`;
}

/** Whether the body is the one that the fields speak of; `undefined` where they say nothing that can be checked. */
function holds(fields: Fields, text: string, of: Of = "content"): boolean | undefined {
  const check = digestCheck(new Headers(fields), of);
  check?.update(bytesOf(text));
  return check?.holds();
}

describe("RFC 9530 Appendix B", () => {
  test.each([
    ["sha-256 of the representation", { "repr-digest": SHA256 }, HELLO, "content"],
    ["sha-512 of the representation", { "repr-digest": SHA512 }, HELLO, "content"],
    [
      "both, of representation and content",
      { "repr-digest": SHA256, "content-digest": SHA512 },
      HELLO,
      "content",
    ],
    ["no content at all", { "repr-digest": EMPTY_SHA256 }, "", "content"],
    ["the bytes 10 to 18", { "repr-digest": SHA256, "content-digest": PART_SHA256 }, '"world"}\n', "part"],
    ["the parts put together", { "repr-digest": SHA256, "content-digest": PART_SHA256 }, HELLO, "whole"],
  ] as const)("%s", (_, fields, text, of) => {
    expect(holds(fields, text, of)).toBe(true);
    expect(holds(fields, `${text}.`, of)).toBe(false);
    expect(holds(fields, text.slice(0, -1), of)).toBe(text === "");
  });
});

describe("RFC 9530 §2, §3 which field speaks of what", () => {
  const REPR = { "repr-digest": SHA256 };
  const CONTENT = { "content-digest": SHA256 };
  test.each([
    ["content", REPR, true],
    ["content", CONTENT, true],
    ["part", REPR, false],
    ["part", CONTENT, true],
    ["whole", REPR, true],
    ["whole", CONTENT, false],
    ["content", {}, false],
    ["content", { digest: SHA256, "want-repr-digest": "sha-256=9" }, false],
  ] as const)("of %s, %j is looked at: %p", (of, fields, isLookedAt) => {
    expect(holds(fields, "another", of)).toBe(isLookedAt ? false : undefined);
    expect(holds(fields, HELLO, of)).toBe(isLookedAt ? true : undefined);
  });

  test("one of the two that does not hold is enough", () => {
    expect(holds({ "repr-digest": SHA256, "content-digest": OTHER_SHA256 }, HELLO)).toBe(false);
    expect(holds({ "repr-digest": OTHER_SHA256, "content-digest": SHA256 }, HELLO)).toBe(false);
  });
});

describe("RFC 9530 §5 members", () => {
  test.each([
    ["several that hold", `${SHA256}, ${SHA512}`, true],
    ["one of several that does not", `${SHA256}, ${OTHER_SHA512}`, false],
    ["the other one", `${OTHER_SHA256}, ${SHA512}`, false],
    ["an unknown algorithm beside a known one", `blake3=:AAAA:, ${SHA256}`, true],
    ["an unknown algorithm beside one that does not hold", `blake3=:AAAA:, ${OTHER_SHA256}`, false],
    ["only unknown and unfit algorithms", "blake3=:AAAA:, md5=:AAAA:, sha=:AAAA:, unixsum=30637", undefined],
    ["parameters are no part of it", `${SHA256};q=1;a=:AAAA:`, true],
    ["a list over several lines", `unixcksum=1,  ${SHA256}\t,\t${SHA512}`, true],
    ["the last of two of a name (RFC 9651 §3.2)", `${OTHER_SHA256}, ${SHA256}`, true],
    ["a string", 'sha-256="RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="', undefined],
    ["a token", "sha-256=abc", undefined],
    ["a number", "sha-256=1", undefined],
    ["nothing behind the name", "sha-256", undefined],
    ["an inner list", `sha-256=(${SHA256.slice("sha-256=".length)})`, undefined],
    ["no member makes sense, another one does", `sha-256=1, ${OTHER_SHA512}`, false],
    ["an empty field", "", undefined],
    ["no dictionary: a bare value", ":RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:", undefined],
    ["no dictionary: cut short", SHA256.slice(0, -1), undefined],
    ["no dictionary: a comma at the end", `${SHA256},`, undefined],
    ["no dictionary: an upper-case name", SHA256.toUpperCase(), undefined],
    ["no dictionary: odd letters in the value", "sha-256=:\xe9\xff:", undefined],
    ["RFC 3230's form", "sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=", undefined],
  ])("%s", (_, value, expected) => {
    expect(holds({ "repr-digest": value }, HELLO)).toBe(expected);
  });

  test("what is malformed in one field says nothing about the other", () => {
    expect(holds({ "repr-digest": "?", "content-digest": OTHER_SHA256 }, HELLO)).toBe(false);
    expect(holds({ "repr-digest": OTHER_SHA256, "content-digest": "?" }, HELLO)).toBe(false);
  });
});

test("law: any bytes, however they are cut, are right by their own digest and wrong by any other", () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 8 });
  const pieces = fc.tuple(chunks, fc.uint8Array({ maxLength: 20 }), fc.constantFrom("sha256", "sha512"));
  fc.assert(
    fc.property(pieces, ([came, sent, algorithm]) => {
      const whole = Buffer.concat(came);
      for (const named of [whole, sent]) {
        const check = digestCheck(
          new Headers({ "content-digest": digest(algorithm as "sha256", named) }),
          "content",
        );
        for (const chunk of came) check?.update(chunk);
        expect(check?.holds()).toBe(whole.equals(named));
      }
    }),
  );
});

test("law: odd text in the fields never throws", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom<Of>("content", "part", "whole"), (text, of) => {
      const value = text.replaceAll(/[^\x20-\x7e]/g, "=:").trim();
      const check = digestCheck(new Headers({ "repr-digest": value, "content-digest": value }), of);
      check?.update(bytesOf("tea"));
      expect(typeof (check?.holds() ?? false)).toBe("boolean");
    }),
  );
});
