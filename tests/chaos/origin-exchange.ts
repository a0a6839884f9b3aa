// Answers: how the origin answers one request on its connection, rightly or not.
// Owns: the order of it: faults before the head, version, head, body, faults in the body; and telling the ledger.
// Leaves out: what is right (`origin-answer.ts`), the connections (`origin.ts`).
import type { Socket } from "node:net";
import { contentOf } from "./content.ts";
import { behaviourFor, type Behaviour, type FaultKind } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import { variantOf, type ChaosObject } from "./objects.ts";
import {
  errorAnswer,
  headOf,
  piecesOf,
  rightAnswer,
  wrongPart,
  type OriginAnswer,
  type Selected,
} from "./origin-answer.ts";
import type { OriginRequest } from "./origin-request.ts";

/** What the origin is made of. */
export interface OriginParts {
  readonly seed: number;
  readonly objects: ReadonlyMap<string, ChaosObject>;
  readonly ledger: Ledger;
  readonly nowMs: () => number;
}

/** Says to the checker that the digest beside it is another body's. */
const DIGEST_LIES = "X-Digest-Is-Wrong";

/** Longer than Larder's deadlines in these runs. */
const STALL_MS = 3_000;
const PIECE_BYTES = 64 * 1024;
const SAFE = new Set(["GET", "HEAD"]);

/** Answers a request; false where the connection is not to be used any more. Never rejects. */
export async function answer(socket: Socket, request: OriginRequest, parts: OriginParts): Promise<boolean> {
  const { ledger, nowMs, seed } = parts;
  const object = parts.objects.get(request.object);
  if (object === undefined) {
    await send(socket, headOf({ ...errorAnswer(404, request.id), body: Buffer.alloc(0) }));
    return true;
  }
  const behaviour = behaviourFor(seed, request.id, ledger.arrive(request.id));
  if (behaviour.mood === "late") await pause(socket, behaviour.dice.between(10, 300));
  const isUnsafe = !SAFE.has(request.method);
  const early = isUnsafe && behaviour.dice.chance(0.5) ? processed(request, object, parts) : undefined;
  const begin = (kind: string) => ledger.fault(kind, nowMs(), { object: object.id, requestId: request.id });
  const before = BEFORE_HEAD[behaviour.fault];
  if (before !== undefined) {
    const fault = begin(behaviour.fault);
    await before(socket);
    fault.untilMs = nowMs();
    return false;
  }
  const selected = isUnsafe ? undefined : select(request, object, parts);
  const right =
    selected === undefined
      ? (early ?? processed(request, object, parts))
      : digested(request, rightAnswer(request, selected), behaviour);
  const given = spoilt(right, { request, selected, behaviour });
  const lies = right.fields.some(([name]) => name === DIGEST_LIES);
  if (given.fault === "none") {
    const lie = lies ? begin("wrong-digest-in-body") : undefined;
    const isUsable = await sendWell(socket, request, given.answer, behaviour);
    if (lie !== undefined) lie.untilMs = nowMs();
    return goOn(socket, isUsable, behaviour);
  }
  const fault = begin(given.fault);
  const isUsable = await sendBadly(socket, request, given, { behaviour, selected, ledger });
  fault.untilMs = nowMs();
  return isUsable;
}

/** Waits, but not for longer than the connection lasts. */
export function pause(socket: Socket, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (socket.destroyed) return Promise.resolve();
  const timer = setTimeout(done, ms);
  function done(): void {
    clearTimeout(timer);
    socket.off("close", done);
    resolve();
  }
  socket.once("close", done);
  return promise;
}

const BEFORE_HEAD: Partial<Record<FaultKind, (socket: Socket) => Promise<unknown> | void>> = {
  "reset-before-head": (socket) => void socket.resetAndDestroy(),
  "close-before-head": (socket) => void socket.end(),
  "half-head": async (socket) => {
    await send(socket, Buffer.from("HTTP/1.1 200 Chaos\r\nCache-Control: max-age=60\r\nX-Obj"));
    socket.end();
  },
  "garbage-head": async (socket) => {
    await send(socket, Buffer.from("HTP/9 never mind\r\n\0\x01\x02: \r\r\n\n\r\n\r\n", "latin1"));
    socket.end();
  },
  "stall-before-head": async (socket) => {
    await pause(socket, STALL_MS);
    socket.destroy();
  },
};

