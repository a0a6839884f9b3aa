// Answers: does what one worker answers another arrive byte by byte, with its end, its break, and its pace?
// Owns: the claims about `lib/wire/peer-bun.ts`.
// Leaves out: what is asked and answered (`../workers/cold-key.test.ts`).
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AnswerBody, ByteReader } from "../../lib/message.ts";
import { askPeer, servePeers, type AnswerPeer, type PeerAnswer } from "../../lib/wire/peer-bun.ts";

const folder = mkdtempSync(join(tmpdir(), "larder-peers-"));
afterAll(() => rmSync(folder, { recursive: true }));

let sockets = 0;
const NEVER = new AbortController().signal;

function serving(answer: AnswerPeer): string {
  const path = join(folder, String(sockets++));
  servePeers(path, answer);
  return path;
}

function ask(
  path: string,
  question = "?",
  signal = NEVER,
  takenMs = 10_000,
): Promise<PeerAnswer<ByteReader> | undefined> {
  return askPeer(path, question, { signal, takenMs });
}

async function allOf(body: ByteReader | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const { done, value } = (await body?.read()) ?? { done: true };
    if (done || value === undefined) return Buffer.concat(chunks);
    chunks.push(value);
  }
}

const bytes = crypto.getRandomValues(new Uint8Array(60_000));
const large = Buffer.concat(Array.from({ length: 40 }, () => bytes));
const BODIES: readonly (readonly [string, () => AnswerBody, Uint8Array])[] = [
  ["nothing", () => null, new Uint8Array()],
  ["no bytes", () => new Uint8Array(), new Uint8Array()],
  ["bytes", () => bytes, bytes],
  ["many bytes", () => large, large],
  ["a Blob", () => new Blob([large]), large],
  ["a stream", () => new Blob([large]).stream(), large],
];

describe("an answer", () => {
  test.each(BODIES)("of %s arrives as it is", async (_, body, expected) => {
    const path = serving(async (question) => ({ head: `${question}, ä\u20ac`, body: body() }));
    for (const question of ["short", "long ".repeat(50_000)]) {
      const answer = await ask(path, question);
      expect(answer?.head === `${question}, ä\u20ac`).toBe(true);
      expect((await allOf(answer?.body)).equals(expected)).toBe(true);
    }
  });

  test("that breaks off has no clean end", async () => {
    let isRead = false;
    const body = (): AnswerBody =>
      new ReadableStream({
        async pull(controller) {
          if (isRead) throw new Error("broken");
          isRead = true;
          controller.enqueue(bytes);
          await Bun.sleep(20);
        },
      });
    const answer = await ask(serving(async () => ({ head: "", body: body() })));
    expect(allOf(answer?.body)).rejects.toThrow();
  });

  test("is read no faster than it is wanted, and ended when it is not wanted any more", async () => {
    let read = 0;
    let isEnded = false;
    const stream = (): AnswerBody =>
      new ReadableStream(
        {
          pull(controller) {
            read += bytes.length;
            controller.enqueue(bytes);
          },
          cancel: () => void (isEnded = true),
        },
        { highWaterMark: 0 },
      );
    const answer = await ask(serving(async () => ({ head: "", body: stream() })));
    await answer?.body.read();
    let before = -1;
    while (before !== read) {
      before = read;
      await Bun.sleep(100);
    }
    expect(read).toBeLessThan(2 ** 25);
    await answer?.body.cancel();
    while (!isEnded) await Bun.sleep(1);
  });
});

describe("there is no answer", () => {
  test("where nobody is there, or has been", async () => {
    expect(await ask(join(folder, "nobody"))).toBeUndefined();
  });

  test("from one that fails before it has one", async () => {
    const path = serving(async () => {
      throw new Error("no answer");
    });
    expect(await ask(path)).toBeUndefined();
  });

  test("from one that does not take the question in time", async () => {
    const path = join(folder, String(sockets++));
    using _ = Bun.listen({ unix: path, socket: { data() {} } });
    expect(await ask(path, "?", NEVER, 50)).toBeUndefined();
  });

  test("to one that has left; the other is told", async () => {
    let isGone = false;
    const controller = new AbortController();
    const path = serving((_, gone) => {
      gone.addEventListener("abort", () => (isGone = true));
      controller.abort(new Error("left"));
      return new Promise(() => {});
    });
    expect(ask(path, "?", controller.signal)).rejects.toThrow("left");
    while (!isGone) await Bun.sleep(1);
  });
});

test("one that has taken the question may take longer than that to answer", async () => {
  const path = serving(async () => {
    await Bun.sleep(2300);
    return { head: "late", body: null };
  });
  expect((await ask(path, "?", NEVER, 2000))?.head).toBe("late");
});
