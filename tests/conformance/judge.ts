// Answers: did a run of a case meet its expectations, and if not, which one failed first and why.
// Owns: the ordered rules of the README's table, set-up failures, and what a failed dependency undoes.
// Leaves out: traffic (case-run.ts) and words for people (report.ts). Pure: no clock, no socket.
import type { Case, CaseRequest, FieldExpectation } from "./cases.ts";
import type { CaseRun } from "./case-run.ts";
import { type Field, fieldValue, httpDate } from "./http-message.ts";
import { NOT_CONDITIONAL, type OriginRecord } from "./origin-answer.ts";
import type { ReceivedResponse } from "./raw-client.ts";

/** `setup`: the case could not be set up, so it neither passed nor failed on its own question. */
export type Verdict =
  | { readonly kind: "passed" }
  | {
      readonly kind: "failed" | "setup";
      readonly request: number;
      readonly rule: string;
      readonly reason: string;
    };

export type Outcome =
  | Verdict
  | { readonly kind: "skipped"; readonly reason: string }
  | { readonly kind: "undecided"; readonly reason: string };

export type Result = { readonly testCase: Case; readonly outcome: Outcome };

/** The first expectation of the first request that does not hold. */
export function judge(run: CaseRun): Verdict {
  for (const [index, request] of run.testCase.requests.entries()) {
    const failure = judgeRequest(run, request, index + 1);
    if (failure === undefined) continue;
    const [rule, reason] = failure;
    const isSetup =
      request.setup === true || rule === "retry" || request.setup_tests?.includes(rule) === true;
    return { kind: isSetup ? "setup" : "failed", request: index + 1, rule, reason };
  }
  return { kind: "passed" };
}

/** Replaces an outcome by `undecided` where a case that it depends on was run and did not pass. */
export function settleDependencies(results: readonly Result[]): readonly Result[] {
  const byId = new Map(results.map((result) => [result.testCase.id, result]));
  const unmet = (result: Result): string | undefined =>
    result.testCase.dependsOn.find((id) => {
      const dependency = byId.get(id);
      if (dependency === undefined) return false;
      return dependency.outcome.kind !== "passed" || unmet(dependency) !== undefined;
    });
  return results.map((result) => {
    const id = result.outcome.kind === "skipped" ? undefined : unmet(result);
    return id === undefined
      ? result
      : { ...result, outcome: { kind: "undecided", reason: `depends on ${id}, which did not pass` } };
  });
}

/** One response with all that the rules look at; `record` is what the origin saw of this request, if it did. */
type View = {
  readonly request: CaseRequest;
  readonly number: number;
  readonly method: string;
  readonly token: string;
  readonly response: ReceivedResponse;
  readonly record: OriginRecord | undefined;
};

/** A rule returns why it is not met, or `undefined` where it is. */
type Rule = (view: View) => string | undefined;

const rules: readonly (readonly [name: string, rule: Rule])[] = [
  ["retry", notRetried],
  ["expected_type", typeAsExpected],
  ["expected_status", statusAsExpected],
  ["response_headers", fieldsUnchanged],
  ["expected_response_headers", responseFieldsPresent],
  ["expected_response_headers_missing", responseFieldsMissing],
  ["expected_response_text", bodyAsExpected],
  ["expected_interim_responses", interimAsExpected],
  ["expected_method", methodAsExpected],
  ["expected_request_headers", requestFieldsPresent],
  ["expected_request_headers_missing", requestFieldsMissing],
];

function judgeRequest(
  run: CaseRun,
  request: CaseRequest,
  number: number,
): readonly [string, string] | undefined {
  const exchange = run.exchanges[number - 1];
  if (exchange === undefined) return ["response", "the request was not sent"];
  const { received } = exchange;
  if (received.kind === "broken") {
    // Passing the origin's disconnect on is an answer too, where the case asks for no status.
    const mayBreak = request.disconnect === true && request.expected_status === null;
    return mayBreak ? undefined : ["response", `no response: ${received.reason}`];
  }
  const record = run.records.findLast((each) => each.request.number === number);
  const view = {
    request,
    number,
    method: exchange.request.method,
    token: run.token,
    response: received,
    record,
  };
  for (const [name, rule] of rules) {
    const reason = rule(view);
    if (reason !== undefined) return [name, reason];
  }
  return undefined;
}

function notRetried({ response }: View): string | undefined {
  const numbers = fieldValue(response.fields, "request-numbers")?.split(" ") ?? [];
  return new Set(numbers).size === numbers.length ? undefined : `the cache retried: ${numbers.join(" ")}`;
}

function typeAsExpected(view: View): string | undefined {
  const { request, response, record } = view;
  const type = request.expected_type;
  if (type === undefined) return undefined;
  if (type === "not_cached") return comesFromCache(view) ? "comes from the cache" : undefined;
  if (type === "cached") {
    return comesFromCache(view) ? undefined : `does not come from the cache (status ${response.status})`;
  }
  if (record === undefined) return "should have been validated, but the origin did not see it";
  const isConditional = record.answer.kind !== "response" || record.answer.status !== NOT_CONDITIONAL;
  return isConditional ? undefined : "should have been conditional, but was not";
}

