// Answers: what a body under test is fed with.
// Owns: a source and a writer that tests hold in their hands.
// Leaves out: claims (`fill-body.test.ts`).

import { FillBody } from "../lib/fill-body.ts";
import type { FillBodySource } from "../lib/fill-source.ts";
import type { StoredResponse } from "../lib/message.ts";
import type { Writer } from "../lib/store/store.ts";

/** What the writer says it has stored. */
export const STORED = { key: "stored" } as unknown as StoredResponse;

/** A body that the test feeds; `pulled` counts how often the next chunk was asked for. */
export class Source {
  readonly stream: ReadableStream<Uint8Array>;
  pulled = 0;
  cancelled = false;
  #controller!: ReadableStreamDefaultController<Uint8Array>;

  constructor() {
    this.stream = new ReadableStream(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => void this.pulled++,
        cancel: () => void (this.cancelled = true),
      },
      { highWaterMark: 0 },
    );
  }

  chunk(text: string): void {
    this.#controller.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.#controller.close();
  }

  fail(error: Error): void {
    this.#controller.error(error);
  }
}

/** A writer that takes up to `room` bytes and remembers what was done to it. */
export class Notebook implements Writer {
  text = "";
  readonly done: string[] = [];
  readonly #room: number;

  constructor(room = Number.POSITIVE_INFINITY) {
    this.#room = room;
  }

  write(chunk: Uint8Array): Uint8Array | false {
    if (this.text.length + chunk.length > this.#room) return false;
    this.text += new TextDecoder().decode(chunk);
    return chunk;
  }

  commit(): StoredResponse {
    this.done.push("commit");
    return STORED;
  }

  abort(): void {
    this.done.push("abort");
  }
}

/** A body under test and what feeds it. */
export function filling(particulars: Partial<FillBodySource> = {}): { source: Source; body: FillBody } {
  const source = new Source();
  const body = new FillBody({
    reader: source.stream.getReader(),
    length: undefined,
    writer: undefined,
    ...particulars,
  });
  return { source, body };
}

/** Lets everything that can go on without the test go on. */
export async function calm(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** All of a stream as text; rejects where it breaks off. */
export const textOf = (stream: ReadableStream<Uint8Array>): Promise<string> => new Response(stream).text();
