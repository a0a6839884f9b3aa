// Answers: does one body reach any number of readers and the store, whatever each of them does?
// Owns: the claims about `lib/fill-body.ts`, fed by hand, chunk by chunk.
// Leaves out: the same through engine and sockets (`proxy-fill.test.ts`, `proxy-broken.test.ts`).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { STORED, Notebook, filling, calm, textOf } from "./hand-fed-body.ts";

describe("a body that ends", () => {
  test("is committed once, at its end, with all bytes", async () => {
    const writer = new Notebook();
    const { source, body } = filling({ writer, length: 6 });
    source.chunk("one");
    await body.started;
    await calm();
    expect([writer.text, writer.done, body.end]).toEqual(["one", [], undefined]);
    source.chunk("two");
    source.end();
    expect(await body.ended).toEqual({ kind: "complete", lengthBytes: 6, stored: STORED });
    expect([writer.text, writer.done]).toEqual(["onetwo", ["commit"]]);
    expect(new TextDecoder().decode(body.whole())).toBe("onetwo");
    expect(await textOf(body.reader())).toBe("onetwo");
  });

  test.each([2, 4])(
    "with 3 bytes where %i were announced, it is broken and not committed",
    async (length) => {
      const writer = new Notebook();
      const { source, body } = filling({ writer, length });
      source.chunk("abc");
      source.end();
      expect(await body.ended).toMatchObject({ kind: "broken", error: { code: "origin-incomplete" } });
      expect(writer.done).toEqual(["abort"]);
      expect(textOf(body.reader())).rejects.toThrow();
      expect(body.whole()).toBeUndefined();
    },
  );
});

describe("a body that breaks off", () => {
  test("gives every reader what came, and then its error; nothing is committed", async () => {
    const writer = new Notebook();
    const { source, body } = filling({ writer });
    const readers = [body.reader().getReader(), body.reader().getReader()];
    body.release();
    source.chunk("abc");
    await calm();
    source.fail(new Error("gone"));
    expect(await body.ended).toMatchObject({ kind: "broken", error: { message: "gone" } });
    for (const reader of readers) {
      expect(new TextDecoder().decode((await reader.read()).value)).toBe("abc");
      await expect(reader.read()).rejects.toThrow("gone");
    }
    expect([writer.done, body.isJoinable]).toEqual([["abort"], false]);
  });

  test("before its first byte lets go who waits for the start", async () => {
    const { source, body } = filling();
    source.fail(new Error("gone"));
    await body.started;
    expect((await body.ended).kind).toBe("broken");
  });
});

describe("readers", () => {
  test("come at any time while all is kept, and read at their own pace", async () => {
    const { source, body } = filling({ writer: new Notebook() });
    const early = body.reader();
    body.release();
    source.chunk("one,");
    await calm();
    const late = body.reader();
    source.chunk("two");
    source.end();
    await body.ended;
    const [last, one, other] = await Promise.all([textOf(body.reader()), textOf(early), textOf(late)]);
    expect([last, one, other]).toEqual(["one,two", "one,two", "one,two"]);
  });

  test("the last to leave ends a body that is not stored, and the source is told", async () => {
    const { source, body } = filling();
    const readers = [body.reader(), body.reader()];
    body.release();
    await readers[0]?.cancel();
    await calm();
    expect([source.cancelled, body.end]).toEqual([false, undefined]);
    await readers[1]?.cancel();
    expect((await body.ended).kind).toBe("broken");
    expect(source.cancelled).toBe(true);
  });

  test("before the release nobody's leaving ends it, and nothing is freed", async () => {
    const { source, body } = filling();
    const reader = body.reader().getReader();
    source.chunk("one");
    await reader.read();
    await reader.cancel();
    expect([source.cancelled, body.isJoinable]).toEqual([false, true]);
    body.release();
    expect((await body.ended).kind).toBe("broken");
  });
});