/** A 304 that the cache makes itself need not carry the stored fields. */
function comesFromCache({ response, number }: View): boolean {
  const count = fieldValue(response.fields, "server-request-count");
  return count === undefined ? response.status === 304 : Number.parseInt(count, 10) < number;
}

function statusAsExpected({ request, response }: View): string | undefined {
  if (request.expected_status === null) return undefined;
  const expected = request.expected_status ?? request.response_status?.[0] ?? 200;
  return response.status === expected ? undefined : `status ${response.status} instead of ${expected}`;
}

/** What the origin sent in answer to this very request; not where it was answered in the background only. */
function fieldsUnchanged({ request, response, record }: View): string | undefined {
  if (request.expected_type === "cached" || record?.answer.kind !== "response") return undefined;
  const { unchanged } = record.answer;
  const names = new Set(unchanged.map(([name]) => name.toLowerCase()).filter((name) => name !== "date"));
  for (const name of names) {
    const sent = fieldValue(unchanged, name);
    const seen = fieldValue(response.fields, name);
    if (seen !== sent) return `${name} is ${shown(seen)}, the origin sent ${shown(sent)}`;
  }
  return undefined;
}

function responseFieldsPresent({ request, response }: View): string | undefined {
  const nowMs = Number(fieldValue(response.fields, "server-now") ?? Number.NaN);
  return firstReason(request.expected_response_headers, (each) => unmet(each, response.fields, nowMs));
}

function responseFieldsMissing({ request, response }: View): string | undefined {
  return firstReason(request.expected_response_headers_missing, (each) => unwanted(each, response.fields));
}

function bodyAsExpected({ request, response, method, token }: View): string | undefined {
  if (request.check_body === false) return undefined;
  const { status, body } = response;
  if (!response.complete) return "the body was cut short";
  const bodyless = method === "HEAD" || status === 204 || status === 304;
  const expected = bodyless
    ? ""
    : request.expected_response_text !== undefined
      ? request.expected_response_text
      : (request.response_body ?? token);
  return expected === null || body === expected
    ? undefined
    : `body ${shown(body)} instead of ${shown(expected)}`;
}

function interimAsExpected({ request, response }: View): string | undefined {
  const expected = request.expected_interim_responses;
  if (expected === undefined) return undefined;
  if (response.interim.length !== expected.length) {
    return `${response.interim.length} interim responses instead of ${expected.length}`;
  }
  return firstReason([...expected.entries()], ([index, [status, fields]]) => {
    const seen = response.interim[index];
    if (seen?.status !== status) return `interim status ${seen?.status} instead of ${status}`;
    return firstReason(fields, (field) => unmet(field, seen.fields, Number.NaN));
  });
}

function methodAsExpected({ request, record }: View): string | undefined {
  if (request.expected_method === undefined) return undefined;
  if (record === undefined) return "the origin did not see the request";
  const { method } = record.request;
  return method === request.expected_method
    ? undefined
    : `the origin saw ${method} instead of ${request.expected_method}`;
}

function requestFieldsPresent({ request, record }: View): string | undefined {
  if (request.expected_request_headers === undefined) return undefined;
  if (record === undefined) return "the origin did not see the request";
  const reason = firstReason(request.expected_request_headers, (each) =>
    unmet(each, record.request.fields, Number.NaN),
  );
  return reason === undefined ? undefined : `to the origin, ${reason}`;
}

function requestFieldsMissing({ request, record }: View): string | undefined {
  const fields = record?.request.fields ?? [];
  const reason = firstReason(request.expected_request_headers_missing, (each) => unwanted(each, fields));
  return reason === undefined ? undefined : `to the origin, ${reason}`;
}

/** Why a field is not as expected; an integer is a date relative to `nowMs`, the time of the stored response. */
function unmet(expectation: FieldExpectation, fields: readonly Field[], nowMs: number): string | undefined {
  const [name, second, third] = typeof expectation === "string" ? [expectation] : expectation;
  const value = fieldValue(fields, name);
  if (value === undefined) return `${name} is missing`;
  if (second === undefined) return undefined;
  if (third !== undefined) return comparison([name, value], third, fields);
  const expected = typeof second === "number" ? httpDate(nowMs, second) : second;
  return value === expected ? undefined : `${name} is ${shown(value)} instead of ${shown(expected)}`;
}

function comparison(
  [name, value]: Field,
  operand: string | number,
  fields: readonly Field[],
): string | undefined {
  if (typeof operand === "number") {
    return Number.parseInt(value, 10) > operand ? undefined : `${name} is ${value}, not above ${operand}`;
  }
  const other = fieldValue(fields, operand);
  return value === other ? undefined : `${name} is ${shown(value)}, ${operand} is ${shown(other)}`;
}

function unwanted(expectation: FieldExpectation, fields: readonly Field[]): string | undefined {
  const [name, unwantedValue] = typeof expectation === "string" ? [expectation] : expectation;
  const value = fieldValue(fields, name);
  if (value === undefined || (unwantedValue !== undefined && value !== unwantedValue)) return undefined;
  return `${name} is there: ${shown(value)}`;
}

function firstReason<Item>(
  items: readonly Item[] | undefined,
  reasonOf: (item: Item) => string | undefined,
): string | undefined {
  for (const item of items ?? []) {
    const reason = reasonOf(item);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

const shown = (value: string | undefined): string =>
  value === undefined ? "missing" : JSON.stringify(value);
