// Answers: what happens on one connection of the lane, from its first byte to its end.
// Owns: whose turn it is, requests behind each other, how long each side may take, the way in which it ends.
// Leaves out: listening (`serve-lane.ts`), which requests it takes (`lane-request.ts`), bytes of answers (`lane-writer.ts`).
import type { Socket } from "bun";
import type { Answer, Handler } from "../message.ts";
import {
  isPlainTarget,
  LaneRequest,
  MAX_HEAD_BYTES,
  type KnownSection,
  type LaneClient,
  type SectionMemory,
} from "./lane-request.ts";
import { latin1Text } from "./latin1.ts";
import { Tunnel, type Behind, type TunnelClient } from "./lane-tunnel.ts";
import { LaneWriter } from "./lane-writer.ts";
import { plainAddress } from "./serve-bun.ts";
import { TOO_MANY } from "./one-too-many.ts";

/** What all connections share. */
export interface Lane {
  readonly engine: Handler;
  readonly sections: SectionMemory;
  readonly behind: Behind;
  readonly idleSeconds: number;
  /** Counts seconds. */
  second: number;
  /** Whether every answer says that it is the last one on its connection. */
  isStopping: boolean;
  /** Whether connections end with what is under way on them. */
  isRetiring: boolean;
}

/** Seconds in which a header section has to be complete, as `Bun.serve` has it. */
const HEAD_SECONDS = 10;

/** Full seconds in which an answer has to begin or go on for a client that has ended its half: most of those are gone. */
const HALF_CLOSED_SECONDS = 2;

/** Seconds, the first not a full one, in which a client may take note of the end (RFC 9112 §9.6). */
const LINGER_SECONDS = 2;

/** What a client may send ahead while an answer is on its way. */
const MAX_AHEAD_BYTES = 64 * 1024;

const CR = 13;
const LF = 10;
const NO_BYTES = Buffer.alloc(0);

/** One client's connection. */
export class Connection implements LaneClient, TunnelClient {
  readonly socket: Socket<Connection>;
  readonly #lane: Lane;
  readonly #writer: LaneWriter;
  #address: string | undefined;
  #tunnel: Tunnel | undefined;
  /** What has come and is not answered yet. */
  #input: Buffer | undefined;
  #isPaused = false;
  #isAnswering = false;
  /** Whether the latest answer says that the connection ends behind it. */
  #isLast = false;
  /** The client sends nothing more. */
  #hasEnded = false;
  #gone: AbortController | undefined;
  #isGone = false;
  /** The last header section: most clients send the same one again. */
  #known: KnownSection | undefined;
  /** Since when it waits for the client, in seconds of the lane. */
  #since: number;
  /** How many of a body the client had been sent then. */
  #chunks = 0;
  /** What is done at which second: it is read no more, and ends. */
  #ending: { readonly second: number; readonly act: () => void } | undefined;

  constructor(lane: Lane, socket: Socket<Connection>) {
    this.#lane = lane;
    this.socket = socket;
    this.#writer = new LaneWriter(socket);
    this.#since = lane.second;
  }

