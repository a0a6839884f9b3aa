// Answers: does a short run find nothing in Larder, and would it find what is wrong with others?
// Owns: the run over `cache.ts` with a fixed seed, and one planted fault for each kind of finding.
// Leaves out: the long run (`bun run fuzz`), the parsers (`parsers.test.ts`).
import { describe, expect, test } from "bun:test";
import { runCampaign, type Campaign, type Result } from "./campaign.ts";
import { caseOf } from "./fuzz-case.ts";
import { startFaultyProxy, type Fault } from "./faulty-proxy.ts";
import { findingText } from "./fuzz-report.ts";
import { KNOWN_LIMITS } from "./known-limits.ts";
import { startCache, troubleIn } from "./larder-child.ts";
import { readRequests } from "./request-reader.ts";
import type { Kind } from "./suspicion.ts";

const SEED = 20_261;

function run(changes: Partial<Campaign>): Promise<Result> {
  return runCampaign({
    seed: SEED,
    requests: 2000,
    only: [],
    wire: "lane",
    parallel: 24,
    limitMs: 5000,
    start: (originPort, onTrouble) => startCache(originPort, [], onTrouble),
    ...changes,
  });
}

test("2,000 random requests crash nothing, hang nothing, and no connection loses its place", async () => {
  const result = await run({});
  expect(result.findings.map((finding) => findingText(finding, SEED, undefined))).toEqual([]);
  expect(result.requests).toBeGreaterThanOrEqual(2000);
  expect(result.answers).toBeGreaterThan(1500);
  expect(result.atOrigin).toBeGreaterThan(1000);
}, 120_000);

const behind = (fault: Fault): Promise<Result> =>
  run({
    requests: fault === "length-over-coding" ? 2500 : 800,
    limitMs: fault === "none" ? 5000 : 500,
    start: (originPort) => startFaultyProxy(originPort, fault),
  });

test("a proxy by the letter is found innocent", async () => {
  const result = await behind("none");
  expect(result.findings.map((finding) => findingText(finding, SEED, undefined))).toEqual([]);
}, 60_000);

const PLANTED: readonly (readonly [fault: Fault, kinds: readonly Kind[]])[] = [
  ["swaps", ["desync"]],
  ["length-over-coding", ["smuggled", "accepted"]],
  ["truncates", ["altered-answer"]],
  ["cuts", ["hang"]],
  ["hangs", ["hang"]],
  ["fails", ["fault"]],
  ["repeats", ["sent-twice"]],
  ["mixes-hosts", ["host"]],
  ["echoes", ["desync"]],
  ["lets-through", ["malformed-request"]],
];

describe("a planted fault is found:", () => {
  test.each(PLANTED)(
    "%s",
    async (fault, kinds) => {
      const { findings } = await behind(fault);
      const found = new Set(findings.map(({ kind }) => kind));
      expect(kinds.filter((kind) => !found.has(kind))).toEqual([]);
    },
    60_000,
  );
});

test("a cache that ends is found", async () => {
  const { findings } = await run({
    requests: 50,
    start: async (originPort) => {
      const cache = await startFaultyProxy(originPort, "none");
      await cache.stop();
      return cache;
    },
  });
  expect(findings.map(({ kind }) => kind)).toContain("closed");
}, 60_000);

test("a log that tells of a fault is found", () => {
  expect(troubleIn('{"kind":"fault","uri":"http://a/","message":"x"}')).toContain("fault");
  expect(troubleIn('{"kind":"answered","status":500,"report":{"word":"ERROR"}}')).toContain("500");
  expect(troubleIn('{"kind":"answered","status":500,"report":{"word":"PASS"}}')).toBeUndefined();
});

test("a seed and a number make the same case again, another seed another", () => {
  const bytes = (seed: number, number: number): string => JSON.stringify(caseOf(seed, number));
  expect([0, 1, 77].map((number) => bytes(1, number))).toEqual([0, 1, 77].map((number) => bytes(1, number)));
  expect(bytes(1, 5)).not.toBe(bytes(2, 5));
});

test("known limits have names of their own, and a reason", () => {
  const names = KNOWN_LIMITS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(KNOWN_LIMITS.filter(({ why }) => why.length < 20)).toEqual([]);
});

/** What the reader makes of a request behind `POST / HTTP/1.1` and a Host. */
const READ: readonly (readonly [claim: string, rest: string, verdict: string])[] = [
  ["RFC 9112 §6.3 content by length", "Content-Length: 2\r\n\r\nab", "request"],
  [
    "RFC 9112 §7.1 chunked content",
    "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nab\r\n0\r\nT: x\r\n\r\n",
    "chunk-extension",
  ],
  ["RFC 9112 §6.1 both framings", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bad"],
  ["RFC 9112 §6.1 a coding behind chunked", "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "bad"],
  ["RFC 9112 §6.3 lengths that differ", "Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc", "bad"],
  ["RFC 9112 §6.3 a length with a sign", "Content-Length: +2\r\n\r\nab", "bad"],
  ["RFC 9112 §5.1 white space before the colon", "X : a\r\n\r\n", "bad"],
  ["RFC 9112 §7.1 a chunk that goes on", "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", "bad"],
  [
    "RFC 9112 §7.1 a bare LF behind a chunk size",
    "Transfer-Encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n",
    "bad",
  ],
  ["RFC 9112 §8 content that is not all there", "Content-Length: 3\r\n\r\nab", "incomplete"],
  ["RFC 9112 §3.2 a second Host", "Host: b\r\n\r\n", "fault"],
  ["RFC 9112 §5.2 a folded line", "X: a\r\n b\r\n\r\n", "obs-fold"],
  ["RFC 9112 §2.2 a bare LF", "X: a\n\r\n", "bare-lf"],
];

describe("the reader goes by the letter:", () => {
  test.each(READ)("%s", (_, rest, verdict) => {
    const run = readRequests(`POST / HTTP/1.1\r\nHost: a\r\n${rest}`);
    const [request] = run.requests;
    const said =
      run.rest?.kind ?? request?.liberties[0] ?? (request?.fault === undefined ? "request" : "fault");
    expect(said).toBe(verdict);
  });
});
