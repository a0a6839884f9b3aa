// Answers: what leaves for the origin, and what is made of what comes back?
// Owns: the claims about `lib/forward.ts`, with a `Send` that the test plays.
// Leaves out: the same over sockets (`proxy-fields.test.ts`, `proxy-broken.test.ts`).
import { describe, expect, test } from "bun:test";
import { Events } from "../lib/events.ts";
import { Forwarder, type ForwardingSettings } from "../lib/forward.ts";
import type { ReceivedResponse, StoredResponse } from "../lib/message.ts";
import type { Conditions } from "../lib/outgoing-fields.ts";
import type { Forwarding } from "../lib/rfc9111/reuse.ts";
import type { OriginResponse, OutgoingRequest, Send } from "../lib/wire/origin-exchange.ts";
import { partial, storedResponse } from "./rfc9111/test-values.ts";
import { presented, routesTo } from "./larder-under-test.ts";

const PLAIN: Forwarding = { kind: "forward", why: "uri-miss", nominated: [] };
const ORIGIN = "http://origin.test:8000";
const SETTINGS: ForwardingSettings = {
  hostField: "",
  deadlines: { firstByteMs: 1000, betweenBytesMs: 1000, totalMs: 0 },
  trustsClose: false,
};
const NOW_MS = 1_800_000_000_500;

const ALONE = { endsWithClient: false, isAwaited: () => false };
const STRIPPED = { conditions: "stripped", ...ALONE } as const;
const AS_PRESENTED = { conditions: "as-presented", ...ALONE } as const;

function forwarding(send: Send, clockMs = () => NOW_MS, settings = SETTINGS): Forwarder {
  return new Forwarder({ settings, routes: routesTo(ORIGIN), send, events: new Events(), clockMs });
}

const within = (firstByteMs: number): ForwardingSettings => ({
  ...SETTINGS,
  deadlines: { ...SETTINGS.deadlines, firstByteMs },
});

const nominating = (...nominated: StoredResponse[]): Forwarding => ({
  kind: "forward",
  why: "stale",
  nominated,
});
const tagged = (fields: Record<string, string>): StoredResponse => storedResponse({ fields });

/** What the origin sees of a GET with these fields. */
async function sent(
  fields: Record<string, string>,
  how: Forwarding = PLAIN,
  conditions: Conditions = "stripped",
): Promise<OutgoingRequest> {
  const requests: OutgoingRequest[] = [];
  const send: Send = async (request) => {
    requests.push(request);
    return responding(new Response(null, { status: 204 }));
  };
  const forwarder = forwarding(send);
  await forwarder.forward(presented("GET", "/a/b?c=%2F", fields), how, { conditions, ...ALONE });
  return requests[0]!;
}

function responding({ status, headers, body }: Response): OriginResponse {
  return { status, fields: headers, body };
}

/** What is made of a response. */
function received(response: Response, method = "GET"): Promise<ReceivedResponse> {
  const forwarder = forwarding(async () => responding(response));
  return forwarder.forward(presented(method, "/a"), PLAIN, STRIPPED);
}

