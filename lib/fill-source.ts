// Answers: what a body on its way comes from, and where it goes.
// Owns: the parts that a fill is made of; types only.
// Leaves out: what happens with them (`fill-body.ts`), who chooses them (`deliver.ts`).
import type { DigestCheck } from "./digest.ts";
import type { ByteReader } from "./message.ts";
import type { Finish, Writer } from "./store/store.ts";
import type { Hold } from "./stored-rest.ts";

/** What a body comes from and where it goes. */
export interface FillBodySource {
  readonly reader: ByteReader;
  /** All bytes, where they are there already: then nothing is read from `reader`. */
  readonly whole?: Uint8Array | undefined;
  /** Bytes that must come, where they were announced. */
  readonly length: number | undefined;
  /** `undefined` where the body is passed on only. */
  readonly writer: Writer | undefined;
  /** What the bytes are once they are all there; absent where they are the complete body. */
  readonly finish?: Finish | undefined;
  /** Where the first byte belongs in the stored representation; 0 where nothing is said. */
  readonly first?: number | undefined;
  /** What the bytes have to be, where the origin says so. */
  readonly digest?: DigestCheck | undefined;
  /** Keeps the stored response for readers that lag behind; where absent, the chunks are kept for them. */
  readonly hold?: Hold | undefined;
  /** How far a reader may lag behind the fastest where nothing is stored; 4 MB where nothing is said. */
  readonly maxLagBytes?: number;
  /** How many bytes from the start are kept for readers that come later, though nothing is stored; 0 if not said. */
  readonly joinBytes?: number;
}
