// Answers: which differences from the letter are known, and why each is left as it is.
// Owns: one row a limit: on which wire, which kinds of suspicion, for which messages, and the reason.
// Leaves out: finding the differences (`oracle.ts`). A row that is too wide hides faults: each names its messages.
import { METHODS } from "node:http";
import { listMembers } from "../../lib/rfc9111/syntax.ts";
import { valuesOf } from "./message-grammar.ts";
import type { Kind, Suspicion } from "./suspicion.ts";
import { sentBytes } from "./suspicion.ts";
import type { FuzzCase } from "./fuzz-case.ts";
import { isPassedOn } from "./passed-on.ts";
import { readRequest, type ReadRequest } from "./request-reader.ts";

/** The wires of Larder. */
export type Wire = "bun" | "lane" | "exact";

/** A difference that is known. */
export interface KnownLimit {
  readonly name: string;
  readonly wires: readonly Wire[];
  readonly kinds: readonly Kind[];
  readonly applies: (suspicion: Suspicion) => boolean;
  readonly why: string;
}

const ALL = ["bun", "lane", "exact"] as const;
const BOTH = ["bun", "exact"] as const;
const BUN = ["bun"] as const;
const EXACT = ["exact"] as const;

/** The table, first match first. */
export const KNOWN_LIMITS: readonly KnownLimit[] = [
  {
    name: "pipelined",
    wires: BUN,
    kinds: ["closed", "cut"],
    applies: isPipelined,
    why: "README: a request behind one that waits closes the connection, both answers are lost (RFC 9112 §9.3.2 lets clients repeat)",
  },
  {
    name: "pipelined-refusal",
    wires: BUN,
    kinds: ["refused"],
    applies: (suspicion) => isPipelined(suspicion) && isBunsOwn(suspicion),
    why: "the same, where what is behind is refused: its 400 comes, and the connection closes (README: both answers are lost)",
  },
  {
    name: "half-close",
    wires: BOTH,
    kinds: ["closed", "cut"],
    applies: ({ fuzzCase }) => fuzzCase?.leave === "half-closes",
    why: "a client that ends its side is taken for gone (RFC 9112 §9.6 leaves it open)",
  },
  {
    name: "unknown-method",
    wires: BUN,
    kinds: ["closed", "refused"],
    applies: (suspicion) =>
      suspicion.request !== undefined &&
      !REGISTERED.has(suspicion.request.method) &&
      (suspicion.kind === "closed" || isBunsOwn(suspicion)),
    why: "README: Bun closes the connection, or answers 400 where the method holds a % or its like",
  },
  {
    name: "unparsed-method",
    wires: EXACT,
    kinds: ["refused"],
    applies: (suspicion) =>
      suspicion.request !== undefined &&
      !METHODS.includes(suspicion.request.method) &&
      isParsersOwn(suspicion),
    why: "README: node:http does not parse methods that it does not know",
  },
  {
    name: "length-in-trailers",
    wires: EXACT,
    kinds: ["refused"],
    applies: (suspicion) =>
      valuesOf(suspicion.request?.trailers ?? [], "content-length").length > 0 && isParsersOwn(suspicion),
    why: "README: node:http refuses Content-Length in trailers, where it must not be sent (RFC 9110 §6.5.1)",
  },
  {
    name: "door-authority",
    wires: EXACT,
    kinds: ["refused"],
    applies: ({ request, response }) =>
      response?.status === 400 && /^https?:\/\/[^/?#]*[^a-z0-9.:/?#-]/i.test(request?.target ?? ""),
    why: "README: an invalid host in a target is refused like one in Host; user information too (RFC 9110 §4.2.4)",
  },
  {
    name: "behind-close",
    wires: EXACT,
    kinds: ["closed"],
    applies: ({ fuzzCase, conversation }) =>
      conversation?.closed === "reset" &&
      fuzzCase !== undefined &&
      fuzzCase.run.requests.some(({ isLast, end }) => isLast && end < sentBytes(fuzzCase).length),
    why: "README: a client that sends on behind its own close (RFC 9112 §9.6: it must not) can lose answers: Bun closes with bytes unread",
  },
  {
    name: "trailers",
    wires: BUN,
    kinds: ["extra-response", "refused", "closed"],
    applies: (suspicion) =>
      [...before(suspicion), suspicion.request].some((one) => (one?.trailers.length ?? 0) > 0) &&
      (suspicion.kind === "closed" || isBunsOwn(suspicion)),
    why: "Bun takes request trailers for a second request: 400 and a close, in place of an answer that is still awaited, or behind it",
  },
  {
    name: "late-refusal",
    wires: BUN,
    kinds: ["extra-response", "refused"],
    applies: (suspicion) => isBunsOwn(suspicion) && hasOddContent(suspicion),
    why: "content that turns out malformed behind an answer (the door does not wait for it) gets a 400 of its own, and a close",
  },
  {
    name: "overtaken-refusal",
    wires: BOTH,
    kinds: ["closed"],
    applies: ({ request, conversation }) =>
      conversation?.closed === "reset" && request !== undefined && isRefusedWithContent(request),
    why: "README: a refusal at the door ends the connection; content that is still on its way makes the close a reset, which can overtake it",
  },
  {
    name: "unended-last-chunk",
    wires: BUN,
    kinds: ["accepted", "smuggled", "extra-response"],
    applies: ({ fuzzCase }) => fuzzCase !== undefined && lacksOnlyTheEnd(fuzzCase),
    why: "Bun takes a last chunk for the end of the content; what is missing behind it cannot be mistaken for a request",
  },
  {
    name: "broken-answer",
    wires: ALL,
    kinds: ["cut", "closed"],
    applies: ({ request }) => /\/y\//.test(request?.target ?? ""),
    why: "the origin broke off its answer: the client must not see a clean end",
  },
  {
    name: "failing-origin",
    wires: ALL,
    kinds: ["refused"],
    applies: ({ request, response }) => /\/[xy]\//.test(request?.target ?? "") && response?.status === 502,
    why: "the origin closed without an answer",
  },
  {
    name: "door-content",
    wires: BOTH,
    kinds: ["refused"],
    applies: ({ request, response }) =>
      response?.status === 400 && /^(?:GET|HEAD)$/.test(request?.method ?? "") && request?.framing !== "none",
    why: "README: content in GET or HEAD would be lost",
  },
  {
    name: "door-method",
    wires: BOTH,
    kinds: ["refused"],
    applies: ({ request, response }) =>
      response?.status === 501 &&
      (/^(?:CONNECT|TRACE)$/.test(request?.method ?? "") || !REGISTERED.has(request?.method ?? "")),
    why: "README: CONNECT and TRACE end here, unknown methods too",
  },
  {
    name: "door-target",
    wires: BOTH,
    kinds: ["refused"],
    applies: ({ request, response }) =>
      response?.status === 400 && /^(?:https?:\/\/[^/]*)?\/\/|^\*$/.test(request?.target ?? ""),
    why: "README: a target that starts with //, and OPTIONS *, are refused",
  },
  {
    name: "door-host",
    wires: BOTH,
    kinds: ["refused"],
    applies: ({ request, response }) =>
      response?.status === 400 &&
      hostOf(request) !== undefined &&
      !/^[a-z0-9.-]+(?::\d{1,4})?$/i.test(hostOf(request) ?? ""),
    why: "README: an invalid Host is refused; RFC 3986 lets a reg-name hold what no URL parser takes",
  },
  {
    name: "only-if-cached",
    wires: ALL,
    kinds: ["refused"],
    applies: ({ request, response }) =>
      response?.status === 504 && directives(request).includes("only-if-cached"),
    why: "RFC 9111 §5.2.1.7: nothing that is stored may answer",
  },
  {
    name: "max-forwards-0",
    wires: BOTH,
    kinds: ["refused"],
    applies: ({ request, response }) => response?.status === 204 && request?.method === "OPTIONS",
    why: "RFC 9110 §7.6.2: OPTIONS with Max-Forwards: 0 ends here",
  },
  {
    name: "expectation",
    wires: BOTH,
    kinds: ["refused"],
    applies: ({ request, response }) =>
      response?.status === 417 && valuesOf(request?.fields ?? [], "expect").length > 0,
    why: "RFC 9110 §10.1.1: an expectation other than 100-continue may be refused",
  },
  {
    name: "absolute-form",
    wires: BUN,
    kinds: ["host"],
    applies: ({ request }) => /^https?:\/\//i.test(request?.target ?? ""),
    why: "README: Bun drops the authority of an absolute-form target; Host counts",
  },
  {
    name: "empty-authority",
    wires: BUN,
    kinds: ["accepted", "smuggled"],
    applies: ({ fuzzCase }) =>
      fuzzCase?.run.requests.some(({ target }) => /^https?:\/\/\//i.test(target)) === true,
    why: "the same where the authority is empty (RFC 9110 §4.2.1 wants it refused): Bun takes what follows for the path",
  },
];

/** The row that explains a suspicion on that wire; `undefined` where it is a finding. */
export function knownLimit(suspicion: Suspicion, wire: Wire): KnownLimit | undefined {
  // Bun.serve is behind the lane: its limits are met by what is passed on to it, and by nothing else.
  const isBuns = wire === "lane" && isPassedOn(suspicion);
  return KNOWN_LIMITS.find(
    ({ wires, kinds, applies }) =>
      (wires.includes(wire) || (isBuns && wires.includes("bun"))) &&
      kinds.includes(suspicion.kind) &&
      applies(suspicion),
  );
}

/** Methods that both wires carry. */
const REGISTERED = new Set([
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "LINK", "QUERY", "REPORT"],
]);

/** The requests in front of the place that a suspicion is about. */
function before({ fuzzCase, place = 0 }: Suspicion): readonly ReadRequest[] {
  return fuzzCase?.run.requests.slice(0, place) ?? [];
}

/** Whether more than one message was sent at a time where the answers broke off. */
function isPipelined({ fuzzCase, place = 0 }: Suspicion): boolean {
  if (fuzzCase?.leave === "is-gone") return fuzzCase.size > 1;
  const flights = fuzzCase?.flights ?? [];
  const at = flights.findIndex(({ run }) => run.requests.length > place);
  const flight = flights[at];
  if (flight === undefined) return false;
  const before = flights[at - 1]?.run.requests.length ?? 0;
  return flight.run.requests.length - before + (flight.run.rest === undefined ? 0 : 1) > 1;
}

/** Whether Bun refused, before Larder saw anything: no field but Connection, and the connection ends. */
function isBunsOwn({ response }: Suspicion): boolean {
  return response?.fields.map(([name, value]) => `${name}: ${value}`).join() === "Connection: close";
}

/** Whether node:http could not read it, before the door saw anything. */
function isParsersOwn({ response }: Suspicion): boolean {
  const fields = response?.fields.map(([name, value]) => `${name}: ${value}`).join();
  return response?.status === 400 && fields === "Connection: close,Content-Length: 0";
}

/** Whether the content in front of a response is malformed, or chunked in a way that a recipient may refuse. */
function hasOddContent({ fuzzCase, place = 0 }: Suspicion): boolean {
  const before = fuzzCase?.run.requests[place - 1];
  const isOdd = before?.framing === "chunked" && before.liberties.length > 0;
  return isOdd || (before === undefined && fuzzCase?.run.rest?.kind === "bad");
}

/** Whether the last message is chunked and whole up to its last chunk: only what is behind that is missing or malformed. */
function lacksOnlyTheEnd(fuzzCase: FuzzCase): boolean {
  const { requests, rest } = fuzzCase.run;
  if (rest?.kind === "bad") return rest.why.startsWith("in the trailers");
  const last = sentBytes(fuzzCase).slice(requests.at(-1)?.end ?? 0);
  // A trailer line that was begun is left out, and the empty line put behind the others.
  const ended = readRequest(`${last.replace(/[^\n]*$/, "")}\r\n`, 0);
  return rest !== undefined && ended.kind === "request" && ended.request.framing === "chunked";
}

/** Whether the door refuses a request, whose content nobody reads then. */
function isRefusedWithContent({ method, framing, fields }: ReadRequest): boolean {
  const expectations = valuesOf(fields, "expect").filter((value) => value.toLowerCase() !== "100-continue");
  return framing !== "none" && (/^(?:GET|HEAD|TRACE|CONNECT)$/.test(method) || expectations.length > 0);
}

function hostOf(request: Suspicion["request"]): string | undefined {
  return valuesOf(request?.fields ?? [], "host")[0];
}

function directives(request: Suspicion["request"]): string[] {
  return valuesOf(request?.fields ?? [], "cache-control").flatMap((value) =>
    listMembers(value.toLowerCase()),
  );
}
