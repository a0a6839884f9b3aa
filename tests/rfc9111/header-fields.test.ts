// Answers: whether just those header fields pass on, are stored and are updated that may be.
// Owns: the claims about `lib/rfc9111/header-fields.ts` (§3.1, §3.2, RFC 9110 §7.6.1).
// Leaves out: whether the response is stored at all (`storing.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { responseDirectives } from "../../lib/rfc9111/cache-control.ts";
import { endToEndFields, storableFields, updatedFields } from "../../lib/rfc9111/header-fields.ts";
import { fieldText } from "./test-values.ts";

type Fields = Record<string, string>;

const NONE = responseDirectives(new Headers());

function stored(fields: Fields): Fields {
  const headers = new Headers(fields);
  return storableFields(headers, responseDirectives(headers)).toJSON();
}

function updated(old: Fields, update: Fields): Fields {
  return updatedFields(
    new Headers(old),
    new Headers(update),
    responseDirectives(new Headers(update)),
  ).toJSON();
}

describe("RFC 9110 §7.6.1 fields for one connection", () => {
  test.each(["connection", "proxy-connection", "keep-alive", "te", "transfer-encoding", "upgrade"])(
    "%s does not pass on",
    (name) => {
      expect(endToEndFields(new Headers({ [name]: "x", "x-a": "1" })).toJSON()).toEqual({ "x-a": "1" });
    },
  );

  test("a field that Connection names does not pass on, in any case and however many there are", () => {
    const fields = new Headers({
      connection: "close, X-Hop , x-other",
      "x-hop": "1",
      "x-other": "2",
      "x-a": "3",
    });
    expect(endToEndFields(fields).toJSON()).toEqual({ "x-a": "3" });
  });

  test.each(["cache-control", "vary", "set-cookie", "etag", "content-length", "content-type", "age"])(
    "Connection may not name %s, which is meant for all recipients: it stays",
    (name) => {
      const fields = endToEndFields(new Headers({ connection: name, [name]: "1" }));
      expect([fields.get("connection"), fields.get(name)]).toEqual([null, "1"]);
    },
  );

  test("all other fields pass on, unknown ones too", () => {
    const fields = { "content-type": "text/plain", trailer: "x-sum", "x-unknown": "1", via: "1.1 a" };
    expect(endToEndFields(new Headers(fields)).toJSON()).toEqual(fields);
  });

  test("no text in Connection makes it throw", () => {
    fc.assert(
      fc.property(fieldText, (text) => {
        const connection = text.replaceAll(/[\0\r\n]/g, "");
        expect(endToEndFields(new Headers({ connection, "x-a": "1" })).has("connection")).toBe(false);
      }),
    );
  });
});

