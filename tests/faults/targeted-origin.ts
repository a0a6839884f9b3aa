// Answers: how cases that run at the same time, each on a target of its own, share one origin.
// Owns: a scripted origin whose requests are scripted, taken and counted by target; its end and its return.
// Leaves out: the bytes themselves (`../scripted-origin.ts`).
import { type Asked, type Response, ScriptedOrigin } from "../scripted-origin.ts";

/** What is to be done with a request. */
export type Script = (asked: Asked) => unknown;

const LIMIT_MS = 8000;

/** A scripted origin, target by target. */
export class TargetedOrigin {
  readonly url: string;
  readonly #scripts = new Map<string, Script>();
  readonly #requests = new Map<string, Asked[]>();
  readonly #waiting = new Map<string, ((asked: Asked) => void)[]>();
  readonly #untaken = new Map<string, Asked[]>();
  #origin: ScriptedOrigin;

  private constructor(origin: ScriptedOrigin) {
    this.url = origin.url;
    this.#origin = origin;
    origin.script((asked) => this.#dispatch(asked));
  }

  static async start(): Promise<TargetedOrigin> {
    return new TargetedOrigin(await ScriptedOrigin.start());
  }

  /** Requests for a target (`*` is every other one) are answered so from now on; `undefined`: they wait for `asked`. */
  on(target: string, script: Response | Script | undefined): void {
    if (script === undefined) this.#scripts.delete(target);
    else this.#scripts.set(target, typeof script === "function" ? script : (asked) => asked.reply(script));
  }

  /** The next request for a target that no script answers. @throws where none comes in time. */
  async asked(target: string): Promise<Asked> {
    const next = this.#untaken.get(target)?.shift();
    if (next !== undefined) return next;
    const { promise, resolve, reject } = Promise.withResolvers<Asked>();
    listOf(this.#waiting, target).push(resolve);
    const timer = setTimeout(() => reject(new Error(`the origin was not asked for ${target}`)), LIMIT_MS);
    return promise.finally(() => clearTimeout(timer));
  }

  /** All requests so far for a target, or for any. */
  requests(target?: string): readonly Asked[] {
    return target === undefined ? [...this.#requests.values()].flat() : listOf(this.#requests, target);
  }

  /** Nobody listens any more, and every connection is gone. */
  stop(): void {
    this.#origin.stop();
  }

  /** Listens again, on the same port. */
  async restart(): Promise<void> {
    this.#origin = await ScriptedOrigin.start(Number(new URL(this.url).port));
    this.#origin.script((asked) => this.#dispatch(asked));
  }

  #dispatch(asked: Asked): void {
    const { target } = asked;
    listOf(this.#requests, target).push(asked);
    const script = this.#scripts.get(target) ?? this.#scripts.get("*");
    if (script !== undefined) return void script(asked);
    const taker = this.#waiting.get(target)?.shift();
    if (taker === undefined) listOf(this.#untaken, target).push(asked);
    else taker(asked);
  }
}

function listOf<Value>(lists: Map<string, Value[]>, target: string): Value[] {
  const list = lists.get(target) ?? [];
  lists.set(target, list);
  return list;
}
