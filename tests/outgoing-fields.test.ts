// Answers: which header fields does a request have when it leaves for the origin?
// Owns: the claims about `lib/outgoing-fields.ts` alone.
// Leaves out: validators, conditions and lengths, as the forwarder sends them (`forward.test.ts`).
import { describe, expect, test } from "bun:test";
import type { PresentedRequest } from "../lib/message.ts";
import { outgoingFields, type Conditions, type Gateway } from "../lib/outgoing-fields.ts";
import { presented } from "./larder-under-test.ts";
import { forwarding, partial, storedResponse } from "./rfc9111/test-values.ts";
import type { FieldRecord } from "./scripted-origin.ts";

const GATEWAY: Gateway = { hostField: "", loopToken: "larder-1" };

function outgoing(fields: FieldRecord, method = "GET", conditions: Conditions = "stripped"): Headers {
  return outgoingFields(presented(method, "/a", fields), forwarding(), conditions, GATEWAY);
}

test("a plain request has what a gateway adds, and nothing else", () => {
  expect([...outgoing({ accept: "a/b" })]).toEqual([
    ["accept", "a/b"],
    ["cdn-loop", "larder-1"],
    ["host", "larder.test"],
    ["via", "1.1 larder"],
    ["x-forwarded-for", "192.0.2.1"],
    ["x-forwarded-host", "larder.test"],
    ["x-forwarded-proto", "http"],
  ]);
});

describe("what others on the way have said", () => {
  test.each([
    ["RFC 9110 §7.6.3", "via", "1.0 first, 2 second (Squid)", "1.0 first, 2 second (Squid), 1.1 larder"],
    ["RFC 8586 §2", "cdn-loop", "other; v=1", "other; v=1, larder-1"],
    ["as gateways do it", "x-forwarded-for", "198.51.100.7", "198.51.100.7, 192.0.2.1"],
  ])("%s: %s %p is added to", (_, name, value, expected) => {
    expect(outgoing({ [name]: value }).get(name)).toBe(expected);
  });

  test("a client's own words on where it came from are not believed", () => {
    const fields = outgoing({ "x-forwarded-host": "evil.test", "x-forwarded-proto": "https" });
    expect([fields.get("x-forwarded-host"), fields.get("x-forwarded-proto")]).toEqual([
      "larder.test",
      "http",
    ]);
  });

  test("a client whose address the wire does not know has none", () => {
    const request: PresentedRequest = { ...presented("GET", "/a"), clientAddress: () => undefined };
    expect(outgoingFields(request, forwarding(), "stripped", GATEWAY).has("x-forwarded-for")).toBe(false);
  });

  test("the scheme is that of the target URI", () => {
    const request = { ...presented("GET", "/a"), uri: "https://larder.test/a" };
    const fields = outgoingFields(request, forwarding(), "stripped", GATEWAY);
    expect(fields.get("x-forwarded-proto")).toBe("https");
  });
});

describe("where a wire has one block for all requests that say the same", () => {
  const shared: PresentedRequest = {
    ...presented("GET", "/a", { "if-none-match": '"a"' }),
    hasSharedFields: true,
  };

  test("what leaves is made once, and the block stays as it was", () => {
    const fields = outgoingFields(shared, forwarding(), "stripped", GATEWAY);
    expect(outgoingFields({ ...shared }, forwarding(), "stripped", GATEWAY)).toBe(fields);
    expect(shared.fields.has("via")).toBe(false);
  });

  test.each<[string, Partial<PresentedRequest>, Conditions, Partial<Gateway>]>([
    ["address", { clientAddress: () => "192.0.2.2" }, "stripped", {}],
    ["authority", { authority: "other.test" }, "stripped", {}],
    ["scheme", { uri: "https://larder.test/a" }, "stripped", {}],
    ["conditions", {}, "as-presented", {}],
    ["Host", {}, "stripped", { hostField: "origin.test" }],
    ["name", {}, "stripped", { loopToken: "larder-2" }],
  ])("another %s is another request", (_, changes, conditions, gateway) => {
    outgoingFields(shared, forwarding(), "stripped", GATEWAY);
    const other = { ...shared, ...changes };
    const fields = outgoingFields(other, forwarding(), conditions, { ...GATEWAY, ...gateway });
    const alone = { ...other, hasSharedFields: false };
    const expected = outgoingFields(alone, forwarding(), conditions, { ...GATEWAY, ...gateway });
    expect([...fields]).toEqual([...expected]);
  });

  test("a request to validate is made anew, and not for the next one", () => {
    const nominating = forwarding({ nominated: [storedResponse({ fields: { etag: '"b"' } })] });
    outgoingFields(shared, nominating, "stripped", GATEWAY);
    expect(outgoingFields(shared, forwarding(), "stripped", GATEWAY).has("if-none-match")).toBe(false);
  });
});

