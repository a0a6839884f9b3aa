// Answers: which cases there are, in the words of `../shared/conformance/README.md`.
// Owns: the shape of cases.json and its validation; a case never reaches the runner half understood.
// Leaves out: what a case means to the origin (origin-answer.ts), the client (case-run.ts), the verdict (judge.ts).
import { existsSync, readFileSync } from "node:fs";

export type Kind = "required" | "optimal" | "check";

/** `cached`: the origin did not see it; `not_cached`: it did; the others: it saw the validator and answered 304. */
export type ExpectedType = "cached" | "not_cached" | "etag_validated" | "lm_validated";

/** Name, value (an integer counts in seconds from now), and `false` where the client need not see it unchanged. */
export type CaseField = readonly [name: string, value: string | number, unchanged?: boolean];

/** A name that has to be there, a name with its value, or a comparison with another field or a number. */
export type FieldExpectation =
  | string
  | readonly [name: string, value: string | number]
  | readonly [name: string, operator: string, operand: string | number];

export type InterimResponse = readonly [status: number, fields?: readonly (readonly [string, string])[]];

/** One request of a case together with the origin's answer to it; names as in the file. */
export type CaseRequest = {
  readonly request_method?: string;
  readonly request_headers?: readonly CaseField[];
  readonly request_body?: string;
  readonly query_arg?: string;
  readonly filename?: string;
  readonly magic_ims?: boolean;
  readonly pause_after?: boolean;
  readonly redirect?: string;
  readonly rfc850date?: readonly string[];
  readonly disconnect?: boolean;
  readonly response_status?: readonly [code: number, phrase: string];
  readonly response_headers?: readonly CaseField[];
  readonly response_body?: string | null;
  readonly response_pause?: number;
  readonly magic_locations?: boolean;
  readonly interim_responses?: readonly InterimResponse[];
  readonly expected_interim_responses?: readonly InterimResponse[];
  readonly expected_type?: ExpectedType;
  readonly expected_status?: number | null;
  readonly expected_method?: string;
  readonly expected_response_headers?: readonly FieldExpectation[];
  readonly expected_response_headers_missing?: readonly FieldExpectation[];
  readonly expected_request_headers?: readonly FieldExpectation[];
  readonly expected_request_headers_missing?: readonly FieldExpectation[];
  readonly expected_response_text?: string | null;
  readonly check_body?: boolean;
  readonly setup?: boolean;
  readonly setup_tests?: readonly string[];
};

export type Case = {
  readonly id: string;
  readonly suite: string;
  readonly name: string;
  readonly kind: Kind;
  readonly dependsOn: readonly string[];
  readonly requests: readonly CaseRequest[];
};

/**
 * Reads and validates the cases, in the order of the file; `undefined` where the file does not exist.
 * @throws Error that names the case and the field which is not understood.
 */
export function loadCases(file: string): readonly Case[] | undefined {
  if (!existsSync(file)) return undefined;
  const suites: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!Array.isArray(suites)) throw new Error(`${file}: expected a list of suites`);
  const cases = suites.flatMap((suite: unknown) => {
    if (!isObject(suite) || !isString(suite["id"]) || !Array.isArray(suite["tests"])) {
      throw new Error(`${file}: expected a suite with id and tests`);
    }
    const id = suite["id"];
    return suite["tests"].map((test: unknown) => toCase(id, test));
  });
  if (new Set(cases.map((each) => each.id)).size !== cases.length) throw new Error(`${file}: an id twice`);
  return cases;
}

/** True where the case is about 1xx responses. */
export function needsInterimResponses(testCase: Case): boolean {
  return testCase.requests.some(
    (request) => request.interim_responses !== undefined || request.expected_interim_responses !== undefined,
  );
}

function toCase(suite: string, test: unknown): Case {
  if (!isObject(test) || !isString(test["id"]) || !isString(test["name"])) {
    throw new Error(`suite ${suite}: a test without id or name`);
  }
  const { id, name, kind = "required", depends_on: dependsOn = [], requests } = test;
  if (!isKind(kind)) throw new Error(`${id}: kind ${String(kind)} is not known`);
  if (!isStrings(dependsOn)) throw new Error(`${id}: depends_on is not a list of ids`);
  if (!Array.isArray(requests)) throw new Error(`${id}: requests is not a list`);
  return { id, suite, name, kind, dependsOn, requests: requests.map((each: unknown) => toRequest(id, each)) };
}

function toRequest(id: string, request: unknown): CaseRequest {
  if (!isObject(request)) throw new Error(`${id}: a request that is not an object`);
  for (const [field, value] of Object.entries(request)) {
    const isValid = requestFields.get(field);
    if (isValid === undefined) throw new Error(`${id}: ${field} is not known`);
    if (!isValid(value)) throw new Error(`${id}: ${field} has the value ${JSON.stringify(value)}`);
  }
  return request as CaseRequest;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isString = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number";
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isScalar = (value: unknown): value is string | number => isString(value) || isNumber(value);
const isStrings = (value: unknown): value is string[] => Array.isArray(value) && value.every(isString);
const isNullOr = (isValid: (value: unknown) => boolean) => (value: unknown) =>
  value === null || isValid(value);
const isListOf = (isValid: (value: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(isValid);
const isKind = (value: unknown): value is Kind =>
  value === "required" || value === "optimal" || value === "check";

const isExpectedType = (value: unknown): boolean =>
  value === "cached" || value === "not_cached" || value === "etag_validated" || value === "lm_validated";
const isField = (value: unknown): boolean =>
  Array.isArray(value) &&
  isString(value[0]) &&
  isScalar(value[1]) &&
  (value.length === 2 || (value.length === 3 && isBoolean(value[2])));
const isExpectation = (value: unknown): boolean =>
  isString(value) ||
  (Array.isArray(value) &&
    isString(value[0]) &&
    ((value.length === 2 && isScalar(value[1])) ||
      (value.length === 3 && value[1] === "=" && isString(value[2])) ||
      (value.length === 3 && value[1] === ">" && isNumber(value[2]))));
const isStatus = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && isNumber(value[0]) && isString(value[1]);
const isInterim = (value: unknown): boolean =>
  Array.isArray(value) && isNumber(value[0]) && (value[1] === undefined || isListOf(isField)(value[1]));

/** Every field that a request of a case may have, and how its value is recognised. */
const requestFields: ReadonlyMap<string, (value: unknown) => boolean> = new Map(
  Object.entries({
    request_method: isString,
    request_headers: isListOf(isField),
    request_body: isString,
    query_arg: isString,
    filename: isString,
    magic_ims: isBoolean,
    pause_after: isBoolean,
    redirect: isString,
    rfc850date: isStrings,
    disconnect: isBoolean,
    response_status: isStatus,
    response_headers: isListOf(isField),
    response_body: isNullOr(isString),
    response_pause: isNumber,
    magic_locations: isBoolean,
    interim_responses: isListOf(isInterim),
    expected_interim_responses: isListOf(isInterim),
    expected_type: isExpectedType,
    expected_status: isNullOr(isNumber),
    expected_method: isString,
    expected_response_headers: isListOf(isExpectation),
    expected_response_headers_missing: isListOf(isExpectation),
    expected_request_headers: isListOf(isExpectation),
    expected_request_headers_missing: isListOf(isExpectation),
    expected_response_text: isNullOr(isString),
    check_body: isBoolean,
    setup: isBoolean,
    setup_tests: isStrings,
  } satisfies Record<keyof CaseRequest, (value: unknown) => boolean>),
);