describe("what leaves", () => {
  test("goes to the origin with path and query as they came", async () => {
    const { origin, target } = await sent({});
    expect([origin, target]).toEqual(["http://origin.test:8000", "/a/b?c=%2F"]);
  });

  test.each([
    ["GET", true],
    ["HEAD", true],
    ["POST", false],
    ["DELETE", false],
  ])("%s may go out on a connection used before: %p", async (method, mayReuse) => {
    const asked: OutgoingRequest[] = [];
    const send: Send = async (request) => (asked.push(request), responding(new Response(null)));
    await forwarding(send).forward(presented(method, "/a"), PLAIN, AS_PRESENTED);
    expect(asked[0]?.mayReuseConnection).toBe(mayReuse);
  });

  test.each([
    ["stripped", [null, null]],
    ["as-presented", ['"mine"', "then"]],
  ] as const)("§4.3.1 the client's conditions %s", async (conditions, expected) => {
    const fields = { "If-None-Match": '"mine"', "If-Modified-Since": "then" };
    const { fields: left } = await sent(fields, PLAIN, conditions);
    expect([left.get("if-none-match"), left.get("if-modified-since")]).toEqual(expected as never);
  });

  test.each([
    ["one", [tagged({ etag: '"1"', "last-modified": "then" })], ['"1"', "then"]],
    [
      "several",
      [tagged({ etag: '"1"', "last-modified": "then" }), tagged({ etag: '"2"' })],
      ['"1", "2"', null],
    ],
    ["one without validators", [tagged({})], [null, null]],
  ])("§4.3.1 the validators of %s", async (_, nominated, expected) => {
    const { fields } = await sent({ "If-None-Match": '"mine"' }, nominating(...nominated));
    expect([fields.get("if-none-match"), fields.get("if-modified-since")]).toEqual(expected);
  });

  test.each([
    ['"1"', 5, undefined, "bytes=5-", '"1"'],
    ['"1"', 5, 7, "bytes=5-7", '"1"'],
    ['W/"1"', 5, 7, "bytes=5-7", null],
  ])("§3.4 the rest of what %s names: %p to %p", async (etag, first, last, range, ifRange) => {
    const stored = storedResponse({ fields: { etag }, status: 206, body: partial(10, [0, "01234"]) });
    const forwarding: Forwarding = { ...PLAIN, why: "partial", completing: { stored, first, last } };
    const { fields } = await sent({}, forwarding);
    expect([fields.get("range"), fields.get("if-range")]).toEqual([range, ifRange]);
  });

  test("RFC 9112 §6.3 of several equal Content-Length values one, and none where there is no content", async () => {
    expect((await sent({ "Content-Length": "5" })).fields.has("content-length")).toBe(false);
    expect((await sent({ "Content-Length": "0" })).fields.get("content-length")).toBe("0");
    const asked: OutgoingRequest[] = [];
    const send: Send = async (request) => (asked.push(request), responding(new Response(null)));
    const post = presented("POST", "/a", { "Content-Length": ["1", "1"] }, "x");
    await forwarding(send).forward(post, PLAIN, AS_PRESENTED);
    expect(asked[0]?.fields.get("content-length")).toBe("1");
  });

  test("RFC 9110 §10.1.1 Expect stays here: the wire has answered it", async () => {
    expect((await sent({ Expect: "100-continue" })).fields.has("expect")).toBe(false);
  });

  test("leaves the presented request as it was", async () => {
    const request = presented("GET", "/a", { "If-None-Match": '"1"', Accept: "a/b" });
    await forwarding(async () => responding(new Response(null))).forward(request, PLAIN, STRIPPED);
    expect([...request.fields.keys()]).toEqual(["accept", "host", "if-none-match"]);
  });
});

