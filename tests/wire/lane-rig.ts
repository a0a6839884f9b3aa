// Answers: how a test gets a lane whose answers and whose clock are its own.
// Owns: a `serveLane` in front of a scripted engine and a scripted app.
// Leaves out: claims (`lane-*.test.ts`), connections (`raw-line.ts`).
import type { Answer, PresentedRequest } from "../../lib/message.ts";
import type { MaybePromise } from "../../lib/store/store.ts";
import type { Listening } from "../../lib/wire/serve-bun.ts";
import { serveLane } from "../../lib/wire/serve-lane.ts";
import { Line } from "./raw-line.ts";

/** A request that the engine was asked to handle, and by what it is answered. */
export interface Handled {
  readonly presented: PresentedRequest;
  readonly answer: (answer: Answer) => void;
}

/** A lane; `tick` lets a second pass on its clock. */
export class LaneRig {
  readonly url: string;
  readonly stop: () => Promise<void>;
  /** Requests that wait for the test. */
  readonly handled: Handled[] = [];
  /** What `Bun.serve` behind it was asked. */
  readonly passedOn: string[] = [];
  readonly #act: (() => void)[] = [];

  constructor(
    script: (target: string) => MaybePromise<Answer> | undefined = () => undefined,
    listening: Partial<Listening> = {},
  ) {
    const handle = (presented: PresentedRequest): MaybePromise<Answer> => {
      const answer = script(new URL(presented.uri).pathname);
      if (answer !== undefined) return answer;
      return new Promise((resolve) => void this.handled.push({ presented, answer: resolve }));
    };
    const fetch = async (request: Request): Promise<Response> => {
      const { pathname } = new URL(request.url);
      this.passedOn.push(`${request.method} ${pathname}`);
      if (pathname === "/breaks") return new Response(breaking());
      return new Response(`got ${(await request.bytes()).length}`);
    };
    const everySecond = (act: () => void): (() => void) => {
      this.#act.push(act);
      return () => {};
    };
    const running = serveLane(
      { handle },
      { fetch },
      { port: 0, host: "127.0.0.1", ...listening },
      { everySecond },
    );
    this.url = running.url;
    this.stop = running.stop;
  }

  tick(seconds = 1): void {
    for (let at = 0; at < seconds; at++) for (const act of this.#act) act();
  }

  line(): Promise<Line> {
    return Line.to(this.url);
  }

  /** The next request that waits. */
  async next(): Promise<Handled> {
    await until(() => this.handled.length > 0);
    const found = this.handled.shift();
    if (found === undefined) throw new Error("there is one");
    return found;
  }
}

/** Waits for a state, never for a time. */
export async function until(isSo: () => boolean): Promise<void> {
  for (const giveUpMs = performance.now() + 4000; !isSo(); await Bun.sleep(1))
    if (performance.now() > giveUpMs) throw new Error(`it never came to this: ${isSo}`);
}

/** A test with a lane of its own. */
export function withLane(
  body: (rig: LaneRig) => Promise<unknown>,
  script?: (target: string) => MaybePromise<Answer> | undefined,
  listening: Partial<Listening> = {},
): () => Promise<void> {
  return async () => {
    const rig = new LaneRig(script, { drainTimeout: 0, ...listening });
    try {
      await body(rig);
    } finally {
      await rig.stop();
    }
  };
}

/** An answer with that content. */
export function saying(body: Answer["body"] | string, fields: Readonly<Record<string, string>> = {}): Answer {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return { status: 200, fields: new Headers(fields), body: bytes };
}

/** Answers what is called a hit, and leaves the rest to the test. */
export const AT_ONCE = (target: string): Answer | undefined =>
  target.startsWith("/hit") ? saying(`[${target}]`) : undefined;

/** GET for that target. */
export function get(target: string, ...fields: readonly string[]): string {
  return [`GET ${target} HTTP/1.1`, "Host: a.test", ...fields, "", ""].join("\r\n");
}

function breaking(): ReadableStream<Uint8Array> {
  let pulls = 0;
  return new ReadableStream({
    async pull(controller) {
      await Bun.sleep(5);
      if (pulls++ === 0) controller.enqueue(new TextEncoder().encode("begun"));
      else controller.error(new Error("broken off"));
    },
  });
}
