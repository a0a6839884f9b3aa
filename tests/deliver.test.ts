// Answers: does a client get a body in one piece or as it comes, and a completed one with every byte in its place?
// Owns: the claims about `lib/deliver.ts` alone.
// Leaves out: the chunks (`fill-body.test.ts`), the same through the engine (`proxy-fill.test.ts`, `proxy-completing.test.ts`).
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { deliver, fillBody, finishPartial, type Delivery } from "../lib/deliver.ts";
import { Events } from "../lib/events.ts";
import type { Answer, StoredHead } from "../lib/message.ts";
import { drop } from "../lib/received.ts";
import { Visit } from "../lib/visit.ts";
import { bytesOf, complete, partial, received, storedResponse } from "./rfc9111/test-values.ts";
import { presented } from "./larder-under-test.ts";

const REPORT = { word: "MISS", fwd: "uri-miss" } as const;

/** A stream and the hands that feed it. */
function fed(...chunks: string[]) {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let isCancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    start: (one) => void (controller = one),
    cancel: () => void (isCancelled = true),
  });
  for (const chunk of chunks) controller.enqueue(bytesOf(chunk));
  return {
    stream,
    chunk: (text: string) => controller.enqueue(bytesOf(text)),
    end: () => controller.close(),
    fail: () => controller.error(new Error("gone")),
    isCancelled: () => isCancelled,
  };
}

function delivered(delivery: Partial<Delivery>, fields: Record<string, string> = {}): Promise<Answer> {
  const visit = new Visit(presented("GET", "/a", fields), { events: new Events(), clockMs: () => 0 });
  return deliver(visit, { status: 200, fields: new Headers(), body: undefined, report: REPORT, ...delivery });
}

const textOf = (stream: unknown): Promise<string> => new Response(stream as ReadableStream).text();

describe("a body", () => {
  test("that is there is sent in one piece", async () => {
    const source = fed("so", "up");
    source.end();
    const answer = await delivered({ body: fillBody(received({ body: source.stream.getReader() }), {}) });
    expect(Buffer.from(answer.body as Uint8Array).toString()).toBe("soup");
    expect(answer.fields.get("content-length")).toBe("4");
  });

  test("that is still coming is sent as it comes", async () => {
    const source = fed("so");
    const answer = await delivered({ body: fillBody(received({ body: source.stream.getReader() }), {}) });
    expect(answer.body).toBeInstanceOf(ReadableStream);
    source.chunk("up");
    source.end();
    expect(await textOf(answer.body)).toBe("soup");
  });

  test("that is large is sent as it comes, even if all of it is there", async () => {
    const large = "x".repeat(64 * 1024 + 1);
    const source = fed(large);
    source.end();
    const answer = await delivered({ body: fillBody(received({ body: source.stream.getReader() }), {}) });
    expect(answer.body).toBeInstanceOf(ReadableStream);
    expect((await textOf(answer.body)).length).toBe(large.length);
  });

  test("that breaks off before its first byte is no answer at all", async () => {
    const source = fed();
    source.fail();
    const body = fillBody(received({ body: source.stream.getReader() }), {});
    await expect(delivered({ body })).rejects.toMatchObject({ code: "origin-incomplete", status: 502 });
  });

  test("for a client that left while the head was waited for: the source is ended, and nothing looks whole", async () => {
    const source = fed();
    const body = fillBody(received({ body: source.stream.getReader() }), {});
    const gone = { ...presented("GET", "/a"), gone: () => AbortSignal.abort() };
    const visit = new Visit(gone, { events: new Events(), clockMs: () => 0 });
    const delivering = deliver(visit, { status: 200, fields: new Headers(), body, report: REPORT });
    await expect(delivering).rejects.toMatchObject({ code: "origin-incomplete" });
    expect([(await body.ended).kind, source.isCancelled()]).toEqual(["broken", true]);
  });

  test("is not waited for where the client has it already: 304, and the source is ended", async () => {
    const source = fed();
    const head: StoredHead = storedResponse({ fields: { etag: '"1"', "cache-control": "max-age=60" } });
    const body = fillBody(received({ body: source.stream.getReader() }), {});
    const answer = await delivered({ body, head }, { "If-None-Match": '"1"' });
    expect([answer.status, answer.body]).toEqual([304, null]);
    expect((await body.ended).kind).toBe("broken");
    expect(source.isCancelled()).toBe(true);
  });

  test("RFC 9110 §6.4.1 is not sent with 204", async () => {
    const answer = await delivered({ status: 204, body: fillBody(received({ body: null }), {}) });
    expect([answer.body, answer.fields.has("content-length")]).toEqual([null, false]);
  });

  test("that nobody is to read is ended at its source", async () => {
    const source = fed();
    drop(received({ body: source.stream.getReader() }));
    expect(source.isCancelled()).toBe(true);
    drop(received({ body: null }));
  });
});

