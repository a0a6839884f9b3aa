// Answers: whether the origin says what RFC 9110 wants it to say about a file, its parts and its absence.
// Owns: the claims about status, header fields and bytes of `lib/origin-app.ts`, without a server.
// Leaves out: the steps one by one (`origin-{target,file,conditions,range}.test.ts`), sockets (`origin-serve.test.ts`).
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { originApp } from "../lib/origin-app.ts";

const root = mkdtempSync(join(tmpdir(), "larder-origin-"));
afterAll(() => rmSync(root, { recursive: true }));

const PAGE = "<!doctype html><title>Pantry – Küche</title>";
const LARGE = Uint8Array.from({ length: 1_500_000 }, (_, at) => (at * 7 + (at >> 8)) & 255);
const MODIFIED = new Date("2024-05-06T07:08:09.500Z");
const LAST_MODIFIED = "Mon, 06 May 2024 07:08:09 GMT";

mkdirSync(join(root, "sub dir"));
mkdirSync(join(root, "odd", "index.html"), { recursive: true });
write("index.html", PAGE);
write("sub dir/index.html", "below");
write("empty.txt", "");
write("digits.txt", "0123456789");
write("large.bin", LARGE);

const app = originApp({ root, maxAge: "auto", log: undefined });

function write(name: string, content: string | Uint8Array): void {
  writeFileSync(join(root, name), content);
  utimesSync(join(root, name), MODIFIED, MODIFIED);
}

async function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  return app.request(`http://origin.test${path}`, { method, headers });
}

async function etagOf(path: string): Promise<string> {
  return (await ask(path, {}, "HEAD")).headers.get("etag")!;
}

function names(response: Response): string[] {
  return [...response.headers.keys()].sort();
}

describe("a whole file", () => {
  test.each([
    ["/", PAGE],
    ["/index.html", PAGE],
    ["/?q=1", PAGE],
    ["/sub%20dir/", "below"],
    ["/empty.txt", ""],
  ])("GET %s is answered with the bytes of the file", async (path, content) => {
    const response = await ask(path);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(content);
  });

  test("a file too large to be read at once arrives byte for byte", async () => {
    expect(Buffer.compare(await (await ask("/large.bin")).bytes(), LARGE)).toBe(0);
  });

  test("RFC 9110 §6.6.1, §8.8, §14.3 Date, validators, Accept-Ranges and the length are there", async () => {
    const { headers } = await ask("/digits.txt");
    expect(Math.abs(Date.parse(headers.get("date")!) - Date.now())).toBeLessThan(60_000);
    expect(headers.get("etag")).toMatch(/^"[\w-]{22}"$/);
    expect(headers.get("last-modified")).toBe(LAST_MODIFIED);
    expect(headers.get("accept-ranges")).toBe("bytes");
    expect(headers.get("content-length")).toBe("10");
  });

  test("RFC 9110 §8.8.2.1 Last-Modified is never later than Date", async () => {
    write("future.txt", "x");
    utimesSync(join(root, "future.txt"), new Date("2222-02-02"), new Date("2222-02-02"));
    const { headers } = await ask("/future.txt");
    expect(headers.get("last-modified")).toBe(headers.get("date"));
  });

  test.each([
    ["/index.html", PAGE.length + 3],
    ["/empty.txt", 0],
    ["/large.bin", LARGE.length],
  ])("RFC 9110 §9.3.2 HEAD %s has the header fields of GET and no content", async (path, length) => {
    const [head, get] = [await ask(path, {}, "HEAD"), await ask(path)];
    expect(head.status).toBe(200);
    expect(head.headers.get("content-length")).toBe(String(length));
    expect(names(head)).toEqual(names(get));
    expect((await head.bytes()).length).toBe(0);
    await get.body?.cancel();
  });

  test.each([
    ["a.html", "text/html;charset=utf-8", 60],
    ["a.HTM", "text/html;charset=utf-8", 60],
    ["a.css", "text/css;charset=utf-8", 3600],
    ["a.js", "text/javascript;charset=utf-8", 3600],
    ["a.svg", "image/svg+xml", 3600],
    ["a.png", "image/png", 86_400],
    ["a.mp4", "video/mp4", 86_400],
    ["a.woff2", "font/woff2", 2_592_000],
    ["a.md", "text/markdown;charset=utf-8", 300],
    ["a.txt", "text/plain;charset=utf-8", 300],
    ["a.json", "application/json;charset=utf-8", 300],
    ["a.strange", "application/octet-stream", 300],
    ["README", "application/octet-stream", 300],
  ])("%s is %s and fresh for %d seconds", async (name, type, seconds) => {
    write(name, name);
    const { headers } = await ask(`/${name}`);
    expect(headers.get("content-type")).toBe(type);
    expect(headers.get("cache-control")).toBe(`max-age=${seconds}`);
  });

  test("--max-age beats the rule of every file type, also with 0", async () => {
    for (const maxAge of [0, 5]) {
      const other = originApp({ root, maxAge, log: undefined });
      for (const path of ["/", "/digits.txt"]) {
        const { headers } = await other.request(`http://origin.test${path}`);
        expect(headers.get("cache-control")).toBe(`max-age=${maxAge}`);
      }
    }
  });
});

