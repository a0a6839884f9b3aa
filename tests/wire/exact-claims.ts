// Answers: what does the exact wire carry, whatever it runs on?
// Owns: the claims, as bytes on raw sockets on both sides of a Larder.
// Leaves out: what runs it (`serve-node.test.ts`: Bun; `node-process.test.ts`: Node), WebSocket (`relay-claims.ts`).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Line, message, RawOrigin } from "./raw-line.ts";

/** A Larder in front of that origin. */
export type StartLarder = (originUrl: string) => Promise<{ readonly url: string; stop(): Promise<unknown> }>;

/** The claims, against what `start` starts; `node:http` on Bun and on Node differ where `runtime` is asked for. */
export function claimExactness(runtime: "Bun" | "Node", start: StartLarder): void {
  let origin: RawOrigin;
  let larder: Awaited<ReturnType<StartLarder>>;
  beforeAll(async () => {
    origin = await RawOrigin.start();
    larder = await start(origin.url);
  }, 30_000);
  afterAll(async () => {
    origin.stop();
    await larder.stop();
  }, 30_000);

  const client = (): Promise<Line> => Line.to(larder.url);
  const get = (target: string, ...fields: readonly string[]): string =>
    message(`GET ${target} HTTP/1.1`, "Host: larder.test", ...fields);
  const ok = (body: string, ...fields: readonly string[]): string =>
    message("HTTP/1.1 200 OK", `Content-Length: ${body.length}`, ...fields) + body;
  const FRESH = "Cache-Control: max-age=60";

  /** The header section that a client gets, while the origin is not asked. */
  async function refusal(request: string): Promise<string> {
    const line = await client();
    const head = await line.send(request).take("\r\n\r\n");
    line.end();
    return head;
  }

  describe("request targets", () => {
    test.each([
      "/a/../b",
      "/a/./b",
      "//x",
      "///x//y/",
      "/%2e%2E/",
      '/"<>^`{}|',
      "/back\\slash",
      "/?q='x'&\\",
      "/a?",
      "/%zz",
      "/x#y",
      "/a;b=c,d/*",
    ])("%s goes to the origin as it is, and is the cache key", async (target) => {
      const line = await client();
      line.send(get(target));
      const asked = await origin.asked(target);
      expect(asked.head.split("\r\n")[0]).toBe(`GET ${target} HTTP/1.1`);
      asked.answer(ok(target, FRESH, 'ETag: "a"'));
      expect(await line.take("\r\n\r\n")).toContain("fwd=uri-miss");
      await line.take(target);
      line.send(get(target));
      expect(await line.take("\r\n\r\n")).toContain("larder; hit");
      await line.take(target);
      line.end();
    });

    test("targets that a normalisation would make equal do not share a response", async () => {
      const line = await client();
      for (const target of ["/n/x", "/n/../n/x", "/n//x", "/n/%78", "/n/x?"]) {
        line.send(get(target));
        (await origin.asked(target)).answer(ok(target, FRESH));
        await line.take("\r\n\r\n");
        await line.take(target);
      }
      line.end();
    });

    test("RFC 9112 §3.2.2 the authority of an absolute target wins over Host", async () => {
      const line = await client();
      line.send(message("GET http://Absolute.test:80/abs HTTP/1.1", "Host: other.test"));
      const asked = await origin.asked("/abs");
      expect(asked.head).toStartWith("GET /abs HTTP/1.1\r\n");
      expect(asked.head.toLowerCase()).toContain("\r\nhost: absolute.test\r\n");
      asked.answer(ok("absolute", FRESH));
      await line.take("absolute");
      line.send(message("GET /abs HTTP/1.1", "Host: ABSOLUTE.test"));
      expect(await line.take("\r\n\r\nabsolute")).toContain("larder; hit");
      line.send(message("GET http://absolute.test?q HTTP/1.1", "Host: other.test"));
      const second = await origin.asked("/?q");
      expect(second.head).toStartWith("GET /?q HTTP/1.1\r\n");
      second.answer(ok("query"));
      await line.take("query");
      line.end();
    });

    test.each([
      ["no Host", message("GET / HTTP/1.1", "Accept: */*"), "host"],
      ["two Hosts", message("GET / HTTP/1.1", "Host: a", "Host: a"), "host"],
      ["an invalid Host", message("GET / HTTP/1.1", "Host: a/b"), "host"],
      ["an absolute target with user information", message("GET http://a@b/ HTTP/1.1", "Host: b"), "host"],
      ["an absolute target without a host", message("GET http:///x HTTP/1.1", "Host: b"), "host|400"],
      ["a Host with a byte beyond ASCII", message("GET / HTTP/1.1", "Host: f\xb6zz"), "host"],
      ["an absolute target of another scheme", message("GET https://a/x HTTP/1.1", "Host: a"), "target"],
    ])("%s is 400", async (_, request, detail) => {
      const head = await refusal(request);
      expect(head).toStartWith("HTTP/1.1 400 ");
      expect(head).toMatch(new RegExp(detail));
    });

    test("OPTIONS * is the origin's on Node; Bun cannot read it", async () => {
      const line = await client();
      line.send(message("OPTIONS * HTTP/1.1", "Host: larder.test"));
      if (runtime === "Node") {
        const asked = await origin.asked("*");
        expect(asked.head).toStartWith("OPTIONS * HTTP/1.1\r\n");
        asked.answer(ok("all of it"));
        await line.take("all of it");
      } else expect(await line.take("\r\n\r\n")).toStartWith("HTTP/1.1 400 ");
      line.end();
    });
  });

  describe("methods and content", () => {
    test.each(["LINK", "QUERY", "PROPFIND", "M-SEARCH"])("%s goes to the origin", async (method) => {
      const line = await client();
      line.send(message(`${method} /method HTTP/1.1`, "Host: larder.test"));
      const asked = await origin.asked("/method");
      expect(asked.head).toStartWith(`${method} /method HTTP/1.1\r\n`);
      asked.answer(ok(method));
      await line.take(method);
      line.end();
    });

    test.each([
      ["FOO / HTTP/1.1", 400],
      ["get / HTTP/1.1", 400],
      ["GET /\xe9 HTTP/1.1", 400],
      ["GET / HTTP/1.2", 400],
      ["POST /coded HTTP/1.1\r\nTransfer-Encoding: gzip, chunked", 501],
      ["POST /coded HTTP/1.0\r\nTransfer-Encoding: chunked", 400],
      ["TRACE / HTTP/1.1", 501],
      ["CONNECT a:443 HTTP/1.1", 501],
      ["CONNECT /x HTTP/1.1", 501],
    ])("%s is %i", async (line, status) => {
      expect(await refusal(message(line, "Host: larder.test"))).toStartWith(`HTTP/1.1 ${status} `);
    });

    test("content in GET is refused, since its response would be taken for that of the target alone", async () => {
      const head = await refusal(`${get("/content", "Content-Length: 3")}abc`);
      expect(head).toStartWith("HTTP/1.1 400 ");
      expect(head).toContain("detail=content");
    });

    test("content keeps its Content-Length, and without one its chunks", async () => {
      const line = await client();
      line.send(`${message("PUT /put HTTP/1.1", "Host: a", "Content-Length: 3")}abc`);
      const counted = await origin.asked("/put");
      expect(counted.head.toLowerCase()).toContain("\r\ncontent-length: 3\r\n");
      await counted.line.take("abc");
      counted.answer(ok("counted"));
      await line.take("counted");
      line.send(
        `${message("PUT /put HTTP/1.1", "Host: a", "Transfer-Encoding: chunked")}3\r\nabc\r\n0\r\n\r\n`,
      );
      const chunked = await origin.asked("/put");
      expect(chunked.head.toLowerCase()).toContain("\r\ntransfer-encoding: chunked\r\n");
      expect(await chunked.line.take("0\r\n\r\n")).toBe("3\r\nabc\r\n0\r\n\r\n");
      chunked.answer(ok("chunked"));
      await line.take("chunked");
      line.end();
    });

    test("no field is added to those of a gateway", async () => {
      const line = await client();
      line.send(get("/fields", "X-Own: \xfcx"));
      const asked = await origin.asked("/fields");
      const names = asked.head
        .trim()
        .split("\r\n")
        .slice(1)
        .map((one) => one.split(":")[0]?.toLowerCase());
      const gateway = ["cdn-loop", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
      expect(names.toSorted()).toEqual([...gateway, "connection", "host", "x-own"].toSorted());
      expect(asked.head).toContain("x-own: \xfcx\r\n");
      asked.answer(ok("", "X-Odd: \xe9"));
      expect(await line.take("\r\n\r\n")).toContain("x-odd: \xe9\r\n");
      line.end();
    });

    test("content of a safe request was lost where its kept connection turned out to be closed", async () => {
      const line = await client();
      line.send(get("/keep"));
      (await origin.asked("/keep")).answer(ok("kept", "Cache-Control: no-store"));
      await line.take("kept");
      const before = origin.connections;
      line.send(`${message("REPORT /report HTTP/1.1", "Host: a", "Content-Length: 3")}abc`);
      const asked = await origin.asked("/report");
      await asked.line.take("abc");
      asked.answer(ok("done"));
      await line.take("done");
      expect(origin.connections).toBe(before + 1);
      line.end();
    });

    test("what cannot be repeated goes out on a fresh connection", async () => {
      const line = await client();
      for (const method of ["GET", "POST", "POST"]) {
        const before = origin.connections;
        line.send(message(`${method} /fresh HTTP/1.1`, "Host: a", "Content-Length: 0"));
        (await origin.asked("/fresh")).answer(ok("done", "Cache-Control: no-store"));
        await line.take("done");
        if (method === "POST") expect(origin.connections).toBe(before + 1);
      }
      line.end();
    });
  });

  describe("expectations", () => {
    const post = (...fields: readonly string[]): string =>
      message("POST /expect HTTP/1.1", "Host: larder.test", "Content-Length: 3", ...fields);

    test("RFC 9110 §10.1.1 100 comes when the origin has been asked, and the content follows", async () => {
      const line = await client();
      line.send(post("Expect: 100-continue"));
      const asked = await origin.asked("/expect");
      expect(asked.head.toLowerCase()).not.toMatch(/^expect:/m);
      expect(await line.take("\r\n\r\n")).toStartWith("HTTP/1.1 100 ");
      line.send("abc");
      await asked.line.take("abc");
      asked.answer(ok("thanks"));
      expect(await line.take("thanks")).toStartWith("HTTP/1.1 200 ");
      line.end();
    });

    test("a refusal by the door comes instead of 100, and the connection ends", async () => {
      const line = await client();
      line.send(
        message("POST / HTTP/1.1", "Host: a", "Host: b", "Content-Length: 3", "Expect: 100-continue"),
      );
      const all = await line.rest();
      expect(all).toStartWith("HTTP/1.1 400 ");
      expect(all).not.toContain(" 100 ");
    });

    test("any other expectation is 417", async () => {
      expect(await refusal(`${post("Expect: tea")}abc`)).toStartWith("HTTP/1.1 417 ");
    });
  });
}