describe("§3.4 a partial body and the rest that comes", () => {
  const head = storedResponse({ fields: { "content-length": "10", etag: '"1"' } });
  const completing = (parts: [number, string][], rest: string[]) => {
    const stored = storedResponse({ status: 206, body: partial(10, ...parts) });
    const source = fed(...rest);
    const filling = fillBody(received({ status: 206, body: source.stream.getReader() }), {
      completes: { partial: stored, head },
    });
    return { source, body: filling };
  };

  test.each([
    ["in front", [[0, "01234"]], ["56", "789"]],
    ["behind", [[5, "56789"]], ["0", "1234"]],
    [
      "in front and behind",
      [
        [0, "01"],
        [8, "89"],
      ],
      ["234567"],
    ],
    [
      "in front, between and behind",
      [
        [0, "01"],
        [4, "45"],
        [8, "89"],
      ],
      ["23", "4567"],
    ],
  ] as [string, [number, string][], string[]][])(
    "what is stored %s stands in its place",
    async (_, parts, rest) => {
      const { source, body } = completing(parts, rest);
      source.end();
      expect(await body.ended).toMatchObject({ kind: "complete", lengthBytes: 10 });
      expect(Buffer.from(body.whole() ?? []).toString()).toBe("0123456789");
    },
  );

  test.each([
    ["too short", "567"],
    ["too long", "56789a"],
  ])("a rest that is %s breaks it", async (_, rest) => {
    const { source, body } = completing([[0, "01234"]], [rest]);
    source.end();
    expect((await body.ended).kind).toBe("broken");
  });

  test("a rest that breaks off breaks it, and one that nobody needs is ended at its source", async () => {
    const broken = completing([[0, "01234"]], ["5"]);
    broken.source.fail();
    expect((await broken.body.ended).kind).toBe("broken");
    const unneeded = completing([[0, "01234"]], ["5"]);
    unneeded.body.release();
    expect((await unneeded.body.ended).kind).toBe("broken");
    expect(unneeded.source.isCancelled()).toBe(true);
  });
});

describe("§3.3 the bytes of a 206 at its end", () => {
  const fields = {
    etag: '"1"',
    "content-range": "bytes 5-9/10",
    "content-length": "5",
    "content-digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
    "cache-control": "max-age=60",
  };
  const head = storedResponse({ status: 206, fields });
  const finish = finishPartial(head, received({ status: 206, fields: new Headers(fields) }));
  const bytes = new Uint8Array(bytesOf("56789"));

  test("are a part, without the fields that tell of this one message", () => {
    const stored = finish(bytes, []);
    expect(stored?.body).toEqual(partial(10, [5, "56789"]));
    const ofTheMessage = ["content-range", "content-length", "content-digest"];
    expect(ofTheMessage.filter((name) => stored?.head.fields.has(name))).toEqual([]);
    expect(stored?.head.status).toBe(206);
  });

  test("are the whole, with what is stored already of the same strong entity-tag", () => {
    const front = storedResponse({ status: 206, fields: { etag: '"1"' }, body: partial(10, [0, "01234"]) });
    const stored = finish(bytes, [front]);
    expect([stored?.head.status, stored?.body]).toEqual([200, complete("0123456789")]);
  });

  test.each([
    ["0123456789", true],
    ["another body", false],
  ])(
    "RFC 9530 §3 the whole that they make up is stored where its digest is that of %p: %p",
    (text, isStored) => {
      const digest = createHash("sha256").update(text).digest("base64");
      const said = { ...fields, "repr-digest": `sha-256=:${digest}:` };
      const front = storedResponse({ status: 206, fields: { etag: '"1"' }, body: partial(10, [0, "01234"]) });
      const finishing = finishPartial(
        storedResponse({ status: 206, fields: said }),
        received({ status: 206, fields: new Headers(said) }),
      );
      expect(finishing(bytes, []) !== undefined).toBe(true);
      expect(finishing(bytes, [front]) !== undefined).toBe(isStored);
    },
  );

  test("are nothing where they are not those that Content-Range promises", () => {
    expect(finish(new Uint8Array(6), [])).toBeUndefined();
    expect(finish(new Uint8Array(0), [])).toBeUndefined();
  });
});

test("§3.4 a part of what is stored whole as a Blob leaves the whole, with status 200", () => {
  const bytes = new Uint8Array(100).fill(7);
  const fields = { etag: '"1"', "content-range": "bytes 0-4/100" };
  const whole = {
    ...storedResponse({ fields: { etag: '"1"' } }),
    body: { kind: "blob", blob: new Blob([bytes]) },
  } as const;
  const head = storedResponse({ status: 206, fields: { etag: '"1"' } });
  const finish = finishPartial(head, received({ status: 206, fields: new Headers(fields) }));
  const finished = finish(bytes.slice(0, 5), [whole]);
  expect([finished?.head.status, finished?.body]).toEqual([200, whole.body]);
});
