// Answers: does the admin answer as an API should, also where it is asked wrongly?
// Owns: the claims about `lib/admin/admin-app.ts`: paths, methods, sizes, one form of errors.
// Leaves out: who may ask (`guard.test.ts`), what an order may be (`purge-order.test.ts`), sockets (`serve-admin.test.ts`).
import { describe, expect, test } from "bun:test";
import { adminApp, type AdminParts } from "../../lib/admin/admin-app.ts";
import { EVERYTHING, softly, tagTarget } from "../../lib/store/targets.ts";

const SAID = { removed: 2, tiers: ["memory"], nodes: 1 };

/** An app whose purges are noted. */
function admin(particulars: Partial<AdminParts> = {}, token = "") {
  const purged: (readonly string[])[] = [];
  const purge: AdminParts["purge"] = async (targets) => {
    purged.push(targets);
    return SAID;
  };
  const app = adminApp({ stats: () => ({ some: 1 }), purge, ...particulars }, token);
  const ask = async (method: string, path: string, init: RequestInit = {}) => {
    const fields = { Host: "localhost", "Content-Type": "application/json" };
    const headers = { ...fields, ...(init.headers as Record<string, string>) };
    const answer = await app.request(path, { method, ...init, headers });
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.startsWith("application/json");
    return { status: answer.status, fields: answer.headers, said: isJson && text ? JSON.parse(text) : text };
  };
  return { purged, ask };
}

describe("POST /api/purge", () => {
  test("hands on what is ordered, and says what came of it", async () => {
    const { purged, ask } = admin();
    const reply = await ask("POST", "/api/purge", { body: '{"tag":["a","b"],"soft":true}' });
    expect([reply.status, reply.said]).toEqual([200, SAID]);
    expect(reply.fields.get("cache-control")).toBe("no-store");
    expect((await ask("POST", "/api/purge", { body: '{"all":true}' })).status).toBe(200);
    expect(purged).toEqual([[softly(tagTarget("a")), softly(tagTarget("b"))], [EVERYTHING]]);
  });

  test("names nodes that have not done it", async () => {
    const { ask } = admin({ purge: async () => ({ ...SAID, nodes: 3, pending: ["b"] }) });
    const { said } = await ask("POST", "/api/purge", { body: '{"all":true}' });
    expect(said).toEqual({ ...SAID, nodes: 3, pending: ["b"] });
  });

  test.each(["", "{}", "null", '{"tag":"a","x":1}'])("%j is refused with one line", async (body) => {
    const { purged, ask } = admin();
    const { status, said } = await ask("POST", "/api/purge", { body });
    expect([status, Object.keys(said), purged]).toEqual([400, ["error"], []]);
    expect(said.error).not.toContain("\n");
  });

  const LARGE = JSON.stringify({ tag: "x".repeat(2 ** 20) });
  const inChunks = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      start(controller) {
        for (let at = 0; at < LARGE.length; at += 50_000)
          controller.enqueue(new TextEncoder().encode(LARGE.slice(at, at + 50_000)));
        controller.close();
      },
    });

  test.each([
    ["says so", (): RequestInit => ({ body: LARGE, headers: { "Content-Length": String(LARGE.length) } })],
    ["says nothing of its length", (): RequestInit => ({ body: inChunks() })],
  ])("more than a megabyte is refused, where it %s", async (_, init) => {
    const { purged, ask } = admin();
    const { status, said } = await ask("POST", "/api/purge", init());
    expect([status, said, purged]).toEqual([413, { error: "expected at most 1 MB" }, []]);
  });

  test("in chunks it may come too", async () => {
    const { purged, ask } = admin();
    const body = new Response('{"tag":"a"}').body!;
    expect((await ask("POST", "/api/purge", { body })).status).toBe(200);
    expect(purged).toEqual([[tagTarget("a")]]);
  });

  test("that fails is an error in the same form", async () => {
    const purge = (): never => {
      throw new Error("no worker");
    };
    const { ask } = admin({ purge });
    const { status, said } = await ask("POST", "/api/purge", { body: '{"all":true}' });
    expect([status, said]).toEqual([500, { error: "no worker" }]);
  });
});

test("GET /api/stats says what is counted, HEAD the same without content", async () => {
  const { ask } = admin();
  const got = await ask("GET", "/api/stats");
  expect([got.status, got.said, got.fields.get("cache-control")]).toEqual([200, { some: 1 }, "no-store"]);
  const head = await ask("HEAD", "/api/stats");
  expect([head.status, head.said]).toEqual([200, ""]);
  const later = admin({ stats: async () => ({ other: 2 }) });
  expect((await later.ask("GET", "/api/stats")).said).toEqual({ other: 2 });
});

test("GET /healthz is a word", async () => {
  const { status, said } = await admin().ask("GET", "/healthz");
  expect([status, said]).toEqual([200, "ok\n"]);
});

test.each([
  ["GET", "/api/purge", "POST"],
  ["OPTIONS", "/api/purge", "POST"],
  ["PUT", "/api/purge", "POST"],
  ["DELETE", "/api/purge", "POST"],
  ["POST", "/api/stats", "GET, HEAD"],
  ["POST", "/healthz", "GET, HEAD"],
])("RFC 9110 §15.5.6 %s %s is not allowed, and what is, is said", async (method, path, allowed) => {
  const { purged, ask } = admin();
  const { status, said, fields } = await ask(method, path);
  expect([status, said]).toEqual([405, { error: `${method} is not for this path` }]);
  expect([fields.get("allow"), fields.get("access-control-allow-origin"), purged]).toEqual([
    allowed,
    null,
    [],
  ]);
});

test.each(["/", "/api", "/api/purge/", "/API/purge", "/api/purges", "/constructor"])(
  "%s is not there",
  async (path) => {
    const { status, said } = await admin().ask("POST", path);
    expect([status, said]).toEqual([
      404,
      { error: "there is POST /api/purge, GET /api/stats and GET /healthz" },
    ]);
  },
);

describe("who may not is told in the same form", () => {
  test.each([
    ["by another name", { Host: "evil.test" }, 421],
    ["from a page of another site", { Origin: "http://evil.test" }, 403],
    ["by a form", { "Content-Type": "text/plain" }, 415],
  ])("%s, and nothing is done", async (_, headers, expected) => {
    const { purged, ask } = admin();
    const body = '{"all":true}';
    const { status, said } = await ask("POST", "/api/purge", {
      body,
      headers: headers as Record<string, string>,
    });
    expect([status, Object.keys(said), purged]).toEqual([expected, ["error"], []]);
  });

  test("without the token, wherever it asks", async () => {
    const { purged, ask } = admin({}, "secret");
    for (const [method, path] of [
      ["POST", "/api/purge"],
      ["GET", "/api/stats"],
      ["GET", "/healthz"],
      ["GET", "/nowhere"],
    ] as const) {
      const { status, fields } = await ask(method, path, method === "POST" ? { body: '{"all":true}' } : {});
      expect([status, fields.get("www-authenticate")]).toEqual([401, "Bearer"]);
    }
    expect(purged).toEqual([]);
    const headers = { Authorization: "Bearer secret" };
    expect((await ask("POST", "/api/purge", { body: '{"all":true}', headers })).status).toBe(200);
  });
});
