// Answers: is the conformance runner itself right: origin, client, verdicts, dependencies, start of a cache?
// Owns: made-up cases against the scripted origin without a cache between, and the table of check answers.
// Leaves out: the cases of ../shared/conformance; `bun run conformance` runs those.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCache } from "./conformance/cache-process.ts";
import { type CaseRun, runCase } from "./conformance/case-run.ts";
import { type Case, type CaseRequest, loadCases } from "./conformance/cases.ts";
import { checkAnswers } from "./conformance/check-answers.ts";
import { httpDate } from "./conformance/http-message.ts";
import { judge, type Result, settleDependencies } from "./conformance/judge.ts";
import { readOptions } from "./conformance/options.ts";
import type { ReceivedResponse } from "./conformance/raw-client.ts";
import { total } from "./conformance/report.ts";
import { ScriptedOrigin } from "./conformance/scripted-origin.ts";

let origin: ScriptedOrigin;
beforeAll(async () => {
  origin = await ScriptedOrigin.start();
});
afterAll(() => origin.stop());

function made(requests: readonly CaseRequest[], more: Partial<Case> = {}): Case {
  return { id: "made-up", suite: "made-up", name: "", kind: "required", dependsOn: [], requests, ...more };
}

const runDirectly = (requests: readonly CaseRequest[]): Promise<CaseRun> =>
  runCase(made(requests), new URL(`http://127.0.0.1:${origin.port}`), origin);

function responseOf(run: CaseRun, number: number): ReceivedResponse {
  const received = run.exchanges[number - 1]?.received;
  if (received?.kind !== "response") throw new Error(`no response: ${received?.reason}`);
  return received;
}

test("an answer arrives as it was scripted: 1xx, phrase, field lines, obs-text, relative dates", async () => {
  const run = await runDirectly([
    {
      interim_responses: [[103, [["link", "</a>; rel=preload"]]]],
      expected_interim_responses: [[103, [["link", "</a>; rel=preload"]]]],
      response_status: [299, "Quite OK"],
      response_headers: [
        ["A", "1"],
        ["A", "2"],
        ["ETag", '"ü"'],
        ["Expires", 60],
      ],
      response_body: "abc",
      expected_response_headers: [["a", "1, 2"], ["Expires", 60], ["Server-Now", ">", 1], "Request-Numbers"],
      expected_response_headers_missing: ["date", ["a", "1"]],
      expected_type: "not_cached",
    },
  ]);
  expect(judge(run)).toEqual({ kind: "passed" });
  const { status, phrase, fields, body, complete } = responseOf(run, 1);
  expect({ status, phrase, body, complete }).toEqual({
    status: 299,
    phrase: "Quite OK",
    body: "abc",
    complete: true,
  });
  expect(fields.slice(0, 3)).toEqual([
    ["A", "1"],
    ["A", "2"],
    ["ETag", '"ü"'],
  ]);
});

test("a wrong Content-Length is sent as given, and the surplus bytes belong to nobody", async () => {
  const run = await runDirectly([{ response_headers: [["Content-Length", "10"]], check_body: false }]);
  expect(judge(run)).toEqual({ kind: "passed" });
  expect(responseOf(run, 1).body).toBe(run.token.slice(0, 10));
});

test("the client sends what the case gives instead of its own fields, white space and all", async () => {
  const run = await runDirectly([
    { request_headers: [["cache-control", " a ,   b"]], filename: "f", query_arg: "q=1" },
  ]);
  const request = run.exchanges[0]?.request;
  expect(request?.fields.filter(([name]) => /^cache-control$/i.test(name))).toEqual([
    ["cache-control", " a ,   b"],
  ]);
  expect(run.records[0]?.request.target).toBe(`/test/${run.token}/f?q=1`);
});

test("*_validated is answered with 304 for the validator sent before, with 999 otherwise", async () => {
  const first: CaseRequest = { response_headers: [["Last-Modified", -100]] };
  const ims: CaseRequest = { request_headers: [["If-Modified-Since", -100]], magic_ims: true };
  const validated = await runDirectly([
    first,
    { ...ims, expected_type: "lm_validated", expected_status: 304 },
  ]);
  expect(judge(validated)).toEqual({ kind: "passed" });
  const plain = await runDirectly([first, { expected_type: "lm_validated" }]);
  expect(responseOf(plain, 2).status).toBe(999);
  expect(judge(plain)).toMatchObject({
    kind: "failed",
    request: 2,
    reason: "should have been conditional, but was not",
  });
});

