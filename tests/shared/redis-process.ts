// Answers: how does a test get a real Redis, nodes that share it, and a wire between them that can be cut?
// Owns: redis-server on a free port in a folder of its own, tiers on it, waiting for what must become true.
// Leaves out: claims (the `*.test.ts` files).
import { afterAll, describe, setDefaultTimeout } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StoredHead, StoredResponse } from "../../lib/message.ts";
import { connect, type Client } from "../../lib/shared/connect.ts";
import type { SharedLimits } from "../../lib/shared/limits.ts";
import { SharedTier, type SharedParts } from "../../lib/shared/tier.ts";
import { parseSharedUrl, type SharedUrl } from "../../lib/shared/url.ts";
import { headFor } from "../store/contract.ts";

const HAS_REDIS = Bun.which("redis-server") !== null;
if (!HAS_REDIS) console.warn("The shared tier is not tested: redis-server is not installed.");

/** Servers of tests that failed before they could end them. */
const leftovers = new Set<() => void>();

/** As `describe`; skipped by name where there is no redis-server. */
export function describeWithRedis(name: string, claims: () => void): void {
  // Of this file; each wait in it has a limit of its own.
  setDefaultTimeout(60_000);
  const all = (): void => {
    claims();
    afterAll(() => {
      for (const end of leftovers) end();
      leftovers.clear();
    });
  };
  if (HAS_REDIS) describe(name, all);
  else describe.skip(`${name} (redis-server is not installed)`, claims);
}

/** A process of redis-server. */
export interface Redis {
  readonly port: number;
  /** A connection for the test itself. */
  readonly client: Client;
  /** Stops and continues it: it accepts connections meanwhile, and says nothing. */
  readonly pause: () => void;
  readonly proceed: () => void;
  /** Ends it at once; what it had is lost. */
  readonly end: () => Promise<void>;
}

const LIMIT_MS = 15_000;

/** Starts one, on `port` and with a file where these are given. @throws where it does not answer in 15 s */
export async function startRedis(
  args: readonly string[] = [],
  port?: number,
  config?: string,
): Promise<Redis> {
  const dir = mkdtempSync(join(tmpdir(), "larder-redis-"));
  const at = port ?? (await freePort());
  const all = ["--port", String(at), "--bind", "127.0.0.1", "--dir", dir, ...args];
  const saving = config === undefined ? ["--save", ""] : [];
  const files = config === undefined ? [] : [config];
  const child = Bun.spawn(["redis-server", ...files, ...all, ...saving], {
    stdout: "ignore",
    stderr: "ignore",
  });
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  const leftover = (): void => {
    child.kill("SIGKILL");
    remove();
  };
  leftovers.add(leftover);
  const client = await connect(urlAt(at), { connectMs: 1000, silentMs: 10_000 });
  await eventually(async () => (await client.call("ping")) === "PONG");
  return {
    port: at,
    client,
    pause: () => child.kill("SIGSTOP"),
    proceed: () => child.kill("SIGCONT"),
    end: async () => {
      client.disconnect();
      child.kill("SIGKILL");
      await child.exited;
      remove();
      leftovers.delete(leftover);
    },
  };
}

export function urlAt(port: number): SharedUrl {
  return parseSharedUrl(`redis://127.0.0.1:${port}`)!;
}

/** A port that was free just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves as soon as it is so. @throws where it is not in 15 s */
export async function eventually(isSo: () => boolean | Promise<boolean>, what = String(isSo)): Promise<void> {
  const until = performance.now() + LIMIT_MS;
  for (;;) {
    if (await Promise.resolve(isSo()).catch(() => false)) return;
    if (performance.now() > until) throw new Error(`not in ${LIMIT_MS} ms: ${what}`);
    await Bun.sleep(5);
  }
}

/** A node: its tier, and all that it was told. */
export interface Node {
  readonly tier: SharedTier;
  readonly applied: string[];
  readonly lost: string[];
  readonly contacts: boolean[];
  readonly lines: string[];
}

