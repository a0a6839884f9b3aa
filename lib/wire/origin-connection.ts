// Answers: what happens on one connection to an origin, from the first request on it to its end.
// Owns: one exchange at a time, whose bytes are whose, and whether another one may follow.
// Leaves out: which connection is taken (`origin-pool.ts`), reading (`response-head.ts`, `response-body.ts`).
import type { Socket } from "bun";
import type { OriginResponse, OutgoingRequest } from "./origin-exchange.ts";
import { writeLatin1 } from "./latin1.ts";
import { ResponseBody, type BodySource } from "./response-body.ts";
import { malformed, type HeadReader, type ResponseHead } from "./response-head.ts";

/** Where connections come from and go back to. */
export interface ConnectionKeeper {
  readonly heads: HeadReader;
  /** It is free; `seconds` is for how long the origin keeps it open, where it says so. */
  keep(connection: OriginConnection, seconds: number | undefined): void;
  /** It is gone, whether it was free or not. */
  forget(connection: OriginConnection): void;
  /** It was closed before a byte of the response came, as one that was kept may be: once more, on a fresh one. */
  repeat(exchange: Exchange): void;
}

/** One request that waits for its response. */
export class Exchange {
  readonly outgoing: OutgoingRequest;
  /** Request line and header section, a letter a byte. */
  readonly head: string;
  readonly resolve: (response: OriginResponse) => void;
  /** Where it is under way. */
  connection: OriginConnection | undefined;
  isOver = false;
  readonly #reject: (error: unknown) => void;

  constructor(
    outgoing: OutgoingRequest,
    head: string,
    resolve: (response: OriginResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.outgoing = outgoing;
    this.head = head;
    this.resolve = resolve;
    this.#reject = reject;
    if (outgoing.callOff === undefined) outgoing.signal.addEventListener("abort", this);
    else outgoing.callOff.tell(this);
  }

  /** Why it was given up, `undefined` where it was not. */
  get reason(): unknown {
    const { outgoing } = this;
    if (outgoing.callOff !== undefined) return outgoing.callOff.reason;
    return outgoing.signal.aborted ? outgoing.signal.reason : undefined;
  }

  /** Of its signal. */
  handleEvent(): void {
    this.giveUp(this.reason);
  }

  giveUp(reason: unknown): void {
    if (this.connection === undefined) this.fail(reason);
    else this.connection.breakOff(reason);
  }

  end(): void {
    this.isOver = true;
    const { outgoing } = this;
    if (outgoing.callOff === undefined) outgoing.signal.removeEventListener("abort", this);
    else outgoing.callOff.tell(undefined);
  }

  fail(error: unknown): void {
    this.end();
    this.#reject(error);
  }
}

/** Header sections of requests are put together here. */
const out = Buffer.allocUnsafe(16 * 1024);

/** A connection to an origin. */
export class OriginConnection implements BodySource {
  /** Until when it is kept while it is free, in seconds of the pool. */
  keptUntil = 0;
  readonly #keeper: ConnectionKeeper;
  readonly #socket: Socket<OriginConnection>;
  #exchange: Exchange | undefined;
  /** What came of a header section whose end is missing, and how much of it that is. */
  #input: Buffer | undefined;
  #inputLength = 0;
  #head: ResponseHead | undefined;
  /** Where its bytes go on coming behind the head. */
  #body: ResponseBody | undefined;
  /** What the kernel has not taken of the request. */
  #unsent: Buffer | undefined;
  /** Whether a response came on it before. */
  #wasKept = false;
  /** Whether anything of the response has come. */
  #hasHeard = false;
  #isGone = false;

  constructor(keeper: ConnectionKeeper, socket: Socket<OriginConnection>) {
    this.#keeper = keeper;
    this.#socket = socket;
  }

