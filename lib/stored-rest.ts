// Answers: where readers that lag behind get the rest of a body that is stored by now.
// Owns: reading on from the stored response, and the copy of what is left when it has to leave the store.
// Leaves out: the readers (`fill-body.ts`), and what may leave the store (`store/`).
import type { StoredResponse } from "./message.ts";
import { slice } from "./rfc9111/range.ts";

/** Keeps a response in the store; `onEvicted` is called before it leaves for want of room. Gives the release. */
export type Hold = (stored: StoredResponse, onEvicted: () => void) => () => void;

/** A stored response, and which of its bytes a body was. */
export interface RestSource {
  readonly stored: StoredResponse;
  /** Where the body begins in the stored representation. */
  readonly first: number;
  /** Bytes of the body. */
  readonly length: number;
  readonly hold: Hold;
}

/** The rest of one body. */
export class StoredRest {
  readonly #length: number;
  readonly #release: () => void;
  #read: (from: number, to: number) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
  #from = 0;

  /** `leftFrom` is asked when the response has to leave: the first byte that is still needed. */
  constructor({ stored, first, length, hold }: RestSource, leftFrom: () => number) {
    this.#length = length;
    this.#read = (from, to) => {
      const bytes = slice(stored.body, { first: first + from, last: first + to - 1 });
      return bytes === undefined || bytes instanceof Uint8Array ? bytes : bytesOf(bytes);
    };
    this.#release = hold(stored, () => {
      const kept = leftFrom();
      const left = kept < length ? this.#read(kept, length) : undefined;
      // A part of the stored bytes would keep all of them.
      const copy = left instanceof Uint8Array ? new Uint8Array(left) : left;
      this.#from = kept;
      this.#release();
      this.#read = async (from, to) => (await copy)?.subarray(from - kept, to - kept);
    });
  }

  /** The first byte that can still be read. */
  get from(): number {
    return this.#from;
  }

  /** Up to `maxBytes` from byte `at` on; `undefined` at the end. */
  read(at: number, maxBytes: number): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    return at >= this.#length ? undefined : this.#read(at, Math.min(this.#length, at + maxBytes));
  }

  /** Nobody reads any more; may be called twice. */
  release(): void {
    this.#release();
  }
}

async function bytesOf(source: Blob | ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(source).arrayBuffer());
}
