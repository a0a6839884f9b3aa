// Answers: where one reader of a body stands.
// Owns: how far it is, whether it waits, whether it has stalled.
// Leaves out: the bytes, and what is done about a reader that lags (`fill-body.ts`).
import type { ByteReader } from "./message.ts";

/** Who has not taken a chunk for so long, in milliseconds, has stopped reading. */
export const STALL_MS = 3000;

/** One reader. */
export class ReadingPosition {
  /** The number of the chunk that it reads next, and how many bytes came before. */
  at = 0;
  bytes = 0;
  /** Whether it has read all there is and waits for more. */
  isWaiting = false;
  /** It fell too far behind: it goes on alone where the bytes can be had a second time. */
  isCutOff = false;
  alone: Promise<ByteReader | undefined> | undefined;
  #movedMs = performance.now();

  /** It has got a chunk. */
  advance(bytes: number): void {
    this.isWaiting = false;
    this.at++;
    this.bytes += bytes;
    this.#movedMs = performance.now();
  }

  /** Milliseconds until it counts as stalled; 0 or less where it does. */
  get patienceMs(): number {
    return this.#movedMs + STALL_MS - performance.now();
  }
}
