// Answers: which bytes of a chunked body are its content, and where it ends (RFC 9112 §7.1).
// Owns: sizes, extensions and trailers, read strictly and dropped; the coding across packets.
// Leaves out: who reads the content (`response-body.ts`), lines of fields (`response-head.ts`).
import { latin1Text } from "./latin1.ts";
import { fieldFrom, malformed } from "./response-head.ts";

/** What some bytes of a chunked body are. */
export interface Decoded {
  /** How many of them are of the body; those behind its end are not. */
  readonly used: number;
  /** In place of the coded bytes. */
  readonly content: Uint8Array;
  readonly isEnd: boolean;
}

/** A size with its extensions; what they are made of is not looked into beyond that. */
const SIZE_LINE = /^([0-9a-fA-F]{1,13})(?:;[\t\x20-\x7e\x80-\xff]*)?$/;

/** Letters of a line: a size with its extensions, a trailer. */
const MAX_LINE = 8192;

/** Letters of a trailer section, each line with what it costs. */
const MAX_TRAILERS = 64 * 1024;

const LF = 10;

/** Reads one chunked body, however its bytes are cut. */
export class ChunkedCoding {
  /** What comes next. */
  #state: "size" | "content" | "content-end" | "trailers" | "end" = "size";
  #left = 0;
  /** The beginning of a line. */
  #line = "";
  #trailerLetters = 0;

  /** The content is moved together in `bytes`, which are changed by it. @throws Error where they are malformed. */
  decode(bytes: Buffer): Decoded {
    let at = 0;
    let content = 0;
    while (at < bytes.length && this.#state !== "end") {
      if (this.#state === "content") {
        const length = Math.min(this.#left, bytes.length - at);
        if (at !== content) bytes.copyWithin(content, at, at + length);
        content += length;
        at += length;
        this.#left -= length;
        if (this.#left === 0) this.#state = "content-end";
        continue;
      }
      const end = bytes.indexOf(LF, at);
      const next = end < 0 ? bytes.length : end + 1;
      if (next - at > MAX_LINE) throw malformed("a line of a chunk is too long");
      this.#line += latin1Text(bytes, at, next);
      at = next;
      if (end >= 0) this.#lineEnds();
      else if (this.#line.length > MAX_LINE) throw malformed("a line of a chunk is too long");
    }
    return { used: at, content: bytes.subarray(0, content), isEnd: this.#state === "end" };
  }

  #lineEnds(): void {
    const line = this.#line;
    this.#line = "";
    if (!line.endsWith("\r\n")) throw malformed("a line of a chunk does not end in CRLF");
    const text = line.slice(0, -2);
    if (this.#state === "size") this.#begin(text);
    else if (this.#state === "trailers") this.#trailer(text);
    else if (text === "") this.#state = "size";
    else throw malformed("a chunk is longer than its size");
  }

  #begin(text: string): void {
    const size = SIZE_LINE.exec(text)?.[1];
    if (size === undefined) throw malformed("the size of a chunk is none");
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? "trailers" : "content";
  }

  #trailer(text: string): void {
    if (text === "") {
      this.#state = "end";
      return;
    }
    this.#trailerLetters += text.length + 32;
    if (this.#trailerLetters > MAX_TRAILERS) throw malformed("its trailer section is too large");
    fieldFrom(text);
  }
}
