// Answers: what the scripted origin says to the n-th request of a case, given what it has seen and sent so far.
// Owns: the fields that the origin adds, relative dates, full-URL locations, and 304 or 999 for `*_validated`.
// Leaves out: sockets and bytes (scripted-origin.ts), and whether the cache did well (judge.ts).
import type { Case, CaseField, CaseRequest, InterimResponse } from "./cases.ts";
import { dateFields, type Field, fieldValue, httpDate } from "./http-message.ts";

/** A request as it reached the origin; `number` is the client's `Req-Num`. */
export type SeenRequest = {
  readonly number: number;
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  readonly body: string;
};

export type OriginResponse = {
  readonly kind: "response";
  readonly status: number;
  readonly phrase: string;
  readonly fields: readonly Field[];
  readonly body: string;
  readonly interim: readonly InterimResponse[];
  readonly pauseMs: number;
  /** The fields that the client has to see exactly as they were sent. */
  readonly unchanged: readonly Field[];
};

export type OriginAnswer = { readonly kind: "disconnect" } | OriginResponse;

/** One request that the origin saw and what it answered. */
export type OriginRecord = { readonly request: SeenRequest; readonly answer: OriginAnswer };

/** One run of a case: its URL as the client sees it, and what the origin has seen so far. */
export type Script = {
  readonly testCase: Case;
  readonly token: string;
  readonly url: string;
  readonly records: readonly OriginRecord[];
};

/** The status by which the origin says that it expected a validator. */
export const NOT_CONDITIONAL = 999;

/** The origin's answer to a request; `records` of the script does not hold it yet. */
export function answerTo(script: Script, request: SeenRequest, nowMs: number): OriginAnswer {
  const entry = script.testCase.requests[request.number - 1];
  if (entry === undefined) return plainAnswer(404, "No Such Request");
  if (entry.disconnect === true) return { kind: "disconnect" };

  const [status, phrase] = statusOf(script, entry, request);
  const configured = configuredFields(script, entry, nowMs);
  const fields = [...configured.map(([name, value]): Field => [name, value])];
  fields.push(...addedFields(script, request, nowMs));
  if (fieldValue(fields, "content-type") === undefined) fields.push(["Content-Type", "text/plain"]);

  const bodyless = status === 204 || status === 304;
  const body = bodyless ? "" : (entry.response_body ?? script.token);
  if (!bodyless && fieldValue(fields, "content-length") === undefined) {
    fields.push(["Content-Length", String(body.length)]);
  }
  return {
    kind: "response",
    status,
    phrase,
    fields,
    body: request.method === "HEAD" ? "" : body,
    interim: entry.interim_responses ?? [],
    pauseMs: (entry.response_pause ?? 0) * 1000,
    unchanged: configured.filter(([, , unchanged]) => unchanged).map(([name, value]): Field => [name, value]),
  };
}

/** An answer outside every case. */
export function plainAnswer(status: number, phrase: string): OriginResponse {
  const fields: Field[] = [["Content-Length", "0"]];
  return { kind: "response", status, phrase, fields, body: "", interim: [], pauseMs: 0, unchanged: [] };
}

function statusOf(script: Script, entry: CaseRequest, request: SeenRequest): readonly [number, string] {
  if (entry.expected_type === "etag_validated" || entry.expected_type === "lm_validated") {
    return sawValidator(script, entry.expected_type, request)
      ? [304, "Not Modified"]
      : [NOT_CONDITIONAL, "Not Conditional"];
  }
  return entry.response_status ?? [200, "OK"];
}

function sawValidator(
  script: Script,
  type: "etag_validated" | "lm_validated",
  request: SeenRequest,
): boolean {
  const [validatorName, conditionName] =
    type === "etag_validated" ? ["etag", "if-none-match"] : ["last-modified", "if-modified-since"];
  const validator = lastSent(script, validatorName ?? "");
  const condition = fieldValue(request.fields, conditionName ?? "");
  if (validator === undefined || condition === undefined) return false;
  if (type === "lm_validated") return condition === validator;
  return condition.split(",").some((tag) => tag.trim() === validator);
}

/** The value really sent last, since a date relative to now differs from answer to answer. */
function lastSent(script: Script, name: string): string | undefined {
  return script.records
    .map(({ answer }) => (answer.kind === "response" ? fieldValue(answer.fields, name) : undefined))
    .findLast((value) => value !== undefined);
}

type ConfiguredField = readonly [name: string, value: string, unchanged: boolean];

function configuredFields(script: Script, entry: CaseRequest, nowMs: number): readonly ConfiguredField[] {
  return (entry.response_headers ?? []).map(([name, value, unchanged]: CaseField) => {
    const rfc850 = entry.rfc850date?.includes(name.toLowerCase()) === true;
    const isDate = typeof value === "number" && dateFields.has(name.toLowerCase());
    const text = isDate ? httpDate(nowMs, value, rfc850) : String(value);
    const isLocation = entry.magic_locations === true && /^(content-)?location$/i.test(name);
    const located = text === "" ? script.url : `${script.url}/${text}`;
    return [name, isLocation ? located : text, unchanged !== false];
  });
}

function addedFields(script: Script, request: SeenRequest, nowMs: number): readonly Field[] {
  const numbers = [...script.records.map((record) => record.request.number), request.number];
  return [
    ["Server-Base-Url", request.target],
    ["Server-Request-Count", String(numbers.length)],
    ["Client-Request-Count", String(request.number)],
    ["Server-Now", String(nowMs)],
    ["Request-Numbers", numbers.join(" ")],
  ];
}