  /** Sends a request; nothing else may be under way. */
  send(exchange: Exchange): void {
    if (this.#isGone) return exchange.fail(closedEarly());
    this.#exchange = exchange;
    exchange.connection = this;
    this.#hasHeard = false;
    const { head } = exchange;
    const isSmall = head.length <= out.length;
    const bytes = isSmall ? out : Buffer.from(head, "latin1");
    if (isSmall) writeLatin1(out, head, 0);
    const written = this.#socket.write(bytes, 0, head.length);
    if (written < 0) this.breakOff(closedEarly());
    else if (written < head.length) this.#unsent = Buffer.from(bytes.subarray(written, head.length));
  }

  drain(): void {
    const bytes = this.#unsent;
    if (bytes === undefined) return;
    const written = Math.max(0, this.#socket.write(bytes));
    this.#unsent = written < bytes.length ? bytes.subarray(written) : undefined;
  }

  data(bytes: Buffer): void {
    if (this.#isGone) return;
    this.#hasHeard = true;
    try {
      if (this.#body !== undefined) this.#takeBody(this.#body, bytes);
      else if (this.#exchange !== undefined) this.#takeHead(this.#exchange, bytes);
      // Nobody has asked for it.
      else this.breakOff(undefined);
    } catch (error) {
      this.breakOff(error);
    }
  }

  /** The origin sends nothing more. */
  end(): void {
    if (this.#body?.endOfConnection() === true) this.#over(false);
    else this.breakOff(closedEarly());
  }

  /** The connection is gone; with an error where that was not in order. */
  close(error: unknown): void {
    this.breakOff(error ?? closedEarly());
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isGone) this.#socket.resume();
  }

  /** Ends the connection, and whatever is under way on it. */
  breakOff(reason: unknown): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#keeper.forget(this);
    this.#socket.terminate();
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#exchange = undefined;
    exchange.connection = undefined;
    if (this.#body === undefined) {
      const mayRepeat = this.#wasKept && !this.#hasHeard && exchange.reason === undefined;
      return mayRepeat ? this.#keeper.repeat(exchange) : exchange.fail(reason);
    }
    exchange.end();
    this.#body.fail(reason);
  }

  #takeHead(exchange: Exchange, bytes: Buffer): void {
    let rest = this.#withInput(bytes);
    let seen = rest.length - bytes.length;
    while (rest.length > 0) {
      const head = this.#keeper.heads.read(rest, seen);
      if (head === undefined) break;
      rest = rest.subarray(head.length);
      seen = 0;
      if (head.status >= 200) return this.#begin(exchange, head, rest);
      // Nobody has asked for another protocol.
      if (head.status === 101) throw malformed("it answered 101 unasked");
      if (head.status > 101) exchange.outgoing.onInterim?.(head.status, new Headers(head.fields));
      this.#input = undefined;
    }
    this.#input ??= rest;
    this.#inputLength = rest.length;
  }

  /** All that came of a header section. The room for it doubles, so that small pieces are not copied too often. */
  #withInput(bytes: Buffer): Buffer {
    const input = this.#input;
    if (input === undefined) return bytes;
    const length = this.#inputLength + bytes.length;
    const all = length <= input.length ? input : Buffer.allocUnsafeSlow(length * 2);
    if (all !== input) input.copy(all, 0, 0, this.#inputLength);
    bytes.copy(all, this.#inputLength);
    this.#input = all;
    return all.subarray(0, length);
  }

  #begin(exchange: Exchange, head: ResponseHead, rest: Buffer): void {
    const { status } = head;
    if (status > 599) {
      const error = new Error(`this wire cannot pass on the status code ${status}`);
      throw Object.assign(error, { code: "InvalidHTTPStatus" });
    }
    this.#input = undefined;
    this.#head = head;
    const { fields, isFramingFaulty } = head;
    const isBodiless = exchange.outgoing.method === "HEAD" || BODILESS.has(status);
    const framing = isBodiless ? 0 : head.framing;
    if (framing === rest.length) {
      this.#over(!isBodiless || endsWithHead(head));
      return exchange.resolve({ status, fields, isFramingFaulty, body: isBodiless ? null : rest });
    }
    const body = new ResponseBody(framing, this);
    // What is malformed here already, nobody gets to see.
    const used = body.accept(rest);
    if (body.isComplete) this.#over(used === rest.length);
    else this.#body = body;
    const content = isBodiless ? null : body.isComplete ? body.taken() : body;
    exchange.resolve({ status, fields, isFramingFaulty, body: content });
  }

  #takeBody(body: ResponseBody, bytes: Buffer): void {
    const used = body.accept(bytes);
    if (body.isComplete) this.#over(used === bytes.length);
  }

  /** The response is there. `isClean` where nothing came behind it, and its end is not that of the connection. */
  #over(isClean: boolean): void {
    const head = this.#head;
    this.#exchange?.end();
    this.#exchange = undefined;
    this.#body = undefined;
    this.#head = undefined;
    this.#wasKept = true;
    if (isClean && head?.isPersistent === true && this.#unsent === undefined)
      return this.#keeper.keep(this, head.keptSeconds);
    this.#isGone = true;
    this.#keeper.forget(this);
    this.#socket.end();
  }
}

/** Statuses without content (RFC 9110 §15.3.5, §15.3.6, §15.4.5); what comes behind their header section is no body. */
const BODILESS = new Set([204, 205, 304]);

/** Content that must not be could come yet, and be taken for the next response. HEAD and 304 may announce some. */
function endsWithHead({ status, framing }: ResponseHead): boolean {
  if (status === 205) return framing === 0;
  return status !== 204 || framing === 0 || framing === "close";
}

function closedEarly(): Error {
  return Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" });
}
