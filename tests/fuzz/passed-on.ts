// Answers: which cases the lane wire cannot have answered alone: what it does not take goes to Bun.serve, and what follows.
// Owns: plain requests as the README has them, read from the tests' own reading and not by Larder's code.
// Leaves out: what Bun.serve is known to do then (`known-limits.ts`).
import type { ReadRequest } from "./request-reader.ts";
import type { Suspicion } from "./suspicion.ts";

/** Whether a request up to the place that a suspicion is about (or any, without one) was passed on, or what is no request. */
export function isPassedOn({ fuzzCase, place = Number.POSITIVE_INFINITY }: Suspicion): boolean {
  if (fuzzCase === undefined) return false;
  const { requests, rest } = fuzzCase.run;
  return !requests.slice(0, place + 1).every(isPlain) || (rest !== undefined && place >= requests.length);
}

const NOT_PLAIN =
  /^(?:transfer-encoding|content-length|expect|max-forwards|upgrade|te|trailer|keep-alive|proxy-connection|http2-settings)$/i;

/** Where one of these comes twice, Bun.serve says what that means. */
const ONCE = ["host", "connection", "set-cookie"];

function isPlain(request: ReadRequest): boolean {
  const { method, target, version, framing, fault, liberties, fields } = request;
  if (!/^(?:GET|HEAD)$/.test(method) || version !== "HTTP/1.1" || framing !== "none") return false;
  if (fault !== undefined || liberties.length > 0 || fields.length > 100) return false;
  if (!/^\/(?![/])[\w\-.~!$&()*+,;=:@?%/]*$/.test(target) || /\/(?:\.|%2e)/i.test(target)) return false;
  const names = fields.map(([name]) => name.toLowerCase());
  if (ONCE.some((name) => names.indexOf(name) !== names.lastIndexOf(name))) return false;
  return fields.every(
    ([name, value]) =>
      !NOT_PLAIN.test(name) &&
      (!/^connection$/i.test(name) || /^(?:close|keep-alive)$/i.test(value)) &&
      (!/^host$/i.test(name) || /^[a-z][a-z0-9.-]*(?::\d{1,4})?$/.test(value)),
  );
}
