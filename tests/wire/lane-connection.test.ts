// Answers: what happens on a connection of the lane, request behind request, and how does it end?
// Owns: the claims about `lib/wire/lane-connection.ts`: turns, bodies that break off, clients that leave.
// Leaves out: what is read (`lane-request.test.ts`), deadlines, limits and the stop (`serve-lane.test.ts`).
import { describe, expect, test } from "bun:test";
import { AT_ONCE, get, saying, until, withLane } from "./lane-rig.ts";

/** A stream that the test feeds. */
function fed(): {
  stream: ReadableStream<Uint8Array>;
  say: (text: string) => void;
  end: () => void;
  fail: () => void;
  cancelled: () => boolean;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => void (isCancelled = true),
  });
  return {
    stream,
    say: (text) => controller?.enqueue(new TextEncoder().encode(text)),
    end: () => controller?.close(),
    fail: () => controller?.error(new Error("broken off")),
    cancelled: () => isCancelled,
  };
}

describe("requests behind each other", () => {
  test(
    "hits, misses and what is passed on are answered in order",
    withLane(async (rig) => {
      const line = await rig.line();
      const post = "POST /up HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc";
      line.send(`${get("/hit1")}${get("/miss1")}${get("/hit2")}${get("/miss2")}${post}`);
      line.send("GET /behind HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
      const first = await rig.next();
      await line.take("[/hit1]");
      expect([line.heard, rig.handled.length, rig.passedOn]).toEqual(["", 0, []]);
      first.answer(saying("[miss1]"));
      await line.take("[/hit2]");
      (await rig.next()).answer(saying("[miss2]"));
      const rest = await line.rest();
      expect([...rest.matchAll(/\[miss2\]|got \d/g)].map(String)).toEqual(["[miss2]", "got 3", "got 0"]);
      expect(rig.passedOn).toEqual(["POST /up", "GET /behind"]);
    }, AT_ONCE),
  );

  test(
    "empty lines in front of one are passed over (RFC 9112 §2.2), in whatever pieces they come",
    withLane(async (rig) => {
      const text = `\r\n${get("/hit1")}\r\n\r\n${get("/hit2")}\r\n${get("/hit3", "Connection: close")}`;
      for (const size of [1, 2, 3, 1000]) {
        const line = await rig.line();
        for (let at = 0; at < text.length; at += size) {
          line.send(text.slice(at, at + size));
          await Bun.sleep(0);
        }
        expect([...(await line.rest()).matchAll(/\[\/hit\d\]/g)].map(String)).toEqual([
          ...["[/hit1]", "[/hit2]", "[/hit3]"],
        ]);
      }
      expect(rig.passedOn).toEqual([]);
    }, AT_ONCE),
  );

  test(
    "in pieces of every size",
    withLane(async (rig) => {
      const text = `${get("/hit1")}${get("/hit2", "X: y")}${get("/hit3", "Connection: close")}`;
      for (const size of [1, 2, 3, 7, 40]) {
        const line = await rig.line();
        for (let at = 0; at < text.length; at += size) {
          line.send(text.slice(at, at + size));
          await Bun.sleep(0);
        }
        const rest = await line.rest();
        expect(rest.match(/\[\/hit\d\]/g)).toEqual(["[/hit1]", "[/hit2]", "[/hit3]"]);
      }
    }, AT_ONCE),
  );

  test(
    "nothing behind close is read as a request, and no byte of it turns the close into a reset",
    withLane(async (rig) => {
      for (const target of ["/hit", "/miss"]) {
        const line = await rig.line();
        line.send(`${get(target, "Connection: close")}${get("/behind")}${"x".repeat(100_000)}`);
        if (target === "/miss") (await rig.next()).answer(saying("m".repeat(1_000_000)));
        for (let at = 0; at < 5; at++) line.send("more");
        expect(await line.closed).toBe("ended");
        expect([rig.handled.length, rig.passedOn]).toEqual([0, []]);
        expect(line.heard).toContain("Connection: close");
      }
    }, AT_ONCE),
  );

  test(
    "a client that sends ahead and reads nothing is read no further",
    withLane(
      async (rig) => {
        const line = await rig.line();
        line.pause();
        // Answers of 64 KB: the kernel takes some of them, the lane waits with the first that it does not.
        for (let at = 0; at < 20_000; at++) line.send(get(`/large${at}`));
        await Bun.sleep(300);
        const asked = rig.passedOn.length;
        expect(asked).toBe(0);
        const before = large;
        await Bun.sleep(200);
        expect(large).toBe(before);
        expect(large).toBeLessThan(2000);
        line.reset();
      },
      (target) => (target.startsWith("/large") ? (large++, saying("L".repeat(65_536))) : undefined),
    ),
  );
  let large = 0;

  test(
    "what was read ahead is answered when the client has been waited for",
    withLane(async (rig) => {
      const line = await rig.line();
      const count = 3000;
      line.send(
        get("/miss") + get("/hit", `X: ${"x".repeat(200)}`).repeat(count) + get("/hit", "Connection: close"),
      );
      const waiting = await rig.next();
      await Bun.sleep(50);
      waiting.answer(saying("[miss]"));
      expect((await line.rest()).match(/\[\/hit\]/g)?.length).toBe(count + 1);
    }, AT_ONCE),
  );
});

describe("a body that breaks off", () => {
  test.each([
    ["with Content-Length", { "content-length": "100" }],
    ["in chunks", {}],
    ["at the last byte that was announced", { "content-length": "5" }],
  ])("%s has no clean end", (_, fields) =>
    withLane(async (rig) => {
      const line = await rig.line();
      line.send(get("/a"));
      const { stream, say, fail } = fed();
      (await rig.next()).answer(saying(stream, fields));
      say("begun");
      if (!("content-length" in fields && fields["content-length"] === "5")) await line.take("begun");
      fail();
      expect(await line.closed).toBe("reset");
      expect(line.heard).not.toContain("0\r\n\r\n");
      expect(line.heard).not.toContain("begun");
    })(),
  );

  test(
    "behind an answer lets that arrive first",
    withLane(async (rig) => {
      const line = await rig.line();
      line.send(get("/one") + get("/two"));
      (await rig.next()).answer(saying("1".repeat(300_000)));
      const { stream, say, fail } = fed();
      (await rig.next()).answer(saying(stream, { "content-length": "10" }));
      say("begun");
      fail();
      await line.take("1".repeat(300_000));
      await Bun.sleep(20);
      rig.tick(3);
      expect(await line.closed).toBe("reset");
    }),
  );

  test(
    "that is longer or shorter than announced breaks off too",
    withLane(async (rig) => {
      for (const length of ["3", "30"]) {
        const line = await rig.line();
        line.send(get("/a"));
        const { stream, say, end } = fed();
        (await rig.next()).answer(saying(stream, { "content-length": length }));
        say("12345");
        end();
        expect(await line.closed).toBe("reset");
      }
    }),
  );
});

describe("a client that leaves", () => {
  test(
    "while it waits: the request is told, and its answer is given up",
    withLane(async (rig) => {
      const line = await rig.line();
      line.send(get("/a"));
      const { presented, answer } = await rig.next();
      const gone = presented.gone();
      line.reset();
      await until(() => gone?.aborted === true);
      const { stream, cancelled } = fed();
      answer(saying(stream));
      await until(cancelled);
    }),
  );

  test.each(["that waits for bytes", "that waits for its client"])("ends a body %s", (which) =>
    withLane(async (rig) => {
      const line = await rig.line();
      line.send(get("/a"));
      const { stream, say, cancelled } = fed();
      (await rig.next()).answer(saying(stream));
      say("begun");
      await line.take("begun");
      if (which !== "that waits for bytes") {
        line.pause();
        for (let at = 0; at < 200; at++) say("x".repeat(100_000));
        await Bun.sleep(50);
      }
      line.reset();
      await until(cancelled);
    })(),
  );

  test(
    "by ending its half gets its answer; if it takes long, it is gone",
    withLane(async (rig) => {
      const line = await rig.line();
      line.send(get("/a"));
      const first = await rig.next();
      line.end();
      await Bun.sleep(20);
      rig.tick(2);
      first.answer(saying("answered"));
      expect(await line.rest()).toEndWith("answered");

      const other = await rig.line();
      other.send(get("/b"));
      const { presented } = await rig.next();
      const gone = presented.gone();
      other.end();
      await Bun.sleep(20);
      rig.tick(4);
      expect(gone?.aborted).toBe(true);
    }),
  );
});
