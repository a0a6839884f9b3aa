// Answers: what a client got for its request, byte by byte, and whether it ended as HTTP says.
// Owns: a strict reader of HTTP/1.1 responses (RFC 9112 §4–§7) that keeps no body: bytes are handed on as they come.
// Leaves out: the socket (`exchange.ts`), whether it is the right response (`judge-head.ts`, `judge-body.ts`).

/** The head of a final response. */
export interface ResponseHead {
  readonly status: number;
  /** Names in lower case; the values of several lines are joined by a comma. */
  readonly fields: ReadonlyMap<string, string>;
}

/** Who is told what was read. */
export interface ResponseListener {
  readonly onHead: (head: ResponseHead) => void;
  readonly onBody: (bytes: Buffer) => void;
}

type State = "head" | "length" | "chunk-size" | "chunk" | "chunk-end" | "trailers" | "complete" | "wrong";

const MAX_LINE_BYTES = 64 * 1024;

/** Reads one response; a new one is needed for the next. */
export class ResponseReader {
  readonly #method: string;
  readonly #listener: ResponseListener;
  #state: State = "head";
  #held: Buffer = Buffer.alloc(0);
  #left = 0;
  #problem: string | undefined;

  constructor(method: string, listener: ResponseListener) {
    this.#method = method;
    this.#listener = listener;
  }

  /** Whether all of it is there, by its framing. */
  get isComplete(): boolean {
    return this.#state === "complete";
  }

  /** Whether the head is there. */
  get hasHead(): boolean {
    return this.#state !== "head";
  }

  /** What is not HTTP/1.1 about it. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Takes in what has come. Never throws. */
  take(bytes: Buffer): void {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    while (this.#step());
    if (this.#state === "complete" && this.#held.length > 0) {
      this.#fail(`${this.#held.length} bytes after the end of the response`);
    }
  }

  /** One step; false where more bytes are needed, or none are wanted any more. */
  #step(): boolean {
    switch (this.#state) {
      case "head":
        return this.#readHead();
      case "length":
      case "chunk":
        return this.#readBytes();
      case "chunk-size":
        return this.#onLine((line) => this.#beginChunk(line));
      case "chunk-end":
        return this.#onLine((line) =>
          line === "" ? (this.#state = "chunk-size") : this.#fail("a chunk is too long"),
        );
      case "trailers":
        return this.#onLine((line) => line === "" && (this.#state = "complete"));
      default:
        return false;
    }
  }

  #readHead(): boolean {
    const end = this.#held.indexOf("\r\n\r\n");
    if (end < 0) return this.#held.length > MAX_LINE_BYTES && this.#fail("the head has no end");
    const [startLine = "", ...lines] = this.#held.toString("latin1", 0, end).split("\r\n");
    this.#held = this.#held.subarray(end + 4);
    const status = Number(/^HTTP\/1\.1 (\d{3}) [\t\x20-\x7e\x80-\xff]*$/.exec(startLine)?.[1]);
    if (Number.isNaN(status)) return this.#fail(`not a status line: ${startLine}`);
    const fields = new Map<string, string>();
    for (const line of lines) {
      const [, name, value] = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
      if (name === undefined || value === undefined) return this.#fail(`not a field line: ${line}`);
      const earlier = fields.get(name.toLowerCase());
      fields.set(name.toLowerCase(), earlier === undefined ? value : `${earlier}, ${value}`);
    }
    // An interim response; the final one follows.
    if (status < 200) return true;
    return this.#beginBody({ status, fields });
  }

  /** RFC 9112 §6.3. */
  #beginBody(head: ResponseHead): boolean {
    const { status, fields } = head;
    const [length, coding] = [fields.get("content-length"), fields.get("transfer-encoding")];
    if (length !== undefined && coding !== undefined)
      return this.#fail("Content-Length and Transfer-Encoding");
    if (length !== undefined && !/^\d+$/.test(length)) return this.#fail(`Content-Length: ${length}`);
    if (coding !== undefined && coding.toLowerCase() !== "chunked")
      return this.#fail(`Transfer-Encoding: ${coding}`);
    const isBodiless = this.#method === "HEAD" || status === 204 || status === 304;
    if (isBodiless) this.#state = "complete";
    else if (coding !== undefined) this.#state = "chunk-size";
    // Its end would be that of the connection, and nobody could tell it from a break.
    else if (length === undefined) return this.#fail("neither Content-Length nor chunks");
    else this.#expect("length", Number(length));
    this.#listener.onHead(head);
    return true;
  }

  #beginChunk(line: string): void {
    const [, size] = /^([0-9a-f]{1,8})(?:;.*)?$/i.exec(line) ?? [];
    if (size === undefined) this.#fail(`not a chunk size: ${line.slice(0, 40)}`);
    else if (Number.parseInt(size, 16) === 0) this.#state = "trailers";
    else this.#expect("chunk", Number.parseInt(size, 16));
  }

  #expect(state: "length" | "chunk", bytes: number): void {
    this.#left = bytes;
    this.#state = bytes === 0 ? "complete" : state;
  }

  #readBytes(): boolean {
    if (this.#held.length === 0) return false;
    const bytes = this.#held.subarray(0, this.#left);
    this.#held = this.#held.subarray(bytes.length);
    this.#left -= bytes.length;
    if (this.#left === 0) this.#state = this.#state === "chunk" ? "chunk-end" : "complete";
    this.#listener.onBody(bytes);
    return true;
  }

  #onLine(read: (line: string) => unknown): boolean {
    const end = this.#held.indexOf("\r\n");
    if (end < 0) return this.#held.length > MAX_LINE_BYTES && this.#fail("a line has no end");
    const line = this.#held.toString("latin1", 0, end);
    this.#held = this.#held.subarray(end + 2);
    read(line);
    return true;
  }

  #fail(problem: string): false {
    this.#problem ??= problem;
    this.#state = "wrong";
    return false;
  }
}
