// Answers: what a Larder does with an origin that says what a test wants.
// Owns: an engine with a scripted origin behind it and a clock that tests set, and the words for what happened.
// Leaves out: the origin (`scripted-origin.ts`), claims (`proxy-*.test.ts`).
import { expect } from "bun:test";
import { parseList, Token } from "structured-headers";
import { BackOff } from "../lib/back-off.ts";
import { cacheApp } from "../lib/cache-app.ts";
import { Collapser } from "../lib/collapse.ts";
import { Events, type CacheEvent } from "../lib/events.ts";
import { Forwarder } from "../lib/forward.ts";
import type { Answer, PresentedRequest } from "../lib/message.ts";
import { Routes } from "../lib/origins/routes.ts";
import { after } from "../lib/origins/timer.ts";
import { Proxy } from "../lib/proxy.ts";
import { purgeTargets, type Purged } from "../lib/purge.ts";
import type { InvalidationTarget } from "../lib/rfc9111/cache-groups.ts";
import { deltaSeconds } from "../lib/rfc9111/time.ts";
import { MemoryStore } from "../lib/store/memory.ts";
import type { Store } from "../lib/store/store.ts";
import { sendThroughTcp } from "../lib/wire/forward-tcp.ts";
import { serveBun, type Running } from "../lib/wire/serve-bun.ts";
import { serveLane } from "../lib/wire/serve-lane.ts";
import { WebRequest } from "../lib/wire/web-message.ts";

import { type FieldRecord, ScriptedOrigin } from "./scripted-origin.ts";

/** What is particular about a Larder under test. Sizes are bytes, times as their names say. */
export interface Particulars {
  readonly memory?: number;
  readonly maxObject?: number;
  readonly originHost?: string;
  readonly originTimeoutMs?: number;
  readonly staleIfError?: number;
  readonly uncollapse?: number;
  /** What stands in front of memory as the store of the engine; memory itself where nothing is said. */
  readonly storeOn?: (memory: MemoryStore, clockMs: () => number) => Store;
}

/** The parameters of Larder's own member of Cache-Status; a Token is its text. */
export type CacheStatus = Readonly<Record<string, unknown>>;

/** What a client got: all of it, with Cache-Status read as the Structured Field that it has to be. */
export interface Reply {
  readonly status: number;
  readonly fields: Headers;
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly cacheStatus: CacheStatus;
}

/** An answer of which the body is still to be read. */
export interface Opened extends Omit<Reply, "bytes" | "text"> {
  /** The next bytes as text, `undefined` at a clean end; rejects where the body breaks off. */
  read(): Promise<string | undefined>;
  /** All that is left. */
  rest(): Promise<Uint8Array>;
  leave(): Promise<void>;
}

/** The engine in process, an origin behind it, and a clock that only tests move. */
export class Larder {
  readonly origin: ScriptedOrigin;
  readonly store: MemoryStore;
  readonly collapser = new Collapser();
  readonly events: CacheEvent[] = [];
  readonly proxy: Proxy;
  nowMs = 1_800_000_000_000;
  readonly #heard = new Events();
  readonly #allTiers: Store;
  readonly #running: Running[] = [];
  #presented = 0;
  #answered = 0;

