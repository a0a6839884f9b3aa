// Answers: how clients reach the engine on bare TCP: plain requests at once, all others through `Bun.serve`.
// Owns: the connections: whose turn it is, requests behind each other, deadlines, their number, the end.
// Leaves out: which requests it takes (`lane-request.ts`), bytes of answers (`lane-writer.ts`), the rest (`lane-tunnel.ts`).
import type { Socket } from "bun";
import type { Answer, PresentedRequest } from "../message.ts";
import type { MaybePromise } from "../store/store.ts";
import {
  isPlainTarget,
  LaneRequest,
  MAX_HEAD_BYTES,
  SectionMemory,
  type HeaderSection,
  type LaneClient,
} from "./lane-request.ts";
import { latin1Text } from "./latin1.ts";
import { Tunnel, type ClientAddresses } from "./lane-tunnel.ts";
import { LaneWriter } from "./lane-writer.ts";
import { serveBun, urlOf, type App, type Listening, type Running } from "./serve-bun.ts";

/** What answers: the engine. */
export interface Engine {
  handle(presented: PresentedRequest): MaybePromise<Answer>;
}

/** Seconds in which a header section has to be complete, as `Bun.serve` has it. */
const HEAD_SECONDS = 10;

/** What a client may send ahead while an answer is on its way. */
const MAX_AHEAD_BYTES = 64 * 1024;

const CR = 13;
const LF = 10;
const NO_BYTES = Buffer.alloc(0);

/** Longer header sections are read anew each time. */
const MAX_REPEATED_BYTES = 4096;

/** What all connections share. */
interface Lane {
  readonly engine: Engine;
  readonly sections: SectionMemory;
  readonly connections: Set<Connection>;
  readonly idleSeconds: number;
  readonly innerPort: number;
  readonly addresses: ClientAddresses;
  /** Counts seconds. */
  second: number;
  isStopping: boolean;
}

/** One client's connection. */
class Connection implements LaneClient {
  readonly #lane: Lane;
  readonly #socket: Socket<Connection>;
  readonly #writer: LaneWriter;
  #tunnel: Tunnel | undefined;
  /** What has come and is not answered yet. */
  #input: Buffer | undefined;
  #isAnswering = false;
  #hasEnded = false;
  #gone: AbortController | undefined;
  #isGone = false;
  /** The last header section, and its bytes: most clients send the same one again. */
  #repeated: Buffer = NO_BYTES;
  #section: HeaderSection | undefined;
  /** Since when it waits for the client, in seconds of the lane. */
  #since: number;

  constructor(lane: Lane, socket: Socket<Connection>) {
    this.#lane = lane;
    this.#socket = socket;
    this.#writer = new LaneWriter(socket);
    this.#since = lane.second;
  }

  get address(): string {
    return this.#socket.remoteAddress;
  }

