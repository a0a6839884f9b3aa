// Answers: how a test gets several workers, each of which it can talk to.
// Owns: a supervisor in this process with real workers, an origin behind them, connections of which the worker is known.
// Leaves out: the whole command (`../larder-process.ts`), the origin (`../faults/targeted-origin.ts`).
import { Agent, request as requestHttp, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { CACHE_OPTIONS } from "../../lib/option-tables.ts";
import { resolveOptions } from "../../lib/options.ts";
import { ownerOf } from "../../lib/workers/owner.ts";
import { supervise, type Supervision, type Supervisor } from "../../lib/workers/supervisor.ts";
import { TargetedOrigin } from "../faults/targeted-origin.ts";
import { type CacheStatus, cacheStatusOf } from "../larder-under-test.ts";
import { ROOT } from "../larder-process.ts";

/** The limit for a test: processes start slowly where many start at once. */
export const TEST_LIMIT_MS = 30_000;

const LIMIT_MS = 12_000;

/** All that came; bytes one to one, `complete` where the end was a clean one. */
export interface Reply {
  readonly status: number;
  readonly fields: Headers;
  readonly bytes: Buffer;
  readonly complete: boolean;
  readonly cacheStatus: CacheStatus;
}

/** A line of the log. */
export interface LogLine {
  readonly worker: number;
  readonly kind: string;
  readonly uri?: string;
  readonly group?: string;
  readonly method?: string;
  readonly report?: Readonly<Record<string, unknown>>;
}

/** What is particular about a request. */
export interface Request {
  readonly method?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One kept connection. */
export class Connection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** A request and the head of its response. */
  open(target: string, { method = "GET", fields = {}, body = "" }: Request = {}): Promise<IncomingMessage> {
    const { hostname, port } = new URL(this.#url);
    const headers = { Host: "larder.test", ...fields };
    return new Promise((resolve, reject) => {
      const options = { host: hostname, port, path: target, method, headers, agent: this.#agent };
      const request = requestHttp({ ...options, setHost: false }, resolve);
      request.on("error", reject);
      request.setTimeout(LIMIT_MS, () => request.destroy(new Error(`no answer to ${method} ${target}`)));
      request.end(body);
    });
  }

  /** A request and all of its response. */
  async ask(target: string, request: Request = {}): Promise<Reply> {
    return wholeOf(await this.open(target, request));
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** All that comes. */
export async function wholeOf(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  let complete = true;
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
    complete = response.complete;
  } catch {
    complete = false;
  }
  const fields = new Headers();
  for (let at = 0; at < response.rawHeaders.length; at += 2)
    fields.append(response.rawHeaders[at] ?? "", response.rawHeaders[at + 1] ?? "");
  const cacheStatus = cacheStatusOf(fields);
  return { status: response.statusCode ?? 0, fields, bytes: Buffer.concat(chunks), complete, cacheStatus };
}

/** A supervisor, its workers, and an origin. */
export class Crew {
  readonly supervisor: Supervisor;
  readonly origin: TargetedOrigin;
  readonly count: number;
  readonly lines: LogLine[];
  /** What a person was told. */
  readonly warnings: string[];
  readonly #connections: Connection[] = [];
  #probes = 0;

  private constructor(
    supervisor: Supervisor,
    { origin, count, lines, warnings }: Pick<Crew, "origin" | "count" | "lines" | "warnings">,
  ) {
    this.supervisor = supervisor;
    this.origin = origin;
    this.count = count;
    this.lines = lines;
    this.warnings = warnings;
  }

  static async start(
    count: number,
    args: readonly string[] = [],
    particulars: Partial<Supervision> = {},
  ): Promise<Crew> {
    // As a supervisor that is a process of its own has it.
    process.env["BUN_CONFIG_MAX_HTTP_REQUESTS"] ??= "65535";
    const origin = await TargetedOrigin.start();
    const lines: LogLine[] = [];
    const warnings: string[] = [];
    // `WORKERS_WIRE=lane bun test tests/workers`: the same claims about the other wire.
    const wire = process.env["WORKERS_WIRE"] ?? "auto";
    const wired = args.includes("--wire") ? [] : ["--wire", wire];
    const argv = ["0", "--host", "127.0.0.1", "--origin", origin.url, "--log", "json", ...wired, ...args];
    const options = resolveOptions(CACHE_OPTIONS, { argv, env: {}, file: {} });
    const supervisor = await supervise({
      ...{ command: [process.execPath, join(ROOT, "cache.ts"), ...argv], count, host: "127.0.0.1", port: 0 },
      ...{ endMs: options.drainTimeout + 2000, role: { isTerminal: false, origin: options.origin } },
      writeLine: (line) => void lines.push(JSON.parse(line) as LogLine),
      warn: (line) => void warnings.push(line),
      ...particulars,
    });
    return new Crew(supervisor, { origin, count, lines, warnings });
  }

  /** A kept connection to the worker in that slot. */
  async to(slot: number): Promise<Connection> {
    for (let tries = 0; tries < 200; tries++) {
      const connection = new Connection(this.supervisor.url);
      this.#connections.push(connection);
      if ((await this.slotOf(connection)) === slot) return connection;
      connection.close();
    }
    throw new Error(`no connection reached worker ${slot}`);
  }

  /** One connection to each. */
  async toAll(): Promise<Connection[]> {
    const all: Connection[] = [];
    for (let slot = 0; slot < this.count; slot++) all.push(await this.to(slot));
    return all;
  }

  /** Which worker a connection leads to: it refuses a question that only it answers, and logs that. */
  async slotOf(connection: Connection): Promise<number> {
    const target = `/probe/${this.#probes++}`;
    await connection.ask(target, { fields: { "Cache-Control": "only-if-cached" } });
    return (await this.logged((line) => line.uri === this.uri(target))).worker;
  }

  /** A target whose owner is in that slot. */
  targetOf(slot: number, name = "/"): string {
    for (let at = 0; ; at++) {
      const target = `${name}${name.endsWith("/") ? "" : "-"}${at}`;
      if (ownerOf(this.uri(target), this.count) === slot) return target;
    }
  }

  /** The first line of the log that is so. */
  async logged(isIt: (line: LogLine) => boolean): Promise<LogLine> {
    let found: LogLine | undefined;
    await until(() => (found = this.lines.find(isIt)) !== undefined, "a line of the log");
    return found as LogLine;
  }

  /** The lines of answers to requests for a target. */
  answered(target: string): readonly LogLine[] {
    return this.lines.filter(({ kind, uri }) => kind === "answered" && uri === this.uri(target));
  }

  uri(target: string): string {
    return `http://larder.test${target}`;
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.close();
    this.origin.stop();
    await this.supervisor.abandon();
  }
}

/** Waits for a state, never for a time; gives up before the test would have to end. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const giveUpMs = performance.now() + LIMIT_MS; !(await isSo()); await Bun.sleep(2)) {
    if (performance.now() > giveUpMs) throw new Error(`it never came to this: ${what}`);
  }
}

/** A test with workers of its own. */
export function withCrew(
  count: number,
  body: (crew: Crew) => Promise<unknown>,
  args: readonly string[] = [],
  particulars: Partial<Supervision> = {},
): () => Promise<void> {
  return async () => {
    const crew = await Crew.start(count, args, particulars);
    try {
      await body(crew);
    } finally {
      await crew.stop();
    }
  };
}