  private constructor(origin: ScriptedOrigin, particulars: Particulars) {
    const { memory = 2 ** 26, maxObject = 2 ** 24, originHost = "", originTimeoutMs = 2000 } = particulars;
    const { staleIfError = 0, uncollapse = 10 } = particulars;
    this.origin = origin;
    this.store = new MemoryStore({ budgetBytes: memory, maxObjectBytes: maxObject }, () => this.nowMs);
    this.#heard.on((event) => this.events.push(event));
    const clockMs = (): number => this.nowMs;
    this.#allTiers = particulars.storeOn?.(this.store, clockMs) ?? this.store;
    const deadlines = { firstByteMs: originTimeoutMs, betweenBytesMs: originTimeoutMs, totalMs: 0 };
    const settings = { hostField: originHost, deadlines, trustsClose: false };
    const routes = routesTo(origin.url);
    const parts = { settings, routes, send: sendThroughTcp, events: this.#heard, clockMs };
    const heuristic = { share: 0.1, max: deltaSeconds(86_400) };
    const originAuthorities = [new URL(origin.url).host];
    const reuse = { vary: "meaning", staleWhileRevalidate: deltaSeconds(0) } as const;
    this.proxy = new Proxy({
      store: this.#allTiers,
      collapser: this.collapser,
      forwarder: new Forwarder(parts),
      events: this.#heard,
      rules: { heuristic, ...reuse, staleIfError: deltaSeconds(staleIfError), originAuthorities },
      clockMs,
      origin: origin.url,
      backOff: new BackOff(),
      maxLagBytes: 2 ** 22,
      uncollapse,
    });
  }

  static async start(particulars: Particulars = {}): Promise<Larder> {
    return new Larder(await ScriptedOrigin.start(), particulars);
  }

  /** The clock goes on by so many seconds; nobody waits. */
  pass(seconds: number): void {
    this.nowMs += seconds * 1000;
  }

  /** A request through the engine, and all that came of it; rejects where the body breaks off. */
  async ask(method: string, target: string, fields: FieldRecord = {}, body?: string): Promise<Reply> {
    const opened = await this.open(method, target, fields, body);
    const bytes = await opened.rest();
    return { ...opened, bytes, text: Buffer.from(bytes).toString("latin1") };
  }

  get(target: string, fields: FieldRecord = {}): Promise<Reply> {
    return this.ask("GET", target, fields);
  }

  /** A request through the engine as far as the header section. */
  async open(method: string, target: string, fields: FieldRecord = {}, body?: string): Promise<Opened> {
    return opened(await this.handle(method, target, fields, body));
  }

  /** A request as a wire presents it. */
  async handle(method: string, target: string, fields: FieldRecord = {}, body?: string): Promise<Answer> {
    this.#presented++;
    const answer = await this.proxy.handle(presented(method, target, fields, body));
    this.#answered++;
    return answer;
  }

  /** Removes what these mean, as the admin has it done. */
  purge(...targets: readonly InvalidationTarget[]): Promise<Purged> {
    const { collapser } = this;
    const places = {
      store: this.#allTiers,
      collapser,
      events: this.#heard,
      rules: { originAuthorities: [] },
    };
    return purgeTargets(places, targets);
  }

  /** The same engine behind a real socket, on the default wire; `LARDER_TEST_WIRE=bun bun test …` for the other one. */
  serve(wire = process.env["LARDER_TEST_WIRE"] ?? "lane"): string {
    const app = cacheApp(this.proxy, this.#heard);
    const listening = { port: 0, host: "127.0.0.1" };
    const running = wire === "bun" ? serveBun(app, listening) : serveLane(this.proxy, app, listening);
    this.#running.push(running);
    return running.url;
  }

  /** The events of requests for which a client waited. */
  get answered(): Extract<CacheEvent, { kind: "answered" }>[] {
    return this.events.filter((event) => event.kind === "answered");
  }

  /** Waits for a state, never for a time; gives up after a few seconds. */
  async until(isSo: () => boolean, what: string): Promise<void> {
    for (let tries = 0; !isSo(); tries++) {
      if (tries > 3000) throw new Error(`it never came to this: ${what}`);
      await Bun.sleep(1);
    }
  }

  /** Nothing is under way, nothing is held, every request was answered and told once. */
  async settle(): Promise<void> {
    await this.until(() => this.collapser.inFlight === 0, "no fill in flight");
    await this.until(() => this.#answered === this.#presented, "an answer to every request");
    if (this.#running.length === 0) {
      const told = (): number => this.answered.filter(({ background }) => !background).length;
      await this.until(() => told() >= this.#presented, "an event for every request");
      expect(told()).toBe(this.#presented);
    }
    expect(this.store.stats().pendingBytes).toBe(0);
    expect(this.events.filter(({ kind }) => kind === "fault")).toEqual([]);
  }

  async stop(): Promise<void> {
    this.origin.stop();
    await Promise.all(this.#running.map((running) => running.stop()));
  }
}

/** All paths to one origin, without limits and without a breaker: tests of those have their own. */
export function routesTo(url: string): Routes {
  const limits = { limit: 0, queueLimit: 0, breakerFailures: 0, connectTimeoutMs: 0 };
  return new Routes(
    [{ prefix: "/", origin: url }],
    { ...limits, balance: "round-robin" },
    { connect: async () => {}, after, nowMs: () => 0, onBreaker: () => {} },
  );
}

/** A test with a Larder of its own, which has to be settled at the end. */
export function withLarder(
  body: (larder: Larder) => Promise<void>,
  particulars: Particulars = {},
): () => Promise<void> {
  return async () => {
    const larder = await Larder.start(particulars);
    try {
      await body(larder);
      await larder.settle();
    } finally {
      await larder.stop();
    }
  };
}

/** A request for `http://larder.test` as the wire hands it over. */
export function presented(
  method: string,
  target: string,
  fields: FieldRecord = {},
  body?: string,
): PresentedRequest {
  const headers = new Headers({ host: "larder.test" });
  for (const [name, values] of Object.entries(fields)) {
    for (const value of [values].flat()) headers.append(name, value);
  }
  const request = new Request(`http://larder.test${target}`, { method, headers, body: body ?? null });
  const { uri, authority, fields: received, body: content } = new WebRequest(request, () => undefined);
  const gone = (): AbortSignal => request.signal;
  return { method, uri, authority, fields: received, body: content, clientAddress: () => "192.0.2.1", gone };
}

/** Larder's own member, which is the last one; fails where the field is no Structured Field. */
export function cacheStatusOf(fields: Headers): CacheStatus {
  const [name, parameters] = parseList(fields.get("cache-status") ?? "").at(-1) ?? [];
  expect(String(name)).toBe("larder");
  const entries = [...(parameters ?? [])];
  return Object.fromEntries(
    entries.map(([key, value]) => [key, value instanceof Token ? String(value) : value]),
  );
}

/** A body that breaks off must not look whole: the stream breaks off too, or nothing of it was sent. */
export async function expectBrokenOff(reply: Promise<Reply>): Promise<void> {
  const result = await reply.catch(() => "broken off");
  if (typeof result === "object") expect(result.status).toBe(502);
}

/** Answered from the store, without a word to the origin. */
export function expectReused(reply: Pick<Reply, "cacheStatus">): void {
  expect(reply.cacheStatus).toMatchObject({ hit: true });
  expect(reply.cacheStatus).not.toHaveProperty("fwd");
}

/** The origin was asked, and said that the stored response is still right. */
export function expectValidated(reply: Pick<Reply, "cacheStatus">, why = "stale"): void {
  expect(reply.cacheStatus).toMatchObject({ fwd: why, "fwd-status": 304 });
  expect(reply.cacheStatus).not.toHaveProperty("hit");
}

/** The origin was asked, for that reason, and what it said is the answer. */
export function expectForwarded(reply: Pick<Reply, "cacheStatus" | "status">, why: string): void {
  expect(reply.cacheStatus).toMatchObject({ fwd: why, "fwd-status": reply.status });
  expect(reply.cacheStatus).not.toHaveProperty("hit");
}

function opened(answer: Answer): Opened {
  const fields = new Headers(answer.fields);
  const blob = answer.body instanceof Uint8Array ? new Blob([answer.body]) : answer.body;
  const stream = blob instanceof Blob ? blob.stream() : blob;
  const reader = stream?.getReader();
  const next = async (): Promise<Uint8Array | undefined> => (await reader?.read())?.value;
  return {
    status: answer.status,
    fields,
    cacheStatus: cacheStatusOf(fields),
    async read() {
      const chunk = await next();
      return chunk === undefined ? undefined : Buffer.from(chunk).toString("latin1");
    },
    async rest() {
      const chunks: Uint8Array[] = [];
      for (let chunk = await next(); chunk !== undefined; chunk = await next()) chunks.push(chunk);
      return new Uint8Array(Bun.concatArrayBuffers(chunks));
    },
    leave: async () => reader?.cancel(),
  };
}
