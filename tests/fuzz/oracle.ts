// Answers: whether what came over a connection is what its requests must get.
// Owns: place by place, the comparison of requests as read by the letter with the responses that came.
// Leaves out: what reached the origin (`origin-oracle.ts`), which differences are known limits (`known-limits.ts`).
import type { Conversation } from "./conversation.ts";
import type { FuzzCase } from "./fuzz-case.ts";
import { valuesOf, type Field } from "./message-grammar.ts";
import type { ReadRequest } from "./request-reader.ts";
import type { ReadResponse } from "./response-reader.ts";
import type { Kind, Suspicion } from "./suspicion.ts";
import { answerBody, tokenOf } from "./token.ts";

/** Requests that must be answered: up to the first behind which the connection ends. */
export function answerable(requests: readonly ReadRequest[]): readonly ReadRequest[] {
  const last = requests.findIndex(({ isLast }) => isLast);
  return last < 0 ? requests : requests.slice(0, last + 1);
}

/** All that looks wrong in a conversation. `expected` are the requests that were sent, the canary included. */
export function judge(
  fuzzCase: FuzzCase,
  expected: readonly ReadRequest[],
  conversation: Conversation,
): Suspicion[] {
  const found: Suspicion[] = [];
  const add = (kind: Kind, detail: string, place: number): void => {
    found.push({
      kind,
      detail,
      fuzzCase,
      place,
      request: expected[place],
      response: conversation.responses[place],
      conversation,
    });
  };
  for (const [place, response] of conversation.responses.entries()) {
    const request = expected[place];
    if (request !== undefined) {
      const wrong = wrongAnswer(request, response);
      if (wrong !== undefined) add(...wrong, place);
    } else if (place === expected.length && fuzzCase.run.rest !== undefined) {
      const { rest } = fuzzCase.run;
      const why = rest.kind === "bad" ? rest.why : "its end is missing";
      if (response.status === 500) add("fault", "500", place);
      else if (!isRefusal(response))
        add("accepted", `${response.status} to a request that must be refused: ${why}`, place);
    } else add("extra-response", `response ${place + 1} to ${expected.length} requests`, place);
  }
  const missing = missingAnswer(fuzzCase, expected, conversation);
  if (missing !== undefined) add(...missing, conversation.responses.length);
  return found;
}

/** Whether the cache itself, not the origin, said no. */
export function isRefusal({ status, fields }: Pick<ReadResponse, "status" | "fields">): boolean {
  return status >= 400 && one(fields, "x-answers") === undefined;
}

type Wrong = readonly [Kind, string] | undefined;

function missingAnswer(
  fuzzCase: FuzzCase,
  expected: readonly ReadRequest[],
  conversation: Conversation,
): Wrong {
  const { responses, rest, malformed, closed, isHung } = conversation;
  if (malformed !== undefined) return ["malformed-response", malformed];
  if (fuzzCase.leave === "is-gone") return undefined;
  const due = expected.length - responses.length;
  if (isHung) return ["hang", `${due} answers are due, and the connection is open`];
  if (closed === "open") return undefined;
  if (rest !== "") return ["cut", `${rest.length} bytes of a response, then ${closed}`];
  const next = expected[responses.length];
  // A refusal can be lost on the way: where a server closes with bytes unread, the reset overtakes what it wrote.
  if (due <= 0 || next?.fault !== undefined || (next?.liberties.length ?? 0) > 0) return undefined;
  if (mayClose(responses.at(-1), expected[responses.length - 1])) return undefined;
  return ["closed", `${closed} with ${due} answers due`];
}

/** Behind a refusal, behind `close`, and behind HTTP/1.0 unless the answer says `keep-alive` (RFC 9112 §9.3). */
function mayClose(last: ReadResponse | undefined, request: ReadRequest | undefined): boolean {
  if (last === undefined) return false;
  const options = (one(last.fields, "connection") ?? "").toLowerCase();
  const isOld = request?.version === "HTTP/1.0" && !options.includes("keep-alive");
  return isRefusal(last) || isOld || options.includes("close");
}

function wrongAnswer(request: ReadRequest, response: ReadResponse): Wrong {
  const { status, fields } = response;
  const answers = one(fields, "x-answers");
  if (status === 500) return ["fault", "500"];
  if (request.fault !== undefined) {
    const why = `${status} to a request that must be refused: ${request.fault}`;
    return isRefusal(response) ? undefined : ["accepted", why];
  }
  if (answers === undefined) return ownAnswer(request, status);
  const token = tokenOf(request.target, request.fields) ?? "-";
  if (answers !== token) return ["desync", `${token} was asked, ${answers} was answered`];
  const saw = one(fields, "x-saw") ?? "";
  const isShared =
    token.startsWith("c") && /^(?:GET|HEAD)$/.test(saw) && /^(?:GET|HEAD)$/.test(request.method);
  if (saw !== request.method && !isShared)
    return ["altered-answer", `${request.method} was asked, ${saw} was answered`];
  const host = one(fields, "x-host") ?? "";
  const asked = askedHost(request);
  if (asked !== undefined && plainHost(host) !== asked)
    return ["host", `${asked} was asked, ${host} was answered`];
  const isHead = request.method === "HEAD";
  return isHead || isRightBody(answers, response)
    ? undefined
    : ["altered-answer", "another body than the origin sent"];
}

/** An answer that the cache made up. */
function ownAnswer(request: ReadRequest, status: number): Wrong {
  const isAtLiberty =
    request.liberties.length > 0 && status >= 400 && (status < 500 || [501, 505].includes(status));
  return isAtLiberty ? undefined : ["refused", `the cache's own ${status} to a request by the letter`];
}

/** §3.2.2: the authority of an absolute-form target counts; `undefined` where it cannot be told simply. */
function askedHost({ target, fields }: ReadRequest): string | undefined {
  const authority = /^https?:\/\/([^/?#]*)/i.exec(target)?.[1] ?? one(fields, "host") ?? "";
  return /^[a-z][a-z.]*(?::\d+)?$|^127\.0\.0\.1(?::\d+)?$/i.test(authority)
    ? plainHost(authority)
    : undefined;
}

function plainHost(authority: string): string {
  return authority
    .toLowerCase()
    .replace(/:0+(?=\d)/, ":")
    .replace(/:80$/, "");
}

function isRightBody(answers: string, { status, fields, body }: ReadResponse): boolean {
  const size = Number(one(fields, "x-size") ?? body.length);
  const whole = answerBody(answers, one(fields, "x-serial") ?? "", size);
  if (status === 200 || status === 404) return body === whole;
  const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(one(fields, "content-range") ?? "") ?? [];
  return status !== 206 || first === undefined || body === whole.slice(Number(first), Number(last) + 1);
}

function one(fields: readonly Field[], name: string): string | undefined {
  const values = valuesOf(fields, name);
  return values.length === 0 ? undefined : values.join(", ");
}