  get address(): string | undefined {
    return (this.#address ??= plainAddress(this.socket.remoteAddress));
  }

  get gone(): AbortSignal {
    this.#gone ??= new AbortController();
    if (this.#isGone) this.#gone.abort();
    return this.#gone.signal;
  }

  /** Whether the server behind the lane has it. */
  get isPassedOn(): boolean {
    return this.#tunnel !== undefined;
  }

  data(bytes: Buffer): void {
    if (this.#ending !== undefined) return;
    if (this.#tunnel !== undefined) return this.#tunnel.data(bytes);
    const all = this.#input === undefined ? bytes : Buffer.concat([this.#input, bytes]);
    if (!this.#isAnswering) return this.#serve(all, false);
    this.#input = all;
    if (all.length <= MAX_AHEAD_BYTES) return;
    this.#isPaused = true;
    this.socket.pause();
  }

  drain(): void {
    this.#since = this.#lane.second;
    if (this.#tunnel === undefined) this.#writer.drain();
    else this.#tunnel.drain();
  }

  /** The client sends nothing more; what it has asked for it may still get. */
  end(): void {
    this.#hasEnded = true;
    if (this.#ending !== undefined) return;
    if (this.#tunnel !== undefined) this.#tunnel.end();
    else if (this.#isAnswering) this.#since = this.#lane.second;
    else this.socket.end();
  }

  close(): void {
    this.#isGone = true;
    this.#gone?.abort();
    this.#writer.close();
    this.#tunnel?.close();
  }

  /** Once a second: whatever is due. */
  look(): void {
    const { second } = this.#lane;
    if (this.#ending !== undefined) {
      if (second >= this.#ending.second) this.#ending.act();
      return;
    }
    const limit = this.#limitSeconds();
    if (limit === undefined || this.#chunks !== this.#writer.chunks) this.#since = second;
    this.#chunks = this.#writer.chunks;
    if (limit !== undefined && second - this.#since > limit) this.cut();
  }

  /** For how long the client may be silent now, in seconds; `undefined` where it is not its turn. */
  #limitSeconds(): number | undefined {
    const { idleSeconds } = this.#lane;
    if (this.#tunnel !== undefined) return this.#tunnel.holdsBack ? idleSeconds : undefined;
    if (!this.#isAnswering) return this.#input === undefined ? idleSeconds : HEAD_SECONDS;
    if (!this.#writer.isFlushed) return idleSeconds;
    return this.#hasEnded ? HALF_CLOSED_SECONDS : undefined;
  }

  /** Ends what is idle, where the server stops. */
  retire(): void {
    const isIdle = this.#tunnel === undefined && !this.#isAnswering && this.#input === undefined;
    if (isIdle && this.#ending === undefined) this.finish();
  }

  /** For one connection too many. */
  refuse(): void {
    this.socket.write(TOO_MANY);
    this.finish();
  }

  /** To close with bytes unread is a reset, which can overtake the answer: what still comes is dropped for a while. */
  finish(): void {
    this.#input = undefined;
    if (this.#isGone || this.#ending !== undefined) return;
    if (this.#hasEnded) return void this.socket.end();
    this.#resume();
    this.socket.shutdown();
    this.#endLater(() => void this.socket.end());
  }

  cut(): void {
    if (!this.#isGone) this.socket.terminate();
  }

  /** Answers the requests in `bytes`, one after the other, as far as they are complete. */
  #serve(bytes: Buffer, isBehind: boolean): void {
    let at = 0;
    while (at < bytes.length) {
      // RFC 9112 §2.2: an empty line in front of a request is passed over.
      if (bytes[at] === CR && bytes[at + 1] === LF) {
        at += 2;
        continue;
      }
      const lineEnd = bytes.indexOf(CR, at);
      const end = lineEnd < 0 ? undefined : this.#sectionEnd(bytes, lineEnd + 2);
      if (end === undefined) return this.#awaitRest(bytes.subarray(at));
      const isPlain = end - at <= MAX_HEAD_BYTES && bytes[lineEnd + 1] === LF;
      const request = isPlain ? this.#requestFrom(latin1Text(bytes, at, lineEnd)) : undefined;
      if (request === undefined) return this.#handOver(bytes.subarray(at));
      at = end;
      this.#since = this.#lane.second;
      const answer = this.#lane.engine.handle(request);
      const isSent =
        answer instanceof Promise ? this.#sendLater(answer, request) : this.#send(answer, request);
      if (isSent !== true)
        return this.#continueWhen(isSent, at < bytes.length ? bytes.subarray(at) : NO_BYTES, isBehind);
      if (this.#isLast) return this.finish();
      isBehind = true;
    }
    this.#input = undefined;
  }

  /** Where the header section that begins at `start` ends; `undefined` where its end is missing. */
  #sectionEnd(bytes: Buffer, start: number): number | undefined {
    const last = this.#known?.bytes;
    const end = start + (last?.length ?? 0);
    // As long as a client repeats itself, nothing is looked for.
    if (last !== undefined && end <= bytes.length && bytes.compare(last, 0, last.length, start, end) === 0)
      return end;
    this.#known = this.#lane.sections.read(bytes, start);
    return this.#known && start + this.#known.bytes.length;
  }

  /** What can only be for `Bun.serve` goes there at once: other methods, other ends of lines, too much. */
  #awaitRest(bytes: Buffer): void {
    const text = latin1Text(bytes, 0, Math.min(bytes.length, MAX_HEAD_BYTES));
    const mayBePlain = /^(?:\r|G|GE|GET|GET .*|H|HE|HEA|HEAD|HEAD .*)$/s.test(text);
    if (!mayBePlain || text.length === MAX_HEAD_BYTES || /(?:^|[^\r])\n|\r[^\n]/.test(text))
      return this.#handOver(bytes);
    if (this.#input === undefined) this.#since = this.#lane.second;
    this.#input = bytes;
  }

  #requestFrom(line: string): LaneRequest | undefined {
    const method = line.startsWith("GET ") ? "GET" : line.startsWith("HEAD ") ? "HEAD" : undefined;
    const section = this.#known?.section;
    if (section === undefined || method === undefined || !line.endsWith(" HTTP/1.1")) return undefined;
    const target = line.slice(method.length + 1, -" HTTP/1.1".length);
    return isPlainTarget(target) ? new LaneRequest(method, target, section, this) : undefined;
  }

  #continueWhen(isSent: Promise<void>, rest: Buffer, isBehind: boolean): void {
    this.#isAnswering = true;
    this.#input = rest.length > 0 ? rest : undefined;
    isSent.then(
      () => this.#isSent(),
      () => this.#breakOff(isBehind),
    );
  }

  #send(answer: Answer, { method, section }: LaneRequest): true | Promise<void> {
    const isLast = section.isLast || this.#lane.isStopping;
    this.#isLast = isLast;
    return this.#writer.send(answer, { isHead: method === "HEAD", isLast });
  }

  async #sendLater(answer: Promise<Answer>, request: LaneRequest): Promise<void> {
    const ready = await answer;
    // Nobody would read it, and nobody cancel it: the origin would be kept waiting.
    if (this.#isGone && ready.body instanceof ReadableStream) await ready.body.cancel();
    else if (!this.#isGone) await this.#send(ready, request);
  }

  #isSent(): void {
    this.#isAnswering = false;
    this.#since = this.#lane.second;
    if (this.#isGone) return;
    if (this.#isLast || this.#lane.isRetiring) return this.finish();
    const input = this.#input;
    this.#input = undefined;
    this.#resume();
    if (input !== undefined) this.#serve(input, true);
    if (this.#hasEnded && !this.#isAnswering && this.#tunnel === undefined) this.finish();
  }

  /** No clean end; where answers are in front of it, they have a while to arrive: a reset would overtake them. */
  #breakOff(isBehind: boolean): void {
    if (isBehind && !this.#isGone) this.#endLater(() => this.cut());
    else this.cut();
  }

  #endLater(act: () => void): void {
    this.#input = undefined;
    this.#ending = { second: this.#lane.second + LINGER_SECONDS, act };
  }

  #resume(): void {
    if (this.#isPaused) this.socket.resume();
    this.#isPaused = false;
  }

  #handOver(bytes: Buffer): void {
    this.#input = undefined;
    this.#tunnel = new Tunnel(this);
    void this.#tunnel.open(this.#lane.behind, bytes, this.#hasEnded);
  }
}