test.each([
  ["", "larder.test"],
  ["origin.test:81", "origin.test:81"],
])("RFC 9110 §7.2 with the Host field %p to send, it is %s", (hostField, host) => {
  const fields = outgoingFields(presented("GET", "/a"), forwarding(), "stripped", { ...GATEWAY, hostField });
  expect([fields.get("host"), fields.get("x-forwarded-host")]).toEqual([host, "larder.test"]);
});

test("RFC 9110 §7.6.1 the fields of the connection, and those that Connection names, stay here", () => {
  const names = ["keep-alive", "proxy-connection", "te", "upgrade", "x-hop"];
  const fields = outgoing({
    ...Object.fromEntries(names.map((name) => [name, "1"])),
    connection: "x-hop",
    "x-end": "1",
  });
  expect([...names, "connection"].filter((name) => fields.has(name))).toEqual([]);
  expect(fields.get("x-end")).toBe("1");
});

describe("RFC 9110 §7.6.2 Max-Forwards", () => {
  test.each([
    ["OPTIONS", "5", "4"],
    ["OPTIONS", "1", "0"],
    ["GET", "5", "5"],
    ["OPTIONS", "many", "many"],
  ])("of %s %s leaves as %s", (method, value, expected) => {
    expect(outgoing({ "max-forwards": value }, method).get("max-forwards")).toBe(expected);
  });
});

describe("conditions and ranges", () => {
  test("RFC 9110 §13.1.1, §13.1.4 what only an origin evaluates goes along in any case", () => {
    const conditions = { "if-match": '"1"', "if-unmodified-since": "Thu, 14 Jan 2027 08:00:00 GMT" };
    for (const how of ["stripped", "as-presented"] as const) {
      const fields = outgoing(conditions, "GET", how);
      expect([fields.get("if-match"), fields.get("if-unmodified-since")]).toEqual(Object.values(conditions));
    }
  });

  test("RFC 9110 §14.2 the client's range goes along, with the condition on it", () => {
    const fields = outgoing({ range: "bytes=2-", "if-range": '"1"' });
    expect([fields.get("range"), fields.get("if-range")]).toEqual(["bytes=2-", '"1"']);
  });

  test.each([
    ['"1"', '"1"'],
    ['W/"1"', null],
    [undefined, null],
  ])(
    "§3.4 the rest of what %p names takes the place of the client's range and condition",
    (etag, ifRange) => {
      const fields = etag === undefined ? {} : { etag };
      const stored = storedResponse({ fields, status: 206, body: partial(10, [0, "01234"]) });
      const how = forwarding({ why: "partial", completing: { stored, first: 5, last: 9 } });
      const request = presented("GET", "/a", { range: "bytes=2-", "if-range": '"mine"' });
      const left = outgoingFields(request, how, "stripped", GATEWAY);
      expect([left.get("range"), left.get("if-range")]).toEqual(["bytes=5-9", ifRange]);
    },
  );
});