describe("RFC 9110 §8.8.3 the strong ETag", () => {
  test("is the same for the same bytes, whatever their name and date", async () => {
    write("one.txt", "the same");
    writeFileSync(join(root, "two.html"), "the same");
    expect(await etagOf("/one.txt")).toBe(await etagOf("/two.html"));
  });

  test.each([
    ["small.bin", 100],
    ["great.bin", 1_200_000],
  ])("of %s changes with an edit that keeps length and time of modification", async (name, length) => {
    const bytes = new Uint8Array(length).fill(1);
    write(name, bytes);
    const before = await etagOf(`/${name}`);
    bytes[length - 1] = 2;
    write(name, bytes);
    const after = await etagOf(`/${name}`);
    expect(after).not.toBe(before);
    bytes[length - 1] = 1;
    write(name, bytes);
    expect(await etagOf(`/${name}`)).toBe(before);
  });
});

describe("conditions", () => {
  test("RFC 9110 §15.4.5 a 304 says what guides the cache, and nothing else", async () => {
    const etag = await etagOf("/digits.txt");
    for (const method of ["GET", "HEAD"]) {
      const response = await ask("/digits.txt", { "If-None-Match": etag }, method);
      expect(response.status).toBe(304);
      expect(names(response)).toEqual(["cache-control", "date", "etag"]);
      expect(response.headers.get("etag")).toBe(etag);
      expect(response.headers.get("cache-control")).toBe("max-age=300");
      expect(await response.text()).toBe("");
    }
  });

  test("RFC 9110 §13.2.2 a failed If-Match comes before a matching If-None-Match: 412, not stored", async () => {
    const etag = await etagOf("/digits.txt");
    const response = await ask("/digits.txt", { "If-Match": '"other"', "If-None-Match": etag });
    expect(response.status).toBe(412);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("etag")).toBeNull();
  });

  test("RFC 9110 §13.2.1 conditions change nothing about a file that is not there, nor about OPTIONS", async () => {
    expect((await ask("/nothing.txt", { "If-None-Match": "*" })).status).toBe(404);
    expect((await ask("/nothing.txt", { "If-Match": '"x"' })).status).toBe(404);
    expect((await ask("/digits.txt", { "If-Match": '"x"' }, "OPTIONS")).status).toBe(204);
  });

  test("RFC 9110 §13.2.2 a 304 comes before a range", async () => {
    const headers = { "If-Modified-Since": LAST_MODIFIED, Range: "bytes=0-1" };
    expect((await ask("/digits.txt", headers)).status).toBe(304);
  });
});

