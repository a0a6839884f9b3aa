// Answers: is the shared tier there, and what does it say?
// Owns: a deadline for each command, the breaker around all of them, the two lines that say that it is away and back.
// Leaves out: the connection itself (`connect.ts`), what is asked (`entries.ts`, `lease.ts`, `nodes.ts`).
import { createHash } from "node:crypto";
import { Breaker, OPEN_MS } from "../origins/breaker.ts";
import type { Argument, Client } from "./connect.ts";

/** A script that Redis runs as one step. */
export interface Script {
  readonly text: string;
  readonly sha: string;
  /** Whether it runs where the server is full, too: it writes next to nothing. */
  readonly isSmall: boolean;
}

/** How long commands may take, and who hears of it. */
export interface LinkParts {
  readonly client: Client;
  /** Milliseconds for one command, reply included. */
  readonly commandMs: number;
  /** Takes a line for a person: once when it goes, once when it is back. */
  readonly warn: (line: string) => void;
  readonly clockMs: () => number;
}

/** Failures in a row after which it is left alone; it is tried again as often as an origin would be. */
const FAILURES = 5;

/** Servers before version 7 do not know it: those take nothing more when they are full. */
const WHEN_FULL = "#!lua flags=allow-oom\n";
/** What ioredis says where nothing could be sent; why not, it says elsewhere. */
const NOT_CONNECTED = /\benableOfflineQueue\b|^Connection is closed/;

const OUT_OF_MEMORY = /\bOOM command not allowed/;

/** The script with this text. */
export function script(text: string, isSmall = false): Script {
  return { text, sha: createHash("sha1").update(text).digest("hex"), isSmall };
}

/** Runs a script, which is sent once for each server that does not know it yet. Rejects as commands do. */
export async function runScript(
  client: Client,
  { sha, text, isSmall }: Script,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<unknown> {
  const rest = [keys.length, ...keys, ...args];
  try {
    return await client.call("evalsha", sha, ...rest);
  } catch (error) {
    const message = messageOf(error);
    if (message.startsWith("NOSCRIPT")) return runText(client, { text, isSmall }, rest);
    if (isSmall && OUT_OF_MEMORY.test(message)) return client.call("eval", `${WHEN_FULL}${text}`, ...rest);
    throw error;
  }
}

async function runText(
  client: Client,
  { text, isSmall }: Pick<Script, "text" | "isSmall">,
  rest: readonly Argument[],
): Promise<unknown> {
  try {
    return await client.call("eval", text, ...rest);
  } catch (error) {
    if (!isSmall || !OUT_OF_MEMORY.test(messageOf(error))) throw error;
    return client.call("eval", `${WHEN_FULL}${text}`, ...rest);
  }
}

/** The same promise, rejecting where it takes longer. */
export function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = (): void => reject(new Error(`no reply within ${ms} ms`));
    // Where it was this process that had no time, the reply is there by now, and is read first.
    const timer = setTimeout(() => setImmediate(expire), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** The way to the shared tier for all that has a deadline. */
export class Link {
  readonly #parts: LinkParts;
  readonly #breaker: Breaker;
  #isAway = false;
  #isFull = false;
  #lastError = "";
  #connectionError = "no connection";

  constructor(parts: LinkParts) {
    this.#parts = parts;
    parts.client.on("error", (error) => (this.#connectionError = messageOf(error)));
    this.#breaker = new Breaker(FAILURES, (state, failures) => this.#note(state, failures));
  }

  /** Whether it answers, and takes what it is given. */
  get isWell(): boolean {
    return this.#breaker.state === "closed" && !this.#isFull;
  }

  /** The reply; `undefined` where there is none in time, or an error instead. Never rejects. */
  async run<T>(ask: (client: Client) => Promise<T>): Promise<T | undefined> {
    const permit = this.#breaker.permit(this.#parts.clockMs());
    if (permit === undefined) return undefined;
    try {
      const reply = await within(ask(this.#parts.client), this.#parts.commandMs);
      permit.succeeded();
      return reply;
    } catch (error) {
      const message = messageOf(error);
      this.#lastError = NOT_CONNECTED.test(message) ? this.#connectionError : message;
      if (isRefusal(this.#lastError)) permit.succeeded();
      else permit.failed(this.#parts.clockMs());
      if (OUT_OF_MEMORY.test(this.#lastError)) this.#setFull(true);
      return undefined;
    }
  }

  /** The reply of a script, as with `run`. */
  script(one: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    return this.run((client) => runScript(client, one, keys, args));
  }

  /** Finds out that it is away: where nobody asks for anything, nobody would be told. Never rejects. */
  async confirmAway(): Promise<void> {
    for (let at = 0; at < FAILURES && !this.#isAway; at++) if (await this.#answers()) return;
  }

  /** Finds out that it is back. Never rejects. */
  async confirmBack(): Promise<void> {
    for (let at = 0; at < FAILURES && this.#isAway; at++) {
      if (await this.#answers()) return;
      await new Promise((resolve) => setTimeout(resolve, OPEN_MS));
    }
  }

  /** The last that is asked, also of one that is left alone. Never rejects. */
  async finish(ask: (client: Client) => Promise<unknown>): Promise<void> {
    const { client, commandMs } = this.#parts;
    await within(ask(client), commandMs).catch(() => {});
    client.disconnect();
  }

  /** Bytes were taken: there is room again. */
  tookBytes(): void {
    this.#setFull(false);
  }

  async #answers(): Promise<boolean> {
    return (await this.run((client) => client.call("ping"))) !== undefined;
  }

  #note(state: "closed" | "open" | "half-open", failures: number): void {
    if (state === "half-open" || this.#isAway === (state === "open")) return;
    this.#isAway = state === "open";
    this.#parts.warn(
      this.#isAway
        ? `the shared tier is away (${failures} failures in a row, ${this.#lastError}): going on without`
        : "the shared tier is back",
    );
  }

  #setFull(isFull: boolean): void {
    if (this.#isFull === isFull) return;
    this.#isFull = isFull;
    this.#parts.warn(isFull ? "the shared tier is full: it takes nothing more" : "the shared tier has room");
  }
}

/** Errors that say that the server is there and can be used: it is full, or somebody else has the key. */
function isRefusal(message: string): boolean {
  return message.startsWith("WRONGTYPE") || OUT_OF_MEMORY.test(message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