  get gone(): AbortSignal {
    this.#gone ??= new AbortController();
    if (this.#isGone) this.#gone.abort();
    return this.#gone.signal;
  }

  /** Whether nothing is under way on it. */
  get isIdle(): boolean {
    return this.#tunnel === undefined && !this.#isAnswering;
  }

  data(bytes: Buffer): void {
    if (this.#tunnel !== undefined) return this.#tunnel.data(bytes);
    const all = this.#input === undefined ? bytes : Buffer.concat([this.#input, bytes]);
    this.#input = undefined;
    if (!this.#isAnswering) return this.#serve(all);
    this.#input = all;
    if (all.length > MAX_AHEAD_BYTES) this.#socket.pause();
  }

  drain(): void {
    this.#since = this.#lane.second;
    if (this.#tunnel === undefined) this.#writer.drain();
    else this.#tunnel.drain();
  }

  /** The client sends nothing more; what it has asked for it may still get. */
  end(): void {
    this.#hasEnded = true;
    if (this.#tunnel !== undefined) this.#tunnel.end();
    else if (!this.#isAnswering) this.#socket.end();
  }

  close(): void {
    this.#isGone = true;
    this.#gone?.abort();
    this.#tunnel?.close();
  }

  /** Once a second: whether the client takes too long, with its request or with the answer. */
  isOverdue(): boolean {
    if (this.#tunnel !== undefined || (this.#isAnswering && this.#writer.isFlushed)) return false;
    const limit = this.#input === undefined || this.#isAnswering ? this.#lane.idleSeconds : HEAD_SECONDS;
    return this.#lane.second - this.#since > limit;
  }

  /** Ends what is idle, where the server stops. */
  retire(): void {
    if (this.isIdle) this.#socket.end();
  }

  cut(): void {
    this.#socket.terminate();
  }

  /** Answers the requests in `bytes`, one after the other, as far as they are complete. */
  #serve(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      const lineEnd = bytes.indexOf(CR, at);
      const end = lineEnd < 0 ? undefined : this.#sectionEnd(bytes, lineEnd + 2);
      if (end === undefined) return this.#awaitRest(bytes.subarray(at));
      const request =
        bytes[lineEnd + 1] === LF ? this.#requestFrom(latin1Text(bytes, at, lineEnd)) : undefined;
      if (request === undefined) return this.#handOver(bytes.subarray(at));
      at = end;
      this.#since = this.#lane.second;
      const answer = this.#lane.engine.handle(request);
      const isSent =
        answer instanceof Promise ? this.#sendLater(answer, request) : this.#send(answer, request);
      if (isSent !== true) return this.#continueWhen(isSent, request, bytes.subarray(at));
      if (this.#endsBehind(request)) return void this.#socket.end();
    }
  }

  /** Where the header section that begins at `start` ends; `undefined` where its end is missing. */
  #sectionEnd(bytes: Buffer, start: number): number | undefined {
    const { length } = this.#repeated;
    const end = start + length;
    // As long as a client repeats itself, nothing is looked for, and no text is made.
    if (length > 0 && end <= bytes.length && bytes.compare(this.#repeated, 0, length, start, end) === 0)
      return end;
    const text = latin1Text(bytes, start - 2, Math.min(bytes.length, start + MAX_HEAD_BYTES));
    const found = text.indexOf("\r\n\r\n");
    if (found < 0) return undefined;
    this.#section = this.#lane.sections.read(text.slice(2, found));
    this.#repeated =
      found < MAX_REPEATED_BYTES ? Buffer.from(bytes.subarray(start, start + found + 2)) : NO_BYTES;
    return start + found + 2;
  }

  /** A line that ends otherwise is for `Bun.serve` to refuse, as is a section that is too long. */
  #awaitRest(bytes: Buffer): void {
    const text = latin1Text(bytes, 0, Math.min(bytes.length, MAX_HEAD_BYTES));
    if (text.length === MAX_HEAD_BYTES || /(?:^|[^\r])\n|\r[^\n]/.test(text)) return this.#handOver(bytes);
    this.#input = bytes;
  }

  #requestFrom(line: string): LaneRequest | undefined {
    const method = line.startsWith("GET ") ? "GET" : line.startsWith("HEAD ") ? "HEAD" : undefined;
    if (this.#section === undefined || method === undefined || !line.endsWith(" HTTP/1.1")) return undefined;
    const target = line.slice(method.length + 1, -" HTTP/1.1".length);
    return isPlainTarget(target) ? new LaneRequest(method, target, this.#section, this) : undefined;
  }

  #continueWhen(isSent: Promise<void>, request: LaneRequest, rest: Buffer): void {
    this.#isAnswering = true;
    if (rest.length > 0) this.#input = rest;
    isSent.then(
      () => this.#isSent(request),
      () => this.cut(),
    );
  }

  #endsBehind({ section }: LaneRequest): boolean {
    return section.isLast || this.#lane.isStopping;
  }

  #send(answer: Answer, request: LaneRequest): true | Promise<void> {
    return this.#writer.send(answer, {
      isHead: request.method === "HEAD",
      isLast: this.#endsBehind(request),
    });
  }

  async #sendLater(answer: Promise<Answer>, request: LaneRequest): Promise<void> {
    const ready = await answer;
    // Nobody would read it, and nobody cancel it: the origin would be kept waiting.
    if (this.#isGone && ready.body instanceof ReadableStream) await ready.body.cancel();
    else if (!this.#isGone) await this.#send(ready, request);
  }

  #isSent(request: LaneRequest): void {
    this.#isAnswering = false;
    this.#since = this.#lane.second;
    if (this.#isGone) return;
    if (this.#endsBehind(request)) return void this.#socket.end();
    const input = this.#input;
    this.#input = undefined;
    if (input !== undefined && input.length > MAX_AHEAD_BYTES) this.#socket.resume();
    if (input !== undefined) this.#serve(input);
    if (this.#hasEnded && !this.#isAnswering) this.#socket.end();
  }

  #handOver(bytes: Buffer): void {
    this.#tunnel = new Tunnel(this.#socket);
    void this.#tunnel.open(this.#lane.innerPort, this.#lane.addresses, bytes, this.#hasEnded);
  }
}

/** Starts serving. @throws an EADDRINUSE error where the port is taken. */
export function serveLane(engine: Engine, app: App, listening: Listening): Running {
  const addresses: ClientAddresses = new Map();
  const { host, idleSeconds = 120, drainTimeout = 10_000, noticeMs = 0 } = listening;
  const inner = serveBun(app, { ...listening, port: 0, host: "127.0.0.1", sharesPort: false, addresses });
  const lane: Lane = {
    engine,
    sections: new SectionMemory(),
    connections: new Set(),
    idleSeconds,
    innerPort: Number(new URL(inner.url).port),
    addresses,
    second: 0,
    isStopping: false,
  };
  const server = listen(lane, listening, inner);
  const clock = setInterval(() => {
    lane.second++;
    for (const connection of lane.connections) if (connection.isOverdue()) connection.cut();
  }, 1000);
  return {
    url: urlOf(host, server.port),
    async stop() {
      lane.isStopping = true;
      const innerStopped = inner.stop();
      if (noticeMs > 0) await Bun.sleep(noticeMs);
      server.stop();
      for (const connection of lane.connections) connection.retire();
      const deadline = performance.now() + drainTimeout;
      while (lane.connections.size > 0 && performance.now() < deadline) await Bun.sleep(10);
      for (const connection of lane.connections) connection.cut();
      await innerStopped;
      clearInterval(clock);
    },
  };
}

function listen(
  lane: Lane,
  { host: hostname, port, sharesPort = false }: Listening,
  inner: Running,
): Bun.TCPSocketListener<Connection> {
  // The types do not know it; Bun does.
  const sharing: object = { reusePort: sharesPort };
  try {
    return Bun.listen<Connection>({
      ...sharing,
      hostname,
      port,
      allowHalfOpen: true,
      socket: {
        open(socket) {
          socket.data = new Connection(lane, socket);
          lane.connections.add(socket.data);
        },
        data: (socket, bytes) => socket.data.data(bytes),
        drain: (socket) => socket.data.drain(),
        end: (socket) => socket.data.end(),
        close(socket) {
          lane.connections.delete(socket.data);
          socket.data.close();
        },
        // `close` follows.
        error: () => {},
      },
    });
  } catch (error) {
    void inner.stop();
    throw error;
  }
}
