// Answers: what is measured.
// Owns: the scenarios: which requests, over how many connections, and what must be true of the answers.
// Leaves out: the bytes of each target (`bodies.ts`), who is measured (`contestants.ts`), how (`wrk-run.ts`).
import { etagOf } from "./bodies.ts";
import { browserFields } from "./browsers.ts";
import { chance, zipf } from "./zipf.ts";

/** One request of a scenario. */
export interface BenchRequest {
  readonly method: "GET" | "HEAD";
  readonly target: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** One kind of load, sent as fast as it is answered. */
export interface Scenario {
  /** What `--only` calls it. */
  readonly id: string;
  /** What the table calls it. */
  readonly name: string;
  /** One at a time is drawn at random, each as likely; a popular target is in it many times. */
  readonly requests: () => readonly BenchRequest[];
  readonly status: 200 | 206 | 304;
  /** Which share of the requests must reach the origin: 0 where each contestant must answer by itself. */
  readonly missShare: 0 | 0.1 | 1;
  readonly connections: number;
}

const KEYS = 10_000;
const CLIENTS = 200;
const BROWSER_REQUESTS = 30_000;
const POPULAR_KEYS = 100_000;
const POPULAR_REQUESTS = 60_000;

/** All scenarios, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [
  hits("1k", "1 KB", one("/1k")),
  hits("keys", "1 KB, 10,000 keys at random", () => manyKeys()),
  hits("browsers", "the same, with browsers' header fields", () => asBrowsers()),
  { ...hits("304", "304", one("/1k", { "If-None-Match": etagOf("/1k") })), status: 304 },
  hits("head", "HEAD, 1 KB", () => [{ method: "HEAD", target: "/1k", fields: {} }]),
  { ...hits("range", "Range: 1 KB of 100 KB", one("/100k", { Range: "bytes=1000-2023" })), status: 206 },
  hits("10k", "10 KB", one("/10k")),
  hits("100k", "100 KB", one("/100k")),
  hits("1m", "1 MB", one("/1m")),
  { ...hits("miss", "miss, passed on (no-store)", one("/miss")), missShare: 1 },
  { ...hits("zipf", "mixed: Zipf, 10 % misses, 1–100 KB", () => popular()), missShare: 0.1 },
  { ...hits("1000", "1 KB, 1,000 connections", one("/1k")), connections: 1000 },
];

function hits(id: string, name: string, requests: () => readonly BenchRequest[]): Scenario {
  return { id, name, requests, status: 200, missShare: 0, connections: 64 };
}

function one(target: string, fields: Readonly<Record<string, string>> = {}): () => readonly BenchRequest[] {
  return () => [{ method: "GET", target, fields }];
}

function manyKeys(): readonly BenchRequest[] {
  return Array.from({ length: KEYS }, (_, key) => ({ method: "GET", target: `/keys/${key}`, fields: {} }));
}

/** Each client asks for any key: a cache that knows a client's fields again still sees other targets from it. */
function asBrowsers(): readonly BenchRequest[] {
  const next = chance(9111);
  const clients = Array.from({ length: CLIENTS }, (_, client) => browserFields(client));
  return Array.from({ length: BROWSER_REQUESTS }, (_, at) => ({
    method: "GET",
    target: `/keys/${at % KEYS}`,
    fields: clients[Math.floor(next() * CLIENTS)] ?? {},
  }));
}

/** So many draws from so many keys; the misses among them are made while it runs (`wrk.lua`). */
function popular(): readonly BenchRequest[] {
  const draw = zipf(POPULAR_KEYS, 1, chance(9111));
  return Array.from({ length: POPULAR_REQUESTS }, () => ({
    method: "GET",
    target: `/mixed/${draw()}`,
    fields: {},
  }));
}
