// Answers: what are tests of readers at different paces made of?
// Owns: bytes that differ from place to place, readers that go step by step, a body that can be had twice, a store that holds.
// Leaves out: claims (`fill-body-lag.test.ts`, `fill-body-laws.test.ts`).
import { FillBody } from "../lib/fill-body.ts";
import type { FillBodySource } from "../lib/fill-source.ts";
import type { ByteReader, StoredBody, StoredResponse } from "../lib/message.ts";
import type { Writer } from "../lib/store/store.ts";
import type { Hold } from "../lib/stored-rest.ts";
import { Source } from "./hand-fed-body.ts";
import { storedResponse } from "./rfc9111/test-values.ts";

/** The bytes `from` to `to` of a body without end, of which no ten in a row are like others. */
export function textFrom(from: number, to: number): string {
  const start = from - (from % 10);
  let text = "";
  for (let at = start; at < to; at += 10) text += String(at).padStart(10, "x");
  return text.slice(from - start, to - start);
}

const readerOf = (body: FillBody) => body.reader().getReader();

/** A reader of a body that goes as far as it is told. */
export class Pace {
  text = "";
  readonly #reader: ReturnType<typeof readerOf>;

  constructor(body: FillBody) {
    this.#reader = readerOf(body);
  }

  /** The next bytes; `true` at the end. Rejects where it breaks off. */
  async next(): Promise<boolean> {
    const { done, value } = await this.#reader.read();
    this.text += new TextDecoder().decode(value);
    return done;
  }

  /** Reads until so many bytes are there. */
  async upTo(bytes: number): Promise<void> {
    while (this.text.length < bytes)
      if (await this.next()) throw new Error(`ended at ${this.text.length}, not ${bytes}`);
  }

  /** To the end; all that came. */
  async all(): Promise<string> {
    while (!(await this.next()));
    return this.text;
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}

/** A body of `length` bytes whose connection the test feeds, and which may be had a second time from any byte on. */
export function twice(length: number, particulars: Partial<FillBodySource> = {}, isTwice = true) {
  const source = new Source();
  const reader = source.stream.getReader();
  const alone = { askedFor: [] as number[], cancelled: 0 };
  const from = async (at: number): Promise<ByteReader> => {
    alone.askedFor.push(at);
    return {
      async read() {
        const value = new TextEncoder().encode(textFrom(at, Math.min(length, at + 50_000)));
        at += value.length;
        return value.length === 0 ? { done: true } : { done: false, value };
      },
      async cancel() {
        alone.cancelled++;
      },
    };
  };
  const body = new FillBody({
    reader: {
      read: () => reader.read(),
      cancel: (reason) => reader.cancel(reason),
      ...(isTwice && { from }),
    },
    length: undefined,
    writer: undefined,
    ...particulars,
  });
  return { source, body, alone };
}

/** A store with one write: what is written is found in `stored` after the commit, held as often as `holds` says. */
export class OneWrite implements Writer {
  stored: StoredResponse | undefined;
  aborts = 0;
  holds = 0;
  releases = 0;
  /** The response has to leave. */
  leave = (): void => {};
  readonly #chunks: Uint8Array[] = [];
  readonly #bodyOf: (bytes: Uint8Array<ArrayBuffer>) => StoredBody;

  constructor(bodyOf: (bytes: Uint8Array<ArrayBuffer>) => StoredBody = asBlob) {
    this.#bodyOf = bodyOf;
  }

  readonly hold: Hold = (_, onEvicted) => {
    this.holds++;
    this.leave = onEvicted;
    let isHeld = true;
    return () => {
      if (isHeld) this.releases++;
      isHeld = false;
    };
  };

  write(chunk: Uint8Array): Uint8Array | false {
    this.#chunks.push(chunk);
    return chunk;
  }

  commit(): StoredResponse {
    const bytes = new Uint8Array(Bun.concatArrayBuffers(this.#chunks));
    this.stored = storedResponse({ body: this.#bodyOf(bytes) });
    return this.stored;
  }

  abort(): void {
    this.aborts++;
  }
}

/** A large body as the memory tier keeps it. */
export function asBlob(bytes: Uint8Array<ArrayBuffer>): StoredBody {
  return { kind: "blob", blob: new Blob([bytes]) };
}
