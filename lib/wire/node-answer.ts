// Answers: how an Answer leaves on `node:http`.
// Owns: status line, framing, back-pressure, trailers, interim responses; a body that breaks off never ends cleanly.
// Leaves out: what the answer is (`respond.ts`), the sockets (`serve-node.ts`).
import { STATUS_CODES, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Answer, AnswerBody, Trailers } from "../message.ts";
import { endToEndFields } from "../rfc9111/header-fields.ts";
import { linesFrom, trailerPairs } from "./node-fields.ts";

/** Sends an answer; settles when it has left, or cannot leave any more. Never rejects. */
export async function sendAnswer(outgoing: ServerResponse, answer: Answer): Promise<void> {
  const { body } = answer;
  const isBodiless = outgoing.req.method === "HEAD" || answer.status === 204 || answer.status === 304;
  if (isBodiless || outgoing.destroyed) leave(body);
  if (outgoing.destroyed) return;
  const framing = framingOf(outgoing, answer, isBodiless);
  try {
    writeHead(outgoing, answer, framing);
    if (isBodiless || body === null) outgoing.end();
    else if (body instanceof Uint8Array) outgoing.end(body);
    else {
      const trailers = framing === "chunked" ? answer.trailers : undefined;
      const lengthBytes = framing === "length" ? lengthOf(answer) : Number.POSITIVE_INFINITY;
      await sendStream(outgoing, body instanceof Blob ? body.stream() : body, { lengthBytes, trailers });
    }
  } catch {
    // Where the connection is all that says where the body ends, closing it would say that it is whole.
    if (framing === "close" && outgoing.socket !== null) (outgoing.socket as Socket).resetAndDestroy();
    else outgoing.destroy();
  }
}

/** As fast as the client reads. @throws where the body breaks off. */
async function sendStream(
  outgoing: ServerResponse,
  body: ReadableStream<Uint8Array>,
  { lengthBytes, trailers }: { readonly lengthBytes: number; readonly trailers: Trailers | undefined },
): Promise<void> {
  // Otherwise the header section would wait for the first chunk.
  outgoing.flushHeaders();
  const reader = body.getReader();
  const onClose = (): void => void reader.cancel("the client has left").catch(() => {});
  outgoing.once("close", onClose);
  let left = lengthBytes;
  let last: Uint8Array | undefined;
  for (;;) {
    const { done, value } = await reader.read();
    if (outgoing.destroyed) return;
    if (done) break;
    left -= value.length;
    if (left > 0) {
      if (!outgoing.write(value)) await drained(outgoing);
      continue;
    }
    // With these the client has all that was announced: they wait until the body turns out to be right.
    if (last !== undefined) outgoing.write(last);
    last = value;
  }
  if (last !== undefined) outgoing.write(last);
  outgoing.off("close", onClose);
  const section = trailers?.();
  if (section !== undefined) outgoing.addTrailers(trailerPairs(section));
  outgoing.end();
}

/** An interim response (RFC 9110 §15.2); none where the final one has begun, and never 100 or 101. */
export function writeInterim(outgoing: ServerResponse, status: number, fields: Headers): void {
  if (status <= 101 || status > 199 || outgoing.headersSent || outgoing.destroyed) return;
  const lines = [...endToEndFields(fields)].map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n`;
  // What `writeEarlyHints` does; that takes 103 with Link only. It waits its turn behind pipelined answers.
  (outgoing as unknown as RawWriting)._writeRaw(head, "latin1");
}

interface RawWriting {
  _writeRaw(data: string, encoding: "latin1"): boolean;
}

type Framing = "none" | "length" | "chunked" | "close";

function framingOf(outgoing: ServerResponse, { fields, body }: Answer, isBodiless: boolean): Framing {
  if (isBodiless) return "none";
  if (!(body instanceof ReadableStream) || fields.has("content-length")) return "length";
  return outgoing.req.httpVersion === "1.1" ? "chunked" : "close";
}

function writeHead(
  outgoing: ServerResponse,
  { status, reason, fields, body }: Answer,
  framing: Framing,
): void {
  const without = [
    ...(framing === "chunked" ? [] : ["trailer"]),
    ...(status === 204 ? ["content-length"] : []),
  ];
  const lines = linesFrom(fields, without);
  if (framing === "length" && !fields.has("content-length")) {
    lines.push("content-length", String(lengthOf({ fields, body })));
  }
  outgoing.writeHead(status, phrase(status, reason), lines);
}

/** Other letters than ASCII, or none at all, do not survive every runtime's status line. */
function phrase(status: number, reason: string | undefined): string {
  const isPlain = reason !== undefined && /^[\t\x20-\x7e]+$/.test(reason);
  return isPlain ? reason : (STATUS_CODES[status] ?? "");
}

/** Bytes of the content, as announced or as they are there. */
function lengthOf({ fields, body }: Pick<Answer, "fields" | "body">): number {
  const announced = fields.get("content-length");
  if (announced !== null) return Number(announced);
  if (body instanceof Uint8Array) return body.length;
  return body instanceof Blob ? body.size : 0;
}

/** Nobody is to read it. */
function leave(body: AnswerBody): void {
  if (body instanceof ReadableStream) body.cancel().catch(() => {});
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      outgoing.off("drain", settle);
      outgoing.off("close", settle);
      resolve();
    };
    outgoing.on("drain", settle);
    outgoing.on("close", settle);
  });
}
