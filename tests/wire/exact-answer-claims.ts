// Answers: what of an answer does the exact wire carry, whatever it runs on?
// Owns: the claims about status lines, interim responses, framing, trailers, order and broken bodies, as bytes.
// Leaves out: requests (`exact-claims.ts`), WebSocket (`relay-claims.ts`).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { StartLarder } from "./exact-claims.ts";
import { Line, message, RawOrigin } from "./raw-line.ts";

const FRESH = "Cache-Control: max-age=60";
const CHUNKED = "Transfer-Encoding: chunked";

/** The claims, against what `start` starts. */
export function claimAnswers(start: StartLarder): void {
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

  /** A client that has asked, and the origin that has heard of it. */
  async function asking(
    request: string,
  ): Promise<{ line: Line; asked: Awaited<ReturnType<RawOrigin["asked"]>> }> {
    const line = await client();
    line.send(request);
    return { line, asked: await origin.asked(request.split(" ")[1] ?? "") };
  }

  describe("status lines", () => {
    test.each([
      ["200 Quite Fine", "200 Quite Fine"],
      ["299 Own (Code)", "299 Own (Code)"],
      ["600 Beyond", "600 Beyond"],
      ["999 Far Beyond", "999 Far Beyond"],
      ["200 ", "200 OK"],
      // Other letters than ASCII would not survive everywhere.
      ["404 Nicht \xfcblich", "404 Not Found"],
    ])("%s", async (sent, seen) => {
      const { line, asked } = await asking(get(`/status/${encodeURI(sent)}`));
      asked.answer(message(`HTTP/1.1 ${sent}`, "Content-Length: 0"));
      expect(await line.take("\r\n\r\n")).toStartWith(`HTTP/1.1 ${seen}\r\n`);
      line.end();
    });

    test("a reason phrase is stored with its response", async () => {
      const { line, asked } = await asking(get("/reason"));
      asked.answer(`${message("HTTP/1.1 200 Quite Fine", FRESH, "Content-Length: 3")}abc`);
      await line.take("abc");
      expect(await line.send(get("/reason")).take("\r\n\r\nabc")).toStartWith("HTTP/1.1 200 Quite Fine\r\n");
      line.end();
    });

    test("a status code below 200 that ends the exchange, and 101 unasked, are the origin's fault", async () => {
      for (const status of ["099 Odd", "101 Switching Protocols"]) {
        const { line, asked } = await asking(get("/odd", "Cache-Control: no-cache"));
        asked.line.send(
          message(`HTTP/1.1 ${status}`, "Connection: Upgrade", "Upgrade: x", "Content-Length: 0"),
        );
        expect(await line.take("\r\n\r\n")).toMatch(/^HTTP\/1\.1 502 [^]*detail=origin-malformed/);
        // It is tried once more on a fresh connection, or not: both are over now.
        line.end();
      }
    });
  });

  describe("RFC 9110 §15.2 interim responses", () => {
    test("102, 103 and unknown ones pass as they come, before there is a final one; 100 does not", async () => {
      const { line, asked } = await asking(get("/interim"));
      asked.line.send(message("HTTP/1.1 102 Processing", "X-A: b"));
      expect(await line.take("\r\n\r\n")).toBe("HTTP/1.1 102 Processing\r\nx-a: b\r\n\r\n");
      asked.line.send(
        message("HTTP/1.1 100 Continue") + message("HTTP/1.1 103 Early Hints", "Link: </a>, </b>"),
      );
      expect(await line.take("\r\n\r\n")).toBe("HTTP/1.1 103 Early Hints\r\nlink: </a>, </b>\r\n\r\n");
      asked.line.send(message("HTTP/1.1 104 Upload Resumption"));
      expect(await line.take("\r\n\r\n")).toMatch(/^HTTP\/1\.1 104 .*\r\n\r\n$/);
      asked.answer(`${message("HTTP/1.1 200 OK", FRESH, "Content-Length: 3")}abc`);
      expect(await line.take("\r\n\r\nabc")).toStartWith("HTTP/1.1 200 OK\r\n");
      // They are not stored.
      expect(await line.send(get("/interim")).take("\r\n\r\nabc")).toStartWith("HTTP/1.1 200 OK\r\n");
      line.end();
    });

    test("an HTTP/1.0 client gets none", async () => {
      const { line, asked } = await asking(message("GET /interim/old HTTP/1.0", "Host: a"));
      asked.answer(
        `${message("HTTP/1.1 103 Early Hints")}${message("HTTP/1.1 200 OK", "Content-Length: 3")}abc`,
      );
      expect(await line.take("abc")).toStartWith("HTTP/1.1 200 OK\r\n");
      line.end();
    });
  });

  describe("framing", () => {
    test("Content-Length stays, and the header section does not wait for the content", async () => {
      const { line, asked } = await asking(get("/length"));
      asked.line.send(`${message("HTTP/1.1 200 OK", FRESH, "Content-Length: 200000")}first`);
      const head = (await line.take("\r\n\r\n")).toLowerCase();
      expect(head).toContain("\r\ncontent-length: 200000\r\n");
      expect(head).not.toContain("transfer-encoding");
      await line.take("first");
      asked.answer(`${"x".repeat(199_994)}!`);
      expect((await line.take("!")).length).toBe(199_995);
      line.send(get("/length"));
      expect(await line.take("\r\n\r\n")).toContain("larder; hit");
      expect((await line.take("!")).length).toBe(200_000);
      line.end();
    });

    test("RFC 9110 §8.6 a HEAD response has the length of the content, or says nothing of it", async () => {
      const head = (target: string): string => message(`HEAD ${target} HTTP/1.1`, "Host: a");
      const { line, asked } = await asking(head("/head/1"));
      asked.answer(message("HTTP/1.1 200 OK", "Content-Length: 5", "Trailer: x"));
      expect((await line.take("\r\n\r\n")).toLowerCase()).toContain("\r\ncontent-length: 5\r\n");
      line.send(head("/head/2"));
      (await origin.asked("/head/2")).answer(message("HTTP/1.1 200 OK", CHUNKED));
      expect((await line.take("\r\n\r\n")).toLowerCase()).not.toMatch(/content-length|transfer-encoding/);
      line.send(get("/head/3"));
      (await origin.asked("/head/3")).answer(message("HTTP/1.1 204 None"));
      expect((await line.take("\r\n\r\n")).toLowerCase()).not.toMatch(/content-length|transfer-encoding/);
      line.end();
      expect(line.heard).toBe("");
    });

    test("several Set-Cookie lines stay several", async () => {
      const { line, asked } = await asking(get("/cookies"));
      asked.answer(message("HTTP/1.1 200 OK", "Set-Cookie: a=1, 2", "Set-Cookie: b=2", "Content-Length: 0"));
      expect((await line.take("\r\n\r\n")).match(/^set-cookie: .*$/gm)).toEqual([
        "set-cookie: a=1, 2",
        "set-cookie: b=2",
      ]);
      line.end();
    });
  });

  describe("RFC 9110 §6.5 trailers", () => {
    const section = "3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\nCache-Control: no-store\r\n\r\n";
    const seen = "3\r\nabc\r\n0\r\nx-sum: 1, 2\r\n\r\n";

    test("follow the content for the request that leads and for those that follow, and are not stored", async () => {
      const { line, asked } = await asking(get("/trailers", "TE: trailers", "Connection: TE"));
      expect(asked.head.toLowerCase()).toContain("\r\nte: trailers\r\n");
      expect(asked.head.toLowerCase()).toContain("\r\nconnection: te\r\n");
      const second = await client();
      second.send(get("/trailers"));
      // It is under way: the third answer on its connection would come before, were it not.
      asked.line.send(message("HTTP/1.1 200 OK", FRESH, CHUNKED, "Trailer: X-Sum"));
      asked.answer(section);
      const head = await line.take("\r\n\r\n");
      expect(head.toLowerCase()).toContain("\r\ntrailer: x-sum\r\n");
      expect(await line.take("0\r\nx-sum: 1, 2\r\n\r\n")).toBe(seen);
      await second.take("\r\n\r\n");
      await second.take("abc");
      line.send(get("/trailers"));
      const hit = await line.take("\r\n\r\nabc");
      expect(hit).toContain("larder; hit");
      expect(hit.toLowerCase()).toContain("\r\ncontent-length: 3\r\n");
      expect(hit.toLowerCase()).not.toContain("trailer");
      line.end();
      second.end();
    });

    test("are left out for an HTTP/1.0 client, and where framing has no place for them", async () => {
      const { line, asked } = await asking(message("GET /trailers/old HTTP/1.0", "Host: a"));
      asked.answer(message("HTTP/1.1 200 OK", CHUNKED, "Trailer: X-Sum") + section);
      const all = (await line.rest()).toLowerCase();
      expect(all).toEndWith("\r\n\r\nabc");
      expect(all).not.toMatch(/trailer|x-sum/);
    });

    test("of a request reach the origin", async () => {
      const head = message("POST /trailers HTTP/1.1", "Host: a", CHUNKED, "Trailer: X-Sum");
      const { line, asked } = await asking(head + section);
      expect(asked.head.toLowerCase()).toContain("\r\ntrailer: x-sum\r\n");
      expect(await asked.line.take("x-sum: 1, 2\r\n\r\n")).toBe(seen);
      asked.answer(message("HTTP/1.1 204 None"));
      await line.take("\r\n\r\n");
      line.end();
    });
  });

  describe("RFC 9112 §9.3.2 pipelining", () => {
    test("answers leave in the order of the requests, also a hit behind a pending miss", async () => {
      const { line, asked } = await asking(get("/pipe/hit"));
      asked.answer(`${message("HTTP/1.1 200 OK", FRESH, "Content-Length: 3")}hit`);
      await line.take("hit");
      line.send(get("/pipe/1") + get("/pipe/hit") + get("/pipe/2") + get("/pipe/hit"));
      const [one, two] = [await origin.asked("/pipe/1"), await origin.asked("/pipe/2")];
      two.answer(`${message("HTTP/1.1 200 OK", "Content-Length: 3")}two`);
      one.answer(
        `${message("HTTP/1.1 103 Early Hints")}${message("HTTP/1.1 200 OK", "Content-Length: 3")}one`,
      );
      const parts: string[] = [];
      for (const end of ["", "one", "hit", "two", "hit"]) parts.push(await line.take(`\r\n\r\n${end}`));
      expect(parts.map((part) => /^HTTP\/1\.1 (\d+)/.exec(part)?.[1])).toEqual([
        "103",
        "200",
        "200",
        "200",
        "200",
      ]);
      expect(parts[2]).toContain("larder; hit");
      line.end();
    });
  });

  describe("a body that breaks off", () => {
    test("without a length, by a reset: no clean end, whatever the client speaks", async () => {
      const { line, asked } = await asking(get("/reset/1"));
      asked.line.send(`${message("HTTP/1.1 200 OK")}${"x".repeat(100_000)}!`);
      await line.take("!");
      asked.line.reset();
      expect(await line.rest()).not.toContain("0\r\n\r\n");
      const old = await asking(message("GET /reset/2 HTTP/1.0", "Host: a"));
      old.asked.line.send(`${message("HTTP/1.1 200 OK")}${"x".repeat(100_000)}!`);
      await old.line.take("!");
      old.asked.line.reset();
      expect(await old.line.closed).toBe("reset");
    });

    test("without a length, by a close: that is its end", async () => {
      const { line, asked } = await asking(get("/close"));
      asked.line.send(`${message("HTTP/1.1 200 OK", FRESH)}abc`);
      asked.line.end();
      expect(await line.take(/abc|\r\n0\r\n\r\n/)).toContain("detail=close-delimited");
      line.end();
    });

    test.each([
      ["Content-Length", message("HTTP/1.1 200 OK", "Content-Length: 200000", "ETag: W/1")],
      ["chunks", `${message("HTTP/1.1 200 OK", CHUNKED)}30d40\r\n`],
    ])("short of its %s: the connection ends where it does", async (_, head) => {
      const { line, asked } = await asking(get("/short"));
      asked.line.send(`${head}${"x".repeat(100_000)}!`);
      await line.take("!");
      asked.line.end();
      expect(await line.rest()).not.toContain("0\r\n\r\n");
    });

    test("right at its end, since it is not what it should be: the client has not got all of it", async () => {
      const wrong = `sha-256=:${Buffer.alloc(32).toString("base64")}:`;
      const { line, asked } = await asking(get("/digest"));
      asked.answer(
        `${message("HTTP/1.1 200 OK", FRESH, "Content-Length: 100001", `Repr-Digest: ${wrong}`)}${"x".repeat(100_000)}!`,
      );
      // Nothing of it, or not all: never a clean end.
      const [head = "", content = ""] = (await line.rest()).split("\r\n\r\n");
      expect(head === "" || (head.startsWith("HTTP/1.1 200") && content.length < 100_001)).toBe(true);
    });

    test("bytes behind its end do no harm", async () => {
      const { line, asked } = await asking(get("/surplus"));
      asked.answer(`${message("HTTP/1.1 200 OK", "Content-Length: 3")}abcSURPLUS`);
      expect(await line.take("\r\n\r\nabc")).toStartWith("HTTP/1.1 200 OK");
      expect(line.heard).toBe("");
      line.end();
    });

    test("what is no response is 502", async () => {
      const { line, asked } = await asking(message("POST /garbage HTTP/1.1", "Host: a", "Content-Length: 0"));
      asked.line.send("GARBAGE\r\n\r\n");
      expect(await line.take("\r\n\r\n")).toMatch(/^HTTP\/1\.1 502 [^]*detail=origin-malformed/);
      line.end();
    });
  });

  test("a client that leaves ends the request of which nothing is stored", async () => {
    const { line, asked } = await asking(get("/left"));
    asked.line.send(`${message("HTTP/1.1 200 OK", "Cache-Control: no-store", CHUNKED)}3\r\nabc\r\n`);
    await line.take("abc");
    line.reset();
    await asked.line.closed;
  });
}
