// Answers: what came over one connection while those pieces were sent.
// Owns: the socket of a client: writing piece by piece, reading responses in order, the limit on waiting.
// Leaves out: what should have come (`oracle.ts`).
import { connect, type Socket } from "node:net";
import { readResponse, type ReadResponse } from "./response-reader.ts";

/** What is sent at a time, and for how many final responses is waited then. */
export interface Turn {
  readonly pieces: readonly string[];
  readonly answers: number;
}

/** What came. */
export interface Conversation {
  readonly responses: readonly ReadResponse[];
  /** Bytes that are no whole response. */
  readonly rest: string;
  /** Why they cannot become one. */
  readonly malformed: string | undefined;
  /** How the server left: not at all, in order, or by a reset. */
  readonly closed: "open" | "ended" | "reset";
  /** Whether an answer was waited for in vain. */
  readonly isHung: boolean;
  /** Turns that were begun. */
  readonly turns: number;
  readonly bytes: string;
}

const TICK_MS = 50;

/** A client's end of a connection. */
export class Connection {
  readonly #socket: Socket;
  readonly #methods: readonly string[];
  readonly #limitMs: number;
  #responses: ReadResponse[] = [];
  #bytes = "";
  #at = 0;
  #malformed: string | undefined;
  #closed: Conversation["closed"] = "open";
  #isHung = false;
  #turns = 0;
  #news = Promise.withResolvers<void>();

  /** Methods of the requests in order, for the framing of their responses; behind them GET is taken. */
  constructor(url: URL, methods: readonly string[], limitMs: number) {
    this.#methods = methods;
    this.#limitMs = limitMs;
    this.#socket = connect({
      host: url.hostname,
      port: Number(url.port),
      noDelay: true,
      allowHalfOpen: true,
    });
    this.#socket.on("data", (bytes) => this.#take(bytes.toString("latin1")));
    this.#socket.on("end", () => this.#close("ended"));
    this.#socket.on("error", () => this.#close("reset"));
    this.#socket.on("close", () => this.#close("reset"));
  }

  get isOpen(): boolean {
    return this.#closed === "open" && this.#malformed === undefined && !this.#isHung;
  }

  get answers(): number {
    return this.#responses.length;
  }

  /** Sends, and waits for the answers; where the server leaves, or is silent for too long, it comes back early. */
  async take({ pieces, answers }: Turn): Promise<void> {
    this.#turns++;
    for (const [at, piece] of pieces.entries()) {
      if (!this.isOpen) return;
      if (at > 0) await new Promise<void>((resolve) => setImmediate(resolve));
      this.#socket.write(piece, "latin1");
    }
    // Time counts while this process runs: on a busy machine a tick that comes late is one tick all the same.
    for (let waitedMs = 0; this.isOpen && this.answers < answers;) {
      const before = this.#bytes.length;
      await Promise.race([this.#news.promise, Bun.sleep(TICK_MS).then(() => (waitedMs += TICK_MS))]);
      if (this.#bytes.length > before) waitedMs = 0;
      if (waitedMs >= this.#limitMs) this.#isHung = true;
    }
  }

  /** Ends the client's side, and waits until the server has ended its own. */
  async halfClose(): Promise<void> {
    this.#socket.end();
    await this.take({ pieces: [], answers: Number.POSITIVE_INFINITY });
  }

  /** Is gone. */
  leave(): Conversation {
    this.#socket.destroy();
    return {
      responses: this.#responses,
      rest: this.#bytes.slice(this.#at),
      malformed: this.#malformed,
      closed: this.#closed,
      isHung: this.#isHung,
      turns: this.#turns,
      bytes: this.#bytes,
    };
  }

  #take(text: string): void {
    this.#bytes += text;
    this.#read();
  }

  #close(how: "ended" | "reset"): void {
    if (this.#closed !== "open") return;
    this.#closed = how;
    this.#read();
  }

  #read(): void {
    while (this.#at < this.#bytes.length && this.#malformed === undefined) {
      const method = this.#methods[this.#responses.length] ?? "GET";
      const reading = readResponse(this.#bytes, this.#at, { method, closed: this.#closed });
      if (reading.kind === "incomplete") break;
      if (reading.kind === "bad") this.#malformed = reading.why;
      else {
        this.#responses.push(reading.value);
        this.#at = reading.end;
      }
    }
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }
}