let nodes = 0;

/** Joins a node; `removes` says how many responses it had of what is purged. */
export async function openNode(
  url: SharedUrl,
  particulars: Partial<Omit<SharedParts, "limits">> & { readonly limits?: Partial<SharedLimits> } = {},
): Promise<Node> {
  const told = {
    applied: [] as string[],
    lost: [] as string[],
    contacts: [] as boolean[],
    lines: [] as string[],
  };
  const tier = await SharedTier.open({
    url,
    node: `node-${++nodes}`,
    position: undefined,
    maxObjectBytes: 100_000,
    warn: (line) => told.lines.push(line),
    apply: (targets) => {
      told.applied.push(...targets);
      return 0;
    },
    lostTrack: (why) => void told.lost.push(why),
    onContact: (isInContact) => told.contacts.push(isInContact),
    ...particulars,
    limits: { commandMs: 1000, connectMs: 5000, ...particulars.limits },
  });
  return { tier, ...told };
}

/** A head whose response is fresh for a minute from now on. */
export function freshHead(key: string, language?: string, fields: Record<string, string> = {}): StoredHead {
  const head = headFor(key, language);
  const all = new Headers([...head.fields]);
  for (const [name, value] of Object.entries(fields)) all.set(name, value);
  const staleAt = (Math.floor(Date.now() / 1000) + 60) as StoredHead["staleAt"];
  return { ...head, fields: all, staleAt };
}

/** A response to be put. */
export function responseOf(head: StoredHead, body: string | Uint8Array): StoredResponse {
  const bytes = new Uint8Array(typeof body === "string" ? new TextEncoder().encode(body) : body);
  return { ...head, body: { kind: "complete", bytes }, sizeBytes: 500 };
}

/** The bodies that are there for a key, as text. */
export async function textsIn(tier: SharedTier, key: string): Promise<string[]> {
  const found = await tier.recall(key, () => true);
  return found.map(({ body }) =>
    body.kind === "complete" ? new TextDecoder().decode(body.bytes) : body.kind,
  );
}

/** Fills a key as the engine does: turn, put, end. */
export async function fill(tier: SharedTier, head: StoredHead, body: string | Uint8Array): Promise<void> {
  const turn = await tier.turn(head.key, { hasArrived: async () => false, waitMs: LIMIT_MS });
  if (turn.kind !== "ours") throw new Error(`the turn is ${turn.kind}`);
  tier.put(responseOf(head, body), turn.mark);
  turn.end("stored");
  await written(tier);
}

/** Resolves when nothing waits to be written. */
export async function written(tier: SharedTier): Promise<void> {
  await eventually(() => tier.stats().queued === 0);
}

/** A wire to a port. While it is cut, nothing passes and nobody is told; `sever` ends all connections. */
export interface Wire {
  readonly port: number;
  readonly cut: () => void;
  readonly mend: () => void;
  readonly sever: () => void;
  readonly close: () => void;
}

export async function openWire(to: number): Promise<Wire> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isCut = false;
  const server = createServer((near) => {
    const far = createConnection(to, "127.0.0.1");
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [one, other] of [pair, [far, near]] as const) {
      one.on("data", (bytes) => void other.write(bytes));
      one.on("error", () => {});
      one.on("close", () => {
        other.destroy();
        pairs.delete(pair);
      });
      if (isCut) one.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const each = (act: (socket: Socket) => void): void => {
    for (const pair of pairs) for (const socket of pair) act(socket);
  };
  return {
    port: (server.address() as { port: number }).port,
    cut: () => {
      isCut = true;
      each((socket) => socket.pause());
    },
    mend: () => {
      isCut = false;
      each((socket) => socket.resume());
    },
    sever: () => each((socket) => socket.destroy()),
    close: () => {
      each((socket) => socket.destroy());
      server.close();
    },
  };
}