describe("what comes back", () => {
  test.each([
    ["length", { "Content-Length": "4" }, 200, "GET", 4],
    ["chunked", { "Transfer-Encoding": "chunked" }, 200, "GET", undefined],
    ["chunked", { "Transfer-Encoding": "Chunked", "Content-Length": "9" }, 200, "GET", undefined],
    ["close", {}, 200, "GET", undefined],
    ["none", { "Content-Length": "4" }, 200, "HEAD", undefined],
    ["none", { "Content-Length": "4" }, 304, "GET", undefined],
    ["none", {}, 204, "GET", undefined],
  ])("RFC 9112 §6.3 framing %s for %p, %i to %s", async (framing, headers, status, method, length) => {
    const body = status === 200 && method === "GET" ? "soup" : null;
    const response = await received(new Response(body, { status, headers }), method);
    expect([response.framing, response.length]).toEqual([framing as never, length]);
    expect(response.body === null).toBe(body === null);
  });

  test("RFC 9112 §6.3 a Content-Length beside Transfer-Encoding is dropped", async () => {
    const headers = { "Transfer-Encoding": "chunked", "Content-Length": "9" };
    expect((await received(new Response("soup", { headers }))).fields.has("content-length")).toBe(false);
  });

  test.each([
    ["none", undefined],
    ["one that is no date", "yesterday"],
  ])("RFC 9110 §6.6.1 with %s Date, it gets the moment of its arrival", async (_, date) => {
    const headers = date === undefined ? {} : { Date: date };
    expect((await received(new Response(null, { headers }))).fields.get("date")).toBe(
      "Fri, 15 Jan 2027 08:00:00 GMT",
    );
  });

  test("§4.2.3 the moments of request and response are the clock's", async () => {
    let nowMs = 5_900;
    const send: Send = async () => {
      nowMs = 9_100;
      return responding(new Response(null));
    };
    const forwarder = forwarding(send, () => nowMs);
    const { requestTime, responseTime } = await forwarder.forward(presented("GET", "/a"), PLAIN, STRIPPED);
    expect([Number(requestTime), Number(responseTime)]).toEqual([5, 9]);
  });

  test.each([
    ["gzip, chunked", 200],
    ["identity", 200],
  ])("the transfer coding %s is an error of the origin, and its body is ended", async (coding, status) => {
    let isCancelled = false;
    const body = new ReadableStream({ cancel: () => void (isCancelled = true) });
    const response = new Response(body, { status, headers: { "Transfer-Encoding": coding } });
    await expect(received(response)).rejects.toMatchObject({ code: "origin-malformed", status: 502 });
    expect(isCancelled).toBe(true);
  });

  test.each([
    ["ConnectionRefused", "origin-unreachable", 502],
    ["Malformed_HTTP_Response", "origin-malformed", 502],
    ["InvalidHTTPResponse", "origin-malformed", 502],
    [undefined, "origin-unreachable", 502],
  ])("a failure with code %p is %s", async (code, named, status) => {
    const send: Send = () => Promise.reject(Object.assign(new Error("no"), { code }));
    const forwarder = forwarding(send);
    const failing = forwarder.forward(presented("GET", "/a"), PLAIN, STRIPPED);
    await expect(failing).rejects.toMatchObject({ code: named, status });
  });

  test("the deadline is for the header section only: a body may take longer", async () => {
    const signals: AbortSignal[] = [];
    const send: Send = async ({ signal }) => (signals.push(signal), responding(new Response("soup")));
    const forwarder = forwarding(send, undefined, within(5));
    await forwarder.forward(presented("GET", "/a"), PLAIN, STRIPPED);
    await Bun.sleep(20);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  });

  test("RFC 9110 §15.6.5 the deadline ends the request: 504", async () => {
    const send: Send = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
    const forwarder = forwarding(send, undefined, within(10));
    const failing = forwarder.forward(presented("GET", "/a"), PLAIN, STRIPPED);
    await expect(failing).rejects.toMatchObject({ code: "origin-timeout", status: 504 });
  });

  test.each([
    ["is waited for no longer than two seconds", "GET", false, false, true],
    ["nor when it is unsafe", "POST", false, false, true],
    ["is waited for where others want it too", "GET", false, true, false],
    ["is given up at once where nobody else can get it", "GET", true, false, true],
  ])(
    "a response whose client has left %s",
    async (_, method, endsWithClient, isAwaited, isGivenUp) => {
      const client = new AbortController();
      const sent = Promise.withResolvers<AbortSignal>();
      const send: Send = ({ signal }) => {
        sent.resolve(signal);
        return new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason)),
        );
      };
      const request = { ...presented(method, "/a"), gone: () => client.signal };
      const way = { conditions: "stripped", endsWithClient, isAwaited: () => isAwaited } as const;
      const settings = { ...SETTINGS, deadlines: { ...SETTINGS.deadlines, firstByteMs: 0 } };
      const forward = forwarding(send, undefined, settings).forward(request, PLAIN, way);
      const ended = forward.catch((error: unknown) => (error as Error).message);
      client.abort();
      const signal = await sent.promise;
      const result = await Promise.race([ended, Bun.sleep(2500)]);
      expect([result, signal.aborted]).toEqual(
        isGivenUp ? ["the client has left", true] : [undefined, false],
      );
    },
    10_000,
  );
});