function select(request: OriginRequest, object: ChaosObject, { ledger }: OriginParts): Selected {
  const version = ledger.current(object.id);
  ledger.sends(request.id, version);
  const selecting = object.vary === "" ? "" : request.field(object.vary);
  return { object, version, variant: variantOf(object, selecting, request.id) };
}

/** An unsafe request is carried out: there is a new version, in one of four of another object too. */
function processed(request: OriginRequest, object: ChaosObject, parts: OriginParts): OriginAnswer {
  const { ledger, nowMs } = parts;
  const { dice } = behaviourFor(parts.seed, `unsafe/${request.id}`, 0);
  if (request.problem !== undefined) {
    const problem = Buffer.from(request.problem);
    return { status: 400, fields: [["X-Problem", request.problem]], body: problem, framing: "length" };
  }
  if (dice.chance(0.15)) return errorAnswer(409, request.id);
  const version = ledger.bump(object.id, nowMs());
  const other = dice.chance(0.25) ? dice.pick([...parts.objects.keys()]) : object.id;
  const also = other === object.id ? version : ledger.bump(other, nowMs());
  const status = dice.pick([200, 201, 204, 303]);
  const named =
    other === object.id ? [] : [[status === 303 ? "Location" : "Content-Location", `/${other}`] as const];
  const body = status === 204 ? Buffer.alloc(0) : unsafeContent(request.id);
  const fields = [
    ["X-Object", object.id],
    ["X-Version", String(version)],
    ["X-Also", `${other} ${also}`],
  ] as const;
  return { status, fields: [...fields, ...named], body, framing: status === 204 ? "none" : "length" };
}

/** The content of an answer to an unsafe request. */
export function unsafeContent(requestId: string): Buffer {
  return contentOf({ object: "unsafe", version: 0, variant: requestId }, 0, 200);
}

/** One in three digests is another body's, and says so to the checker. */
function digested({ method }: OriginRequest, right: OriginAnswer, { dice }: Behaviour): OriginAnswer {
  const at = right.fields.findIndex(([name]) => name === "Repr-Digest");
  // Of a part nobody can tell, and what has no content says nothing about it.
  if (at < 0 || method !== "GET" || right.status !== 200 || !dice.chance(0.3)) return right;
  const wrong = ["Repr-Digest", `sha-256=:${Buffer.alloc(32, 7).toString("base64")}:`] as const;
  return { ...right, fields: [...right.fields.toSpliced(at, 1, wrong), [DIGEST_LIES, "yes"]] };
}

interface Given {
  readonly answer: OriginAnswer;
  readonly fault: FaultKind;
}

interface Circumstances {
  readonly request: OriginRequest;
  readonly selected: Selected | undefined;
  readonly behaviour: Behaviour;
}

/** The answer that is given instead, and the fault, "none" where it would not make sense here. */
function spoilt(right: OriginAnswer, { request, selected, behaviour }: Circumstances): Given {
  const { fault } = behaviour;
  if (fault.startsWith("error-")) return { answer: errorAnswer(Number(fault.slice(6)), request.id), fault };
  if (fault.startsWith("part-")) {
    const isAsked = request.field("range") !== "" && right.status !== 304;
    const makesSense =
      request.method === "GET" && right.status !== 304 && isAsked === (fault !== "part-unasked");
    const wrong = selected && makesSense ? wrongPart(selected, behaviour) : undefined;
    return wrong === undefined ? { answer: right, fault: "none" } : { answer: wrong, fault };
  }
  const { body, framing } = right;
  const hasBody = request.method !== "HEAD" && framing !== "none" && body.length >= 2;
  const fits =
    hasBody &&
    (fault === "broken-chunk" ? framing === "chunked" : !fault.startsWith("length-") || framing === "length");
  return { answer: right, fault: fits ? fault : "none" };
}

