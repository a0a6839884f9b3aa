// Answers: what becomes of one request on one connection.
// Owns: the bytes of the request, the manner of reading, leaving, and the limits on waiting.
// Leaves out: which request (`request-plan.ts`), strict reading (`response-reader.ts`), judging (`judge.ts`).
import type { Socket } from "node:net";
import type { Ending } from "./judge-body.ts";
import type { SentRequest } from "./judgement.ts";
import { entityTagOf, lastModifiedOf } from "./objects.ts";
import { uploadOf } from "./origin-request.ts";
import { rangeField, type RequestPlan } from "./request-plan.ts";
import { ResponseReader, type ResponseListener } from "./response-reader.ts";

/** A version that the client has got before. */
export interface Known {
  readonly version: number;
  readonly variant: string;
  readonly length: number;
}

/** How it ended, and what was not HTTP/1.1 about it. */
export interface Exchanged {
  readonly ending: Ending;
  readonly hasHead: boolean;
  readonly problem: string | undefined;
  /** Whether the connection may carry another request. */
  readonly isReusable: boolean;
}

/** Whoever is silent for so long has forgotten the client: all deadlines of Larder and the origin are shorter. */
const SILENCE_MS = 15_000;

/** The request with the validators that the client knows. */
export function requestFor(plan: RequestPlan, known: Known | undefined, startMs: number): SentRequest {
  const { object, condition, ranges, withIfRange } = plan;
  const tag = known && entityTagOf(object, known.version, known.variant);
  const modified = known && lastModifiedOf(object, known.version);
  return {
    plan,
    startMs,
    range: rangeField(ranges, known?.length ?? object.baseBytes) ?? "",
    ifRange: ranges.length > 0 && withIfRange && tag?.startsWith('"') === true ? tag : "",
    ifNoneMatch: condition === "tag" ? (tag ?? "") : "",
    ifModifiedSince: condition === "date" && object.vary === "" ? (modified ?? "") : "",
  };
}

/** Sends a request and reads the answer until its end, or until the client has had enough. Never rejects. */
export async function exchange(
  socket: Socket,
  sent: SentRequest,
  listener: ResponseListener,
  isLast: boolean,
): Promise<Exchanged> {
  const { plan } = sent;
  const reader = new ResponseReader(plan.method, listener);
  const { promise, resolve } = Promise.withResolvers<Ending | "silent">();
  let received = 0;
  let breaths = 0;
  let silence = setTimeout(() => resolve("silent"), SILENCE_MS);
  const onData = (bytes: Buffer): void => {
    clearTimeout(silence);
    silence = setTimeout(() => resolve("silent"), SILENCE_MS);
    received += bytes.length;
    reader.take(bytes);
    if (reader.isComplete || reader.problem !== undefined) return resolve("clean");
    if (plan.leavesAfter !== undefined && received > plan.leavesAfter) return resolve("left");
    if (linger(socket, plan.reading, breaths)) breaths++;
  };
  const onEnd = (): void => resolve(reader.isComplete ? "clean" : "broken");
  socket.on("data", onData).on("end", onEnd).on("close", onEnd);
  socket.resume();
  if (socket.destroyed) onEnd();
  else write(socket, sent, isLast);
  const ending = await promise;
  clearTimeout(silence);
  socket.off("data", onData).off("end", onEnd).off("close", onEnd);
  const problem = ending === "silent" ? `silent for ${SILENCE_MS / 1000} s` : reader.problem;
  return {
    ending: ending === "silent" ? "broken" : ending,
    hasHead: reader.hasHead,
    problem,
    isReusable: ending === "clean" && problem === undefined && !plan.halfCloses && !isLast,
  };
}

/** What one who reads like that does, so many times, after something has come: it reads nothing for so long. */
const LINGERING = { swift: [0, 0], slow: [20, 100], pauses: [1_200, 2] } as const;

/** Its `breath`th time of not reading; false where it has had enough of that. */
function linger(socket: Socket, reading: RequestPlan["reading"], breath: number): boolean {
  const [ms, times] = LINGERING[reading];
  if (breath >= times) return false;
  socket.pause();
  setTimeout(() => socket.resume(), ms);
  return true;
}

function write(socket: Socket, sent: SentRequest, isLast: boolean): void {
  const { plan } = sent;
  const content = uploadOf(plan.id, plan.uploadBytes);
  const isChunked = plan.uploadsInChunks && content.length > 0;
  const fields: (readonly [name: string, value: string])[] = [
    ["Host", "chaos.test"],
    ["X-Chaos-Request", plan.id],
    [plan.object.vary, plan.selecting],
    ["Cache-Control", plan.directives],
    ["Range", sent.range],
    ["If-Range", sent.ifRange],
    ["If-None-Match", sent.ifNoneMatch],
    ["If-Modified-Since", sent.ifModifiedSince],
    ["X-Chaos-Length", content.length > 0 ? String(content.length) : ""],
    ["Content-Length", content.length > 0 && !isChunked ? String(content.length) : ""],
    ["Transfer-Encoding", isChunked ? "chunked" : ""],
    ["Connection", isLast ? "close" : ""],
  ];
  const lines = fields.filter(([, value]) => value !== "").map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${plan.method} /${plan.object.id} HTTP/1.1\r\n${lines.join("")}\r\n`);
  if (isChunked) {
    const size = Buffer.from(`${content.length.toString(16)}\r\n`);
    socket.write(Buffer.concat([head, size, content, Buffer.from("\r\n0\r\n\r\n")]));
  } else socket.write(Buffer.concat([head, content]));
  if (plan.halfCloses) socket.end();
}
