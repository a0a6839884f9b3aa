// Answers: whether what reached the origin was sent by a client.
// Owns: the comparison of each request at the origin with the case that it names, made again from the seed.
// Leaves out: the answers that clients got (`oracle.ts`).
import type { FuzzCase } from "./fuzz-case.ts";
import { valuesOf } from "./message-grammar.ts";
import { answerable } from "./oracle.ts";
import type { ReadRequest } from "./request-reader.ts";
import type { Suspicion } from "./suspicion.ts";
import { namedBy, tokenIn, tokenOf } from "./token.ts";

/** Methods that a cache may send again (RFC 9110 §9.2.2). */
const REPEATABLE = new Set([
  "GET",
  "HEAD",
  "PUT",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "PROPFIND",
  "REPORT",
  "QUERY",
]);

/** Hears every request at the origin. */
export class OriginOracle {
  readonly #caseOf: (number: number) => FuzzCase;
  readonly #arrivals = new Map<string, number>();

  constructor(caseOf: (number: number) => FuzzCase) {
    this.#caseOf = caseOf;
  }

  /** What looks wrong about a request at the origin; `undefined` where it was sent like this. `isAnonymous`: clients send such without a name just now. */
  judge(request: ReadRequest, isAnonymous: () => boolean): Suspicion | undefined {
    const name = nameOf(request);
    const bytes = `${request.method} ${request.target}`;
    if (name === undefined) {
      const isShared = tokenOf(request.target, request.fields) !== undefined;
      return isShared || isAnonymous()
        ? undefined
        : { kind: "smuggled", detail: "a request without a name", request, bytes };
    }
    const named = namedBy(name);
    if (named === undefined) return undefined;
    const fuzzCase = this.#caseOf(named.number);
    const suspect = (kind: Suspicion["kind"], detail: string): Suspicion => ({
      kind,
      detail,
      fuzzCase,
      request,
      bytes,
    });
    const isCanary = named.place === "same" || named.place === "fresh";
    if (isCanary) {
      const isRight = request.method === "GET" && request.body === "";
      return isRight ? undefined : suspect("altered-request", `the canary ${name} came as ${bytes}`);
    }
    const sent = answerable(fuzzCase.run.requests).filter(
      (one) => one.fault === undefined && nameOf(one) === name,
    );
    if (sent.length === 0) return suspect("smuggled", `${name} was not sent as a request`);
    const isSame = (one: ReadRequest): boolean => one.method === request.method && one.body === request.body;
    if (!sent.some(isSame))
      return suspect("altered-request", `${name} came as ${bytes} with ${request.body.length} bytes`);
    const arrivals = (this.#arrivals.get(name) ?? 0) + 1;
    this.#arrivals.set(name, arrivals);
    return REPEATABLE.has(request.method) || arrivals <= sent.length
      ? undefined
      : suspect("sent-twice", `${name} came ${arrivals} times`);
  }
}

/** Whether a case sends requests that no name survives in. */
export function sendsAnonymous(fuzzCase: FuzzCase): boolean {
  return fuzzCase.run.requests.some((request) => nameOf(request) === undefined);
}

function nameOf({ target, fields }: ReadRequest): string | undefined {
  return (
    tokenIn(target) ??
    valuesOf(fields, "x-fuzz")
      .map(tokenIn)
      .find((token) => token !== undefined)
  );
}
