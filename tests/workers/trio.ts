// Answers: how a test has three workers whose messages it delivers itself.
// Owns: three engines in this process, the questions between them, and what they say to a supervisor that is the test.
// Leaves out: processes (`crew.ts`), claims (`invalidation.test.ts`).
import { cacheEngine, type Engine } from "../../lib/cache-serve.ts";
import type { ByteReader } from "../../lib/message.ts";
import { CACHE_OPTIONS } from "../../lib/option-tables.ts";
import { resolveOptions } from "../../lib/options.ts";
import { answering } from "../../lib/workers/desk.ts";
import { Invalidations } from "../../lib/workers/invalidations.ts";
import type { FromWorker, ToWorker } from "../../lib/workers/messages.ts";
import { OwnerFirst } from "../../lib/workers/owner-first.ts";
import type { AnswerPeer, PeerAnswer } from "../../lib/wire/peer-bun.ts";
import { presented } from "../larder-under-test.ts";
import { ScriptedOrigin } from "../scripted-origin.ts";

type Invalidate = Extract<FromWorker, { kind: "invalidate" }>;
type Heard = Extract<ToWorker, { kind: "invalidate" | "settled" | "invalidated" }>;

/** A worker without a process. */
export class TrioWorker {
  /** How many questions of others it has taken. */
  questions = 0;
  readonly #engine: Engine;
  readonly #answer: AnswerPeer;
  readonly #invalidations: Invalidations;
  readonly #said: Invalidate[] = [];
  #hold: Promise<void> | undefined;
  #holding: (() => void) | undefined;

  /** @param owner whom it asks for every key; `undefined` where it is the owner */
  constructor(origin: string, owner: TrioWorker | undefined) {
    const argv = ["--origin", origin, "--uncollapse", "0"];
    this.#invalidations = new Invalidations(
      (message) => message.kind === "invalidate" && this.#said.push(message),
      (targets) => this.#engine.remove(targets),
    );
    this.#engine = cacheEngine(resolveOptions(CACHE_OPTIONS, { argv, env: {}, file: {} }), undefined, {
      loopToken: "larder-trio",
      isOwn: () => owner === undefined,
      elsewhere: (targets) => this.#invalidations.elsewhere(targets),
      ahead: (own, parts) =>
        new OwnerFirst({
          ...parts,
          own,
          ownerOf: () => (owner === undefined ? undefined : 0),
          ask: async (_, question, { signal }) => owner?.answer(question, signal),
          elsewhere: (targets) => this.#invalidations.elsewhere(targets),
          isInvalidating: (uri) => this.#invalidations.isUnderWay(uri),
        }),
    });
    const { proxy, events } = this.#engine;
    this.#answer = answering(proxy, { events, clockMs: () => Date.now() });
  }

  /** As over the socket between two processes. */
  async answer(question: string, gone: AbortSignal): Promise<PeerAnswer<ByteReader>> {
    this.questions++;
    const { head, body } = await this.#answer(question, gone);
    this.#holding?.();
    await this.#hold;
    const stream = new Response(body as ConstructorParameters<typeof Response>[0]).body;
    const nothing: ByteReader = { read: async () => ({ done: true }), cancel: async () => {} };
    return { head, body: stream?.getReader() ?? nothing };
  }

  /** Answers that are ready stay on their way until they are released. */
  holdAnswers(): { readonly holding: Promise<void>; readonly release: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const holding = Promise.withResolvers<void>();
    this.#hold = promise;
    this.#holding = holding.resolve;
    return { holding: holding.promise, release: resolve };
  }

  async ask(method: string, target: string): Promise<string> {
    const { body } = await this.#engine.proxy.handle(presented(method, target));
    return new Response(body as ConstructorParameters<typeof Response>[0]).text();
  }

  get(target: string): Promise<string> {
    return this.ask("GET", target);
  }

  /** What it asks of the supervisor. */
  async said(kind: Invalidate["kind"]): Promise<Invalidate> {
    for (let tries = 0; tries < 3000; tries++) {
      const found = this.#said.shift();
      if (found !== undefined) return found;
      await Bun.sleep(1);
    }
    throw new Error(`it never said ${kind}`);
  }

  async hears(message: Heard): Promise<void> {
    if (message.kind === "invalidate") await this.#invalidations.carryOut(message.round, message.targets);
    else if (message.kind === "settled") this.#invalidations.settle(message.round);
    else this.#invalidations.done(message.id, message.removed);
  }
}

/** A is the owner of every key; B and C ask it. */
export interface Trio {
  readonly a: TrioWorker;
  readonly b: TrioWorker;
  readonly c: TrioWorker;
  readonly target: string;
  /** What the origin says to whatever it is asked. */
  readonly origin: { body: string };
}

/** It belongs to a group and has a tag. */
const SAID = { "Cache-Control": "max-age=600", "Cache-Groups": '"g"', "Surrogate-Key": "t" };

/** A test with three workers of its own. */
export function withTrio(body: (trio: Trio) => Promise<void>): () => Promise<void> {
  return async () => {
    const scripted = await ScriptedOrigin.start();
    const origin = { body: "" };
    scripted.script((asked) => asked.reply({ fields: SAID, body: origin.body }));
    const a = new TrioWorker(scripted.url, undefined);
    const [b, c] = [new TrioWorker(scripted.url, a), new TrioWorker(scripted.url, a)];
    try {
      await body({ a, b, c, target: "/a", origin });
    } finally {
      scripted.stop();
    }
  };
}