async function sendWell(
  socket: Socket,
  request: OriginRequest,
  given: OriginAnswer,
  { mood, dice }: Behaviour,
): Promise<boolean> {
  await send(socket, headOf(given));
  if (request.method === "HEAD") return true;
  const pieceBytes =
    mood === "drips" ? Math.max(1, Math.ceil(given.body.length / dice.between(2, 12))) : PIECE_BYTES;
  for (const piece of piecesOf(given, pieceBytes)) {
    if (!(await send(socket, piece))) return false;
    if (mood === "drips") await pause(socket, dice.between(1, 120));
  }
  if (given.framing === "close") socket.end();
  return given.framing !== "close";
}

async function goOn(socket: Socket, isUsable: boolean, { mood, dice }: Behaviour): Promise<boolean> {
  if (!isUsable || mood !== "closes-after") return isUsable;
  await pause(socket, dice.between(0, 50));
  socket.end();
  return false;
}

interface Spoiling {
  readonly behaviour: Behaviour;
  readonly selected: Selected | undefined;
  readonly ledger: Ledger;
}

/** False where the connection is of no use afterwards. */
async function sendBadly(
  socket: Socket,
  request: OriginRequest,
  { answer: given, fault }: Given,
  { behaviour, selected, ledger }: Spoiling,
): Promise<boolean> {
  const { dice, share } = behaviour;
  const length = given.body.length;
  if (fault.startsWith("error-") || fault.startsWith("part-"))
    return sendWell(socket, request, given, behaviour);
  if (fault === "length-too-long" || fault === "length-too-short") {
    const lied = fault === "length-too-long" ? length + dice.between(1, 5_000) : Math.floor(length * share);
    if (fault === "length-too-short" && selected !== undefined) {
      ledger.announce(selected.object.id, selected.version, {
        variant: selected.variant,
        length: wholeLength(given, lied),
      });
    }
    await send(socket, headOf(given, lied));
    for (const piece of piecesOf(given, PIECE_BYTES)) await send(socket, piece);
    socket.end();
    return false;
  }
  await send(socket, headOf(given));
  const cut = Math.floor(share * length);
  const beginning = { ...given, body: given.body.subarray(0, cut) };
  for (const piece of piecesOf(beginning, PIECE_BYTES)) {
    // What ends a chunked body stands alone, and must not come.
    if (given.framing !== "chunked" || piece.length > 5) await send(socket, piece);
  }
  await BREAKS[fault]?.(socket, given);
  return false;
}

/** What a cache may take for the length of the whole after so many bytes: §3.3 lets it believe the last part. */
function wholeLength({ status, fields }: OriginAnswer, bytes: number): number {
  if (status !== 206) return bytes;
  const value = fields.find(([name]) => name === "Content-Range")?.[1] ?? "";
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(value) ?? [];
  return Number(last) + 1 === Number(total) ? Number(first) + bytes : Number(total);
}

const BREAKS: Partial<Record<FaultKind, (socket: Socket, given: OriginAnswer) => Promise<unknown> | void>> = {
  "stall-in-body": async (socket) => {
    await pause(socket, STALL_MS);
    socket.destroy();
  },
  "close-in-body": (socket) => void socket.end(),
  "reset-in-body": (socket) => void socket.resetAndDestroy(),
  "broken-chunk": async (socket) => {
    await send(socket, Buffer.from("5\r\nabcdefgh\r\n0\r\n\r\n"));
    socket.end();
  },
};

/** Writes, and waits until it may go on; false where the connection is gone. */
function send(socket: Socket, bytes: Buffer): Promise<boolean> {
  if (socket.destroyed || socket.writableEnded) return Promise.resolve(false);
  if (socket.write(bytes)) return Promise.resolve(true);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const done = (): void => {
    socket.off("drain", done).off("close", done);
    resolve(!socket.destroyed);
  };
  socket.on("drain", done).on("close", done);
  return promise;
}