describe("ranges", () => {
  test.each([
    ["bytes=2-4", "bytes 2-4/10", "234"],
    ["bytes=7-", "bytes 7-9/10", "789"],
    ["bytes=-3", "bytes 7-9/10", "789"],
    ["bytes=0-99", "bytes 0-9/10", "0123456789"],
  ])("RFC 9110 §15.3.7.1 %s is answered with 206 and %s", async (range, contentRange, content) => {
    const response = await ask("/digits.txt", { Range: range });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(contentRange);
    expect(response.headers.get("content-length")).toBe(String(content.length));
    expect(response.headers.get("etag")).toBe(await etagOf("/digits.txt"));
    expect(response.headers.get("last-modified")).toBe(LAST_MODIFIED);
    expect(response.headers.get("cache-control")).toBe("max-age=300");
    expect(await response.text()).toBe(content);
  });

  test("RFC 9110 §15.3.7.2 several ranges come as multipart/byteranges", async () => {
    const response = await ask("/digits.txt", { Range: "bytes=0-1, 4-4,-2" });
    const boundary = `larder-${(await etagOf("/digits.txt")).slice(1, -1)}`;
    expect(response.status).toBe(206);
    expect(response.headers.get("content-type")).toBe(`multipart/byteranges; boundary=${boundary}`);
    expect(response.headers.get("content-range")).toBeNull();
    const part = (range: string, content: string) =>
      `--${boundary}\r\nContent-Type: text/plain;charset=utf-8\r\nContent-Range: bytes ${range}/10\r\n\r\n${content}\r\n`;
    const body = await response.text();
    expect(body).toBe(`${part("0-1", "01")}${part("4-4", "4")}${part("8-9", "89")}--${boundary}--\r\n`);
    expect(response.headers.get("content-length")).toBe(String(body.length));
  });

  test("ranges of a streamed file are its bytes, across chunks and in several parts", async () => {
    for (const [first, last] of [
      [0, 0],
      [262_143, 262_144],
      [1_000, 1_400_000],
      [1_499_999, 1_499_999],
    ] as const) {
      const bytes = await (await ask("/large.bin", { Range: `bytes=${first}-${last}` })).bytes();
      expect(Buffer.compare(bytes, LARGE.subarray(first, last + 1))).toBe(0);
    }
    const response = await ask("/large.bin", { Range: "bytes=0-299999,1499998-" });
    const text = Buffer.from(await response.bytes()).toString("latin1");
    expect(response.headers.get("content-length")).toBe(String(text.length));
    expect(text).toContain(
      `/1500000\r\n\r\n${Buffer.from(LARGE.subarray(0, 300_000)).toString("latin1")}\r\n--`,
    );
    expect(text).toContain(
      `/1500000\r\n\r\n${Buffer.from(LARGE.subarray(1_499_998)).toString("latin1")}\r\n--`,
    );
  });

  test.each([
    ["/digits.txt", "bytes=10-", "bytes */10"],
    ["/digits.txt", "bytes=-0", "bytes */10"],
    ["/empty.txt", "bytes=0-", "bytes */0"],
    ["/large.bin", "bytes=1500000-", "bytes */1500000"],
  ])("RFC 9110 §15.5.17 %s %s is answered with 416 and %s", async (path, range, contentRange) => {
    const response = await ask(path, { Range: range });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe(contentRange);
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  test("RFC 9110 §14.2 HEAD ignores Range", async () => {
    const response = await ask("/digits.txt", { Range: "bytes=0-1" }, "HEAD");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe("10");
  });

  test("RFC 9110 §13.1.5, §15.3.7 If-Range: the part if it matches, without Last-Modified; else the whole", async () => {
    const etag = await etagOf("/digits.txt");
    for (const validator of [etag, LAST_MODIFIED]) {
      const matching = await ask("/digits.txt", { Range: "bytes=0-1", "If-Range": validator });
      expect(matching.status).toBe(206);
      expect(names(matching)).not.toContain("last-modified");
      expect(await matching.text()).toBe("01");
    }
    for (const validator of ['"other"', `W/${etag}`, "Mon, 06 May 2024 07:08:08 GMT"]) {
      const other = await ask("/digits.txt", { Range: "bytes=0-1", "If-Range": validator });
      expect(other.status).toBe(200);
      expect(await other.text()).toBe("0123456789");
    }
  });
});

describe("no file", () => {
  test("a folder without its slash is redirected, with its query, to a path of this server", async () => {
    const response = await ask("/sub%20dir?a=b");
    expect(response.status).toBe(301);
    expect(response.headers.get("location")).toBe("/sub%20dir/?a=b");
    expect(response.headers.get("cache-control")).toBe("max-age=5");
  });

  test.each([
    ["GET", "/nothing", 404, "max-age=5"],
    ["GET", "/index.html/", 404, "max-age=5"],
    ["GET", "/odd/", 404, "max-age=5"],
    ["GET", "/%zz", 400, "no-store"],
    ["GET", "/%ff", 400, "no-store"],
    ["POST", "/", 405, "no-store"],
    ["PURGE", "/nothing", 405, "no-store"],
  ])("%s %s is %d with a page of our own, %s", async (method, path, status, cacheControl) => {
    const response = await ask(path, {}, method);
    expect(response.status).toBe(status);
    expect(response.headers.get("cache-control")).toBe(cacheControl);
    expect(response.headers.get("date")).not.toBeNull();
    expect(response.headers.get("allow")).toBe(status === 405 ? "GET, HEAD, OPTIONS" : null);
    const page = await response.text();
    expect(page).toContain(`<h1>${status} `);
    expect(response.headers.get("content-length")).toBe(String(page.length));
  });

  test("RFC 9110 §9.3.7 OPTIONS names the methods and has no content", async () => {
    const response = await ask("/", {}, "OPTIONS");
    expect(response.status).toBe(204);
    expect(response.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    expect(await response.text()).toBe("");
  });
});
