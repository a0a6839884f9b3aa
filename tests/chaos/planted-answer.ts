// Answers: what does the checker say of that answer?
// Owns: a server that sends planted bytes, the history that they are judged by, and one request to it.
// Leaves out: which lies there are (`judge.test.ts`).
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { exchange, requestFor, type Known } from "./exchange.ts";
import { Judge } from "./judge.ts";
import type { Violation } from "./judgement.ts";
import { Ledger } from "./ledger.ts";
import { bytesOf, catalogue, fieldsOf, type ChaosObject } from "./objects.ts";
import type { RequestPlan } from "./request-plan.ts";
import { Tally } from "./tally.ts";

const objects = catalogue(7);

/** An object of that kind with 1000 bytes in version 0 and 13 more in each further one. */
export function objectOf(kind: string): ChaosObject {
  const found = objects.find((object) => object.kind === kind);
  if (found === undefined) throw new Error(`there is no ${kind}`);
  return { ...found, baseBytes: 1_000, growthBytes: 13 };
}

/** Versions: 0 until 1 s, 1 until 11 s, 2 from then on; the request begins at 20 s. */
export const NOW_MS = 20_000;

/** One answer of a cache that lies, or does not. */
export interface Lie {
  readonly object: ChaosObject;
  readonly version?: number;
  readonly variant?: string;
  readonly status?: number;
  readonly cacheStatus?: string;
  readonly age?: number;
  /** Fields that come instead, or on top. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly framing?: "length" | "chunked" | "chunked-open" | "none";
  /** Bytes that Content-Length announces where it is not the real number. */
  readonly announced?: number;
  readonly plan?: Partial<RequestPlan>;
  readonly known?: Known;
  /** What the origin did before. */
  readonly past?: (ledger: Ledger) => void;
}

const LIVE = "larder; fwd=uri-miss; fwd-status=200; stored; ttl=2";

let answer: Buffer = Buffer.alloc(0);
const server = createServer((socket: Socket) => {
  socket.on("error", () => {});
  socket.once("data", () => socket.end(answer));
});

/** To be called before the first answer. */
export function listen(): Promise<void> {
  return new Promise((resolve) => void server.listen(0, "127.0.0.1", resolve));
}

/** To be called after the last one. */
export function close(): Promise<void> {
  return new Promise((resolve) => void server.close(() => resolve()));
}

/** What the checker says of that answer. */
export async function violationsOf(lie: Lie): Promise<readonly Violation[]> {
  const object = lie.object;
  const ledger = new Ledger(objects, 0);
  for (const { id } of objects) for (const atMs of [1_000, 11_000]) ledger.bump(id, atMs);
  lie.past?.(ledger);
  answer = bytesOnTheWire(object, lie);
  const tally = new Tally();
  const sent = requestFor(planFor(object, lie.plan), lie.known, NOW_MS);
  const judge = new Judge({ seed: 7, ledger, tally, nowMs: () => NOW_MS }, sent);
  const socket = connect({
    host: "127.0.0.1",
    port: (server.address() as AddressInfo).port,
    allowHalfOpen: true,
  });
  socket.on("error", () => {});
  judge.end(await exchange(socket, sent, judge, true));
  socket.destroy();
  return tally.violations;
}

function planFor(object: ChaosObject, plan: Partial<RequestPlan> = {}): RequestPlan {
  return {
    id: "c1.r1",
    object,
    method: "GET",
    selecting: "",
    condition: "none",
    directives: "",
    ranges: [],
    withIfRange: false,
    reading: "swift",
    leavesAfter: undefined,
    halfCloses: false,
    uploadBytes: 0,
    uploadsInChunks: false,
    ...plan,
  };
}

function bytesOnTheWire(object: ChaosObject, lie: Lie): Buffer {
  const { version = 2, variant = object.vary === "" ? "" : "plain", status = 200, framing = "length" } = lie;
  const body = lie.body ?? bytesOf(object, version, variant);
  const isPage = status >= 500;
  const fields = new Map(isPage ? [] : fieldsOf(object, version, variant));
  fields.set("Cache-Status", lie.cacheStatus ?? LIVE);
  if (lie.age !== undefined) fields.set("Age", String(lie.age));
  for (const [name, value] of Object.entries(lie.fields ?? {})) fields.set(name, value);
  if (framing === "length") fields.set("Content-Length", String(lie.announced ?? body.length));
  if (framing.startsWith("chunked")) fields.set("Transfer-Encoding", "chunked");
  const lines = [...fields].map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`HTTP/1.1 ${status} x\r\n${lines.join("")}\r\n`);
  if (!framing.startsWith("chunked")) return Buffer.concat([head, body]);
  const chunk = [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")];
  return Buffer.concat([head, ...chunk, Buffer.from(framing === "chunked" ? "0\r\n\r\n" : "")]);
}