test("a disconnect is no response, and is accepted only where the case asks for no status", async () => {
  const refused = await runDirectly([{ disconnect: true }]);
  expect(judge(refused)).toMatchObject({ kind: "failed", rule: "response" });
  const accepted = await runDirectly([{ disconnect: true, expected_status: null }]);
  expect(judge(accepted)).toEqual({ kind: "passed" });
});

test("a failure in a set-up request or in a check named by setup_tests is a failed set-up", async () => {
  const request: CaseRequest = { expected_type: "cached" };
  expect(judge(await runDirectly([request])).kind).toBe("failed");
  expect(judge(await runDirectly([{ ...request, setup: true }])).kind).toBe("setup");
  expect(judge(await runDirectly([{ ...request, setup_tests: ["expected_type"] }])).kind).toBe("setup");
});

test("locations are full URLs of the test, the bare one for an empty suffix", async () => {
  const run = await runDirectly([
    {
      response_headers: [
        ["Location", "x"],
        ["Content-Location", ""],
      ],
      magic_locations: true,
    },
  ]);
  const url = `http://127.0.0.1:${origin.port}/test/${run.token}`;
  expect(responseOf(run, 1).fields.slice(0, 2)).toEqual([
    ["Location", `${url}/x`],
    ["Content-Location", url],
  ]);
});

test("what depends on a failure, even at second hand, is undecided and counts as failed", () => {
  const result = (id: string, dependsOn: string[], kind: "passed" | "failed"): Result => ({
    testCase: made([], { id, dependsOn }),
    outcome: kind === "passed" ? { kind } : { kind, request: 1, rule: "expected_type", reason: "" },
  });
  const settled = settleDependencies([
    result("c", ["b"], "passed"),
    result("b", ["a"], "passed"),
    result("a", [], "failed"),
    result("d", ["not-run"], "passed"),
  ]);
  expect(settled.map(({ outcome }) => outcome.kind)).toEqual(["undecided", "undecided", "failed", "passed"]);
  expect(total(settled)).toEqual({ passed: 1, failed: 3, skipped: 0 });
});

test("the RFC 850 form of a date (RFC 9110 §5.6.7)", () => {
  expect(httpDate(784_111_777_000, 0, true)).toBe("Sunday, 06-Nov-94 08:49:37 GMT");
});

test("a cache is started with the origin's address and found by the line that it prints", async () => {
  const folder = mkdtempSync(join(tmpdir(), "conformance-"));
  const source = `const at = process.argv[process.argv.indexOf("--origin") + 1];
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) =>
      fetch(at + new URL(request.url).pathname, { headers: request.headers, decompress: false }) });
    console.log("stand-in " + process.argv.slice(-2).join(" ") + " at http://127.0.0.1:" + server.port);`;
  await Bun.write(join(folder, "cache.ts"), source);
  const cache = await startCache({ root: folder }, origin.port, ["--wire", "bun"]);
  try {
    const testCase = made([{ expected_type: "not_cached" }, { expected_type: "not_cached" }]);
    expect(judge(await runCase(testCase, cache.url, origin))).toEqual({ kind: "passed" });
    expect(cache.endedWith()).toBeUndefined();
  } finally {
    await cache.stop();
    rmSync(folder, { recursive: true });
  }
});

test("1xx cases run with every wire but the default, given before or after --", () => {
  expect(readOptions([]).interimResponses).toBe(false);
  expect(readOptions(["--wire", "exact"])).toMatchObject({
    interimResponses: true,
    cacheArguments: ["--wire", "exact"],
  });
  expect(readOptions(["--json", "--", "--wire=exact"])).toMatchObject({ interimResponses: true, json: true });
  expect(readOptions(["--node"])).toMatchObject({ interimResponses: true, onNode: true, cacheArguments: [] });
  expect(() => readOptions(["--jso"])).toThrow("--jso is not an option");
});

const cases = loadCases(readOptions([]).casesFile) ?? [];
test.skipIf(cases.length === 0)("every check case has its answer, and no answer is without case", () => {
  const ids = cases.filter(({ kind }) => kind === "check").map(({ id }) => id);
  expect([...checkAnswers.keys()].toSorted()).toEqual(ids.toSorted());
});
