// Answers: what a real process of Larder does with origins that fail as a test wants.
// Owns: such a process with scripted origins behind it, the states that tests wait for, the words for what came out.
// Leaves out: the command line (`../larder-process.ts`), origin and client (`targeted-origin.ts`, `stream-client.ts`).
import { expect } from "bun:test";
import { ANYWHERE, type LarderProcess, startLarder } from "../larder-process.ts";
import { cacheStatusIn, get, type Got, type Request, StreamClient } from "./stream-client.ts";
import { TargetedOrigin } from "./targeted-origin.ts";

/** The limit for a test: processes start slowly where twenty start at once. What hangs, the other limits find before. */
export const TEST_LIMIT_MS = 20_000;

/** Fields of a response that may be stored, and of one that may not. */
export const FRESH = { "Cache-Control": "max-age=60" };
/** Neither stored nor shared. */
export const NO_STORE = { "Cache-Control": "no-store" };

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** A process of Larder, and the origins behind it. */
export class Rig {
  readonly process: LarderProcess;
  readonly url: string;
  /** The first origin. */
  readonly origin: TargetedOrigin;
  readonly origins: readonly TargetedOrigin[];

  private constructor(process: LarderProcess, origin: TargetedOrigin, more: readonly TargetedOrigin[]) {
    this.process = process;
    this.url = process.url;
    this.origin = origin;
    this.origins = [origin, ...more];
  }

  /** Starts it with these options; each prefix has an origin of its own, and the same one twice is a pool. */
  static async start(args: readonly string[] = [], prefixes: readonly string[] = ["/"]): Promise<Rig> {
    const origins = await Promise.all(prefixes.map(() => TargetedOrigin.start()));
    const [first = await TargetedOrigin.start(), ...more] = origins;
    const named = [first, ...more].map(({ url }, at) =>
      prefixes[at] === "/" ? url : `${prefixes[at]}=${url}`,
    );
    // `FAULT_WIRE=exact bun test tests/faults`: the same claims about the other wire.
    const wire = process.env["FAULT_WIRE"] ?? "auto";
    const options = [...named.flatMap((one) => ["--origin", one]), "--wire", wire, "--log", "json", ...args];
    return new Rig(await startLarder("cache.ts", [...ANYWHERE, ...options]), first, more);
  }

  /** A request, and all that came. */
  get(target: string, request: Request = {}): Promise<Got> {
    const got = get(this.url, target, request);
    // A test that fails before it awaits this one must not make the next test fail too.
    got.catch(() => {});
    return got;
  }

  /** A request of which the answer is still to be read. */
  open(target: string, request: Request = {}): Promise<StreamClient> {
    return StreamClient.open(this.url, target, request);
  }

  /** The first line of the log of that kind with these members. */
  async logged(kind: string, members: LogLine = {}): Promise<LogLine> {
    const parts = Object.entries({ kind, ...members }).map(
      ([name, value]) => `(?=.*${JSON.stringify(name)}:${escaped(JSON.stringify(value))}[,}])`,
    );
    return JSON.parse(await this.process.line(new RegExp(`^\\{${parts.join("")}`))) as LogLine;
  }

  /** The URI of a target, as the log names it. */
  uri(target: string): string {
    return `http://larder.test${target}`;
  }

  /** Ends process and origins; its exit code. */
  async stop(): Promise<number> {
    const ended = this.process.stop();
    // What an origin keeps hanging would make the process wait for it.
    for (const origin of this.origins) origin.stop();
    return ended;
  }
}

/** A test with a process of its own. */
export function withRig(
  body: (rig: Rig) => Promise<unknown>,
  args: readonly string[] = [],
  prefixes: readonly string[] = ["/"],
): () => Promise<void> {
  return async () => {
    const rig = await Rig.start(args, prefixes);
    try {
      await body(rig);
    } finally {
      await rig.stop();
    }
  };
}

/** Waits for a state, never for a time; gives up after some seconds, before the test would have to end. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const giveUpMs = performance.now() + 8000; !(await isSo()); await Bun.sleep(2)) {
    if (performance.now() > giveUpMs) throw new Error(`it never came to this: ${what}`);
  }
}

/** What is wrong with an answer that was to be cut off or refused; `undefined` where nothing is. */
export function faultInCut(got: Got, whole: string): string | undefined {
  if (got.status === 502 || got.status === 504)
    return got.text.includes(whole) ? "a page with content" : undefined;
  if (got.complete) return `a clean end after ${got.text.length} bytes`;
  return whole.startsWith(got.text) ? undefined : `other bytes: ${got.text.slice(0, 100)}`;
}

/** What is wrong with an answer that was to be whole; `undefined` where nothing is. */
export function faultInWhole(got: Got, whole: string): string | undefined {
  if (got.status !== 200) return `status ${got.status}`;
  if (!got.complete) return `cut off after ${got.text.length} bytes`;
  return got.text === whole ? undefined : `other bytes: ${got.text.slice(0, 100)}`;
}

/** Every offset from `first` up to `end`, all at the same time; what went wrong, and where. */
export async function atEvery(
  first: number,
  end: number,
  faultAt: (offset: number) => Promise<string | undefined>,
): Promise<string[]> {
  const where = new Map<string, number[]>();
  const at = async (offset: number): Promise<void> => {
    const fault = await faultAt(offset).catch(String);
    if (fault !== undefined) where.set(fault, [...(where.get(fault) ?? []), offset]);
  };
  await Promise.all(Array.from({ length: end - first }, (_, index) => at(first + index)));
  return [...where].map(
    ([fault, offsets]) => `${fault}, at bytes ${offsets.sort((a, b) => a - b).join(" ")}`,
  );
}

/** The answer is whole, byte for byte. */
export function expectWhole(got: Got, whole: string): void {
  expect(faultInWhole(got, whole)).toBeUndefined();
}

/** The answer has no clean end, and not one byte that is not of the content. */
export function expectCut(got: Got, whole: string): void {
  expect(faultInCut(got, whole)).toBeUndefined();
}

/** A page of Larder's own: status, and the word in Cache-Status. */
export function expectRefused(got: Got, status: number, detail: string): void {
  expect([got.status, cacheStatusIn(got)["detail"], got.complete]).toEqual([status, detail, true]);
}

/** Content of which no two places look alike. */
export function numbered(length: number): string {
  let text = "";
  for (let at = 0; text.length < length; at++) text += `${at};`;
  return text.slice(0, length);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
