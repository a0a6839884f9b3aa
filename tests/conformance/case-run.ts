// Answers: what happened when the requests of one case went one after another through the cache.
// Owns: the fields that the client sends, the URL with its fresh token, and the pauses.
// Leaves out: the origin's side (scripted-origin.ts) and whether it was right (judge.ts).
import type { Case, CaseRequest } from "./cases.ts";
import { dateFields, type Field, fieldValue, httpDate } from "./http-message.ts";
import type { OriginRecord } from "./origin-answer.ts";
import { exchange, type RawRequest, type Received } from "./raw-client.ts";
import type { ScriptedOrigin } from "./scripted-origin.ts";

export type Exchange = { readonly request: RawRequest; readonly received: Received };

/** Everything that is known of one run of a case; `exchanges[n - 1]` is the client's n-th request. */
export type CaseRun = {
  readonly testCase: Case;
  readonly token: string;
  readonly exchanges: readonly Exchange[];
  readonly records: readonly OriginRecord[];
};

/** Three seconds, and a little, since a timer may fire a fraction of a millisecond early. */
const PAUSE_MS = 3_005;

/** Runs one case on a fresh token. Never throws: a broken exchange is part of what happened. */
export async function runCase(testCase: Case, cache: URL, origin: ScriptedOrigin): Promise<CaseRun> {
  // The token is the body where a case gives none, and one case counts on its 36 characters.
  const token = crypto.randomUUID();
  origin.announce(testCase, token, `${cache.origin}/test/${token}`);
  const exchanges: Exchange[] = [];
  for (const [index, each] of testCase.requests.entries()) {
    const previous = exchanges.at(-1)?.received;
    const fields = clientFields(cache, testCase.id, index + 1).filter(([name]) => !givesField(each, name));
    fields.push(...caseFields(each, previous));
    const body = each.request_body ?? "";
    if (body !== "") fields.push(["Content-Length", String(body.length)]);
    const request = { method: each.request_method ?? "GET", target: targetOf(each, token), fields, body };
    exchanges.push({ request, received: await exchange(cache, request) });
    const isLast = index === testCase.requests.length - 1;
    if (each.pause_after === true && !isLast) await Bun.sleep(PAUSE_MS);
  }
  return { testCase, token, exchanges, records: origin.records(token) };
}

function targetOf(request: CaseRequest, token: string): string {
  const filename = request.filename === undefined ? "" : `/${request.filename}`;
  const query = request.query_arg === undefined ? "" : `?${request.query_arg}`;
  return `/test/${token}${filename}${query}`;
}

function clientFields(cache: URL, id: string, number: number): Field[] {
  return [
    ["Host", cache.host],
    ["Pragma", "foo"],
    ["Cache-Control", "nothing-to-see-here"],
    ["Test-ID", id],
    ["Req-Num", String(number)],
  ];
}

function givesField(request: CaseRequest, name: string): boolean {
  return request.request_headers?.some(([each]) => each.toLowerCase() === name.toLowerCase()) === true;
}

function caseFields(request: CaseRequest, previous: Received | undefined): readonly Field[] {
  return (request.request_headers ?? []).map(([name, value]): Field => {
    const key = name.toLowerCase();
    if (typeof value === "string" || !dateFields.has(key)) return [name, String(value)];
    const isMagic = key === "if-modified-since" && request.magic_ims === true;
    const nowMs = isMagic ? serverNowMs(previous) : Date.now();
    return [name, httpDate(nowMs, value, request.rfc850date?.includes(key) === true)];
  });
}

function serverNowMs(previous: Received | undefined): number {
  const value = previous?.kind === "response" ? fieldValue(previous.fields, "server-now") : undefined;
  return value === undefined ? Date.now() : Number(value);
}