describe("§3.1 storing header fields", () => {
  test("all fields are stored, unknown ones too", () => {
    const fields = {
      "content-type": "text/plain",
      "x-unknown": "1",
      "set-cookie2": "a=1",
      warning: "199 - x",
    };
    expect(stored(fields)).toEqual(fields);
  });

  test.each(["proxy-authenticate", "proxy-authentication-info", "proxy-authorization"])(
    "%s is meant for a proxy and not stored",
    (name) => {
      expect(stored({ [name]: "x", "x-a": "1" })).toEqual({ "x-a": "1" });
    },
  );

  test.each(["private", "no-cache"])("fields that a qualified %s names are not stored", (directive) => {
    const cacheControl = `max-age=60, ${directive}="X-User, set-cookie"`;
    const fields = { "cache-control": cacheControl, "x-user": "1", "set-cookie": "a=1", "x-a": "2" };
    expect(stored(fields)).toEqual({ "cache-control": cacheControl, "x-a": "2" });
  });

  test("several Set-Cookie lines stay several", () => {
    const fields = new Headers([
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["proxy-authenticate", "x"],
    ]);
    expect(storableFields(fields, NONE).getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  test("§4.2.3 Age is worked out anew", () => {
    expect(stored({ age: "5", "x-a": "1" })).toEqual({ "x-a": "1" });
  });
});

describe("§3.2 updating stored header fields", () => {
  test.each<[string, Fields, Fields, Fields]>([
    ["a field replaces the stored one", { "x-a": "1" }, { "x-a": "2" }, { "x-a": "2" }],
    ["a new field is added", { "x-a": "1" }, { "x-b": "2" }, { "x-a": "1", "x-b": "2" }],
    [
      "a field that does not come stays",
      { etag: '"1"', expires: "0" },
      { etag: '"1"' },
      { etag: '"1"', expires: "0" },
    ],
    [
      "Content-Length stays",
      { "content-length": "10" },
      { "content-length": "0" },
      { "content-length": "10" },
    ],
    [
      "Content-Encoding stays",
      { "content-encoding": "gzip", "content-digest": "sha-256=:a:", "repr-digest": "sha-256=:a:" },
      { "content-encoding": "br", "content-digest": "sha-256=:b:", "repr-digest": "sha-256=:b:" },
      { "content-encoding": "gzip", "content-digest": "sha-256=:a:", "repr-digest": "sha-256=:a:" },
    ],
    ["Content-Range stays", {}, { "content-range": "bytes 0-1/2" }, {}],
    ["fields for a proxy are not added", {}, { "proxy-authenticate": "x" }, {}],
    ["Age is not added", {}, { age: "5" }, {}],
    [
      "Content-Type is replaced",
      { "content-type": "a/a" },
      { "content-type": "b/b" },
      { "content-type": "b/b" },
    ],
    ["Date is replaced", { date: "1" }, { date: "2" }, { date: "2" }],
  ])("%s", (_, old, update, result) => {
    expect(updated(old, update)).toEqual(result);
  });

  test("fields that the update's qualified private names are not added", () => {
    const update = { "cache-control": 'private="x-user"', "x-user": "1" };
    expect(updated({}, update)).toEqual({ "cache-control": 'private="x-user"' });
  });

  test("Set-Cookie lines replace all stored ones and stay several", () => {
    const old = new Headers([["set-cookie", "old=1"]]);
    const update = new Headers([
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
    expect(updatedFields(old, update, NONE).getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  test("what is updated is not changed in place", () => {
    const old = new Headers({ "x-a": "1" });
    updatedFields(old, new Headers({ "x-a": "2" }), NONE);
    expect(old.get("x-a")).toBe("1");
  });
});

describe("laws of updating", () => {
  const TIED = ["content-length", "content-encoding", "content-range", "content-digest", "repr-digest"];
  const names = fc.constantFrom(
    ...TIED,
    "x-a",
    "etag",
    "date",
    "age",
    "cache-control",
    "vary",
    "content-type",
  );
  const fields = fc
    .dictionary(names, fc.stringMatching(/^[a-z0-9]{1,5}$/))
    .map((made): Fields => ({ ...made }));

  test("§3.2 Content-Length, -Encoding and -Range are as they were stored", () => {
    fc.assert(
      fc.property(fields, fields, (old, update) => {
        const result = updated(old, update);
        return TIED.every((name) => result[name] === old[name]);
      }),
    );
  });

  test("§3.2 all other fields are as they came, and else as they were", () => {
    fc.assert(
      fc.property(fields, fields, (old, update) => {
        const others = [...new Set([...Object.keys(old), ...Object.keys(update)])].filter(
          (name) => !TIED.includes(name) && name !== "age",
        );
        const result = updated(old, update);
        return others.every((name) => result[name] === (update[name] ?? old[name]));
      }),
    );
  });

  test("§3.2 updating twice with the same fields is updating once", () => {
    fc.assert(
      fc.property(fields, fields, (old, update) => {
        expect(updated(updated(old, update), update)).toEqual(updated(old, update));
      }),
    );
  });
});
