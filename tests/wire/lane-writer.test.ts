// Answers: do the bytes of an answer leave whole and in order, however little the kernel takes at a time?
// Owns: the claims about `lib/wire/lane-writer.ts`, with a socket that takes what the test says.
// Leaves out: connections (`lane-connection.test.ts`), the fields of answers (`respond.ts`).
import type { Socket } from "bun";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Answer } from "../../lib/message.ts";
import { LaneWriter, type Sending } from "../../lib/wire/lane-writer.ts";

/** Takes at most so many bytes at a time: those of `takes`, then none until `drain`. */
class FakeSocket {
  heard = "";
  room = 0;

  write(bytes: Uint8Array, offset = 0, length = bytes.length - offset): number {
    const taken = Math.min(this.room, length);
    this.room -= taken;
    this.heard += Buffer.from(bytes.slice(offset, offset + taken)).toString("latin1");
    return taken;
  }
}

function writing(room: number): { socket: FakeSocket; writer: LaneWriter } {
  const socket = new FakeSocket();
  socket.room = room;
  return { socket, writer: new LaneWriter(socket as unknown as Socket<unknown>) };
}

const PLAIN: Sending = { isHead: false, isLast: false };

function answer(body: Answer["body"], fields: Readonly<Record<string, string>> = {}, status = 200): Answer {
  return { status, fields: new Headers(fields), body };
}

/** As it is made from a stored response. */
function hit(bytes: Uint8Array): Answer {
  const lines = `\r\nContent-Length: ${bytes.length}\r\nX-Long: ${"x".repeat(300)}`;
  return { ...answer(bytes), block: { lines, ownLines: "\r\nAge: 7" } };
}

/** Sends it to a socket that takes all, and to one that takes it in those pieces; what they heard. */
async function bothWays(make: () => Answer, pieces: readonly number[]): Promise<[string, string]> {
  const whole = writing(Number.POSITIVE_INFINITY);
  await whole.writer.send(make(), PLAIN);
  const { socket, writer } = writing(pieces[0] ?? 0);
  const sent = writer.send(make(), PLAIN);
  // Somebody else's answer, over whatever both are put together in.
  await writing(Number.POSITIVE_INFINITY).writer.send(answer(new Uint8Array(100_000)), PLAIN);
  let isSent = sent === true;
  if (sent !== true) void sent.then(() => (isSent = true));
  for (let at = 1; !isSent; at++) {
    await Bun.sleep(0);
    socket.room = pieces[at] ?? 1_000_000;
    writer.drain();
  }
  expect(writer.isFlushed).toBe(true);
  return [whole.socket.heard, socket.heard];
}

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at % 251);

test("the kernel may take as little as it likes: what arrives is the same", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("hit", "bytes", "blob", "stream", "chunked", "nothing"),
      fc.oneof(fc.nat(200), fc.nat(200_000)),
      fc.array(fc.oneof(fc.nat(50), fc.nat(100_000)), { minLength: 1, maxLength: 12 }),
      async (kind, length, pieces) => {
        const bytes = bytesOf(length);
        const make = (): Answer => {
          if (kind === "hit") return hit(bytes);
          if (kind === "bytes") return answer(bytes);
          if (kind === "blob") return answer(new Blob([bytes as Uint8Array<ArrayBuffer>]));
          if (kind === "nothing") return answer(null);
          const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
          return answer(stream, kind === "stream" ? { "content-length": String(length) } : {});
        };
        const [whole, inPieces] = await bothWays(make, pieces);
        if (kind !== "chunked") expect(inPieces === whole).toBe(true);
        expect(contentOf(inPieces) === contentOf(whole)).toBe(true);
        const expected = kind === "nothing" ? "" : Buffer.from(bytes).toString("latin1");
        expect(contentOf(whole) === expected).toBe(true);
      },
    ),
    { numRuns: 300, seed: 9112 },
  );
}, 60_000);

/** The content of a response, chunks put together; fails where a chunk is broken. */
function contentOf(text: string): string {
  const at = text.indexOf("\r\n\r\n");
  const [head, body] = [text.slice(0, at), text.slice(at + 4)];
  if (!/^transfer-encoding: chunked$/im.test(head)) return body;
  let content = "";
  for (let from = 0; ;) {
    const end = body.indexOf("\r\n", from);
    const size = Number.parseInt(body.slice(from, end), 16);
    if (size === 0) {
      expect(body.slice(end)).toBe("\r\n\r\n");
      return content;
    }
    content += body.slice(end + 2, end + 2 + size);
    expect(body.slice(end + 2 + size, end + 4 + size)).toBe("\r\n");
    from = end + 4 + size;
  }
}

describe("a head", () => {
  const rest = { isLast: true, isHead: false };
  test.each<[string, Answer, Sending, string]>([
    ["of bytes has their length", answer(bytesOf(3)), PLAIN, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"],
    [
      "that ends the connection says so",
      answer(null, {}, 404),
      rest,
      "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ],
    [
      "has the right length",
      answer(bytesOf(1), { "Content-Length": "9" }),
      PLAIN,
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n",
    ],
    [
      "of 304 keeps its length",
      answer(null, { "Content-Length": "9" }, 304),
      PLAIN,
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    ],
    [
      "of 204 has none",
      answer(null, { "Content-Length": "0" }, 204),
      PLAIN,
      "HTTP/1.1 204 No Content\r\n\r\n",
    ],
    [
      "of an unknown status has no phrase",
      answer(null, {}, 299),
      PLAIN,
      "HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n",
    ],
  ])("%s", async (_, what, sending, expected) => {
    const { socket, writer } = writing(Number.POSITIVE_INFINITY);
    expect(writer.send(what, sending)).toBe(true);
    expect(socket.heard.slice(0, socket.heard.indexOf("\r\n\r\n") + 4)).toBe(expected);
  });

  test("of HEAD says the length of the content, and ends a stream unread", async () => {
    const { socket, writer } = writing(Number.POSITIVE_INFINITY);
    let isCancelled = false;
    const stream = new ReadableStream<Uint8Array>({ cancel: () => void (isCancelled = true) });
    expect(writer.send(answer(stream, { "Content-Length": "9" }), { isHead: true, isLast: false })).toBe(
      true,
    );
    expect(socket.heard).toBe("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    expect(isCancelled).toBe(true);
  });

  test("beyond 64 KB leaves whole", async () => {
    const { socket, writer } = writing(Number.POSITIVE_INFINITY);
    writer.send(answer(bytesOf(3), { "X-A": "a".repeat(200_000) }), PLAIN);
    expect(socket.heard.length).toBeGreaterThan(200_000);
    expect(socket.heard).toEndWith("\r\nContent-Length: 3\r\n\r\n\0\x01\x02");
  });
});

test("what waits for a client that has left is given up", async () => {
  const { writer } = writing(10);
  const sent = writer.send(answer(bytesOf(100)), PLAIN);
  writer.close();
  await expect(Promise.resolve(sent)).rejects.toThrow("left");
  await expect(Promise.resolve(writer.send(answer(bytesOf(100)), PLAIN))).rejects.toThrow("left");
});