describe("memory", () => {
  const chunk = "x".repeat(64 * 1024);

  test("of a body that is not stored is freed when all have read it: no new reader may come", async () => {
    const { source, body } = filling();
    const reader = body.reader().getReader();
    body.release();
    source.chunk("one");
    expect(body.isJoinable).toBe(true);
    await reader.read();
    expect([body.isJoinable, body.whole()]).toEqual([false, undefined]);
    source.end();
    expect((await reader.read()).done).toBe(true);
  });

  test("back-pressure: without a store, the source is read 256 KB ahead of its only reader", async () => {
    const { source, body } = filling();
    const reader = body.reader().getReader();
    body.release();
    for (let sent = 0; sent < 20; sent++) source.chunk(chunk);
    await calm();
    expect(source.pulled).toBeLessThanOrEqual(5);
    for (let read = 0; read < 20; read++) expect((await reader.read()).value?.length).toBe(chunk.length);
    source.end();
    expect((await reader.read()).done).toBe(true);
  });

  test("that the store refuses is freed, and readers get every byte", async () => {
    const writer = new Notebook(100_000);
    const { source, body } = filling({ writer });
    const reader = body.reader();
    body.release();
    const text = textOf(reader);
    for (let sent = 0; sent < 20; sent++) source.chunk(chunk);
    source.end();
    expect(await text).toBe(chunk.repeat(20));
    expect(await body.ended).toEqual({ kind: "complete", lengthBytes: 20 * chunk.length, stored: undefined });
    expect([writer.done, body.isJoinable]).toEqual([["abort"], false]);
  });

  test("a reader that waits is not cut off, however large the next chunk is", async () => {
    const { source, body } = filling();
    const readers = [body.reader().getReader(), body.reader().getReader()];
    body.release();
    for (const size of [1, 5 * 2 ** 20, 1, 9 * 2 ** 20]) {
      const reading = readers.map((reader) => reader.read());
      await calm();
      source.chunk("x".repeat(size));
      for (const { value } of await Promise.all(reading)) expect(value?.length).toBe(size);
    }
    source.end();
    expect((await readers[0]?.read())?.done).toBe(true);
  });

  test("one that stalls is cut off in the end, without a clean end, and the others get every byte", async () => {
    const { source, body } = filling();
    const [stalled, going] = [body.reader().getReader(), body.reader()];
    body.release();
    const text = textOf(going);
    for (let sent = 0; sent < 100; sent++) {
      source.chunk(chunk);
      await calm();
    }
    source.end();
    expect((await text).length).toBe(100 * chunk.length);
    const read = async (): Promise<void> => {
      while (!(await stalled.read()).done);
    };
    await expect(read()).rejects.toThrow();
  });
});

describe("discarded in the middle", () => {
  test("readers get every byte, the writer is aborted, nothing is committed", async () => {
    const writer = new Notebook();
    const { source, body } = filling({ writer });
    const reader = body.reader();
    body.release();
    source.chunk("one,");
    await calm();
    body.discard();
    body.discard();
    source.chunk("two");
    source.end();
    expect(await textOf(reader)).toBe("one,two");
    expect(await body.ended).toEqual({ kind: "complete", lengthBytes: 7, stored: undefined });
    expect([writer.text, writer.done]).toEqual(["one,", ["abort"]]);
  });

  test("nobody reads it: it ends, and the source is told", async () => {
    const { source, body } = filling({ writer: new Notebook() });
    body.release();
    source.chunk("one");
    await calm();
    body.discard();
    expect((await body.ended).kind).toBe("broken");
    expect(source.cancelled).toBe(true);
  });
});

test("law: whatever readers and store do, who reads to the end has every byte", async () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant("chunk" as const), text: fc.string({ minLength: 1, maxLength: 5 }) }),
      fc.record({ kind: fc.constantFrom("join", "read", "leave", "discard", "calm") }),
    ),
    { maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const { source, body } = filling({ writer: new Notebook() });
      const first = body.reader();
      body.release();
      const readers = [{ stream: first.getReader(), text: "" }];
      let sent = "";
      for (const step of script) {
        if ("text" in step) {
          sent += step.text;
          source.chunk(step.text);
        } else if (step.kind === "join" && body.isJoinable) {
          readers.push({ stream: body.reader().getReader(), text: "" });
        } else if (step.kind === "read" && readers.some(({ text }) => text.length < sent.length)) {
          const lagging = readers.find(({ text }) => text.length < sent.length)!;
          lagging.text += Buffer.from((await lagging.stream.read()).value ?? []).toString("utf8");
        } else if (step.kind === "leave" && readers.length > 1) {
          await readers.pop()?.stream.cancel();
        } else if (step.kind === "discard") body.discard();
        else await calm();
      }
      source.end();
      for (const reader of readers) {
        for (let next = await reader.stream.read(); !next.done; next = await reader.stream.read()) {
          reader.text += Buffer.from(next.value).toString("utf8");
        }
        expect(reader.text).toBe(sent);
      }
      expect((await body.ended).kind).toBe("complete");
    }),
    { numRuns: 100 },
  );
});
